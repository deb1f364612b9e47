//! The envelope of a line: which members a message has, found in one pass.
//!
//! Only the envelope has to be JSON here: one object of names and values, nothing around it, and every string, object and array
//! closed. A line that was cut, or two that became one, always lack this. What is inside of a value is left to the one who decodes
//! it, so that it is gone through once more and not twice, and so that a fault in there is that of the call or event whose value
//! it is.

use super::Timestamp;
use crate::json::{check, is_plain_string, quote, string, value_len};
use std::borrow::Cow;

/// The members of a message that mean something, most of them as JSON text; of a repeated one, the last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    pub(super) greeting: Option<&'a str>,
    pub(super) returned: Option<&'a str>,
    pub(super) error: Option<&'a str>,
    pub(super) event: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) data: Option<&'a str>,
    pub(super) timestamp: Option<Timestamp>,
}

impl<'a> Envelope<'a> {
    /// `None` if the text is no object, or no JSON as far as this looks.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut envelope = Envelope::default();
        let mut cursor = Cursor { text, at: 0 };
        cursor.expect(b'{')?;
        if cursor.next() == Some(b'}') {
            cursor.at += 1;
            return cursor.is_at_end().then_some(envelope);
        }
        loop {
            let member = cursor.name()?;
            cursor.expect(b':')?;
            let mut unknown = None;
            let slot = match member {
                Member::Greeting => &mut envelope.greeting,
                Member::Returned => &mut envelope.returned,
                Member::Error => &mut envelope.error,
                Member::Event => &mut envelope.event,
                Member::Id => &mut envelope.id,
                Member::Data => &mut envelope.data,
                Member::Timestamp | Member::Other => &mut unknown,
            };
            if member == Member::Timestamp {
                envelope.timestamp = Some(cursor.timestamp()?);
            } else {
                *slot = Some(cursor.value()?);
            }
            match cursor.next()? {
                b',' => cursor.at += 1,
                _ => break,
            }
        }
        cursor.expect(b'}')?;
        cursor.is_at_end().then_some(envelope)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Greeting,
    Returned,
    Error,
    Event,
    Id,
    Data,
    Timestamp,
    Other,
}

impl Member {
    /// The member with whose name the text starts, and the length of that with its quotes.
    fn at_start(text: &[u8]) -> Option<(Member, usize)> {
        Some(match text.get(1..3)? {
            b"ti" if text.starts_with(b"\"timestamp\"") => (Member::Timestamp, 11),
            b"ev" if text.starts_with(b"\"event\"") => (Member::Event, 7),
            b"da" if text.starts_with(b"\"data\"") => (Member::Data, 6),
            b"re" if text.starts_with(b"\"return\"") => (Member::Returned, 8),
            b"id" if text.starts_with(b"\"id\"") => (Member::Id, 4),
            b"er" if text.starts_with(b"\"error\"") => (Member::Error, 7),
            b"QM" if text.starts_with(b"\"QMP\"") => (Member::Greeting, 5),
            _ => return None,
        })
    }
}

/// A name without escapes that need not be. Fails if it is no JSON.
fn usual_notation(name: &str) -> Option<Cow<'_, str>> {
    if is_plain_string(name) {
        return Some(name.into());
    }
    check(name).ok()?;
    // Half a surrogate pair is JSON and no text, so that no member is called so.
    Some(string(name).map_or(name.into(), |plain| quote(&plain).into()))
}

