//! Connecting: over sockets, to a server that is not there yet, and from a server that connects to this side.

use qemu_qmp::qmp::commands::QueryStatus;
use qemu_qmp::tokio::{Client, Listener};
use qemu_qmp::{Address, ConnectOptions, ErrorKind, GuestAgent, Phase};
use std::io;
use std::time::Duration;
use support::tokio::*;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::sleep;

/// Long enough for others to get on, and meant to pass.
const BRIEFLY: Duration = Duration::from_millis(20);

#[tokio::test]
async fn over_unix_and_tcp() {
    let folder = Folder::new();
    let unix = UnixListener::bind(folder.socket()).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    let script = tokio::spawn(async move {
        let mut peer = Peer::new(unix.accept().await.unwrap().0);
        peer.negotiate().await;
        peer.answer(STATUS, paused()).await;
        peer.wait_for_end().await;
        let mut peer = Peer::new(tcp.accept().await.unwrap().0);
        peer.negotiate().await;
        peer.answer(STATUS, paused()).await;
        peer.wait_for_end().await;
    });
    let vm = Client::connect_unix(folder.socket()).await.unwrap();
    vm.execute(QueryStatus::new()).await.unwrap();
    vm.close().await;
    let vm = Client::connect_tcp(("localhost", port)).await.unwrap();
    vm.execute(QueryStatus::new()).await.unwrap();
    let stream = vm.into_inner::<TcpStream>().await.unwrap();
    assert!(stream.nodelay().unwrap());
    drop(stream);
    script.await.unwrap();
}

#[tokio::test]
async fn where_nobody_listens() {
    let folder = Folder::new();
    let error = Client::connect_unix(folder.socket()).await.unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::NotFound);
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = Client::connect_tcp(("127.0.0.1", port)).await.unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
}

/// A listener whose queue is full is waited for, but not for longer than the deadline says.
#[tokio::test]
async fn queue_may_be_full() {
    let folder = Folder::new();
    let socket = tokio::net::UnixSocket::new_stream().unwrap();
    socket.bind(folder.socket()).unwrap();
    let listener = socket.listen(0).unwrap();
    let _first = UnixStream::connect(folder.socket()).await.unwrap();
    let options = || ConnectOptions::new().greeting_timeout(PATIENCE);
    let error = connect(folder.socket(), &options().connect_timeout(BRIEFLY)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
    let script = tokio::spawn(async move {
        sleep(BRIEFLY).await;
        drop(listener.accept().await.unwrap());
        let mut peer = Peer::new(listener.accept().await.unwrap().0);
        peer.negotiate().await;
        peer.wait_for_end().await;
    });
    drop(connect(folder.socket(), &options().connect_timeout(None)).await.unwrap());
    script.await.unwrap();
}

#[tokio::test]
async fn the_socket_may_come_later_and_be_deaf_at_first() {
    let folder = Folder::new();
    let path = folder.socket();
    let script = tokio::spawn(async move {
        sleep(BRIEFLY).await;
        // Nobody listens on a socket file that was left behind.
        drop(UnixListener::bind(&path).unwrap());
        sleep(BRIEFLY).await;
        std::fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        // This one ends before it greets.
        drop(listener.accept().await.unwrap());
        let mut peer = Peer::new(listener.accept().await.unwrap().0);
        // Longer than the deadline for a greeting, which does not count here.
        sleep(BRIEFLY).await;
        peer.negotiate().await;
        peer.wait_for_end().await;
    });
    let options = ConnectOptions::new().greeting_timeout(Duration::from_millis(1)).retry_for(PATIENCE);
    drop(connect(folder.socket(), &options).await.unwrap());
    script.await.unwrap();
}

#[tokio::test]
async fn a_guest_agent_is_asked_again() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let script = tokio::spawn(async move {
        // The agent does not run yet, and never sees this.
        Peer::new(listener.accept().await.unwrap().0).wait_for_end().await;
        let mut peer = Peer::new(listener.accept().await.unwrap().0);
        let sync = peer.expect("guest-sync-delimited").await;
        peer.raw(b"\xff").await;
        peer.reply(&sync, sync["arguments"]["id"].clone()).await;
        peer.wait_for_end().await;
    });
    // The second attempt may be late, too, when the machine is busy; then the agent's answer goes nowhere.
    let options = ConnectOptions::new().greeting_timeout(Duration::from_secs(1)).retry_for(PATIENCE);
    drop(Client::<GuestAgent>::connect_with(folder.socket(), &options).await.unwrap());
    script.await.unwrap();
}

