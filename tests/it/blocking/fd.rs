//! The transport over file descriptors: what it leaves to others, deadlines both ways, and how it ends.

use qemu_qmp::blocking::{FdTransport, Transport, Wait};
use qemu_qmp::qmp::commands::{QueryName, QueryStatus};
use qemu_qmp::qmp::events::{Resume, StopEvent};
use qemu_qmp::{Client, ErrorKind, EventSet, Phase};
use rustix::fs::{fcntl_getfl, fcntl_setfl, OFlags};
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcgetattr, tcsetattr, OptionalActions};
use serde_json::json;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use support::*;

/// A pseudo-terminal that passes on each byte as it is, like QEMU's.
struct Terminal {
    /// The server's side. While this is there, nothing that was written is lost.
    master: File,
    path: PathBuf,
    /// Without it, the server's side would fail while there is no client.
    _kept_open: File,
}

impl Terminal {
    fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        let client_side = File::options().read(true).write(true).open(&path).unwrap();
        let mut settings = tcgetattr(&client_side).unwrap();
        settings.make_raw();
        tcsetattr(&client_side, OptionalActions::Now, &settings).unwrap();
        Terminal { master: master.into(), path, _kept_open: client_side }
    }

    fn peer(&self) -> Peer {
        Peer::new(self.master.try_clone().unwrap(), self.master.try_clone().unwrap(), || ())
    }
}

/// A transport over two pipes, and what is at the other ends.
fn pipes() -> (FdTransport, File, File) {
    let (reader, their_writer) = rustix::pipe::pipe().unwrap();
    let (their_reader, writer) = rustix::pipe::pipe().unwrap();
    (FdTransport::new(reader, writer).unwrap(), their_reader.into(), their_writer.into())
}

