//! Servers that connect to this side.

use qemu_qmp::blocking::Listener;
use qemu_qmp::qmp::commands::QueryStatus;
use qemu_qmp::{Address, Client, ErrorKind, Monitor, Phase};
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use support::programs::Folder;
use support::qemu::Qemu;
use support::*;

#[test]
fn over_a_unix_socket_whose_file_goes_with_the_listener() {
    let folder = Folder::new();
    let path = folder.socket();
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(*listener.address(), Address::Unix(path.clone()));
    let script = Script::start(move || {
        // This one has the wrong number, and the next one is not bothered.
        UnixStream::connect(&path).unwrap().write_all(b"GET / HTTP/1.1\r\n").unwrap();
        for _ in 0..2 {
            let mut peer = Peer::unix(UnixStream::connect(&path).unwrap());
            peer.negotiate();
            peer.wait_for_end();
        }
        path
    });
    assert_eq!(listener.accept(PATIENCE).unwrap_err().kind(), ErrorKind::Greeting);
    drop(listener.accept_with::<Monitor>(&options()).unwrap());
    let vm = listener.accept(PATIENCE).unwrap();
    drop(listener);
    assert!(vm.is_connected());
    drop(vm);
    assert!(!script.finish().exists());
}

#[test]
fn over_tcp_on_any_free_port() {
    let listener = Listener::bind(("127.0.0.1", 0)).unwrap();
    let Address::Tcp { host, port } = listener.address().clone() else { panic!("{listener:?}") };
    let script = Script::start(move || {
        let mut peer = Peer::tcp(TcpStream::connect((host, port)).unwrap());
        peer.negotiate();
        peer.wait_for_end();
    });
    let vm = listener.accept(None).unwrap();
    assert!(vm.is_connected());
    vm.close();
    script.finish();
    let taken = Listener::bind(("127.0.0.1", port)).unwrap_err();
    assert_eq!(taken.io_error().unwrap().kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn nobody_comes_and_nobody_speaks() {
    let folder = Folder::new();
    let listener = Listener::bind(folder.socket()).unwrap();
    assert_eq!(listener.accept(SOON).unwrap_err().kind(), ErrorKind::Timeout(Phase::Connect));
    let _silent = UnixStream::connect(folder.socket()).unwrap();
    let error = listener.accept_with::<Monitor>(&options().greeting_timeout(SOON)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
}

#[test]
fn files_of_others_stay() {
    let folder = Folder::new();
    let path = folder.socket();
    std::fs::write(&path, "mine").unwrap();
    let error = Listener::bind(&path).unwrap_err();
    assert_eq!((error.kind(), error.io_error().unwrap().kind()), (ErrorKind::Io, io::ErrorKind::AddrInUse));
    assert!(error.to_string().starts_with("cannot listen on "), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");

    std::fs::remove_file(&path).unwrap();
    let listener = Listener::bind(&path).unwrap();
    // As long as the listener's file exists, no other one has its number.
    std::fs::rename(&path, folder.path().join("moved")).unwrap();
    std::fs::write(&path, "mine").unwrap();
    drop(listener);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[test]
fn qemu_connects() {
    let folder = Folder::new();
    let unix = Listener::bind(folder.socket()).unwrap();
    let tcp = Listener::bind(("127.0.0.1", 0)).unwrap();
    let monitors = [format!("unix:{}", unix.address()), format!("tcp:{}", tcp.address())];
    let qemu = Qemu::start_with(|_| monitors.iter().flat_map(|monitor| ["-qmp".into(), monitor.clone()]).collect());
    let Some(_qemu) = qemu else { return };
    for listener in [unix, tcp] {
        let mut vm = listener.accept(PATIENCE).unwrap();
        assert!(!vm.execute(QueryStatus::new()).unwrap().running);
    }
}

/// A listener of ours at the one end, each client at the other.
#[cfg(target_os = "linux")]
#[test]
fn over_an_abstract_socket() {
    let address: Address = format!("@qemu-qmp-{}", std::process::id()).parse().unwrap();
    let impatient = options().greeting_timeout(SOON);
    let (accepted, target) = (Listener::bind(&address).unwrap(), address.clone());
    let script = Script::start(move || Client::connect_with(target, &options().connect_timeout(PATIENCE)).map(drop));
    // What connects has no greeting for this side either.
    assert_eq!(accepted.accept_with::<Monitor>(&impatient).unwrap_err().kind(), ErrorKind::Timeout(Phase::Greeting));
    assert_eq!(script.finish().unwrap_err().kind(), ErrorKind::Greeting);

    let target = address.clone();
    let script = Script::start(move || {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { qemu_qmp::tokio::Client::<Monitor>::connect_with(target, &options()).await.map(drop) })
    });
    assert_eq!(accepted.accept_with::<Monitor>(&impatient).unwrap_err().kind(), ErrorKind::Timeout(Phase::Greeting));
    assert_eq!(script.finish().unwrap_err().kind(), ErrorKind::Greeting);
    drop(accepted);

    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listening = runtime.block_on(async { qemu_qmp::tokio::Listener::bind(&address).await }).unwrap();
    assert_eq!(*listening.address(), address);
}
