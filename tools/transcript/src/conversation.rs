//! Which message a line is, which command a reply belongs to, and whether the message fits its types.
//!
//! A message that no type is known for passes, as a whole unrecognized. Nothing here prints or ends the program.

use crate::api::{recode, Api, DecodeError, Recoded};
use crate::compare::compare;
use qemu_qmp::qmp::types::{QMPCapability, VersionInfo};
use qemu_qmp::wire::tolerating_unknown;
use qemu_qmp::ErrorClass;
use serde_json::value::RawValue;
use serde_json::{json, Value};
use std::collections::{BTreeMap, VecDeque};

/// What was found out about one line.
#[derive(Debug)]
pub struct Finding {
    pub from_server: bool,
    pub kind: Kind,
    /// Of the command, or the event. A reply has that of its command, where that is known.
    pub name: Option<String>,
    pub result: Result<Recoded, DecodeError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Greeting,
    Command,
    Reply,
    Error,
    Event,
    /// No message of the protocol.
    Malformed,
}

/// A conversation up to the line that was read last.
pub struct Conversation {
    api: Api,
    unanswered: VecDeque<Sent>,
}

/// A command without its reply.
#[derive(Debug)]
pub struct Sent {
    pub line: usize,
    /// `None` for what was no command. The server answers it with an error.
    pub name: Option<String>,
    id: Option<Value>,
    /// Whether success is answered.
    pub answers: bool,
}

impl Sent {
    /// What the server answers with an error, if at all.
    fn noise(line: usize) -> Self {
        Sent { line, name: None, id: None, answers: false }
    }
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

impl Conversation {
    pub fn new(api: Api) -> Self {
        Conversation { api, unanswered: VecDeque::new() }
    }

    /// Commands that were not answered, though they should have been.
    pub fn unanswered(&self) -> impl Iterator<Item = &Sent> {
        self.unanswered.iter().filter(|sent| sent.name.is_some() && sent.answers)
    }

