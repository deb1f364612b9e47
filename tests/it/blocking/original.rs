//! What users of QEMU's first client class rely on, point by point, against a scripted server.

use qemu_qmp::error::Malformed;
use qemu_qmp::message::Capability;
use qemu_qmp::{Address, ErrorClass, ErrorKind, QemuMonitorProtocol};
use serde_json::{json, Map, Value};
use std::os::unix::net::UnixListener;
use std::path::Path;
use support::programs::Folder;
use support::{event, listen_tcp, listen_unix, options, Peer, Script, GREETING};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A monitor that is not connected yet, at a socket whose other end follows the script.
fn unconnected<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (QemuMonitorProtocol, Script<T>) {
    let folder = Folder::new();
    let qmp = QemuMonitorProtocol::with_options(folder.socket(), options());
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let script = Script::start(move || {
        let result = script(Peer::unix(listener.accept().unwrap().0));
        drop(folder);
        result
    });
    (qmp, script)
}

/// The same in command mode.
fn connected<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (QemuMonitorProtocol, Script<T>) {
    let (mut qmp, script) = unconnected(|mut peer| {
        peer.negotiate();
        script(peer)
    });
    qmp.connect().unwrap();
    (qmp, script)
}

fn names(client: &mut QemuMonitorProtocol) -> Vec<String> {
    client.get_events().unwrap().iter().map(|event| event.name.to_string()).collect()
}

#[test]
fn a_new_client_is_not_connected() {
    let nowhere = Folder::new().socket();
    let mut client = QemuMonitorProtocol::new(nowhere.as_path());
    assert!(!client.is_connected());
    assert_eq!(client.cmd("stop", None, None).unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(client.get_events().unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(client.clear_events().unwrap_err().kind(), ErrorKind::NotConnected);
    // It is connect that finds nobody there, and says so in the system's own words.
    let error = client.connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.io_error().unwrap().kind(), std::io::ErrorKind::NotFound);
    assert!(error.io_error().unwrap().raw_os_error().is_some());
}

#[test]
fn addresses() {
    let unix = Address::Unix("/run/vm.qmp".into());
    assert_eq!(Address::from("/run/vm.qmp"), unix);
    assert_eq!(Address::from("/run/vm.qmp".to_owned()), unix);
    assert_eq!(Address::from(&"/run/vm.qmp".to_owned()), unix);
    assert_eq!(Address::from(Path::new("/run/vm.qmp")), unix);
    assert_eq!(Address::from(Path::new("/run/vm.qmp").to_owned()), unix);
    let tcp = Address::Tcp { host: "::1".into(), port: 4444 };
    assert_eq!(Address::from(("::1", 4444)), tcp);
    assert_eq!(Address::from(("::1".to_owned(), 4444)), tcp);
    assert_eq!(Address::from(("::1".parse::<std::net::IpAddr>().unwrap(), 4444)), tcp);
    assert_eq!(Address::from("[::1]:4444".parse::<std::net::SocketAddr>().unwrap()), tcp);
    assert_eq!((unix.to_string().as_str(), tcp.to_string().as_str()), ("/run/vm.qmp", "[::1]:4444"));
}

#[test]
fn connect_gives_the_greeting() {
    let folder = Folder::new();
    let script = listen_unix(&folder.socket(), |mut peer| {
        peer.line(GREETING);
        peer.answer("qmp_capabilities", json!({}))
    });
    let mut client = QemuMonitorProtocol::with_options(folder.socket(), options());
    let greeting = client.connect().unwrap();
    assert_eq!((greeting.version.to_string().as_str(), greeting.package.as_str()), ("10.0.2", "a build"));
    assert_eq!(greeting.capabilities, [Capability::Oob]);
    assert_eq!(client.connect().unwrap_err().kind(), ErrorKind::AlreadyConnected);
    assert_eq!(script.finish()["arguments"], json!({"enable": ["oob"]}));
}

#[test]
fn connect_over_tcp() {
    for (host, address) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", "127.0.0.1")] {
        let Ok((port, script)) = listen_tcp(address, |mut peer| {
            peer.negotiate();
            peer.answer("query-name", json!({"name": "vm"}));
        }) else {
            eprintln!("SKIPPED: there is no {address} here");
            continue;
        };
        let mut client = QemuMonitorProtocol::new((host, port));
        client.connect().unwrap();
        let reply = client.cmd("query-name", None, None).unwrap();
        assert_eq!(reply.result(), Ok(r#"{"name":"vm"}"#));
        script.finish();
    }
}

#[test]
fn nobody_at_the_tcp_port() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = QemuMonitorProtocol::new(("localhost", port)).connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.io_error().unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&format!("localhost:{port}")));
}

