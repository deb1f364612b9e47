//! Deadlines, and what they must not cost; transports other than sockets.

use qemu_qmp::blocking::{self, PipeTransport};
use qemu_qmp::qga::commands::{GuestPing, GuestShutdown};
use qemu_qmp::qmp::commands::{QueryName, QueryStatus};
use qemu_qmp::{Client, ConnectOptions, ErrorKind, EventSet, GuestAgent, Phase};
use serde_json::json;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;
use support::programs::Folder;
use support::*;

#[test]
fn a_second_client_is_told_that_there_may_be_a_first() {
    let options = ConnectOptions::new().greeting_timeout(SOON);
    let (client, script) = attempted(&options, |mut peer| peer.wait_for_end());
    let error = client.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
    assert!(error.is_greeting() && error.is_timeout());
    assert!(error.to_string().contains("one client at a time"), "{error}");
    script.finish();
}

#[test]
fn the_phase_of_a_deadline_is_told() {
    let greeted = Recorded::new([Some(format!("{GREETING}\n").into_bytes())], false);
    let options = ConnectOptions::new().greeting_timeout(SOON).name("vm");
    let error = Client::connect_over(greeted, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Negotiation));
    assert_eq!(error.to_string(), format!("vm: no reply to capabilities negotiation within {SOON:?}"));
    let silent = Recorded::new([], false);
    let error = blocking::Client::<GuestAgent>::connect_over(silent, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Sync));
}

// Other systems refuse what a full backlog has no place for.
#[cfg(target_os = "linux")]
#[test]
fn a_full_backlog_does_not_hang() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let options = ConnectOptions::new().connect_timeout(SOON).greeting_timeout(Duration::ZERO);
    // The backlog takes some thousand connections at most, nobody accepts one, and they stay there although the client left.
    for _ in 0..100_000 {
        let error = Client::connect_with(folder.socket(), &options).unwrap_err();
        match error.kind() {
            ErrorKind::Timeout(Phase::Greeting) => {}
            kind => return assert_eq!(kind, ErrorKind::Timeout(Phase::Connect)),
        }
    }
    panic!("the backlog has no end");
}

#[test]
fn a_late_reply_answers_nobody() {
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let (mut vm, script) = connected(move |mut peer| {
        let late = peer.expect("query-name");
        may_go_on.recv().unwrap();
        peer.reply(&late, json!({"name": "late"}));
        peer.answer("query-name", json!({"name": "in time"}));
        peer.wait_for_end();
    });
    let error = vm.within(SOON).execute(QueryName::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    go_on.send(()).unwrap();
    assert_eq!(vm.execute(QueryName::new()).unwrap().name.as_deref(), Some("in time"));
    assert_eq!(vm.counters().late_replies, 1);
    drop(vm);
    script.finish();
}

#[test]
fn so_it_does_if_both_have_the_same_id() {
    let (mut vm, script) = connected(|mut peer| {
        let (late, next) = (peer.expect("query-name"), peer.expect("query-name"));
        peer.reply(&late, json!("late"));
        peer.reply(&next, json!("in time"));
        peer.wait_for_end();
    });
    vm.set_call_timeout(SOON);
    assert!(vm.cmd("query-name", None, Some(json!(1))).unwrap_err().is_timeout());
    vm.set_call_timeout(None);
    let reply = vm.cmd("query-name", None, Some(json!(1))).unwrap();
    assert_eq!(reply.result(), Ok("\"in time\""));
    drop(vm);
    script.finish();
}

#[test]
fn a_deadline_anywhere_in_a_line_costs_nothing() {
    let text = [
        event("EARLY").as_str(),
        GREETING,
        r#"{"return": {}, "id": "qmp#1"}"#,
        &event("STOP"),
        r#"{"return": {"name": "late"}, "id": "qmp#2"}"#,
        r#"{"return": {"status": "running", "running": true}, "id": "qmp#3"}"#,
        &event("RESUME"),
        "",
    ]
    .join("\r\n")
    .into_bytes();
    let ready = text.windows(9).position(|window| window == b"\"qmp#1\"}\r").unwrap() + 10;
    let first = text.windows(9).position(|window| window == b"\"qmp#2\"}\r").unwrap() + 10;
    for at in ready..first {
        // The first call's deadline passes at the pause, the second call finds its reply.
        let pieces = [Some(text[..at].to_vec()), None, Some(text[at..].to_vec())];
        let mut vm = Client::connect_over(Recorded::new(pieces, true), &options()).unwrap();
        assert!(vm.execute(QueryName::new()).unwrap_err().is_timeout(), "pause at {at}");
        assert!(vm.execute(QueryStatus::new()).unwrap().running);
        let events = vm.take_events().unwrap();
        assert!(events.iter().map(|event| event.data.name()).eq(["EARLY", "STOP", "RESUME"]));
        assert_eq!(vm.counters().late_replies, 1);
    }
}

#[test]
fn a_command_that_was_half_written_is_finished_first() {
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.expect("query-name");
        assert_eq!(command["arguments"]["x"].as_str().unwrap().len(), 8 << 20);
        peer.reply(&command, json!("late"));
        peer.answer("query-status", json!({"status": "running", "running": true}));
        peer.wait_for_end();
    });
    // Far more than a socket holds, in far less time than it takes to read it.
    let arguments = json!({"x": "x".repeat(8 << 20)});
    let error = vm.within(Duration::ZERO).cmd("query-name", Some(arguments), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    assert!(vm.execute(QueryStatus::new()).unwrap().running);
    drop(vm);
    script.finish();
}

