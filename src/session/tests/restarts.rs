//! Servers that start anew while the connection stays, and what stands between: proxies, terminals, printers.

use super::*;

#[test]
fn a_greeting_may_be_repeated_before_the_reply_to_negotiation() {
    let mut session = Session::new(SessionOptions::new());
    input(&mut session, GREETING);
    let id = output(&mut session)[0]["id"].clone();
    input(&mut session, PLAIN_GREETING);
    assert_eq!((output(&mut session), session.waits_for()), (vec![], Some(Phase::Negotiation)));
    input(&mut session, &json!({"return": {}, "id": id}).to_string());
    assert_eq!(incoming(&mut session), ["ready"]);
    assert_eq!(session.counters(), Counters::default());
}

#[test]
fn a_greeting_later_ends_the_session() {
    let mut session = ready();
    send(&mut session, "stop");
    input(&mut session, PLAIN_GREETING);
    assert_eq!(incoming(&mut session), ["1 Malformed(Restarted)", "ended Malformed(Restarted)"]);
    let why = session.end().unwrap();
    assert!(why.is_disconnected() && why.to_string().contains("restarted"), "{why}");
}

#[test]
fn an_echo_is_told_from_an_answer() {
    let mut session = Session::new(SessionOptions::new());
    input(&mut session, PLAIN_GREETING);
    let command = output(&mut session)[0].to_string();
    input(&mut session, &command);
    assert_eq!(incoming(&mut session), ["ended Malformed(Echo)"]);
    assert!(session.end().unwrap().to_string().contains("echo"));
}

#[test]
fn messages_may_go_over_several_lines() {
    let pretty = |text: &str| serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
    let mut session = Session::new(SessionOptions::new());
    input(&mut session, &pretty(GREETING));
    let id = output(&mut session)[0]["id"].clone();
    input(&mut session, &pretty(&json!({"return": {}, "id": id}).to_string()));
    assert_eq!(incoming(&mut session), ["ready"]);
    let (_, id) = send(&mut session, "query-status");
    input(&mut session, &pretty(r#"{"event": "STOP", "data": {"a": {}}}"#));
    input(&mut session, r#"{"event": "RESUME"}"#);
    input(&mut session, &pretty(&json!({"return": {"running": [true, {}]}, "id": id}).to_string()));
    let reply = incoming(&mut session).remove(0);
    assert_eq!(reply.split_whitespace().collect::<String>(), r#"1{"running":[true,{}]}"#);
    assert_eq!(event_names(&mut session), ["STOP", "RESUME"]);
}

/// A file of 48 MiB, read at once.
#[test]
fn the_largest_reply_of_an_agent_fits() {
    let mut session = agent();
    let (_, id) = send(&mut session, "guest-file-read");
    let content = "A".repeat(64 << 20);
    input(
        &mut session,
        &json!({"return": {"count": 48 << 20, "buf-b64": content, "eof": false}, "id": id}).to_string(),
    );
    assert!(incoming(&mut session)[0].len() > 64 << 20);
}

#[test]
fn a_line_that_is_too_long_says_which_bound_to_raise() {
    let mut session = ready_with(SessionOptions::new().max_line_len(200), PLAIN_GREETING);
    session.send(request("query-qmp-schema")).unwrap();
    output(&mut session);
    input(&mut session, &"x".repeat(300));
    let Some(Incoming::Done { outcome: Err(error), .. }) = session.poll() else { panic!() };
    assert!(
        error.to_string().contains("`SessionOptions::max_line_len`") && error.to_string().contains("301 bytes"),
        "{error}"
    );
}

fn agent() -> Session {
    let mut session = Session::guest_agent(SessionOptions::new(), 5);
    session.take_output();
    session.handle_input(b"\xff{\"return\": 5}\n");
    assert_eq!(incoming(&mut session), ["ready"]);
    session
}

/// The agent's first reply ends in the middle of a line, and the next agent's first line goes on from there.
#[test]
fn half_a_reply_of_an_agent_that_restarts_ends_the_next_call_at_once() {
    let mut session = agent();
    let (first, _) = send(&mut session, "guest-info");
    session.handle_input(b"{\"return\": {\"version\": \"7");
    session.cancel(first);
    let (_, second) = send(&mut session, "guest-ping");
    input(&mut session, &json!({"return": {}, "id": second}).to_string());
    assert_eq!(incoming(&mut session), ["2 Malformed(NotJson)"]);
    let (_, third) = send(&mut session, "guest-ping");
    input(&mut session, &json!({"return": {}, "id": third}).to_string());
    assert_eq!(incoming(&mut session), ["3 {}"]);
}

#[test]
fn a_delimiter_within_a_line_starts_afresh() {
    for gives_up in [true, false] {
        let mut session = agent();
        let (first, _) = send(&mut session, "guest-info");
        session.handle_input(b"{\"return\": {\"version\": \"7");
        if gives_up {
            session.cancel(first);
        }
        let (_, sync) = send(&mut session, "guest-sync-delimited");
        session.handle_input(b"\xff");
        input(&mut session, &json!({"return": 9, "id": sync}).to_string());
        let expected: &[&str] = if gives_up { &["2 9"] } else { &["1 Malformed(NotJson)", "2 9"] };
        assert_eq!(incoming(&mut session), expected);
    }
}
