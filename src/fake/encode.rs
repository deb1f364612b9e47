//! Lines as QEMU writes them: a space after each comma and colon, ASCII alone, and the id where QEMU puts it.

use crate::error::ServerError;
use crate::json::quote;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::Value;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// JSON as QEMU prints it. Fails where a value has no JSON form.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, Spaced))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Of a value that is JSON already.
pub(super) fn value(value: &Value) -> String {
    json(value).unwrap_or_else(|_| value.to_string())
}

/// The line that answers a command.
pub(super) fn reply(outcome: &Result<String, ServerError>, id: Option<&Value>) -> String {
    let id = id.map(value);
    match outcome {
        Ok(returned) => {
            let id = id.map(|id| format!(", \"id\": {id}")).unwrap_or_default();
            format!("{{\"return\": {returned}{id}}}")
        }
        Err(error) => {
            let id = id.map(|id| format!("\"id\": {id}, ")).unwrap_or_default();
            let (class, desc) = (ascii(error.class.as_str()), ascii(&error.desc));
            format!("{{{id}\"error\": {{\"class\": {class}, \"desc\": {desc}}}}}")
        }
    }
}

/// The line of an event that happens now. Events without data leave it out.
pub(super) fn event(name: &str, data: Option<&str>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let data = data.filter(|data| *data != "{}").map(|data| format!(", \"data\": {data}")).unwrap_or_default();
    let (seconds, microseconds) = (now.as_secs(), now.subsec_micros());
    let name = ascii(name);
    format!("{{\"timestamp\": {{\"seconds\": {seconds}, \"microseconds\": {microseconds}}}, \"event\": {name}{data}}}")
}

/// A text as a JSON string.
fn ascii(text: &str) -> String {
    json(text).unwrap_or_else(|_| quote(text))
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for letter in fragment.chars() {
            if letter.is_ascii() {
                write!(writer, "{letter}")?;
                continue;
            }
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_look_like_those_of_qemu() {
        let id = json!({"a": [1, "\u{e9}\u{1f600}"]});
        let returned = json(&json!({"x": [1, true], "y": {}})).unwrap();
        assert_eq!(
            reply(&Ok(returned), Some(&id)),
            r#"{"return": {"x": [1, true], "y": {}}, "id": {"a": [1, "\u00E9\uD83D\uDE00"]}}"#
        );
        assert_eq!(
            reply(&Err(ServerError::new("GenericError", "no \"x\"")), None),
            r#"{"error": {"class": "GenericError", "desc": "no \"x\""}}"#
        );
        assert!(event("STOP", Some("{}")).ends_with(r#"}, "event": "STOP"}"#));
        assert!(event("X", Some("[]")).ends_with(r#""event": "X", "data": []}"#));
    }
}