#[test]
fn any_reader_and_writer() {
    let (reader, their_writer) = UnixStream::pair().unwrap();
    let (their_reader, writer) = UnixStream::pair().unwrap();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let script = Script::start(move || {
        let mut peer = Peer::new(their_reader, their_writer, || ());
        peer.negotiate();
        peer.expect("query-name");
        may_go_on.recv().unwrap();
        peer.answer("query-status", json!({"status": "running", "running": true}));
        peer.event("STOP");
        peer.wait_for_end();
    });
    let mut vm = Client::connect_over(PipeTransport::new(reader, writer).unwrap(), &options()).unwrap();
    assert_eq!(vm.greeting().version.major, 10);
    assert!(vm.within(SOON).execute(QueryName::new()).unwrap_err().is_timeout());
    assert!(vm.take_events().unwrap().is_empty());
    go_on.send(()).unwrap();
    assert!(vm.execute(QueryStatus::new()).unwrap().running);
    assert_eq!(vm.next_event(PATIENCE).unwrap().unwrap().data.name(), "STOP");
    vm.close();
    script.finish();
}

#[test]
fn a_pipe_ends_with_its_reader() {
    let greeting = format!("{GREETING}\n{{\"return\": {{}}}}\n{}\nhalf", event("STOP"));
    let pipe = PipeTransport::new(std::io::Cursor::new(greeting), std::io::sink()).unwrap();
    let mut vm = Client::connect_over(pipe, &options()).unwrap();
    assert!(vm.execute(QueryName::new()).unwrap_err().is_closed());
    assert_eq!(vm.take_events().unwrap().len(), 1);
}

#[test]
fn the_stream_can_be_had_back() {
    let (vm, script) = connected(|mut peer| {
        assert_eq!(peer.next_command().unwrap(), json!("hello"));
    });
    let vm = vm.into_inner::<std::net::TcpStream>().unwrap_err();
    let mut stream = vm.into_inner::<UnixStream>().unwrap();
    assert_eq!(stream.read_timeout().unwrap(), None);
    std::io::Write::write_all(&mut stream, b"\"hello\"\n").unwrap();
    script.finish();
}

#[test]
fn a_socket_that_does_not_block_is_made_to() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let script = Script::start(move || {
        std::thread::sleep(SOON);
        Peer::unix(theirs).negotiate();
    });
    Client::connect_over(ours, &options()).unwrap();
    script.finish();
}

#[test]
fn guest_agents_synchronize() {
    let folder = Folder::new();
    let script = listen_unix(&folder.socket(), |mut peer| {
        peer.line(r#"rn": {"stale": "half of an earlier client's reply"}}"#);
        peer.line(r#"{"return": "stale"}"#);
        let sync = peer.expect("guest-sync-delimited");
        peer.line(r#"{"error": {"class": "GenericError", "desc": "there was a strange byte"}}"#);
        peer.raw(b"{\"retu\xff");
        peer.reply(&sync, sync["arguments"]["id"].clone());
        peer.answer("guest-ping", json!({}));
        peer.wait_for_end();
    });
    let mut agent = blocking::Client::<GuestAgent>::connect(folder.socket()).unwrap();
    assert_eq!(agent.counters().stale_lines, 3);
    agent.execute(GuestPing::new()).unwrap();
    drop(agent);
    script.finish();
}

#[test]
fn commands_without_an_answer_notice_that_the_agent_is_gone() {
    let (mut agent, script) = agent(|mut peer| {
        let sync = peer.expect("guest-sync-delimited");
        peer.raw(b"\xff");
        peer.reply(&sync, sync["arguments"]["id"].clone());
    });
    script.finish();
    assert_eq!(agent.execute(GuestShutdown::new()).unwrap_err().kind(), ErrorKind::Closed);
}
