//! File descriptors that go with a command: to a script that receives them, and to a real QEMU.

use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Client, ErrorKind, Phase};
use rustix::net::{recvmsg, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use serde_json::{json, Value};
use std::fs::File;
use std::io::{IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use support::programs::Folder;
use support::qemu::Qemu;
use support::*;

/// What came with a line.
type Received = (Value, Vec<OwnedFd>);

/// A server that receives descriptors, too.
struct Receiver {
    socket: UnixStream,
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

impl Receiver {
    /// The client, in command mode, and the server's end.
    fn connected() -> (Client, Receiver) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut receiver = Receiver { socket: theirs, bytes: Vec::new(), fds: Vec::new() };
        let script = Script::start(move || {
            writeln!(receiver.socket, "{GREETING}").unwrap();
            let (command, _) = receiver.next().unwrap();
            receiver.reply(&command);
            receiver
        });
        let client = Client::connect_over(ours, &options()).unwrap();
        (client, script.finish())
    }

    /// The next command and all descriptors that came with its bytes. A read that brings descriptors ends before the
    /// bytes with which the next ones were sent.
    fn next(&mut self) -> Option<Received> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.bytes[searched..].iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=searched + end).collect();
                return Some((serde_json::from_slice(&line).unwrap(), std::mem::take(&mut self.fds)));
            }
            searched = self.bytes.len();
            if self.receive() == 0 {
                return None;
            }
        }
    }

    fn receive(&mut self) -> usize {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffer = [0; 64 << 10];
        let iov = &mut [IoSliceMut::new(&mut buffer)];
        let count = recvmsg(&self.socket, iov, &mut control, RecvFlags::empty()).unwrap().bytes;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                self.fds.extend(fds);
            }
        }
        self.bytes.extend_from_slice(&buffer[..count]);
        count
    }

    fn reply(&mut self, command: &Value) {
        writeln!(self.socket, "{}", Peer::reply_to(command, json!({}))).unwrap();
    }

    fn answer_all(mut self) -> Script<Vec<Received>> {
        Script::start(move || {
            let mut all = Vec::new();
            while let Some((command, fds)) = self.next() {
                self.reply(&command);
                all.push((command, fds));
            }
            all
        })
    }
}

/// A file that can be told from others by what is in it.
fn file(folder: &Folder, name: &str) -> File {
    let path = folder.path().join(name);
    std::fs::write(&path, name).unwrap();
    File::open(path).unwrap()
}

fn names(fds: Vec<OwnedFd>) -> Vec<String> {
    fds.into_iter()
        .map(|fd| {
            let (mut file, mut text) = (File::from(fd), String::new());
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        })
        .collect()
}

#[test]
fn they_arrive_with_their_command_and_once() {
    let folder = Folder::new();
    let (a, b, c) = (file(&folder, "a"), file(&folder, "b"), file(&folder, "c"));
    let (mut vm, receiver) = Receiver::connected();
    let script = receiver.answer_all();
    vm.execute(QueryName::new()).unwrap();
    vm.with_fds(&[a.as_fd()]).execute(Getfd::new("a")).unwrap();
    vm.execute(QueryName::new()).unwrap();
    // Far more than a socket holds, so that it takes many writes.
    let large = Some(json!({"x": "x".repeat(2 << 20)}));
    vm.within(PATIENCE).with_fds(&[b.as_fd(), c.as_fd()]).cmd("two", large, None).unwrap();
    vm.with_fds(&[]).execute(QueryName::new()).unwrap();
    drop((a, b, c));
    vm.close();
    let received: Vec<_> = script.finish().into_iter().map(|(_, fds)| names(fds)).collect();
    assert_eq!(received, [vec![], vec!["a"], vec![], vec!["b", "c"], vec![]] as [Vec<&str>; 5]);
}

