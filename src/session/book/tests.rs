//! Which command a reply answers, and what is forgotten.

use super::*;

/// The outcome of a command in these tests.
#[derive(Clone, Copy, PartialEq)]
enum Call {
    Open,
    Cancelled,
    Unanswered,
}

fn book(sent: &[(&str, bool, Call)]) -> Book {
    let mut book = Book::default();
    for (number, (wire_id, oob, call)) in (1..).zip(sent) {
        let (chosen, answered) = (Some((*wire_id).into()), *call != Call::Unanswered);
        let command =
            QueuedCommand { id: Id(number), chosen, oob: *oob, answered, secrets: Secrets::NONE, line: String::new() };
        book.output(command, EventCursor::START, ReplyMask::default());
        match call {
            Call::Open => {}
            Call::Cancelled => book.cancel(Id(number)),
            Call::Unanswered => {
                book.written(Id(number));
                assert!(book.not_refused(Id(number)).is_some());
            }
        }
    }
    book
}

fn left(book: &Book) -> Vec<u64> {
    let mut left: Vec<_> = book.in_band.sent.iter().chain(book.oob.sent.iter()).map(|command| command.id.0).collect();
    left.sort_unstable();
    left
}

#[test]
fn ids_are_compared_by_value() {
    let same = [
        (r#"{"a":1,"b":[true,null]}"#, r#"{"b": [true, null], "a": 1}"#),
        ("1.0", "1"),
        ("1e2", "100"),
        ("18446744073709551615", "18446744073709551615"),
        (r#""é""#, r#""\u00e9""#),
        ("null", "null"),
    ];
    for (sent, echoed) in same {
        assert!(book(&[(sent, false, Call::Open)]).take(echoed).is_some(), "{sent} {echoed}");
    }
    let different = [
        ("9007199254740993", "9007199254740992"),
        ("18446744073709551615", "18446744073709551614"),
        ("1", "\"1\""),
        ("1", "2"),
        ("[1]", "[1, 2]"),
        (r#"{"a":1}"#, r#"{"a": 1, "b": 1}"#),
        (r#"{"a":1}"#, r#"{"b": 1}"#),
        (r#"{"a":1,"b":2}"#, r#"{"a": 2, "b": 1}"#),
        ("null", "false"),
    ];
    for (sent, echoed) in different {
        assert!(book(&[(sent, false, Call::Open)]).take(echoed).is_none(), "{sent} {echoed}");
    }
}

#[test]
fn ids_of_the_session_are_known_in_any_notation() {
    let own = own_wire_id(Id(49));
    assert_eq!(
        (own_id(&own), own_id(r#""qm\u0070#50""#), own_id(r#""qmp#5\u0030""#)),
        (Some(Id(49)), Some(Id(49)), Some(Id(49)))
    );
    for other in
        [r#""qmp#0""#, r#""qmp#05""#, r#""qmp#+5""#, r#""qmp#""#, "qmp#5", r#""qmp#18446744073709551616""#, "5", ""]
    {
        assert_eq!(own_id(other), None, "{other}");
    }
}

#[test]
fn equal_ids_are_answered_in_order() {
    let mut book = book(&[("7", false, Call::Cancelled), ("7", false, Call::Open)]);
    assert!(!book.take("7").unwrap().open);
    assert!(book.take("7").unwrap().open);
    assert!(book.take("7").is_none());
}

#[test]
fn what_nobody_waits_for_is_forgotten_in_time() {
    let sent = [
        ("1", false, Call::Cancelled),
        ("2", true, Call::Cancelled),
        ("3", false, Call::Open),
        ("4", false, Call::Unanswered),
        ("5", true, Call::Open),
        ("6", false, Call::Open),
        ("7", false, Call::Cancelled),
    ];
    let mut out_of_band = book(&sent);
    out_of_band.take("5").unwrap();
    assert_eq!(left(&out_of_band), [1, 3, 4, 6, 7]);
    let mut in_band = book(&sent);
    in_band.take("6").unwrap();
    assert_eq!(left(&in_band), [3, 5, 7]);
}

#[test]
fn window() {
    let mut book = book(&[
        ("1", false, Call::Cancelled),
        ("2", true, Call::Open),
        ("3", false, Call::Unanswered),
        ("4", false, Call::Open),
    ]);
    assert_eq!(book.window, 2);
    // Nobody waits for the reply that was lost.
    assert_eq!(book.lose_oldest(), None);
    assert_eq!(book.window, 1);
    assert_eq!(book.lose_oldest().map(|(id, _)| id), Some(Id(4)));
    assert_eq!(book.lose_oldest().map(|(id, _)| id), Some(Id(2)));
    assert_eq!(book.window, 0);
    assert_eq!(book.take_oldest().unwrap().id, Id(1));
    assert_eq!(book.take_oldest().unwrap().id, Id(4));
    assert!(book.take_oldest().is_none());
}

#[test]
fn each_call_is_closed_once() {
    let mut book = book(&[("1", false, Call::Open), ("2", false, Call::Cancelled), ("3", true, Call::Open)]);
    for (number, oob) in [(4, false), (5, true)] {
        let (chosen, line) = (None, String::new());
        let (answered, secrets) = (true, Secrets::NONE);
        book.enqueue(QueuedCommand { id: Id(number), chosen, oob, answered, secrets, line });
    }
    let mut closed = Vec::new();
    book.close(|id, _| closed.push(id.0));
    book.close(|id, _| closed.push(id.0));
    assert_eq!(closed, [1, 3, 5, 4]);
}