fn blocks(fd: impl AsFd) -> bool {
    !fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

#[test]
fn what_comes_after_a_client_is_there_for_the_next_one() {
    let terminal = Terminal::new();
    let (gone, is_gone) = channel();
    let mut peer = terminal.peer();
    let script = Script::start(move || {
        peer.negotiate();
        peer.answer("query-name", json!({"name": "first"}));
        is_gone.recv().unwrap();
        peer.event("STOP");
        peer.negotiate();
        peer.event("RESUME");
        peer.answer("query-name", json!({"name": "second"}));
    });
    let mut vm = Client::connect_over(FdTransport::open(&terminal.path).unwrap(), &options()).unwrap();
    assert_eq!(vm.execute(QueryName::new()).unwrap().name.as_deref(), Some("first"));
    // Waiting for more is what makes a transport read ahead.
    assert!(vm.next_event(SOON).unwrap().is_none());
    drop(vm);
    gone.send(()).unwrap();
    let mut vm = Client::connect_over(FdTransport::open(&terminal.path).unwrap(), &options()).unwrap();
    assert_eq!(vm.execute(QueryName::new()).unwrap().name.as_deref(), Some("second"));
    let events = vm.take_events().unwrap();
    assert!(events.iter().map(|event| event.data.name()).eq(["STOP", "RESUME"]));
    script.finish();
}

/// A server that does not read for a while, and then reads all.
fn slow(mut peer: Peer, may_go_on: std::sync::mpsc::Receiver<()>) -> Script {
    Script::start(move || {
        peer.negotiate();
        may_go_on.recv().unwrap();
        let command = peer.expect("query-name");
        assert_eq!(command["arguments"]["x"].as_str().unwrap().len(), 1 << 20);
        peer.reply(&command, json!("late"));
        may_go_on.recv().unwrap();
        peer.answer("query-status", json!({"status": "running", "running": true}));
    })
}

#[test]
fn deadlines_hold_for_writing_and_reading_and_lose_nothing() {
    let terminal = Terminal::new();
    let (transport, their_reader, their_writer) = pipes();
    let peers = [
        (FdTransport::open(&terminal.path).unwrap(), terminal.peer()),
        (transport, Peer::new(their_reader, their_writer, || ())),
    ];
    for (transport, peer) in peers {
        let (go_on, may_go_on) = channel();
        let script = slow(peer, may_go_on);
        let mut vm = Client::connect_over(transport, &options()).unwrap();
        // More than a pipe or a terminal holds.
        let arguments = json!({"x": "x".repeat(1 << 20)});
        let error = vm.within(SOON).cmd("query-name", Some(arguments), None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
        let error = vm.within(SOON).execute(QueryStatus::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
        go_on.send(()).unwrap();
        // The first line goes on where it stopped, and the reply to it is dropped.
        let events = vm.wait_for(SOON, |_: &StopEvent| true);
        assert!(events.unwrap_err().is_timeout());
        go_on.send(()).unwrap();
        assert!(vm.execute(QueryStatus::new()).unwrap().running);
        assert_eq!(vm.counters().late_replies, 1);
        script.finish();
    }
}

/// What makes a descriptor block, or not.
fn set_blocking(fd: impl AsFd, blocks: bool) {
    let flags = fcntl_getfl(&fd).unwrap() - OFlags::NONBLOCK;
    fcntl_setfl(fd, if blocks { flags } else { flags | OFlags::NONBLOCK }).unwrap();
}

#[test]
fn descriptors_come_back_as_they_were() {
    for before in [(false, true), (true, false)] {
        let (reader, their_writer) = rustix::pipe::pipe().unwrap();
        let (their_reader, writer) = rustix::pipe::pipe().unwrap();
        set_blocking(&reader, before.0);
        set_blocking(&writer, before.1);
        let copies = (reader.try_clone().unwrap(), writer.try_clone().unwrap());
        let now = || (blocks(&copies.0), blocks(&copies.1));
        let mut their_writer = File::from(their_writer);
        let mut peer = Peer::new(File::from(their_reader), their_writer.try_clone().unwrap(), || ());
        let (greet, may_greet) = channel();
        let script = Script::start(move || may_greet.iter().for_each(|()| peer.negotiate()));
        let mut transport = FdTransport::new(reader, writer).unwrap();
        assert_eq!(now(), before);
        for _ in 0..2 {
            greet.send(()).unwrap();
            let vm = Client::connect_over(transport, &options()).unwrap();
            assert_eq!(now(), (false, false));
            transport = vm.into_inner::<FdTransport>().unwrap();
            assert_eq!(now(), before);
        }
        drop(greet);
        script.finish();
        let (reader, writer) = transport.into_fds().unwrap();
        their_writer.write_all(b"more").unwrap();
        assert_eq!(File::from(reader.try_clone().unwrap()).read(&mut [0; 9]).unwrap(), 4);

        let mut transport = FdTransport::new(reader, writer).unwrap();
        let late = transport.receive(&mut [0], Wait::Never).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::WouldBlock);
        let mut half = transport.try_split().unwrap();
        drop(transport);
        assert_eq!(now(), (false, false));
        half.close();
        assert_eq!(now(), before);
    }
}

#[test]
fn one_file_for_both_directions_comes_back_as_it_was() {
    let terminal = Terminal::new();
    let mut transport = FdTransport::open(&terminal.path).unwrap();
    assert!(transport.receive(&mut [0], Wait::Never).is_err());
    let (reader, writer) = transport.into_fds().unwrap();
    assert!(blocks(reader) && blocks(writer));
}

#[test]
fn a_descriptor_of_the_wrong_kind_is_refused() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let null = || OwnedFd::from(File::options().read(true).write(true).open("/dev/null").unwrap());
    for swapped in [FdTransport::new(null(), reader), FdTransport::new(writer, null())] {
        assert_eq!(swapped.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(FdTransport::open("/dev/none/such").unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_terminal_whose_other_side_is_gone_has_ended() {
    let Terminal { master, path, _kept_open: kept_open } = Terminal::new();
    let mut client_side = FdTransport::open(path).unwrap();
    let mut server_side = FdTransport::new(master.try_clone().unwrap(), master).unwrap();
    let mut buffer = [0; 9];
    // What was written before comes before the end.
    assert_eq!(client_side.send(b"last", Wait::Never).unwrap(), 4);
    drop(kept_open);
    client_side.close();
    assert_eq!(server_side.receive(&mut buffer, Wait::Forever).unwrap(), 4);
    assert_eq!(server_side.receive(&mut buffer, Wait::Forever).unwrap(), 0);
    assert_eq!(server_side.receive(&mut buffer, Wait::Never).unwrap(), 0);

    let terminal = Terminal::new();
    let script = Script::start({
        let mut peer = terminal.peer();
        move || peer.negotiate()
    });
    let vm = Client::connect_over(FdTransport::open(&terminal.path).unwrap(), &options()).unwrap().share().unwrap();
    script.finish();
    thread::scope(|scope| {
        let event = scope.spawn(|| vm.wait_for(None, |_: &StopEvent| true).unwrap_err());
        drop(terminal);
        assert!(event.join().unwrap().is_closed());
    });
    let mut closed = Terminal::new();
    let mut transport = FdTransport::open(&closed.path).unwrap();
    closed.master = File::open("/dev/null").unwrap();
    assert_eq!(transport.send(b"x", Wait::Forever).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn closing_ends_a_thread_that_reads_and_one_that_writes() {
    let (transport, their_reader, their_writer) = pipes();
    let (closed, is_closed) = channel();
    let script = Script::start(move || {
        let mut peer = Peer::new(their_reader.try_clone().unwrap(), their_writer, || ());
        peer.negotiate();
        peer.skip(1);
        peer.event("RESUME");
        is_closed.recv().unwrap();
        // Both ends are closed, so that this ends, in the middle of the command.
        let mut rest = Vec::new();
        (&their_reader).read_to_end(&mut rest).unwrap();
        assert!(rest.len() < 8 << 20);
    });
    let vm = Client::connect_over(transport, &options()).unwrap().share().unwrap();
    thread::scope(|scope| {
        let event = scope.spawn(|| vm.wait_for(None, |_: &StopEvent| true).unwrap_err().kind());
        let large = Some(json!({"x": "x".repeat(8 << 20)}));
        let call = scope.spawn(|| vm.within(None).cmd("large", large, None).unwrap_err().kind());
        vm.wait_for(PATIENCE, |_: &Resume| true).unwrap();
        vm.close();
        assert_eq!(event.join().unwrap(), ErrorKind::NotConnected);
        assert_eq!(call.join().unwrap(), ErrorKind::NotConnected);
    });
    closed.send(()).unwrap();
    script.finish();
}

#[test]
fn closing_one_half_ends_the_other() {
    let (mut transport, _their_reader, mut their_writer) = pipes();
    let mut half = transport.try_split().unwrap();
    their_writer.write_all(b"last").unwrap();
    half.close();
    assert_eq!(transport.receive(&mut [0; 9], Wait::Forever).unwrap(), 4);
    assert_eq!(transport.receive(&mut [0; 9], Wait::Forever).unwrap(), 0);
    assert_eq!(transport.send(b"x", Wait::Forever).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(half.receive(&mut [0; 9], Wait::Forever).unwrap(), 0);
}

#[test]
fn the_standard_streams_of_a_child_process() {
    let script = format!(
        "echo '{GREETING}'; read line; echo '{}'; read line; echo '{}'; cat >/dev/null",
        r#"{"return": {}, "id": "qmp#1"}"#, r#"{"return": {"status": "running", "running": true}, "id": "qmp#2"}"#
    );
    let mut child =
        Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let transport = FdTransport::new(child.stdout.take().unwrap(), child.stdin.take().unwrap()).unwrap();
    let mut vm = Client::connect_over(transport, &options()).unwrap();
    assert!(vm.execute(QueryStatus::new()).unwrap().running);
    vm.close();
    assert!(child.wait().unwrap().success());
}
