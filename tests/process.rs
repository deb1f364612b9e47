//! What counts or changes something of the whole process.

#![cfg(target_os = "linux")]

use qemu_qmp::blocking::FdTransport;
use qemu_qmp::{Client, ConnectOptions, ErrorKind, Phase};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::time::Duration;
use support::programs::Folder;

/// One test, because the threads of other tests would be counted, even of those that wait for their turn.
#[test]
fn one_after_the_other() {
    polling_a_server_that_does_not_accept_leaves_no_thread_and_no_descriptor();
    clients_that_come_and_go_leave_no_thread_and_no_descriptor();
    a_relative_path_is_listened_at_as_it_is();
}

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).expect("Linux has it").count()
}

/// A monitor that another client holds, or that hangs, takes some connections into its queue and then no more.
fn polling_a_server_that_does_not_accept_leaves_no_thread_and_no_descriptor() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let soon = Duration::from_millis(2);
    let options = ConnectOptions::new().connect_timeout(soon).greeting_timeout(Duration::ZERO);
    let poll = || Client::connect_with(folder.socket(), &options).unwrap_err();
    // Until the queue is full.
    while poll().kind() != ErrorKind::Timeout(Phase::Connect) {}
    let before = (count("task"), count("fd"));
    for _ in 0..200 {
        let error = poll();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
        assert!(error.to_string().contains("another client may hold"), "{error}");
    }
    assert_eq!((count("task"), count("fd")), before);
}

/// Neither do those over file descriptors, shared or not.
fn clients_that_come_and_go_leave_no_thread_and_no_descriptor() {
    let before = (count("task"), count("fd"));
    for turn in 0..100 {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        // All that the server will say.
        let greeting = support::GREETING;
        write!(&theirs, "{greeting}\n{{\"return\": {{}}, \"id\": \"qmp#1\"}}\n").unwrap();
        let transport = FdTransport::new(ours.try_clone().unwrap(), ours).unwrap();
        let vm = Client::connect_over(transport, &ConnectOptions::new()).unwrap();
        match turn % 4 {
            0 => drop(vm),
            1 => vm.close(),
            2 => drop(vm.share().unwrap()),
            _ => vm.share().unwrap().close(),
        }
        // With its server there still: nothing may wait for more.
        assert_eq!(count("task"), before.0);
    }
    assert_eq!((count("task"), count("fd")), before);
}

/// In a folder whose path does not fit into a socket's address.
fn a_relative_path_is_listened_at_as_it_is() {
    let folder = Folder::new();
    let deep = folder.path().join("x".repeat(100));
    std::fs::create_dir(&deep).unwrap();
    let before = std::env::current_dir().unwrap();
    std::env::set_current_dir(&deep).unwrap();
    let listener = qemu_qmp::blocking::Listener::bind("l.qmp");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let other = runtime.block_on(qemu_qmp::tokio::Listener::bind("t.qmp"));
    std::env::set_current_dir(before).unwrap();
    assert!(deep.join("l.qmp").exists() && deep.join("t.qmp").exists());
    drop((listener.unwrap(), other.unwrap()));
    assert!(!deep.join("l.qmp").exists() && !deep.join("t.qmp").exists());
}
