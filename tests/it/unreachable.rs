//! Unix sockets that cannot be reached, or listened at, and how both clients tell why.

use qemu_qmp::{blocking, Client, ConnectOptions, Error, ErrorKind, Monitor};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::programs::Folder;
use support::PATIENCE;

/// How each client fails to connect there.
fn failures(path: &Path) -> [Error; 2] {
    let options = ConnectOptions::new().connect_timeout(PATIENCE);
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let other = runtime.block_on(qemu_qmp::tokio::Client::<Monitor>::connect_with(path, &options));
    [Client::connect_with(path, &options).unwrap_err(), other.unwrap_err()]
}

/// How each fails to listen there.
fn failures_to_listen(path: &Path) -> [Error; 2] {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let other = runtime.block_on(qemu_qmp::tokio::Listener::bind(path));
    [blocking::Listener::bind(path).unwrap_err(), other.unwrap_err()]
}

/// Each client says which of the reasons it is, and where.
fn check(path: &Path, kind: io::ErrorKind, number: i32) {
    for error in failures(path) {
        let cause = error.io_error().unwrap();
        assert_eq!((error.kind(), cause.kind(), cause.raw_os_error()), (ErrorKind::Io, kind, Some(number)));
        assert_eq!(error.to_string(), format!("cannot connect to {}: {cause}", path.display()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_socket_and_nobody_who_listens() {
    let folder = Folder::new();
    check(&folder.socket(), io::ErrorKind::NotFound, 2);
    drop(UnixListener::bind(folder.socket()).unwrap());
    check(&folder.socket(), io::ErrorKind::ConnectionRefused, 111);
    let file = folder.path().join("file");
    File::create(&file).unwrap();
    check(&file, io::ErrorKind::ConnectionRefused, 111);
}

/// The superuser may enter every folder. The test then runs itself as somebody else.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_must_not_be_entered() {
    const PATH: &str = "QEMU_QMP_TEST_FORBIDDEN";
    if let Some(path) = std::env::var_os(PATH) {
        return check(Path::new(&path), io::ErrorKind::PermissionDenied, 13);
    }
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o000)).unwrap();
    if UnixStream::connect(folder.socket()).is_err() {
        check(&folder.socket(), io::ErrorKind::PermissionDenied, 13);
    } else {
        let nobody = 65534;
        let this = ["--exact", "unreachable::a_folder_that_must_not_be_entered"];
        let mut command = Command::new(std::env::current_exe().unwrap());
        match command.args(this).env(PATH, folder.socket()).uid(nobody).gid(nobody).output() {
            Ok(run) => {
                let said = String::from_utf8_lossy(&run.stdout);
                assert!(run.status.success() && said.contains("1 passed"), "{said}");
            }
            Err(error) => eprintln!("\n*** SKIPPED: nobody else can run this program: {error} ***\n"),
        }
    }
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
}

/// A path in the folder, with so many bytes.
fn of_length(folder: &Folder, len: usize) -> PathBuf {
    folder.path().join("x".repeat(len - folder.path().as_os_str().len() - 1))
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_too_long() {
    let folder = Folder::new();
    check(&of_length(&folder, 107), io::ErrorKind::NotFound, 2);
    for len in [108, 109, 300] {
        let path = of_length(&folder, len);
        let errors = failures(&path).into_iter().chain(failures_to_listen(&path));
        for (error, doing) in errors.zip(["connect to", "connect to", "listen on", "listen on"]) {
            let kind = error.io_error().map(io::Error::kind);
            assert_eq!((error.kind(), kind), (ErrorKind::Io, Some(io::ErrorKind::InvalidInput)));
            let advice = "take a relative path, or one through /proc/self/fd";
            let text = format!("the path has {len} bytes, and that of a socket 107 at most: {advice}");
            assert_eq!(error.to_string(), format!("cannot {doing} {}: {text}", path.display()));
        }
    }
    for error in failures(Path::new("vm\0other")).into_iter().chain(failures_to_listen(Path::new("\0vm"))) {
        assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::InvalidInput);
    }
    let name = qemu_qmp::Address::Abstract("x".repeat(108));
    let error = Client::connect(name).unwrap_err();
    assert!(error.to_string().ends_with(": the name has 108 bytes, and that of a socket 107 at most"), "{error}");
}

/// What the error advises.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_socket_in_a_deep_folder_is_reached_through_a_descriptor() {
    let folder = Folder::new();
    let deep = of_length(&folder, 130);
    fs::create_dir(&deep).unwrap();
    let opened = File::open(&deep).unwrap();
    let through = |name: &str| PathBuf::from(format!("/proc/self/fd/{}/{name}", opened.as_raw_fd()));
    let listeners = (
        blocking::Listener::bind(through("blocking")).unwrap(),
        qemu_qmp::tokio::Listener::bind(through("tokio")).await.unwrap(),
    );
    let options = ConnectOptions::new().greeting_timeout(std::time::Duration::ZERO);
    for name in ["blocking", "tokio"] {
        assert!(deep.join(name).exists());
        let other = qemu_qmp::tokio::Client::<Monitor>::connect_with(through(name), &options).await;
        // Reached, but nobody greets.
        for error in [Client::connect_with(through(name), &options).unwrap_err(), other.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Timeout(qemu_qmp::Phase::Greeting));
        }
    }
    drop(listeners);
    assert!(!deep.join("blocking").exists() && !deep.join("tokio").exists());
}