#[test]
fn no_greeting_and_a_wrong_greeting_are_one_kind() {
    for line in
        ["", "{\"QMP\": ", "QEMU 10.0 monitor\n", "{\"return\": {}}\n", "[]\n", "\u{ff}\n", "{\"event\": \"STOP\"}\n"]
    {
        let (mut client, script) = unconnected(move |mut peer| peer.raw(line.as_bytes()));
        let error = client.connect().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Greeting, "{line}");
        assert!(error.is_greeting() && !client.is_connected());
        script.finish();
    }
}

#[test]
fn refused_negotiation_is_another() {
    let (mut client, script) = unconnected(|mut peer| {
        peer.line(GREETING);
        let command = peer.expect("qmp_capabilities");
        peer.error(&command, "CommandNotFound", "not today");
    });
    let error = client.connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Negotiation);
    assert_eq!(error.server_error().unwrap().class, ErrorClass::CommandNotFound);
    assert_eq!(client.cmd("stop", None, None).unwrap_err().kind(), ErrorKind::NotConnected);
    script.finish();
}

#[test]
fn end_of_file_during_negotiation_is_a_closed_connection() {
    let (mut client, script) = unconnected(|mut peer| {
        peer.line(GREETING);
        peer.expect("qmp_capabilities");
    });
    assert_eq!(client.connect().unwrap_err().kind(), ErrorKind::Closed);
    script.finish();
}

#[test]
fn untyped_commands_with_arguments_and_id() {
    let ids = [json!(1), json!("x"), json!(null), json!([1, {"a": -0.5}]), json!({"b": true, "a": u64::MAX})];
    let sent = ids.clone();
    let (mut client, script) = connected(move |mut peer| {
        for id in &sent {
            let command = peer.answer("device_add", json!({"x": [1]}));
            assert_eq!((&command["id"], &command["arguments"]), (id, &json!({"driver": "e1000"})));
        }
        let command = peer.answer("query-status", json!("plain"));
        assert!(command.get("arguments").is_none());
    });
    for id in ids {
        let arguments = json!({"driver": "e1000"});
        let reply = client.cmd("device_add", Some(arguments), Some(id.clone())).unwrap();
        assert_eq!(Value::Object(reply.to_object().unwrap()), json!({"return": {"x": [1]}, "id": id}));
    }
    // An id that was not asked for does not show.
    let reply = client.cmd("query-status", None, None).unwrap();
    assert_eq!(Value::Object(reply.to_object().unwrap()), json!({"return": "plain"}));
    script.finish();
}

#[test]
fn error_replies_are_replies() {
    let (mut client, script) = connected(|mut peer| {
        let command = peer.expect("device_del");
        peer.error(&command, "DeviceNotFound", "no such device");
    });
    let reply = client.cmd("device_del", None, Some(json!(7))).unwrap();
    let error = json!({"class": "DeviceNotFound", "desc": "no such device"});
    assert_eq!(Value::Object(reply.to_object().unwrap()), json!({"error": error, "id": 7}));
    assert_eq!(reply.error().unwrap().class, ErrorClass::DeviceNotFound);
    script.finish();
}

