//! Connecting leaves nothing behind. In a process of its own, whose threads and descriptors are counted.

#![cfg(target_os = "linux")]

use qemu_qmp::{Client, ConnectOptions, ErrorKind, Phase};
use std::os::unix::net::UnixListener;
use std::time::Duration;
use support::programs::Folder;

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).expect("Linux has it").count()
}

/// A monitor that another client holds, or that hangs, takes some connections into its queue and then no more.
#[test]
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
        assert!(error.to_string().contains("another client may hold it"), "{error}");
    }
    assert_eq!((count("task"), count("fd")), before);
}