#[tokio::test]
async fn the_last_failure_is_told_when_the_time_is_over() {
    let folder = Folder::new();
    let options = || ConnectOptions::new().retry_for(BRIEFLY);
    let error = connect(folder.socket(), &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
    assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("cannot connect to "), "{error}");
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let error = connect(folder.socket(), &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
}

#[tokio::test]
async fn what_does_not_pass_is_told_at_once() {
    let folder = Folder::new();
    let options = || ConnectOptions::new().retry_for(PATIENCE);
    // A path that no socket can have.
    let error = connect(folder.path().join("x".repeat(500)), &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let listener = UnixListener::bind(folder.socket()).unwrap();
    tokio::spawn(async move { Peer::new(listener.accept().await.unwrap().0).line("220 mail.example ESMTP").await });
    assert_eq!(connect(folder.socket(), &options()).await.unwrap_err().kind(), ErrorKind::Greeting);
}

#[tokio::test]
async fn from_a_unix_socket_whose_file_goes_with_the_listener() {
    let folder = Folder::new();
    let path = folder.socket();
    let listener = Listener::bind(&path).await.unwrap();
    assert_eq!(*listener.address(), Address::Unix(path.clone()));
    assert_eq!(Listener::bind(&path).await.unwrap_err().io_error().unwrap().kind(), io::ErrorKind::AddrInUse);
    let script = tokio::spawn(async move {
        // This one has the wrong number, and the next one is not bothered.
        UnixStream::connect(&path).await.unwrap().write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let mut peer = Peer::new(UnixStream::connect(&path).await.unwrap());
        peer.negotiate().await;
        peer.wait_for_end().await;
        path
    });
    assert_eq!(listener.accept(PATIENCE).await.unwrap_err().kind(), ErrorKind::Greeting);
    let vm = listener.accept(None).await.unwrap();
    assert_eq!(listener.accept(BRIEFLY).await.unwrap_err().kind(), ErrorKind::Timeout(Phase::Connect));
    drop(listener);
    assert!(vm.is_connected());
    drop(vm);
    assert!(!script.await.unwrap().exists());
}

#[tokio::test]
async fn from_tcp_on_any_free_port() {
    let listener = Listener::bind(("127.0.0.1", 0)).await.unwrap();
    let Address::Tcp { host, port } = listener.address().clone() else { panic!("{listener:?}") };
    let script = tokio::spawn(async move {
        let mut peer = Peer::new(TcpStream::connect((host, port)).await.unwrap());
        peer.negotiate().await;
        peer.wait_for_end().await;
    });
    listener.accept(None).await.unwrap().close().await;
    script.await.unwrap();
    let taken = Listener::bind(("127.0.0.1", port)).await.unwrap_err();
    assert_eq!(taken.io_error().unwrap().kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn from_a_real_qemu() {
    let folder = Folder::new();
    let listener = Listener::bind(folder.socket()).await.unwrap();
    let monitor = format!("unix:{}", folder.socket().display());
    let Some(_qemu) = Qemu::start_with(|_| vec!["-qmp".into(), monitor]) else { return };
    let vm = listener.accept(PATIENCE).await.unwrap();
    assert!(!vm.execute(QueryStatus::new()).await.unwrap().running);
}