    /// Takes the next line. A blank one is no message.
    pub fn line(&mut self, number: usize, line: &[u8]) -> Option<Finding> {
        let line = line.trim_ascii();
        let (from_server, message) = match line.get(..2) {
            _ if line.is_empty() => return None,
            Some(b"->") => (false, &line[2..]),
            Some(b"<-") => (true, &line[2..]),
            _ => {
                let reason = "neither `-> ` nor `<- ` tells who sent the line".to_owned();
                return Some(malformed(true, DecodeError { path: String::new(), reason }));
            }
        };
        let (message, delimited) = without_delimiters(message);
        if message.is_empty() {
            return None;
        }
        if delimited && !from_server {
            self.unanswered.push_back(Sent::noise(number));
        }
        let members = std::str::from_utf8(message)
            .map_err(|error| DecodeError { path: String::new(), reason: format!("not UTF-8: {error}") })
            .and_then(|text| serde_json::from_str::<Members<'_>>(text).map_err(DecodeError::from));
        Some(match members {
            Ok(members) if from_server => self.server_sent(&members),
            Ok(members) => self.client_sent(number, &members),
            Err(error) => {
                if !from_server {
                    self.unanswered.push_back(Sent::noise(number));
                }
                malformed(from_server, error)
            }
        })
    }

    fn client_sent(&mut self, line: usize, members: &Members<'_>) -> Finding {
        let name = members.get("execute").or(members.get("exec-oob"));
        let name = name.and_then(|name| serde_json::from_str::<String>(name.get()).ok());
        let id = members.get("id").and_then(|id| serde_json::from_str(id.get()).ok());
        let types = name.as_deref().and_then(|name| self.api.commands.get(name)).copied();
        let answers = name.is_some() && types.is_none_or(|types| types.answers);
        self.unanswered.push_back(Sent { line, name: name.clone(), id, answers });
        let Some(name) = name else {
            let reason = "neither `execute` nor `exec-oob` names a command".to_owned();
            return malformed(false, DecodeError { path: String::new(), reason });
        };
        let arguments = members.get("arguments").map_or("{}", |arguments| arguments.get());
        // Its client may know more than the types do. What they ignore is reported like what they ignore of replies.
        let result = tolerating_unknown(|| checked(types.map(|types| types.arguments), arguments));
        Finding { from_server: false, kind: Kind::Command, name: Some(name), result }
    }

    fn server_sent(&mut self, members: &Members<'_>) -> Finding {
        let found = |kind, name, result| Finding { from_server: true, kind, name, result };
        if let Some(greeting) = members.get("QMP") {
            // A new connection: what was sent on the one before stays without a reply.
            self.unanswered.clear();
            found(Kind::Greeting, None, check_greeting(greeting.get()))
        } else if let Some(error) = members.get("error") {
            let command = self.command_of(members.get("id"), true).and_then(|sent| sent.name);
            found(Kind::Error, command, check_error(error.get()))
        } else if let Some(value) = members.get("return") {
            let command = self.command_of(members.get("id"), false).and_then(|sent| sent.name);
            let types = command.as_deref().and_then(|name| self.api.commands.get(name));
            let result = checked(types.map(|types| types.reply), value.get());
            found(Kind::Reply, command, result)
        } else if let Some(name) = members.get("event") {
            let name = serde_json::from_str::<String>(name.get());
            let data = members.get("data").map_or("{}", |data| data.get());
            let types = name.as_ref().ok().and_then(|name| self.api.events.get(name.as_str())).copied();
            match name {
                Ok(name) => found(Kind::Event, Some(name), checked(types, data)),
                Err(error) => malformed(true, error.into()),
            }
        } else {
            let reason = "none of `QMP`, `return`, `error` and `event` is there".to_owned();
            malformed(true, DecodeError { path: String::new(), reason })
        }
    }

    /// The command that a reply belongs to: the one with its id, or else the oldest that it can belong to.
    fn command_of(&mut self, id: Option<&&RawValue>, failed: bool) -> Option<Sent> {
        let id: Option<Value> = id.and_then(|id| serde_json::from_str(id.get()).ok());
        let position = |fits: &dyn Fn(&Sent) -> bool| self.unanswered.iter().position(fits);
        let of_id = id.as_ref().and_then(|id| position(&|sent| sent.id.as_ref() == Some(id)));
        let without_id = || position(&|sent| sent.id.is_none() && (sent.answers || failed));
        let oldest = || if id.is_some() { None } else { position(&|sent| sent.answers || failed) };
        let found = self.unanswered.remove(of_id.or_else(without_id).or_else(oldest)?)?;
        // Errors come in order, too: what was no command and stood before this one gets none any more.
        self.unanswered.retain(|sent| sent.name.is_some() || sent.line > found.line);
        Some(found)
    }
}

fn malformed(from_server: bool, error: DecodeError) -> Finding {
    Finding { from_server, kind: Kind::Malformed, name: None, result: Err(error) }
}

/// The message, and whether a delimiter stood before it.
///
/// The guest agent sets its reply to `guest-sync-delimited` off by a byte that is in no UTF-8 text. From its client it
/// takes one, too, and answers it by an error. What recorded the conversation may have replaced the byte.
fn without_delimiters(mut message: &[u8]) -> (&[u8], bool) {
    let mut delimited = false;
    loop {
        message = message.trim_ascii();
        let rest = message.strip_prefix(b"\xff").or_else(|| message.strip_prefix("\u{fffd}".as_bytes()));
        match rest {
            Some(rest) => (message, delimited) = (rest, true),
            None => return (message, delimited),
        }
    }
}

/// Decodes and encodes, and finds what got lost on the way.
fn checked(codec: Option<crate::api::Codec>, text: &str) -> Result<Recoded, DecodeError> {
    let came: Value = serde_json::from_str(text)?;
    let Some(codec) = codec else {
        return Ok(Recoded { json: came, unrecognized: vec![String::new()] });
    };
    let recoded = codec(text)?;
    completed(&came, recoded)
}

/// Adds the members that were ignored to what is unrecognized. Any other difference is a defect of the types.
fn completed(came: &Value, mut recoded: Recoded) -> Result<Recoded, DecodeError> {
    recoded.unrecognized.extend(compare(came, &recoded.json)?);
    recoded.unrecognized.sort();
    recoded.unrecognized.dedup();
    Ok(recoded)
}

fn check_greeting(text: &str) -> Result<Recoded, DecodeError> {
    let mut whole = Recoded { json: json!({}), unrecognized: Vec::new() };
    let members: Members<'_> = serde_json::from_str(text)?;
    if !members.contains_key("version") {
        return Err(DecodeError { path: String::new(), reason: "missing member `version`".to_owned() });
    }
    for (name, text) in members {
        let part = match name.as_str() {
            "version" => recode::<VersionInfo>(text.get()),
            "capabilities" => recode::<Vec<QMPCapability>>(text.get()),
            _ => continue,
        };
        let part = part.map_err(|error| DecodeError { path: format!(".{name}{}", error.path), ..error })?;
        whole.unrecognized.extend(part.unrecognized.iter().map(|path| format!(".{name}{path}")));
        whole.json[name] = part.json;
    }
    completed(&serde_json::from_str(text)?, whole)
}

fn check_error(text: &str) -> Result<Recoded, DecodeError> {
    let came: Value = serde_json::from_str(text)?;
    let mut whole = Recoded { json: json!({}), unrecognized: Vec::new() };
    for name in ["class", "desc"] {
        let Some(value) = came.get(name).and_then(Value::as_str) else {
            return Err(DecodeError { path: format!(".{name}"), reason: "no string is there".to_owned() });
        };
        if name == "class" && matches!(ErrorClass::from(value), ErrorClass::Unrecognized(_)) {
            whole.unrecognized.push(".class".to_owned());
        }
        whole.json[name] = value.into();
    }
    completed(&came, whole)
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Greeting => "greeting",
            Kind::Command => "command",
            Kind::Reply => "reply",
            Kind::Error => "error",
            Kind::Event => "event",
            Kind::Malformed => "malformed",
        }
    }
}
