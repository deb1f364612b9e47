//! The messages of the protocol: what is on one line, and what it says.
//!
//! [`Message::parse`] takes a line apart into its envelope: [`Greeting`], [`Reply`] or [`RawEvent`]. What a reply returns and
//! what an event carries stays raw JSON until somebody who knows its type decodes it. [`Request`] is the one message that
//! goes the other way.
//!
//! A peer may send anything, so nothing in here recurses with the input or panics on it, and members that are not known are
//! skipped. See "Protocol Specification" in the QEMU Machine Protocol Specification.

mod envelope;
mod event;
mod greeting;
mod reply;
mod request;

pub use event::{EventMessage, RawEvent, Timestamp};
pub use greeting::{Capability, Greeting, Version};
pub use reply::Reply;
pub use request::Request;

use crate::error::{Malformed, MalformedLine};
use crate::json::{check, members};
use envelope::Envelope;
use std::borrow::Cow;

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
    /// What a reply returns and what an event carries may turn out to be no JSON when it is decoded. All else does so here.
    ///
    /// # Errors
    ///
    /// A [`MalformedLine`] of the kind [`NotUtf8`](Malformed::NotUtf8), [`NotJson`](Malformed::NotJson),
    /// [`NotQmp`](Malformed::NotQmp) or [`Echo`](Malformed::Echo).
    pub fn parse(line: &[u8]) -> Result<Message, MalformedLine> {
        Message::read(&mut text(line.into())?)
    }

    /// The same for the [text] of a line, which becomes the message's own if it is a reply.
    pub(crate) fn read(line: &mut Cow<'_, str>) -> Result<Message, MalformedLine> {
        let text = line.trim_ascii();
        let message = Envelope::read(text).and_then(|envelope| match envelope {
            Envelope { event: Some(name), data, timestamp, greeting: None, returned: None, error: None, .. } => {
                RawEvent::parse(name, data, timestamp).map(Message::Event)
            }
            Envelope { returned: Some(value), id, greeting: None, error: None, event: None, .. } => {
                Reply::returned(text, value, id).map(Message::Reply)
            }
            Envelope { error: Some(error), id, greeting: None, returned: None, event: None, .. } => {
                Reply::failed(text, error, id).map(Message::Reply)
            }
            Envelope { greeting: Some(greeting), returned: None, error: None, event: None, .. } => {
                Greeting::parse(greeting).map(Message::Greeting)
            }
            _ => None,
        });
        let Some(mut message) = message else { return Err(malformed(line)) };
        if let Message::Reply(reply) = &mut message {
            let is_all = text.len() == line.len();
            reply.text = if is_all { std::mem::take(line).into_owned().into() } else { text.into() };
        }
        Ok(message)
    }
}

/// The text of a line.
pub(crate) fn text(line: Cow<'_, [u8]>) -> Result<Cow<'_, str>, MalformedLine> {
    match line {
        Cow::Borrowed(line) => match std::str::from_utf8(line) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(MalformedLine::new(Malformed::NotUtf8, line)),
        },
        Cow::Owned(line) => match String::from_utf8(line) {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(MalformedLine::new(Malformed::NotUtf8, error.as_bytes())),
        },
    }
}

/// The fault of a line that is no message.
#[cold]
fn malformed(line: &str) -> MalformedLine {
    let text = line.trim_ascii();
    if let Err(error) = check(text) {
        return MalformedLine::not_json(line.as_bytes(), error);
    }
    let kind = match members(text, &["execute", "exec-oob"]) {
        [None, None] => Malformed::NotQmp,
        _ => Malformed::Echo,
    };
    MalformedLine::new(kind, line.as_bytes())
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