#[test]
fn those_of_a_command_that_was_not_sent_are_not_either() {
    let folder = Folder::new();
    let (a, b) = (file(&folder, "a"), file(&folder, "b"));
    let (mut vm, receiver) = Receiver::connected();
    // Nobody reads yet, so that this command is only begun, with its descriptor, and the next one waits behind it.
    let large = Some(json!({"x": "x".repeat(2 << 20)}));
    let error = vm.within(Duration::ZERO).with_fds(&[a.as_fd()]).cmd("begun", large, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    let error = vm.within(Duration::ZERO).with_fds(&[b.as_fd()]).execute(Getfd::new("b")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    let script = receiver.answer_all();
    vm.execute(QueryName::new()).unwrap();
    vm.close();
    let mut received = script.finish();
    let (last, none) = received.pop().unwrap();
    assert_eq!((last["execute"].as_str(), none.len()), (Some("query-name"), 0));
    let (begun, fds) = received.pop().unwrap();
    assert_eq!((begun["execute"].as_str(), names(fds)), (Some("begun"), vec!["a".to_owned()]));
    assert!(received.is_empty());
}

#[test]
fn where_they_cannot_go_nothing_is_sent() {
    let folder = Folder::new();
    let file = file(&folder, "a");

    let pieces = [Some(format!("{GREETING}\n{{\"return\": {{}}}}\n").into_bytes())];
    let recorded = Recorded::new(pieces, false);
    let writes = recorded.writes.clone();
    let mut vm = Client::connect_over(recorded, &options()).unwrap();
    let error = vm.with_fds(&[file.as_fd()]).execute(Getfd::new("a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FdsUnavailable);
    assert_eq!(error.to_string(), "cannot pass file descriptors: the connection is not over a Unix socket");
    assert_eq!(writes.lock().unwrap().len(), 1, "no more than the negotiation");

    let (mut vm, receiver) = Receiver::connected();
    let script = receiver.answer_all();
    let many: Vec<BorrowedFd<'_>> = std::iter::repeat_n(file.as_fd(), 17).collect();
    assert_eq!(vm.with_fds(&many).cmd("many", None, None).unwrap_err().kind(), ErrorKind::FdsUnavailable);
    vm.with_fds(&many[1..]).cmd("enough", None, None).unwrap();
    vm.close();
    let received = script.finish();
    assert_eq!(received.iter().map(|(_, fds)| fds.len()).collect::<Vec<_>>(), [16]);
}

#[test]
fn qemu_takes_them() {
    let Some(qemu) = Qemu::start() else { return };
    let mut vm = qemu.connect();
    let folder = Folder::new();
    let file = file(&folder, "a");
    // Without one, QEMU says so.
    assert!(vm.execute(Getfd::new("a")).unwrap_err().is_server());
    vm.with_fds(&[file.as_fd()]).execute(Getfd::new("a")).unwrap();
    vm.execute(Closefd::new("a")).unwrap();
    assert!(vm.execute(Closefd::new("a")).unwrap_err().is_server());

    let added = vm.with_fds(&[file.as_fd()]).execute(AddFd::new().fdset_id(7).opaque("to read")).unwrap();
    assert_eq!(added.fdset_id, 7);
    drop(file);
    let sets = vm.execute(QueryFdsets::new()).unwrap();
    assert_eq!((sets[0].fdset_id, sets[0].fds[0].opaque.as_deref()), (7, Some("to read")));
    let node = BlockdevOptions::file(BlockdevOptionsFile::new("/dev/fdset/7")).node_name("disk").read_only(true);
    vm.execute(BlockdevAdd::from(node)).unwrap();
    assert_eq!(vm.execute(QueryNamedBlockNodes::new()).unwrap().len(), 1);
}

#[test]
fn qemu_takes_a_client() {
    let qemu = Qemu::start_with(|folder| {
        let first = format!("unix:{},server=on,wait=off", folder.join("socket").display());
        let second = format!("socket,id=second,path={},server=on,wait=off", folder.join("second").display());
        ["-qmp", &first, "-chardev", &second, "-mon", "second,mode=control"].map(str::to_owned).into()
    });
    let Some(qemu) = qemu else { return };
    let mut vm = qemu.connect();
    let (ours, theirs) = UnixStream::pair().unwrap();
    vm.with_fds(&[theirs.as_fd()]).execute(Getfd::new("client")).unwrap();
    vm.execute(AddClient::new("second", "client")).unwrap();
    drop(theirs);
    let mut second = Client::connect_over(ours, &options()).unwrap();
    assert!(!second.execute(QueryStatus::new()).unwrap().running);
}
