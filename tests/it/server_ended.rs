//! A server's process that ends while somebody waits for it.

use qemu_qmp::{blocking, ConnectOptions, Error, ErrorKind, GuestAgent, Monitor};
use std::process::Command;
use std::sync::Mutex;
use support::programs::Folder;
use support::PATIENCE;

/// A process that ends soon, in place of a QEMU with a wrong option.
fn options() -> ConnectOptions {
    let process = Mutex::new(Command::new("sh").args(["-c", "sleep 0.05; exit 1"]).spawn().unwrap());
    ConnectOptions::new().retry_for(PATIENCE).connect_timeout(PATIENCE).unless_ended(move || {
        let status = process.lock().ok()?.try_wait().ok()??;
        Some(format!("QEMU ended with {status}"))
    })
}

fn check<T>(outcome: Result<T, Error>) {
    let error = outcome.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ServerEnded);
    assert!(error.is_disconnected());
    assert!(error.to_string().ends_with(": the server has ended: QEMU ended with exit status: 1"), "{error}");
}

#[test]
fn blocking() {
    let folder = Folder::new();
    check(qemu_qmp::Client::connect_with(folder.socket(), &options()));
    let listener = blocking::Listener::bind(folder.socket()).unwrap();
    check(listener.accept_with::<Monitor>(&options()));
}

#[tokio::test]
async fn asynchronous() {
    let folder = Folder::new();
    check(qemu_qmp::tokio::Client::<Monitor>::connect_with(folder.socket(), &options()).await);
    let listener = qemu_qmp::tokio::Listener::bind(folder.socket()).await.unwrap();
    check(listener.accept_with::<GuestAgent>(&options()).await);
}
