//! Requests: a command on its way to the server.

use crate::api::Command;
use crate::error::Error;
use crate::json::{limits, push_quoted};
use crate::secrets::{self, Secrets};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// A command that is ready to be sent, typed or not.
///
/// See "Issuing Commands" in the QEMU Machine Protocol Specification.
#[derive(Clone)]
pub struct Request {
    body: Body,
    name: Cow<'static, str>,
    /// As JSON text.
    id: Option<String>,
    oob: bool,
    answered: bool,
    secrets: Secrets,
}

#[derive(Clone)]
enum Body {
    /// The arguments as JSON text.
    Arguments(Option<String>),
    /// All members but `id` as JSON text.
    Object(String),
}

impl Request {
    /// A typed command.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`](crate::ErrorKind::Encode) if the command cannot be written as JSON.
    pub fn new<C: Command>(command: &C) -> Result<Self, Error> {
        let arguments = serde_json::to_string(command).map_err(|source| Error::encode(C::NAME, source))?;
        // Commands without arguments are the most frequent ones, and need not say so.
        let arguments = Some(arguments).filter(|arguments| arguments != "{}");
        Ok(Request { answered: C::SUCCESS_RESPONSE, secrets: C::SECRETS, ..Self::named(C::NAME.into(), arguments) })
    }

    /// A command by its name. The arguments are sent as they are; the server says whether they fit.
    pub fn untyped(name: &str, arguments: Option<&Value>) -> Self {
        Self::named(name.to_owned().into(), arguments.map(|arguments| format!("{arguments}")))
    }

    /// A whole request as an object: `execute` or `exec-oob`, `arguments`, `id`. It is sent as it is; the server says
    /// whether it is right.
    pub fn from_object(mut object: Map<String, Value>) -> Self {
        let id = object.remove("id").map(|id| id.to_string());
        let oob = object.contains_key("exec-oob");
        let name = object.get("execute").or(object.get("exec-oob")).and_then(Value::as_str).unwrap_or_default();
        let name = name.to_owned().into();
        let body = Body::Object(Value::Object(object).to_string());
        Request { name, body, id, oob, answered: true, secrets: Secrets::NONE }
    }

    /// Asks for out-of-band execution. A server that did not agree to it in capabilities negotiation refuses.
    ///
    /// [An object](Self::from_object) says itself how it is to be executed, and is left as it is.
    pub fn out_of_band(mut self) -> Self {
        self.oob |= matches!(self.body, Body::Arguments(_));
        self
    }

    /// Gives the request an id, which may be any JSON value and comes back with the reply.
    ///
    /// Without one, the session chooses an id, which does not show. If requests with the same id are under way at a time,
    /// replies are matched to them in the order in which they were sent.
    pub fn id(mut self, id: impl Into<Value>) -> Self {
        self.id = Some(id.into().to_string());
        self
    }

    /// The command's name; empty for an [object](Self::from_object) that has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same, to be kept.
    pub(crate) fn own_name(&self) -> Cow<'static, str> {
        self.name.clone()
    }

    /// Returns whether out-of-band execution is asked for.
    pub fn is_out_of_band(&self) -> bool {
        self.oob
    }

    /// Returns whether a successful execution is answered.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// The secrets in it and in its reply.
    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets
    }

    /// The id that the user chose, as JSON text. Fails if it could not be compared with the one that comes back.
    pub(crate) fn take_id(&mut self) -> Result<Option<String>, Error> {
        let id = self.id.take();
        limits::check_id(id.as_deref().unwrap_or_default()).map_err(|limit| over("id", limit))?;
        Ok(id)
    }

    /// The line to send, with an id that is written as JSON text. Fails if no server could read it.
    pub(crate) fn into_line(self, push_id: &dyn Fn(&mut String)) -> Result<String, Error> {
        let mut line = match self.body {
            Body::Object(mut object) => {
                object.pop();
                object.push_str(if object.len() > 1 { ",\"id\":" } else { "\"id\":" });
                object
            }
            Body::Arguments(arguments) => {
                let arguments = arguments.as_deref().unwrap_or_default();
                // What stands around them takes less than sixty-four bytes, if the id is the session's.
                let mut line = String::with_capacity(64 + self.name.len() + arguments.len());
                line.push_str(if self.oob { "{\"exec-oob\":" } else { "{\"execute\":" });
                push_quoted(&mut line, &self.name);
                if !arguments.is_empty() {
                    line.push_str(",\"arguments\":");
                    line.push_str(arguments);
                }
                line.push_str(",\"id\":");
                line
            }
        };
        push_id(&mut line);
        line.push('}');
        limits::check(&line).map_err(|limit| over(&self.name, limit))?;
        line.push('\n');
        Ok(line)
    }

    fn named(name: Cow<'static, str>, arguments: Option<String>) -> Self {
        let (body, secrets) = (Body::Arguments(arguments), Secrets::NONE);
        Request { body, name, id: None, oob: false, answered: true, secrets }
    }
}

/// Shows what is sent, without secrets.
impl fmt::Debug for Request {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Request");
        shown.field("name", &self.name);
        match &self.body {
            Body::Arguments(None) => {}
            Body::Arguments(Some(arguments)) => {
                let masked = secrets::members(&self.name, self.secrets.members(), arguments);
                shown.field("arguments", &format_args!("{masked}"));
            }
            Body::Object(object) => {
                let masked = secrets::request(object, &secrets::rows(object), self.secrets);
                shown.field("object", &format_args!("{masked}"));
            }
        }
        if let Some(id) = &self.id {
            shown.field("id", &format_args!("{}", secrets::data(id)));
        }
        shown.field("out_of_band", &self.oob).field("answered", &self.answered).finish()
    }
}

/// A value over that limit cannot be encoded.
#[cold]
fn over(what: &str, limit: &str) -> Error {
    Error::encode(what, serde::ser::Error::custom(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn name_arguments_and_id() {
        let request = Request::untyped("query \"it\"", Some(&json!({"a": [1, null]})));
        let line = request.clone().into_line(&|id| id.push_str("\"1\"")).unwrap();
        assert_eq!(line, "{\"execute\":\"query \\\"it\\\"\",\"arguments\":{\"a\":[1,null]},\"id\":\"1\"}\n");
        let line = request.out_of_band().out_of_band().into_line(&|id| id.push('1')).unwrap();
        assert_eq!(line, "{\"exec-oob\":\"query \\\"it\\\"\",\"arguments\":{\"a\":[1,null]},\"id\":1}\n");
        assert_eq!(
            Request::untyped("stop", None).into_line(&|id| id.push('1')).unwrap(),
            "{\"execute\":\"stop\",\"id\":1}\n"
        );
    }

    #[test]
    fn objects_go_as_they_are() {
        let mut request = Request::from_object(object(json!({"exec-oob": "yank", "id": 1.5, "x": 2})));
        assert!(request.is_out_of_band());
        assert_eq!(request.take_id().unwrap().as_deref(), Some("1.5"));
        let sent: Value = serde_json::from_str(&request.into_line(&|id| id.push('7')).unwrap()).unwrap();
        assert_eq!(sent, json!({"exec-oob": "yank", "id": 7, "x": 2}));
        assert_eq!(Request::from_object(Map::new()).into_line(&|id| id.push('7')).unwrap(), "{\"id\":7}\n");
    }
}
