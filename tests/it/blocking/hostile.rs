//! Servers that break every rule: each gives the documented error in time, and no more memory than the bounds say.

use qemu_qmp::error::Malformed;
use qemu_qmp::session::SessionOptions;
use qemu_qmp::{Client, ErrorKind, EventSet, Phase};
use serde_json::json;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;
use support::*;

#[test]
fn a_byte_at_a_time_does_not_put_off_the_deadline() {
    let (client, script) = attempted(&options().greeting_timeout(SOON), |mut peer| {
        // Each byte is in time, all of them are not.
        for byte in GREETING.bytes().cycle() {
            peer.raw(&[byte]);
            thread::sleep(Duration::from_millis(1));
            if byte == b']' {
                break;
            }
        }
        peer.wait_for_end();
    });
    assert_eq!(client.unwrap_err().kind(), ErrorKind::Timeout(Phase::Greeting));
    script.finish();
}

#[test]
fn a_line_without_an_end() {
    let bounded = options().session(SessionOptions::new().max_line_len(1 << 20));
    let (mut vm, script) = connected_with(&bounded, |mut peer| {
        let command = peer.expect("first");
        // The reply comes behind far more than the bound.
        let piece = vec![b'x'; 1 << 20];
        (0..64).for_each(|_| peer.raw(&piece));
        peer.raw(b"\n");
        peer.reply(&command, json!("late"));
        peer.answer("second", json!("second"));
        peer.expect("third");
        peer.raw(&piece);
        peer.raw(&piece);
    });
    let error = vm.cmd("first", None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::TooLong));
    assert_eq!(vm.cmd("second", None, None).unwrap().result(), Ok("\"second\""));
    let error = vm.cmd("third", None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::HalfLine));
    assert!(error.is_closed());
    script.finish();
}

#[test]
fn a_greeting_over_the_bound() {
    let bounded = options().session(SessionOptions::new().max_line_len(100));
    let (client, script) = attempted(&bounded, |mut peer| {
        peer.line(GREETING);
        peer.wait_for_end();
    });
    assert_eq!(client.unwrap_err().kind(), ErrorKind::Greeting);
    script.finish();
}

#[test]
fn replies_to_nobody_and_replies_in_double() {
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.expect("first");
        peer.line(r#"{"return": "whose?", "id": "another"}"#);
        peer.line(r#"{"error": {"class": "GenericError", "desc": "whose?"}, "id": [1, {"x": null}]}"#);
        peer.reply(&command, json!(1));
        peer.reply(&command, json!("again"));
        peer.answer("second", json!(2));
        peer.wait_for_end();
    });
    assert_eq!(vm.cmd("first", None, None).unwrap().result(), Ok("1"));
    assert_eq!(vm.cmd("second", None, None).unwrap().result(), Ok("2"));
    assert_eq!(vm.counters().unknown_replies, 3);
    drop(vm);
    script.finish();
}

#[test]
fn a_million_events_during_a_call() {
    const EVENTS: u64 = 1_000_000;
    let bounds = options().session(SessionOptions::new().max_events(1000)).call_timeout(None);
    let (mut vm, script) = connected_with(&bounds, |mut peer| {
        let command = peer.expect("first");
        let piece = format!("{}\r\n", event("FLOOD")).repeat(1000);
        (0..EVENTS / 1000).for_each(|_| peer.raw(piece.as_bytes()));
        peer.reply(&command, json!(1));
        peer.event("LAST");
        peer.answer("second", json!(2));
        peer.wait_for_end();
    });
    assert_eq!(vm.cmd("first", None, None).unwrap().result(), Ok("1"));
    assert_eq!(vm.cmd("second", None, None).unwrap().result(), Ok("2"));
    let missed = vm.take_events().unwrap_err();
    assert_eq!((missed.kind(), missed.missed()), (ErrorKind::Missed, Some(EVENTS + 1 - 1000)));
    let events = vm.take_events().unwrap();
    assert_eq!((events.len(), events[999].data.name()), (1000, "LAST"));
    assert_eq!(vm.counters().dropped_events, EVENTS + 1 - 1000);
    drop(vm);
    script.finish();
}

#[test]
fn deep_nesting_strange_bytes_and_garbage() {
    let deep = |open: &str| format!("{{\"return\": {}", open.repeat(1 << 20)).into_bytes();
    let lines: [(Vec<u8>, Malformed); 6] = [
        (deep("["), Malformed::NotJson),
        (deep("{\"a\":"), Malformed::NotJson),
        // Around a message they would be space.
        (b"{\0\0\0}".to_vec(), Malformed::NotJson),
        (b"{\"return\": \"\0\"}".to_vec(), Malformed::NotJson),
        (b"{\"return\": \"\xc3\x28\"}".to_vec(), Malformed::NotUtf8),
        (b"[1, 2, 3]".to_vec(), Malformed::NotQmp),
    ];
    let kinds = lines.clone().map(|(_, kind)| kind);
    let (mut vm, script) = connected(move |mut peer| {
        for (line, _) in lines {
            peer.expect("first");
            peer.raw(&line);
            peer.raw(b"\n");
            peer.answer("second", json!(2));
        }
        peer.wait_for_end();
    });
    for kind in kinds {
        assert_eq!(vm.cmd("first", None, None).unwrap_err().kind(), ErrorKind::Malformed(kind));
        assert_eq!(vm.cmd("second", None, None).unwrap().result(), Ok("2"));
    }
    drop(vm);
    script.finish();
}

#[test]
fn gone_at_whichever_byte_of_the_conversation() {
    let text = format!("{GREETING}\r\n{{\"return\": {{}}}}\r\n{{\"return\": 1, \"id\": \"qmp#2\"}}\r\n");
    for at in 0..text.len() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&text.as_bytes()[..at]).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let error = match Client::connect_over(ours, &options()) {
            Err(error) => error,
            Ok(mut vm) => vm.cmd("first", None, None).map(|_| at).unwrap_err(),
        };
        let ended = error.is_closed() || error.kind() == ErrorKind::Greeting;
        assert!(ended, "after {at} bytes: {error:?}");
    }
}