/// A place in a text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is no space, which is left where it is.
    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    /// The name that is next, which is JSON.
    fn name(&mut self) -> Option<Member> {
        if self.next()? != b'"' {
            return None;
        }
        let rest = self.text.as_bytes().get(self.at..)?;
        if let Some((member, len)) = Member::at_start(rest) {
            self.at += len;
            return Some(member);
        }
        let name = usual_notation(self.advance(value_len(rest))?)?;
        Some(Member::at_start(name.as_bytes()).map_or(Member::Other, |(member, _)| member))
    }

    fn value(&mut self) -> Option<&'a str> {
        self.next()?;
        let len = value_len(self.text.as_bytes().get(self.at..)?);
        self.advance(len).filter(|value| !value.is_empty())
    }

    fn timestamp(&mut self) -> Option<Timestamp> {
        self.next()?;
        match Timestamp::parse_usual(self.text.as_bytes().get(self.at..)?) {
            Some((timestamp, len)) => self.advance(len).map(|_| timestamp),
            None => self.value().map(Timestamp::parse),
        }
    }

    fn advance(&mut self, len: usize) -> Option<&'a str> {
        let passed = self.text.get(self.at..self.at + len);
        self.at += len;
        passed
    }

    fn is_at_end(&mut self) -> bool {
        self.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    /// What servers send, of each kind and in each notation.
    const LINES: [&str; 12] = [
        r#"{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2+dfsg-7"}, "capabilities": ["oob"]}}"#,
        r#"{"return": {}, "id": "qmp#1"}"#,
        r#"{"return": {"status": "running", "singlestep": false, "running": true}, "id": "qmp#2"}"#,
        r#"{"return": [{"file": "json:{\"driver\": \"null-co\", \"size\": \"1G\"}", "ro": false, "nested": [[], [{}]]}], "id": 3}"#,
        r#"{"id": {"a": [1.0, "\u00e9\\"]}, "return": "Größe"}"#,
        r#"{"id": "qmp#5", "error": {"class": "DeviceNotFound", "desc": "Device 'net1' not found"}}"#,
        r#"{"error": {"class": "GenericError", "desc": "JSON parse error, invalid keyword 'x'"}}"#,
        r#"{"timestamp": {"seconds": 1795845280, "microseconds": 812852}, "event": "STOP"}"#,
        r#"{"timestamp": {"seconds": -1, "microseconds": -1}, "event": "BLOCK_JOB_COMPLETED", "data": {"device": "job0", "len": 1073741824, "type": "mirror"}}"#,
        "{\r\n    \"return\": {\r\n        \"name\": \"vm\"\r\n    },\r\n    \"id\": null\r\n}",
        r#" { "retur\u006e" : 1e5 , "x" : [ ] , "return" : -0 , "y" : "\ud800" , "id":"a" } "#,
        r#"{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": "qmp#1"}"#,
    ];

    /// The envelope as `serde_json` reads it. `None`: the text is no JSON object.
    fn expected(text: &str) -> Option<Envelope<'_>> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        let member = |name: &str| members.get(name).map(|value| value.get());
        Some(Envelope {
            greeting: member("QMP"),
            returned: member("return"),
            error: member("error"),
            event: member("event"),
            id: member("id"),
            data: member("data"),
            timestamp: member("timestamp").map(Timestamp::parse),
        })
    }

    #[test]
    fn what_is_json_is_read_as_serde_json_does() {
        let check = |text: &str| match expected(text) {
            Some(envelope) => assert_eq!(Envelope::read(text), Some(envelope), "{text}"),
            // May be taken for an envelope all the same, if a value is wrong inside.
            None => drop(Envelope::read(text)),
        };
        for line in LINES {
            check(line);
            for (at, char) in line.char_indices() {
                let (before, behind) = (&line[..at], &line[at + char.len_utf8()..]);
                check(&format!("{before}{behind}"));
                for other in [
                    "\"",
                    "\\",
                    "{",
                    "}",
                    "[",
                    "]",
                    ":",
                    ",",
                    " ",
                    "0",
                    "\n",
                    "\0",
                    "é",
                    "\\\"",
                    "\"\"",
                    "{}",
                    ",\"id\":0",
                ] {
                    check(&format!("{before}{other}{behind}"));
                    check(&format!("{before}{other}{char}{behind}"));
                }
            }
        }
    }

    #[test]
    fn a_line_that_lacks_its_end_or_its_beginning_is_seen() {
        for line in LINES.map(str::trim) {
            for at in line.char_indices().map(|(at, _)| at).skip(1) {
                let (before, behind) = line.split_at(at);
                for text in [
                    before.to_owned(),
                    behind.to_owned(),
                    format!("{before}\n"),
                    format!("{before}{line}"),
                    format!("{line}{behind}"),
                ] {
                    assert_eq!(Envelope::read(&text), None, "{text}");
                }
                for other in LINES {
                    let text = format!("{before}{other}");
                    assert_eq!(Envelope::read(&text), None, "{text}");
                }
            }
        }
    }

    #[test]
    fn names_are_json() {
        assert!(Envelope::read(r#"{"\ud800": 1, "return": 2}"#).is_some_and(|envelope| envelope.returned == Some("2")));
        assert!(Envelope::read(r#"{"\"id\"": 1}"#).is_some_and(|envelope| envelope.id.is_none()));
        for text in [
            r#"{"\x": 1, "return": 2}"#,
            "{\"\0\": 1}",
            "{return: 1}",
            "{1: 2}",
            r#"{"return" 1}"#,
            r#"{"return":}"#,
            r#"{"return": 1,}"#,
        ] {
            assert_eq!(Envelope::read(text), None, "{text}");
        }
    }
}
