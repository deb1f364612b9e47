//! File descriptors that go with a command of the tokio client: to a script that receives them, and to a real QEMU.

use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::tokio::Client;
use qemu_qmp::{ErrorKind, Phase};
use rustix::net::{recvmsg, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use serde_json::{json, Value};
use std::fs::File;
use std::io::{IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use support::tokio::*;
use tokio::sync::oneshot;
use tokio::task::{spawn_blocking, JoinHandle};

/// Each command's name, and what is in the files that came with it.
type Received = Vec<(String, Vec<String>)>;

/// Answers all commands, from when it is told to, on a thread of its own.
async fn connected_receiver() -> (Client, oneshot::Sender<()>, JoinHandle<Received>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let (go, wait) = oneshot::channel();
    let script = spawn_blocking(move || {
        let mut receiver = Receiver { socket: theirs, bytes: Vec::new(), fds: Vec::new() };
        writeln!(receiver.socket, "{GREETING}").unwrap();
        receiver.answer().unwrap();
        let _ = wait.blocking_recv();
        std::iter::from_fn(|| receiver.answer()).collect()
    });
    let stream = tokio::net::UnixStream::from_std(ours).unwrap();
    (over(stream).await.unwrap(), go, script)
}

struct Receiver {
    socket: UnixStream,
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

impl Receiver {
    /// Answers the next command. A read that brings descriptors ends before the bytes with which the next ones were sent.
    fn answer(&mut self) -> Option<(String, Vec<String>)> {
        let mut searched = 0;
        let end = loop {
            if let Some(end) = self.bytes[searched..].iter().position(|&byte| byte == b'\n') {
                break searched + end;
            }
            searched = self.bytes.len();
            if self.receive() == 0 {
                return None;
            }
        };
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        let command: Value = serde_json::from_slice(&line).expect("a command is JSON");
        writeln!(self.socket, "{}", json!({"return": {}, "id": command["id"]})).unwrap();
        let texts = self.fds.drain(..).map(|fd| {
            let (mut file, mut text) = (File::from(fd), String::new());
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        });
        Some((command["execute"].as_str().unwrap().to_owned(), texts.collect()))
    }

    fn receive(&mut self) -> usize {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffer = [0; 64 << 10];
        let count = recvmsg(&self.socket, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::empty());
        let count = count.unwrap().bytes;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        self.bytes.extend_from_slice(&buffer[..count]);
        count
    }
}

/// A file that can be told from others by what is in it.
fn file(folder: &Path, name: &str) -> File {
    let path = folder.join(name);
    std::fs::write(&path, name).unwrap();
    File::open(path).unwrap()
}

#[tokio::test]
async fn they_arrive_with_their_command_and_once() {
    let folder = Folder::new();
    let (a, b, c) = (file(folder.path(), "a"), file(folder.path(), "b"), file(folder.path(), "c"));
    let (vm, go, script) = connected_receiver().await;
    go.send(()).unwrap();
    vm.execute(QueryName::new()).await.unwrap();
    vm.with_fds(&[a.as_fd()]).cmd("one", None, None).await.unwrap();
    // More than a socket holds, so that it takes many writes.
    let large = Some(json!({"x": "x".repeat(1 << 20)}));
    vm.within(PATIENCE).with_fds(&[b.as_fd(), c.as_fd()]).cmd("two", large, None).await.unwrap();
    vm.with_fds(&[]).cmd("none", None, None).await.unwrap();
    drop(vm);
    let received = script.await.unwrap();
    let received: Vec<_> = received.iter().map(|(name, fds)| (&**name, fds.concat())).collect();
    let expected = [("query-name", ""), ("one", "a"), ("two", "bc"), ("none", "")];
    assert_eq!(received, expected.map(|(name, fds)| (name, fds.to_owned())));
}

#[tokio::test]
async fn those_of_a_command_that_was_not_written_are_not_passed() {
    let folder = Folder::new();
    let (a, b) = (file(folder.path(), "a"), file(folder.path(), "b"));
    let (vm, go, script) = connected_receiver().await;
    // Nobody reads yet, so that this command is only begun, with its descriptor, and the next one waits behind it.
    let large = Some(json!({"x": "x".repeat(1 << 20)}));
    let soon = Duration::from_millis(20);
    let error = vm.within(soon).with_fds(&[a.as_fd()]).cmd("begun", large, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    let error = vm.within(soon).with_fds(&[b.as_fd()]).cmd("late", None, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    go.send(()).unwrap();
    vm.execute(QueryName::new()).await.unwrap();
    drop(vm);
    let received = script.await.unwrap();
    assert_eq!(received, [("begun".to_owned(), vec!["a".to_owned()]), ("query-name".to_owned(), vec![])]);
}

#[tokio::test]
async fn where_they_cannot_go_nothing_is_sent() {
    let folder = Folder::new();
    let file = file(folder.path(), "a");
    let (vm, script) = client(|mut peer| async move { peer.next_command().await }).await;
    let error = vm.with_fds(&[file.as_fd()]).execute(Getfd::new("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FdsUnavailable);
    drop(vm);
    assert_eq!(script.await.unwrap(), None);

    let (vm, go, script) = connected_receiver().await;
    go.send(()).unwrap();
    let many: Vec<BorrowedFd<'_>> = std::iter::repeat_n(file.as_fd(), 17).collect();
    let error = vm.with_fds(&many).cmd("many", None, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FdsUnavailable);
    vm.with_fds(&many[1..]).cmd("enough", None, None).await.unwrap();
    drop(vm);
    assert_eq!(script.await.unwrap(), [("enough".to_owned(), vec!["a".to_owned(); 16])]);
}

#[tokio::test]
async fn qemu_takes_them() {
    let Some(qemu) = Qemu::start() else { return };
    let vm = qemu.connect_tokio().await;
    let file = file(qemu.folder(), "a");
    // Without one, QEMU says so.
    assert!(vm.execute(Getfd::new("a")).await.unwrap_err().is_server());
    vm.with_fds(&[file.as_fd()]).execute(Getfd::new("a")).await.unwrap();
    vm.execute(Closefd::new("a")).await.unwrap();
    assert!(vm.execute(Closefd::new("a")).await.unwrap_err().is_server());

    let add = AddFd::new().fdset_id(7).opaque("to read");
    assert_eq!(vm.with_fds(&[file.as_fd()]).execute(add).await.unwrap().fdset_id, 7);
    drop(file);
    let node = BlockdevOptions::file(BlockdevOptionsFile::new("/dev/fdset/7")).node_name("disk").read_only(true);
    vm.execute(BlockdevAdd::from(node)).await.unwrap();
    assert_eq!(vm.execute(QueryNamedBlockNodes::new()).await.unwrap().len(), 1);
}