#[test]
fn commands_as_objects() {
    let (mut client, script) = connected(|mut peer| {
        peer.answer("stop", json!({}));
        assert_eq!(peer.answer("yank", json!({}))["exec-oob"], "yank");
        let nonsense = peer.next_command().unwrap();
        assert_eq!(nonsense["mistake"], json!(true));
        peer.line(r#"{"error": {"class": "GenericError", "desc": "what?"}}"#);
    });
    let reply = client.cmd_obj(object(json!({"execute": "stop", "id": "a"}))).unwrap();
    assert_eq!(Value::Object(reply.to_object().unwrap()), json!({"return": {}, "id": "a"}));
    let reply = client.cmd_obj(object(json!({"exec-oob": "yank", "arguments": {"instances": []}}))).unwrap();
    assert_eq!(Value::Object(reply.to_object().unwrap()), json!({"return": {}}));
    let reply = client.cmd_obj(object(json!({"mistake": true}))).unwrap();
    assert_eq!(reply.error().unwrap().desc, "what?");
    script.finish();
}

#[test]
fn a_closed_connection_is_told_apart() {
    let (mut client, script) = connected(|mut peer| drop(peer.expect("quit")));
    let error = client.cmd("quit", None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    script.finish();
    assert!(!client.is_connected());
    let error = client.cmd("stop", None, None).unwrap_err();
    assert!(error.is_closed());
    assert_eq!(client.get_events().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn so_is_one_that_breaks_while_sending() {
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let (mut client, script) = connected(move |mut peer| {
        may_go_on.recv().unwrap();
        peer.event("SHUTDOWN");
    });
    go_on.send(()).unwrap();
    script.finish();
    // The other end is gone, and nothing was read since.
    let error = client.cmd("stop", None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.io_error().unwrap().kind(), std::io::ErrorKind::BrokenPipe);
    // What the server had to say before is not lost.
    assert_eq!(names(&mut client), ["SHUTDOWN"]);
    client.clear_events().unwrap();
    assert_eq!(client.get_events().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn so_is_one_that_is_reset() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = Script::start(move || {
        let stream = listener.accept().unwrap().0;
        let watched = stream.try_clone().unwrap();
        let mut peer = Peer::tcp(stream);
        peer.negotiate();
        // Who goes and leaves a command unread resets a TCP connection.
        watched.peek(&mut [0]).unwrap();
        peer.vanish();
    });
    let mut client = QemuMonitorProtocol::new(("127.0.0.1", port));
    client.connect().unwrap();
    let error = client.cmd("stop", None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.io_error().unwrap().kind(), std::io::ErrorKind::ConnectionReset);
    script.finish();
}

#[test]
fn events_are_kept_whenever_they_arrive() {
    let (mut client, script) = unconnected(|mut peer| {
        peer.event("BEFORE_GREETING");
        peer.line(GREETING);
        peer.event("BEFORE_NEGOTIATION");
        let command = peer.expect("qmp_capabilities");
        peer.event("DURING_NEGOTIATION");
        peer.reply(&command, json!({}));
        let command = peer.expect("stop");
        peer.event("STOP");
        peer.event("RESUME");
        peer.reply(&command, json!({}));
        peer.wait_for_end();
    });
    client.connect().unwrap();
    client.cmd("stop", None, None).unwrap();
    let all = ["BEFORE_GREETING", "BEFORE_NEGOTIATION", "DURING_NEGOTIATION", "STOP", "RESUME"];
    assert_eq!(names(&mut client), all);
    assert_eq!(names(&mut client), all, "looking does not take");
    client.clear_events().unwrap();
    assert_eq!(names(&mut client), [] as [&str; 0]);
    client.close();
    script.finish();
}

#[test]
fn get_events_takes_what_is_there_and_never_waits() {
    let (written, is_written) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let (mut client, script) = connected(move |mut peer| {
        peer.raw(format!("{}\r\n{}\r\n{}", event("A"), event("B"), &event("C")[..20]).as_bytes());
        written.send(()).unwrap();
        may_go_on.recv().unwrap();
        peer.raw(&event("C").as_bytes()[20..]);
        peer.raw(b"\r\n");
        written.send(()).unwrap();
        peer.answer("query-name", json!({}));
        peer.wait_for_end();
    });
    is_written.recv().unwrap();
    assert_eq!(names(&mut client), ["A", "B"]);
    // Half a line is no event, no error, and nothing to wait for.
    assert_eq!(names(&mut client), ["A", "B"]);
    go_on.send(()).unwrap();
    is_written.recv().unwrap();
    assert_eq!(names(&mut client), ["A", "B", "C"]);
    client.cmd("query-name", None, None).unwrap();
    client.close();
    script.finish();
}

#[test]
fn nothing_hangs_after_close() {
    let (mut client, script) = connected(|mut peer| {
        peer.event("STOP");
        peer.wait_for_end();
    });
    client.close();
    script.finish();
    client.close();
    assert_eq!(client.get_events().unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(client.clear_events().unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(client.cmd("stop", None, None).unwrap_err().kind(), ErrorKind::NotConnected);
}

#[test]
fn connects_again_after_close_and_after_the_peer_has_gone() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let script = Script::start(move || {
        for number in 0..3 {
            let mut peer = Peer::unix(listener.accept().unwrap().0);
            peer.event(["FIRST", "SECOND", "THIRD"][number]);
            peer.negotiate();
            peer.answer("query-name", json!(number));
            if number == 1 {
                continue;
            }
            peer.wait_for_end();
        }
    });
    let mut client = QemuMonitorProtocol::with_options(folder.socket(), options());
    client.connect().unwrap();
    assert_eq!(client.cmd("query-name", None, None).unwrap().result(), Ok("0"));
    client.close();
    client.connect().unwrap();
    assert_eq!(client.cmd("query-name", None, None).unwrap().result(), Ok("1"));
    // Nothing was asked since the peer has gone; the next call finds out.
    assert_eq!(client.cmd("query-name", None, None).unwrap_err().kind(), ErrorKind::Closed);
    assert!(!client.is_connected());
    assert_eq!(names(&mut client), ["SECOND"]);
    client.connect().unwrap();
    assert_eq!(client.cmd("query-name", None, None).unwrap().result(), Ok("2"));
    assert_eq!(names(&mut client), ["THIRD"]);
    drop(client);
    script.finish();
}

#[test]
fn each_malformed_line_is_an_error_of_its_own_and_shifts_nothing() {
    let lines: [(&[u8], Malformed); 6] = [
        (b"garbage", Malformed::NotJson),
        (b"{\"return\": \xff}", Malformed::NotUtf8),
        (b"{\"returns\": 1}", Malformed::NotQmp),
        (b"{\"return\": \"whose?\"}", Malformed::UnidentifiedReply),
        (&[b'x'; 1001], Malformed::TooLong),
        (&[b'['; 1000], Malformed::NotJson),
    ];
    let folder = Folder::new();
    let bounded = options().session(qemu_qmp::session::SessionOptions::new().max_line_len(1000));
    let mut client = QemuMonitorProtocol::with_options(folder.socket(), bounded);
    let script = listen_unix(&folder.socket(), move |mut peer| {
        peer.negotiate();
        for (line, _) in &lines {
            let command = peer.expect("first");
            peer.raw(line);
            peer.raw(b"\n");
            peer.reply(&command, json!("first"));
            peer.answer("second", json!("second"));
        }
        peer.wait_for_end();
    });
    client.connect().unwrap();
    for (_, kind) in lines {
        let error = client.cmd("first", None, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed(kind));
        assert!(error.is_malformed() && !error.is_closed());
        let reply = client.cmd("second", None, None).unwrap();
        assert_eq!(reply.result(), Ok("\"second\""));
    }
    client.close();
    script.finish();
}

#[test]
fn an_error_without_an_id_belongs_to_the_command_or_to_nobody() {
    let error = r#"{"error": {"class": "GenericError", "desc": "unreadable"}}"#;
    let (written, is_written) = std::sync::mpsc::channel();
    let (mut client, script) = connected(move |mut peer| {
        peer.expect("first");
        peer.line(error);
        peer.expect("second");
        peer.event("STOP");
        peer.line(error);
        peer.line(error);
        written.send(()).unwrap();
        peer.answer("third", json!("third"));
        peer.wait_for_end();
    });
    for name in ["first", "second"] {
        let reply = client.cmd(name, None, None).unwrap();
        assert_eq!(reply.error().unwrap().desc, "unreadable");
    }
    is_written.recv().unwrap();
    // Nobody waited for the last one, which may have been an event: the next look at events tells of it, once.
    let error = client.get_events().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::UnidentifiedError));
    assert!(error.malformed_line().unwrap().excerpt().contains("unreadable"));
    assert_eq!(names(&mut client), ["STOP"]);
    assert_eq!(client.cmd("third", None, None).unwrap().result(), Ok("\"third\""));
    client.close();
    script.finish();
}

#[test]
fn half_a_line_before_the_end() {
    let (mut client, script) = connected(|mut peer| {
        let command = peer.expect("stop");
        peer.event("STOP");
        let reply = Peer::reply_to(&command, json!({}));
        peer.raw(&reply.as_bytes()[..reply.len() / 2]);
    });
    let error = client.cmd("stop", None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::HalfLine));
    assert!(error.is_closed());
    script.finish();
    assert_eq!(names(&mut client), ["STOP"]);
    assert!(client.cmd("stop", None, None).unwrap_err().is_closed());
}
