//! Sessions driven by hand: what goes in, what comes out.

mod handshake;
mod restarts;
mod unanswered;

use super::*;
use crate::error::{ErrorKind, Malformed};
use serde_json::{json, Value};

const GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""}, "capabilities": ["oob"]}}"#;
const PLAIN_GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""}, "capabilities": []}}"#;

fn input(session: &mut Session, line: &str) {
    session.handle_input(format!("{line}\r\n").as_bytes());
}

/// Everything that is to be written, as JSON.
fn output(session: &mut Session) -> Vec<Value> {
    std::iter::from_fn(|| session.take_output()).map(|output| serde_json::from_slice(&output.bytes).unwrap()).collect()
}

fn ready_with(options: SessionOptions, greeting: &str) -> Session {
    let mut session = Session::new(options);
    input(&mut session, greeting);
    let id = output(&mut session)[0]["id"].clone();
    input(&mut session, &json!({"return": {}, "id": id}).to_string());
    assert!(matches!(session.poll(), Some(Incoming::Ready)));
    session
}

fn ready() -> Session {
    ready_with(SessionOptions::new(), PLAIN_GREETING)
}

fn ready_oob() -> Session {
    ready_with(SessionOptions::new(), GREETING)
}

fn request(name: &str) -> Request {
    Request::untyped(name, None)
}

/// Sends a command and gives its id on the wire.
fn send(session: &mut Session, name: &str) -> (Id, Value) {
    let id = session.send(request(name)).unwrap();
    let sent = output(session);
    assert_eq!(sent.len(), 1);
    (id, sent[0]["id"].clone())
}

/// The news, in short.
fn incoming(session: &mut Session) -> Vec<String> {
    let short = |incoming| match incoming {
        Incoming::Ready => "ready".to_owned(),
        Incoming::Done { id, outcome, .. } => match outcome.as_ref().map(|reply| reply.as_ref().map(Reply::result)) {
            Ok(Some(Ok(value))) => format!("{} {value}", id.0),
            Ok(Some(Err(error))) => format!("{} {}", id.0, error.desc),
            Ok(None) => format!("{} written", id.0),
            Err(error) => format!("{} {:?}", id.0, error.kind()),
        },
        Incoming::Ended(error) => format!("ended {:?}", error.kind()),
    };
    std::iter::from_fn(|| session.poll()).map(short).collect()
}

/// Names of events, and what is wrong with lines that may have been some.
fn event_names(session: &mut Session) -> Vec<String> {
    let short = |content: Result<Arc<RawEvent>>| match content {
        Ok(event) => event.name.to_string(),
        Err(error) => format!("{:?}", error.kind()),
    };
    std::iter::from_fn(|| session.take_event()).map(|(_, content)| short(content)).collect()
}

/// A whole connection, while three commands are sent before it, the second with an id of its user's.
fn transcript() -> Vec<u8> {
    let lines = [
        r#"{"event": "EARLY"}"#,
        GREETING,
        r#"{"event": "EARLIER", "timestamp": {"seconds": -1, "microseconds": -1}}"#,
        r#"{"return": {}, "id": "qmp#1"}"#,
        "",
        r#"{"event": "STOP", "data": {"a": "é"}}"#,
        "not JSON",
        r#"{"error": {"class": "GenericError", "desc": "no"}, "id": 7}"#,
        r#"{"return": [1, {"x": "}{"}], "id": "qmp#4"}"#,
        r#"{"return": 1, "id": "qmp#2"}"#,
        r#"{"error": {"class": "GenericError", "desc": "unreadable"}}"#,
        r#"{"retu"#,
    ];
    lines.join("\r\n").into_bytes()
}

fn run(pieces: &[&[u8]]) -> (Vec<String>, Vec<String>, Counters) {
    let mut session = Session::new(SessionOptions::new());
    session.send(request("first")).unwrap();
    session.send(request("second").id(7)).unwrap();
    session.send(request("third")).unwrap();
    for piece in pieces {
        // What is written between two lines is written in time, however the lines arrive.
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            session.handle_input(part);
            while session.take_output().is_some() {}
        }
    }
    session.handle_eof(None);
    (incoming(&mut session), event_names(&mut session), session.counters())
}

