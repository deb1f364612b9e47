//! Replies: what a command returned, or the server's error.

use crate::api::Command;
use crate::error::{Error, ErrorClass, ServerError, Subject};
use crate::json::{check, is_plain_string, members, string};
use crate::secrets::{self, Secrets};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Range;

/// The answer to a command, undecoded.
///
/// The line is kept once, as it came; the parts are ranges of it, because a reply can be large. For the same reason what is
/// returned is not looked at before it is decoded: it may be no JSON.
#[derive(Clone)]
pub struct Reply {
    pub(super) text: Box<str>,
    id: Option<Range<usize>>,
    outcome: Outcome,
}

#[derive(Clone)]
enum Outcome {
    Returned(Range<usize>),
    Failed(ServerError),
}

impl Reply {
    /// The JSON that the command returned, not yet looked at, or the server's error.
    pub fn result(&self) -> Result<&str, &ServerError> {
        match &self.outcome {
            Outcome::Returned(value) => Ok(&self.text[value.clone()]),
            Outcome::Failed(error) => Err(error),
        }
    }

    /// The server's error, if it sent one.
    pub fn error(&self) -> Option<&ServerError> {
        self.result().err()
    }

    /// The id that came back, as JSON: the one that the user chose. An id that a session chose does not show.
    pub fn id(&self) -> Option<&str> {
        self.id.clone().map(|id| &self.text[id])
    }

    /// The whole reply as it came, including an id that a session chose.
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// The whole reply as an object: `return` or `error`, and `id` if the user chose one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if what is returned is no JSON, or the reply is nested more deeply than
    /// `serde_json` reads (128 levels).
    pub fn to_object(&self) -> Result<Map<String, Value>, Error> {
        let misfit = |source| Error::decode(Subject::Reply, "", Secrets::NONE, self.as_json(), source);
        let parsed = self.as_json().parse().map_err(misfit)?;
        // Any other value would not have been taken for a reply.
        let Value::Object(mut object) = parsed else { return Ok(Map::new()) };
        if self.id.is_none() {
            object.remove("id");
        }
        Ok(object)
    }

    /// Decodes what the command `C` returned.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Server`](crate::ErrorKind::Server) if the reply is an error,
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if it does not fit.
    pub fn decode<C: Command>(&self) -> Result<C::Reply, Error> {
        let failed = |error: &ServerError| Error::server(C::NAME, C::SECRETS, error.clone());
        let value = self.result().map_err(failed)?;
        C::decode_reply(value).map_err(|source| Error::decode(Subject::Reply, C::NAME, C::SECRETS, value, source))
    }

    /// Decodes the answer to the command `C`. That of a command whose success is not answered is what an empty object decodes
    /// to.
    pub(crate) fn decode_answer<C: Command>(answer: Option<Self>) -> Result<C::Reply, Error> {
        match answer {
            Some(reply) => reply.decode::<C>(),
            None => {
                C::decode_reply("{}").map_err(|source| Error::decode(Subject::Reply, C::NAME, C::SECRETS, "{}", source))
            }
        }
    }

    /// Decodes what a command returned as any type.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode); they name the command as `command`.
    pub fn decode_as<T: DeserializeOwned>(&self, command: &str) -> Result<T, Error> {
        let failed = |error: &ServerError| Error::server(command, Secrets::NONE, error.clone());
        let value = self.result().map_err(failed)?;
        let misfit = |source| Error::decode(Subject::Reply, command, Secrets::NONE, value, source);
        serde_json::from_str(value).map_err(misfit)
    }

    /// A reply whose text is still to be set to `line`, of which `value` and `id` are parts.
    pub(super) fn returned(line: &str, value: &str, id: Option<&str>) -> Option<Self> {
        Self::new(line, Outcome::Returned(range(line, value)), id)
    }

