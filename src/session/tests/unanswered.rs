//! Commands whose success is not answered.

use super::*;

#[test]
fn unanswered_commands_end_with_a_refusal_or_without_one() {
    let mut session = ready();
    let calls = [(); 3].map(|()| session.send(unanswered()).unwrap());
    let ids: Vec<_> = output(&mut session).into_iter().map(|sent| sent["id"].clone()).collect();
    let error = |id: &Value| json!({"error": {"class": "GenericError", "desc": "no"}, "id": id}).to_string();
    // Nothing is known of what is not written.
    session.handle_silence(calls[0]);
    assert_eq!((session.awaits_refusal(calls[0]), incoming(&mut session)), (false, vec![]));
    input(&mut session, &error(&ids[0]));
    calls.iter().for_each(|call| session.handle_written(*call));
    assert_eq!(calls.map(|call| session.awaits_refusal(call)), [false, true, true]);
    input(&mut session, &error(&ids[1]));
    (0..2).for_each(|_| session.handle_silence(calls[2]));
    input(&mut session, &error(&ids[2]));
    assert_eq!(incoming(&mut session), ["1 no", "2 no", "3 written"]);
    assert_eq!(session.counters().late_replies, 1);
    // Silence says nothing of a command that is answered.
    let (call, _) = send(&mut session, "stop");
    session.handle_written(call);
    session.handle_silence(call);
    assert_eq!((session.awaits_refusal(call), incoming(&mut session)), (false, vec![]));
}

#[test]
fn a_peer_that_goes_has_done_what_it_would_not_answer() {
    let mut session = ready();
    let calls = [(); 2].map(|()| session.send(unanswered()).unwrap());
    output(&mut session);
    session.handle_written(calls[0]);
    session.handle_eof(None);
    assert_eq!(incoming(&mut session), ["1 written", "2 Closed", "ended Closed"]);
}