#[test]
fn pieces_do_not_matter() {
    let text = transcript();
    let expected = run(&[&text]);
    let ends = ["ready", "1 Malformed(NotJson)", "2 no", r#"3 [1, {"x": "}{"}]"#, "ended Malformed(HalfLine)"];
    assert_eq!(expected.0, ends);
    assert_eq!(expected.1, ["EARLY", "EARLIER", "STOP", "Malformed(UnidentifiedError)"]);
    assert_eq!(expected.2, Counters { unknown_replies: 1, malformed_lines: 3, ..Counters::default() });
    for at in 0..text.len() {
        assert_eq!(run(&[&text[..at], &text[at..]]), expected, "split at {at}");
    }
    assert_eq!(run(&text.chunks(1).collect::<Vec<_>>()), expected);
}

#[test]
fn replies_find_their_commands_by_id() {
    let mut session = ready();
    let ids = [json!(null), json!("x"), json!({"b": [1.0], "a": "é"}), json!(0), json!(u64::MAX), json!("qmp#3")];
    let mut calls = Vec::new();
    for id in &ids {
        let call = session.send(request("stop").id(id.clone())).unwrap();
        assert_eq!(output(&mut session)[0]["id"], *id);
        calls.push((call, id.clone()));
    }
    // The session's own ids avoid its user's.
    for _ in 0..3 {
        let (call, id) = send(&mut session, "cont");
        assert!(!ids.contains(&id));
        calls.push((call, id));
    }
    for (call, id) in calls.into_iter().rev() {
        input(&mut session, &json!({"return": id, "id": id}).to_string());
        match session.poll() {
            Some(Incoming::Done { id: answered, outcome: Ok(Some(reply)), .. }) => {
                assert_eq!(answered, call);
                assert_eq!(reply.decode_as::<Value>("stop").unwrap(), id);
                assert_eq!(reply.to_object().unwrap().get("id"), ids.contains(&id).then_some(&id));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(session.counters(), Counters::default());
}

#[test]
fn notation_of_ids_may_change_on_the_way() {
    let mut session = ready();
    session.send(request("stop").id(json!({"b": [1.0], "a": "é"}))).unwrap();
    output(&mut session);
    input(&mut session, r#"{"return": 1, "id": {"a" : "\u00e9", "b": [1]}}"#);
    assert_eq!(incoming(&mut session), ["1 1"]);
}

#[test]
fn unknown_replies_are_counted() {
    let mut session = ready();
    let (_, id) = send(&mut session, "stop");
    input(&mut session, r#"{"return": 1, "id": "other"}"#);
    input(&mut session, &json!({"return": 2, "id": id}).to_string());
    input(&mut session, &json!({"return": 3, "id": id}).to_string());
    assert_eq!(incoming(&mut session), ["1 2"]);
    assert_eq!(session.counters().unknown_replies, 2);
}

#[test]
fn garbage_ends_the_call_whose_reply_it_may_have_been() {
    let garbage = ["garbage", "[]", r#"{"return": 1}"#, &"x".repeat(201)];
    let kinds = ["NotJson", "NotQmp", "UnidentifiedReply", "TooLong"];
    for (line, kind) in garbage.iter().zip(kinds) {
        let mut session = ready_with(SessionOptions::new().max_line_len(200), PLAIN_GREETING);
        let (_, first) = send(&mut session, "stop");
        let (_, second) = send(&mut session, "cont");
        input(&mut session, line);
        // Its reply comes after all, and is nobody's any more.
        input(&mut session, &json!({"return": 1, "id": first}).to_string());
        input(&mut session, &json!({"return": 2, "id": second}).to_string());
        assert_eq!(incoming(&mut session), [&format!("1 Malformed({kind})"), "2 2"], "{line}");
        // Where no call waits, it may have been an event.
        input(&mut session, r#"{"event": "STOP"}"#);
        input(&mut session, line);
        assert_eq!(incoming(&mut session), [] as [&str; 0]);
        assert_eq!(event_names(&mut session), ["STOP", &format!("Malformed({kind})")], "{line}");
        let counters = session.counters();
        assert_eq!((counters.late_replies, counters.malformed_lines), (1, 2), "{line}");
    }
    let mut session = ready();
    send(&mut session, "stop");
    session.handle_input(b"{\"return\": \"\xff\"}\n");
    assert_eq!(incoming(&mut session), ["1 Malformed(NotUtf8)"]);
}

#[test]
fn what_is_no_json_in_a_reply_or_an_event_is_a_fault_of_that_alone() {
    let mut session = ready();
    let (_, first) = send(&mut session, "stop");
    let (_, second) = send(&mut session, "cont");
    input(&mut session, r#"{"event": "STOP", "data": {"reason" 1}}"#);
    input(&mut session, &format!(r#"{{"return": {{"a" 1}}, "id": {second}}}"#));
    input(&mut session, &format!(r#"{{"return": 1, "id": {first}}}"#));
    assert_eq!(event_names(&mut session), ["STOP"]);
    let outcomes: Vec<_> = std::iter::from_fn(|| session.poll()).collect();
    let [Incoming::Done { outcome: Ok(Some(broken)), .. }, Incoming::Done { outcome: Ok(Some(whole)), .. }] =
        &*outcomes
    else {
        panic!("{outcomes:?}");
    };
    let error = broken.decode_as::<Value>("cont").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.decode_error().unwrap().text(), r#"{"a" 1}"#);
    assert_eq!(broken.to_object().unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(whole.result(), Ok("1"));
    // What no decoder comes to is looked at before.
    let (_, id) = send(&mut session, "stop");
    for line in
        [r#"{"return": {"a" 1}}"#, r#"{"return": 1, "id": x}"#, &format!(r#"{{"error": {{"desc" 1}}, "id": {id}}}"#)]
    {
        input(&mut session, line);
    }
    assert_eq!(incoming(&mut session), ["3 Malformed(NotJson)"]);
    assert_eq!(event_names(&mut session), ["Malformed(NotJson)"; 2]);
}

#[test]
fn garbage_concerns_out_of_band_commands_last() {
    let mut session = ready_oob();
    session.send(request("yank").out_of_band()).unwrap();
    session.send(request("stop")).unwrap();
    output(&mut session);
    (0..3).for_each(|_| input(&mut session, "garbage"));
    assert_eq!(incoming(&mut session), ["2 Malformed(NotJson)", "1 Malformed(NotJson)"]);
    assert_eq!(event_names(&mut session), ["Malformed(NotJson)"]);
}

#[test]
fn errors_without_an_id() {
    let mut session = ready_oob();
    let error = r#"{"error": {"class": "GenericError", "desc": "unreadable"}}"#;
    input(&mut session, error);
    assert_eq!((incoming(&mut session), event_names(&mut session).len()), (vec![], 1));
    session.send(request("yank").out_of_band()).unwrap();
    output(&mut session);
    // A server answers an out-of-band command by its id.
    input(&mut session, error);
    assert_eq!((incoming(&mut session), event_names(&mut session).len()), (vec![], 1));
    session.send(request("stop")).unwrap();
    session.send(request("cont")).unwrap();
    output(&mut session);
    input(&mut session, error);
    assert_eq!(incoming(&mut session), ["2 unreadable"]);
    session.cancel(Id(3));
    input(&mut session, error);
    input(&mut session, error);
    assert_eq!(event_names(&mut session), ["Malformed(UnidentifiedError)"]);
    assert_eq!((incoming(&mut session), session.counters().late_replies), (vec![], 1));
    input(&mut session, r#"{"return": 1, "id": "qmp#2"}"#);
    assert_eq!(incoming(&mut session), ["1 1"]);
}

#[test]
fn cancelled_commands() {
    let mut session = ready();
    let (sent, id) = send(&mut session, "stop");
    let unsent = session.send(request("cont")).unwrap();
    session.cancel(sent);
    session.cancel(unsent);
    session.cancel(unsent);
    assert_eq!(output(&mut session), [] as [Value; 0]);
    let (_, next) = send(&mut session, "query-status");
    input(&mut session, &json!({"return": "late", "id": id}).to_string());
    input(&mut session, &json!({"return": "mine", "id": next}).to_string());
    assert_eq!(incoming(&mut session), ["3 \"mine\""]);
    let (answered, id) = send(&mut session, "stop");
    input(&mut session, &json!({"return": "unseen", "id": id}).to_string());
    session.cancel(answered);
    assert_eq!(incoming(&mut session), [] as [&str; 0]);
    let counters = session.counters();
    assert_eq!((counters.late_replies, counters.unknown_replies), (2, 0));
}

#[test]
fn equal_ids_are_answered_in_order() {
    let mut session = ready();
    let first = session.send(request("stop").id(1)).unwrap();
    session.send(request("cont").id(1)).unwrap();
    output(&mut session);
    session.cancel(first);
    input(&mut session, r#"{"return": "late", "id": 1}"#);
    input(&mut session, r#"{"return": "mine", "id": 1}"#);
    assert_eq!(incoming(&mut session), ["2 \"mine\""]);
}

#[test]
fn window_of_in_band_commands() {
    let mut session = ready_oob();
    let names: Vec<_> = (0..12).map(|number| format!("command-{number}")).collect();
    for name in &names {
        session.send(request(name)).unwrap();
    }
    let mut sent = output(&mut session);
    assert_eq!(sent.len(), 8);
    session.send(request("yank").out_of_band()).unwrap();
    assert_eq!(output(&mut session)[0]["exec-oob"], "yank");
    while sent.len() < 12 {
        let answered = sent[sent.len() - 8]["id"].clone();
        input(&mut session, &json!({"return": {}, "id": answered}).to_string());
        let next = output(&mut session);
        assert_eq!(next.len(), 1);
        sent.extend(next);
    }
    assert!(sent.iter().map(|sent| &sent["execute"]).eq(&names));
    // Without out-of-band execution there is no window.
    let mut session = ready();
    for name in &names {
        session.send(request(name)).unwrap();
    }
    assert_eq!(output(&mut session).len(), 12);
}

#[test]
fn lost_replies_and_cancelled_commands_do_not_fill_the_window_for_ever() {
    let mut session = ready_oob();
    for _ in 0..20 {
        send(&mut session, "stop");
        input(&mut session, "garbage");
        assert_eq!(incoming(&mut session).len(), 1);
    }
    for _ in 0..20 {
        let call = session.send(unanswered()).unwrap();
        assert_eq!(output(&mut session).len(), 1);
        session.handle_written(call);
        session.handle_silence(call);
        assert_eq!(incoming(&mut session), [format!("{} written", call.0)]);
    }
    // Commands that were cancelled may still be in the server's queue.
    for _ in 0..8 {
        let (call, _) = send(&mut session, "stop");
        session.cancel(call);
    }
    session.send(request("stop")).unwrap();
    assert_eq!(output(&mut session).len(), 0);
}

/// As `guest-shutdown` is: answered only if it fails.
#[derive(Debug)]
struct Unanswered;

fn decode<'de, D: serde::Deserializer<'de>>(_: D) -> Result<Unanswered, D::Error> {
    Ok(Unanswered)
}

fn encode<S: serde::Serializer>(_: &Unanswered, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&json!({}), serializer)
}

crate::wire::serde!(Unanswered, decode, encode);

impl crate::Command for Unanswered {
    const NAME: &'static str = "guest-shutdown";
    const SUCCESS_RESPONSE: bool = false;
    type Reply = Value;
}

fn unanswered() -> Request {
    Request::new(&Unanswered).unwrap()
}

#[test]
fn events_are_bounded() {
    let mut session = ready_with(SessionOptions::new().max_events(2), PLAIN_GREETING);
    ["A", "B", "C"].iter().for_each(|name| input(&mut session, &json!({"event": name}).to_string()));
    assert!(session.events().map(|event| &*event.name).eq(["B", "C"]));
    assert_eq!((event_names(&mut session).join(" ").as_str(), session.counters().dropped_events), ("Missed B C", 1));
    input(&mut session, r#"{"event": "D"}"#);
    session.clear_events();
    assert!(session.take_event().is_none());
}

#[test]
fn events_after_a_command_are_told_from_those_before() {
    let mut session = ready();
    let subscriber = session.subscribe(SubscribeFrom::Now, EventFilter::All);
    session.send(request("device_del")).unwrap();
    input(&mut session, r#"{"event": "BEFORE"}"#);
    let sent = output(&mut session);
    input(&mut session, r#"{"event": "AFTER"}"#);
    input(&mut session, &json!({"return": {}, "id": sent[0]["id"]}).to_string());
    let Some(Incoming::Done { span, .. }) = session.poll() else { panic!("no reply") };
    let (before, after) = (session.take_event_for(subscriber).unwrap(), session.take_event_for(subscriber).unwrap());
    assert!(before.0 < span.sent && span.sent <= after.0 && after.0 < session.event_cursor());
}

#[test]
fn the_end_ends_all_calls_with_its_cause() {
    let reset = || Some(std::io::ErrorKind::ConnectionReset.into());
    let denied = || Some(std::io::ErrorKind::PermissionDenied.into());
    for (written, read, kind) in [
        (None, None, "Closed"),
        (None, reset(), "Closed"),
        (None, denied(), "Io"),
        (reset(), None, "Closed"),
        (denied(), reset(), "Io"),
    ] {
        let mut session = ready_oob();
        let (cancelled, _) = send(&mut session, "query-name");
        session.cancel(cancelled);
        send(&mut session, "stop");
        session.send(request("cont")).unwrap();
        if let Some(error) = written {
            session.handle_write_error(error);
            assert!(session.take_output().is_none() && session.is_broken());
        }
        session.handle_eof(read);
        session.handle_eof(None);
        assert_eq!(incoming(&mut session), [format!("2 {kind}"), format!("3 {kind}"), format!("ended {kind}")]);
        assert_eq!(format!("{:?}", session.send(request("stop")).unwrap_err().kind()), kind);
    }
}

#[test]
fn closing_ends_all_calls() {
    let mut session = ready();
    send(&mut session, "stop");
    session.close();
    session.handle_eof(None);
    assert_eq!(incoming(&mut session), ["1 NotConnected", "ended NotConnected"]);
}

#[test]
fn nothing_goes_in_or_out_after_the_end() {
    let mut session = ready();
    session.send(request("stop")).unwrap();
    session.handle_eof(None);
    assert!(session.take_output().is_none());
    assert_eq!(session.send(request("stop")).unwrap_err().kind(), ErrorKind::Closed);
    input(&mut session, r#"{"event": "STOP"}"#);
    input(&mut session, "garbage");
    assert_eq!(incoming(&mut session), ["1 Closed", "ended Closed"]);
    assert!(session.take_event().is_none());
}

#[test]
fn longest_line_is_read_in_linear_time() {
    // Four million pieces: looking at the beginning again with each would take hours.
    let mut session = ready();
    let (_, id) = send(&mut session, "query-qmp-schema");
    let line = json!({"return": "x".repeat(4 << 20), "id": id}).to_string() + "\n";
    line.as_bytes().chunks(1).for_each(|piece| session.handle_input(piece));
    assert_eq!(incoming(&mut session)[0].len(), (4 << 20) + 4);
}

#[test]
fn malformed_lines_are_kept_for_people_to_read() {
    let mut session = ready();
    input(&mut session, "QEMU 7.2.22 monitor - type 'help' for more information");
    let (_, content) = session.take_event().unwrap();
    let error = content.unwrap_err();
    let line = error.malformed_line().unwrap();
    assert_eq!(line.kind(), Malformed::NotJson);
    assert!(line.excerpt().starts_with("QEMU 7.2.22 monitor"));
    assert!(error.to_string().contains("not JSON"));
}