    /// An error of an unexpected shape is still the answer to a command, so that its command fails at once instead of
    /// waiting for another.
    pub(super) fn failed(line: &str, error: &str, id: Option<&str>) -> Option<Self> {
        check(error).ok()?;
        let [class, desc] = members(error, &["class", "desc"]);
        let class = ErrorClass::from(&*class.and_then(string).unwrap_or_default());
        let desc = desc.and_then(string).unwrap_or(error.into()).into_owned();
        Self::new(line, Outcome::Failed(ServerError { class, desc }), id)
    }

    /// Fails if the line is no JSON in a place that no decoder comes to: all of it if no id tells whose reply it is.
    fn new(line: &str, outcome: Outcome, id: Option<&str>) -> Option<Self> {
        if !id.is_some_and(is_plain_string) {
            check(id.unwrap_or(line)).ok()?;
        }
        Some(Reply { text: Box::default(), id: id.map(|id| range(line, id)), outcome })
    }

    /// Keeps the id, which a session chose, from the user.
    pub(crate) fn hide_id(&mut self) {
        self.id = None;
    }
}

/// Shows how long the reply is, and not what is returned: it is not known to which command, so that all of it may be secret.
impl fmt::Debug for Reply {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Reply");
        if let Some(id) = self.id() {
            shown.field("id", &format_args!("{}", secrets::data(id)));
        }
        match &self.outcome {
            Outcome::Returned(value) => shown.field("returned", &format_args!("{} bytes", value.len())),
            Outcome::Failed(error) => shown.field("failed", error),
        };
        shown.finish()
    }
}

/// Where in `line` a value is that was cut out of it.
fn range(line: &str, value: &str) -> Range<usize> {
    let start = value.as_ptr() as usize - line.as_ptr() as usize;
    start..start + value.len()
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;
    use crate::error::ErrorKind;

    fn reply(json: &str) -> Reply {
        match Message::parse(json.as_bytes()) {
            Ok(Message::Reply(reply)) => reply,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parts_are_found_in_the_line() {
        let reply = reply("  {\"id\" : {\"a\": [1]} , \"return\":\t{\"enabled\": true} }\r\n");
        assert_eq!(reply.result(), Ok(r#"{"enabled": true}"#));
        assert_eq!(reply.id(), Some(r#"{"a": [1]}"#));
        let object = reply.to_object().unwrap();
        assert_eq!(Value::Object(object), serde_json::json!({"return": {"enabled": true}, "id": {"a": [1]}}));
    }

    #[test]
    fn errors_of_any_shape_answer_their_command() {
        let known = reply(r#"{"error": {"class": "DeviceNotFound", "desc": "no such device", "x": 1}, "id": 1}"#);
        assert_eq!(known.error(), Some(&ServerError::new("DeviceNotFound", "no such device")));
        assert_eq!(known.decode_as::<Value>("stop").unwrap_err().kind(), ErrorKind::Server);
        assert_eq!(reply(r#"{"error": "broken", "id": 1}"#).error().unwrap().desc, r#""broken""#);
    }

    #[test]
    fn decode_errors_carry_the_text() {
        let error = reply(r#"{"return": {"a": 1}}"#).decode_as::<String>("query-name").unwrap_err();
        let error = error.decode_error().unwrap();
        assert_eq!((error.name(), error.text()), ("query-name", r#"{"a": 1}"#));
    }

    #[test]
    fn hidden_ids_do_not_show() {
        let mut reply = reply(r#"{"return": 1, "id": "qmp#1"}"#);
        reply.hide_id();
        assert_eq!(reply.id(), None);
        assert_eq!(Value::Object(reply.to_object().unwrap()), serde_json::json!({"return": 1}));
    }

    #[test]
    fn deep_nesting_is_an_error_when_decoded() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let reply = reply(&format!(r#"{{"return": {deep}}}"#));
        assert_eq!(reply.decode_as::<Value>("x").unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(reply.to_object().unwrap_err().kind(), ErrorKind::Decode);
    }
}
