//! The messages of the protocol: what is on one line, and what it says.
//!
//! [`Message::parse`] takes a line apart into its envelope: [`Greeting`], [`Reply`] or [`RawEvent`]. What a reply returns and
//! what an event carries stays raw JSON until somebody who knows its type decodes it. [`Request`] is the one message that
//! goes the other way.
//!
//! A peer may send anything, so nothing in here recurses with the input or panics on it, and members that are not known are
//! skipped. See "Protocol Specification" in the QEMU Machine Protocol Specification.

mod event;
mod greeting;
mod reply;
mod request;

pub use event::{EventMessage, RawEvent, Timestamp};
pub use greeting::{Capability, Greeting, Version};
pub use reply::Reply;
pub use request::Request;

use crate::error::{Malformed, MalformedLine};
use crate::json::{members, raw};

/// One message of a server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Message {
    /// The first message on a new connection to a monitor.
    Greeting(Greeting),
    /// The answer to a command: what it returns, or an error.
    Reply(Reply),
    /// Something that happened.
    Event(RawEvent),
}

impl Message {
    /// Takes one line apart. The line's terminator may be there or not.
    ///
    /// # Errors
    ///
    /// A [`MalformedLine`] of the kind [`NotUtf8`](Malformed::NotUtf8), [`NotJson`](Malformed::NotJson),
    /// [`NotQmp`](Malformed::NotQmp) or [`Echo`](Malformed::Echo).
    pub fn parse(line: &[u8]) -> Result<Message, MalformedLine> {
        let text = std::str::from_utf8(line).map_err(|_| MalformedLine::new(Malformed::NotUtf8, line))?.trim_ascii();
        let json = raw(text).map_err(|error| MalformedLine::not_json(line, error))?;
        let envelope = ["QMP", "return", "error", "event", "id", "data", "timestamp"];
        let not_qmp = || MalformedLine::new(Malformed::NotQmp, line);
        match members(text, &envelope) {
            [Some(greeting), None, None, None, ..] => {
                Greeting::parse(greeting).map(Message::Greeting).ok_or_else(not_qmp)
            }
            [None, Some(value), None, None, id, ..] => {
                Ok(Message::Reply(Reply::returned(json.into(), text, value, id)))
            }
            [None, None, Some(error), None, id, ..] => Ok(Message::Reply(Reply::failed(json.into(), text, error, id))),
            [None, None, None, Some(name), _, data, timestamp] => {
                RawEvent::parse(name, data, timestamp).map(Message::Event).ok_or_else(not_qmp)
            }
            _ => match members(text, &["execute", "exec-oob"]) {
                [None, None] => Err(not_qmp()),
                _ => Err(MalformedLine::new(Malformed::Echo, line)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(line: &[u8]) -> Malformed {
        Message::parse(line).unwrap_err().kind()
    }

    #[test]
    fn envelopes_are_told_apart() {
        let greeting = br#"{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}}}"#;
        assert!(matches!(Message::parse(greeting), Ok(Message::Greeting(_))));
        assert!(matches!(Message::parse(b"{\"return\": null}\r\n"), Ok(Message::Reply(_))));
        assert!(matches!(Message::parse(br#"{"error": {}, "id": 3}"#), Ok(Message::Reply(_))));
        assert!(matches!(Message::parse(br#"{"event": "STOP"}"#), Ok(Message::Event(_))));
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        assert_eq!(malformed(b"{\"return\": \"\xff\"}"), Malformed::NotUtf8);
        for line in
            ["QEMU 7.2 monitor", "{\"return\": }", "{\"return\": {}} {", "[1, 2", "{\"return\": {}", "", "{'a': 1}"]
        {
            assert_eq!(malformed(line.as_bytes()), Malformed::NotJson, "{line}");
        }
        for line in ["[]", "1", "1e400", "null", "\"event\"", "{}", r#"{"event": 1}"#, r#"{"QMP": {}}"#] {
            assert_eq!(malformed(line.as_bytes()), Malformed::NotQmp, "{line}");
        }
        assert_eq!(malformed(br#"{"return": {}, "error": {}}"#), Malformed::NotQmp);
        assert_eq!(malformed(br#"{"execute": "qmp_capabilities", "id": "qmp#1"}"#), Malformed::Echo);
        assert_eq!(malformed(br#"{"exec-oob": "migrate-pause"}"#), Malformed::Echo);
    }

    #[test]
    fn names_may_be_escaped() {
        assert!(
            matches!(Message::parse(br#"{"\u0065vent": "ST\u004fP"}"#), Ok(Message::Event(event)) if &*event.name == "STOP")
        );
    }

    #[test]
    fn nesting_does_not_overflow_the_stack() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert!(matches!(Message::parse(format!(r#"{{"return": {deep}}}"#).as_bytes()), Ok(Message::Reply(_))));
        assert!(matches!(Message::parse(format!(r#"{{"x": {deep}, "return": 1}}"#).as_bytes()), Ok(Message::Reply(_))));
        assert!(matches!(Message::parse(format!(r#"{{"error": {deep}}}"#).as_bytes()), Ok(Message::Reply(_))));
        assert_eq!(malformed(deep.as_bytes()), Malformed::NotQmp);
        assert_eq!(malformed(format!(r#"{{"QMP": {deep}}}"#).as_bytes()), Malformed::NotQmp);
        assert_eq!(malformed("[".repeat(1_000_000).as_bytes()), Malformed::NotJson);
    }
}
