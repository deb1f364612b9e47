//! Connecting to a server that is not there yet, or that somebody else holds.

use qemu_qmp::{blocking, Client, ConnectOptions, ErrorKind, GuestAgent, Phase};
use std::io;
use std::os::unix::net::UnixListener;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use support::programs::Folder;
use support::*;

#[test]
fn the_socket_may_come_later_and_be_deaf_at_first() {
    let folder = Folder::new();
    let path = folder.socket();
    let script = Script::start(move || {
        thread::sleep(SOON);
        // Nobody listens on a socket file that was left behind.
        drop(UnixListener::bind(&path).unwrap());
        thread::sleep(SOON);
        std::fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        // This one ends before it greets.
        drop(listener.accept().unwrap());
        let mut peer = Peer::unix(listener.accept().unwrap().0);
        peer.negotiate();
        peer.wait_for_end();
    });
    let vm = Client::connect_with(folder.socket(), &options().retry_for(PATIENCE)).unwrap();
    drop(vm);
    script.finish();
}

#[test]
fn a_monitor_that_is_taken_is_waited_for_in_its_queue() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let (arrived, has_arrived) = channel();
    let script = Script::start(move || {
        let mut peer = Peer::unix(listener.accept().unwrap().0);
        arrived.send(()).unwrap();
        // Far longer than the deadline for a greeting, which does not count here.
        thread::sleep(SOON);
        peer.negotiate();
        peer.wait_for_end();
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "there was one attempt");
    });
    let options = options().greeting_timeout(Duration::from_millis(1)).retry_for(PATIENCE);
    let vm = Client::connect_with(folder.socket(), &options).unwrap();
    has_arrived.recv().unwrap();
    drop(vm);
    script.finish();
}

#[test]
fn a_guest_agent_is_asked_again() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let script = Script::start(move || {
        // The agent does not run yet, and never sees this.
        Peer::unix(listener.accept().unwrap().0).wait_for_end();
        let mut peer = Peer::unix(listener.accept().unwrap().0);
        let sync = peer.expect("guest-sync-delimited");
        peer.raw(b"\xff");
        peer.reply(&sync, sync["arguments"]["id"].clone());
        peer.wait_for_end();
    });
    // The second attempt may be late, too, when the machine is busy; then the agent's answer goes nowhere.
    let options = options().greeting_timeout(Duration::from_secs(1)).retry_for(PATIENCE);
    drop(blocking::Client::<GuestAgent>::connect_with(folder.socket(), &options).unwrap());
    script.finish();
}

#[test]
fn the_last_failure_is_told_when_the_time_is_over() {
    let folder = Folder::new();
    // Long enough for one attempt on a busy machine.
    let options = ConnectOptions::new().retry_for(Duration::from_secs(1));
    let error = Client::connect_with(folder.socket(), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().starts_with("gave up after 1s: cannot connect to "), "{error}");

    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let error = Client::connect_with(folder.socket(), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
    assert!(error.to_string().contains("one client at a time"), "{error}");
}

#[test]
fn what_does_not_pass_is_told_at_once() {
    let folder = Folder::new();
    // A path that no socket can have.
    let options = ConnectOptions::new().retry_for(PATIENCE);
    let error = Client::connect_with(folder.path().join("x".repeat(500)), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);

    let script = listen_unix(&folder.socket(), |mut peer| peer.line("220 mail.example ESMTP"));
    assert_eq!(Client::connect_with(folder.socket(), &options).unwrap_err().kind(), ErrorKind::Greeting);
    script.finish();
}
