//! Until commands are executed: greetings, negotiation, and synchronization with a guest agent.

use super::*;

#[test]
fn negotiation_enables_what_is_offered_and_wanted() {
    for (greeting, wanted, oob) in [(GREETING, true, true), (GREETING, false, false), (PLAIN_GREETING, true, false)] {
        let mut session = Session::new(SessionOptions::new().oob(wanted));
        assert_eq!((session.waits_for(), output(&mut session)), (Some(Phase::Greeting), vec![]));
        input(&mut session, greeting);
        assert_eq!(session.waits_for(), Some(Phase::Negotiation));
        let sent = output(&mut session);
        assert_eq!(sent[0]["execute"], "qmp_capabilities");
        assert_eq!(sent[0].get("arguments"), oob.then(|| json!({"enable": ["oob"]})).as_ref());
        input(&mut session, r#"{"return": {}, "id": "somebody else's"}"#);
        assert!(!session.is_ready());
        // Some stand-ins for a server do not echo ids; here there is nothing to mistake.
        input(&mut session, r#"{"return": {}}"#);
        assert_eq!((session.is_ready(), session.oob_enabled(), session.waits_for()), (true, oob, None));
        assert_eq!(session.greeting().unwrap().version.major, 10);
        let urgent = session.send(request("yank").out_of_band()).map_err(|error| error.kind());
        assert_eq!(urgent.err(), (!oob).then_some(ErrorKind::OobUnavailable));
    }
}

#[test]
fn no_or_wrong_greeting() {
    for line in ["QEMU monitor", "{}", r#"{"return": {}}"#, r#"{"error": {"class": "GenericError", "desc": ""}}"#] {
        let mut session = Session::new(SessionOptions::new());
        input(&mut session, line);
        session.handle_eof(None);
        assert_eq!(incoming(&mut session), ["ended Greeting"], "{line}");
        assert_eq!(session.send(request("stop")).unwrap_err().kind(), ErrorKind::Greeting);
    }
    for line in ["", "\r\n", r#"{"event": "STOP"}"#, r#"{"QMP": {"vers"#] {
        let mut session = Session::new(SessionOptions::new());
        session.handle_input(line.as_bytes());
        session.handle_eof(None);
        assert_eq!(incoming(&mut session), ["ended Greeting"], "{line}");
    }
}

#[test]
fn refused_negotiation() {
    for id in ["", r#", "id": "qmp#1""#] {
        let mut session = Session::new(SessionOptions::new());
        input(&mut session, GREETING);
        input(&mut session, &format!(r#"{{"error": {{"class": "CommandNotFound", "desc": "no"}}{id}}}"#));
        assert_eq!(incoming(&mut session), ["ended Negotiation"]);
        assert!(session.end().is_some());
    }
}

#[test]
fn end_of_file_during_negotiation_is_a_closed_connection() {
    let mut session = Session::new(SessionOptions::new());
    input(&mut session, GREETING);
    session.handle_eof(None);
    session.handle_eof(None);
    assert_eq!(incoming(&mut session), ["ended Closed"]);
}

#[test]
fn guest_agent_synchronizes() {
    let mut session = Session::guest_agent(SessionOptions::new(), u64::MAX);
    let sync_id = i64::MAX;
    let sent = session.take_output().unwrap().bytes;
    assert_eq!(sent[0], 0xff);
    let sent: Value = serde_json::from_slice(&sent[1..]).unwrap();
    assert_eq!(sent["execute"], "guest-sync-delimited");
    assert_eq!(sent["arguments"], json!({"id": sync_id}));
    session.send(request("guest-ping")).unwrap();
    for stale in [
        "rn\": 7}",
        r#"{"return": "stale", "id": "qmp#1"}"#,
        r#"{"error": {"class": "GenericError", "desc": "a byte 0xff came"}}"#,
        &format!(r#"{{"return": {sync_id}}}"#),
    ] {
        input(&mut session, stale);
    }
    session.handle_input(b"\xff{\"return\": 5}\n{\"return\": \"ha");
    assert_eq!((incoming(&mut session), session.waits_for()), (vec![], Some(Phase::Sync)));
    assert!(session.take_output().is_none());
    session.handle_input(b"lf\"");
    session.handle_input(b"\xff");
    input(&mut session, &format!(r#"{{"return": {sync_id}}}"#));
    assert_eq!((incoming(&mut session), session.counters().stale_lines), (vec!["ready".to_owned()], 5));
    assert_eq!(output(&mut session)[0]["id"], "qmp#2");
    // Later synchronizations are the user's own.
    session.handle_input(b"\xff{\"return\": 5, \"id\": \"qmp#2\"}\n");
    assert_eq!(incoming(&mut session), ["1 5"]);
}

#[test]
fn guest_agent_refuses_to_synchronize() {
    let mut session = Session::guest_agent(SessionOptions::new(), 5);
    let sent = session.take_output().unwrap().bytes;
    let sent: Value = serde_json::from_slice(&sent[1..]).unwrap();
    input(&mut session, &json!({"error": {"class": "CommandNotFound", "desc": "no"}, "id": sent["id"]}).to_string());
    assert_eq!(incoming(&mut session), ["ended Negotiation"]);
}

#[test]
fn garbage_during_negotiation_ends_the_session() {
    let mut session = Session::new(SessionOptions::new());
    session.send(request("stop")).unwrap();
    input(&mut session, GREETING);
    input(&mut session, "garbage");
    assert_eq!(incoming(&mut session), ["1 Malformed(NotJson)", "ended Malformed(NotJson)"]);
}

#[test]
fn names_and_addresses_are_in_errors() {
    let mut session = Session::new(SessionOptions::new().name("vm1").address("/run/vm.qmp"));
    session.handle_eof(None);
    let Some(Incoming::Ended(error)) = session.poll() else { panic!("it goes on") };
    assert_eq!(error.to_string(), "vm1 (/run/vm.qmp): the peer closed the connection instead of greeting");
}
