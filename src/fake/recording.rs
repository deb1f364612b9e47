//! Recorded conversations, played again: what a client sent, and what came back.
//!
//! A message on each line, after `-> ` if a client sent it and after `<- ` if the server did.

use super::call::Call;
use super::request::generic;
use super::schema::Kind;
use crate::error::ServerError;
use crate::message::Version;
use serde_json::{Map, Value};
use std::io;

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replay {
    /// The same commands have to come in the same order, with the same arguments. Others fail with an error that says what
    /// the recording has instead.
    Strict,
    /// Commands may come in any order. Each takes the first answer in the recording that was not given yet: to the same
    /// arguments, or else to others. What the recording does not have is answered as if there were none, and what has a handler
    /// is the handler's.
    Loose,
}

/// A command of a recording, and what followed it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    name: String,
    arguments: Map<String, Value>,
    id: Option<Value>,
    pub answer: Answer,
    /// Lines of the server's before the answer, and after it.
    pub before: Vec<String>,
    pub after: Vec<String>,
    is_played: bool,
}

/// The outcome of a recorded command.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Given(Result<Value, ServerError>),
    Missing,
    /// It was the last that was heard of the server.
    Lost,
}

/// A recording that is being played.
#[derive(Debug)]
pub(super) struct Recording {
    mode: Replay,
    steps: Vec<Step>,
    /// Lines that came before the first command.
    pub initial: Vec<String>,
    pub greeting: Option<Greeting>,
}

/// A recorded server's words about itself.
#[derive(Debug)]
pub(super) struct Greeting {
    pub version: Version,
    pub package: String,
    pub oob: bool,
}

impl Recording {
    /// Reads a recording. Fails where a line is neither a client's nor a server's, or a client's is no JSON.
    pub(super) fn parse(text: &[u8], mode: Replay) -> io::Result<Self> {
        let mut recording = Recording { mode, steps: Vec::new(), initial: Vec::new(), greeting: None };
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            let invalid = |reason| io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {reason}", index + 1));
            let message = line.get(2..).unwrap_or_default();
            let start = message.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0xff).count();
            let message = String::from_utf8_lossy(message.get(start..).unwrap_or_default());
            match line.get(..2) {
                _ if line.is_empty() => {}
                Some(b"->") => recording.sent(message.parse().map_err(|_| invalid("a client's line is no JSON"))?),
                Some(b"<-") => recording.received(&message),
                _ => return Err(invalid("neither `-> ` nor `<- ` tells who sent the line")),
            }
        }
        if let Some(last) = recording.steps.last_mut().filter(|step| matches!(step.answer, Answer::Missing)) {
            last.answer = Answer::Lost;
        }
        recording.steps.retain(|step| !is_beginning(&step.name));
        Ok(recording)
    }

    fn sent(&mut self, message: Value) {
        let Value::Object(mut message) = message else { return };
        let Some(Value::String(name)) = message.remove("execute").or_else(|| message.remove("exec-oob")) else {
            return;
        };
        let arguments = match message.remove("arguments") {
            Some(Value::Object(arguments)) => arguments,
            _ => Map::new(),
        };
        let id = message.remove("id");
        let (before, after) = (Vec::new(), Vec::new());
        self.steps.push(Step { name, arguments, id, answer: Answer::Missing, before, after, is_played: false });
    }

    fn received(&mut self, line: &str) {
        let message: Value = line.parse().unwrap_or_default();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_open = |step: &&mut Step| matches!(step.answer, Answer::Missing);
        if let Some(greeting) = message.get("QMP") {
            self.greeting = greeting_of(greeting);
            return;
        }
        let answer = match (message.get("return"), message.get("error")) {
            (Some(value), _) => Ok(value.clone()),
            (_, Some(error)) => Err(ServerError::new(text(error.get("class")).as_str(), text(error.get("desc")))),
            // An event, or whatever else came.
            (None, None) => {
                let is_played = |step: &&mut Step| !is_beginning(&step.name);
                let open = self.steps.iter().position(|step| matches!(step.answer, Answer::Missing));
                let lines = match open.and_then(|open| self.steps.get_mut(open)).filter(is_played) {
                    Some(step) => &mut step.before,
                    None => match self.steps.iter_mut().rfind(is_played) {
                        Some(step) => &mut step.after,
                        None => &mut self.initial,
                    },
                };
                lines.push(line.to_owned());
                return;
            }
        };
        let mut open = self.steps.iter_mut().filter(is_open);
        if let Some(step) = open.find(|step| step.id.as_ref() == message.get("id")) {
            step.answer = Answer::Given(answer);
        }
    }

    /// The recorded answer to a call: `None` where it is to be answered as if there were no recording.
    pub(super) fn play(&mut self, call: &Call, is_handled: bool) -> Option<Result<Step, ServerError>> {
        let is_same = |step: &Step| step.name == call.name && step.arguments == call.arguments;
        let position = match self.mode {
            Replay::Strict => {
                let next = self.steps.iter().position(|step| !step.is_played);
                let Some(step) = next.and_then(|next| self.steps.get(next)) else {
                    let desc = format!("The recording ends here, and {} comes after its end", call.name);
                    return Some(Err(generic(desc)));
                };
                if !is_same(step) {
                    let show = |name: &str, arguments: &Map<String, Value>| {
                        format!("{name} {}", Value::Object(arguments.clone()))
                    };
                    let (here, comes) = (show(&step.name, &step.arguments), show(&call.name, &call.arguments));
                    return Some(Err(generic(format!("The recording has {here} here, and {comes} comes instead"))));
                }
                next
            }
            Replay::Loose if is_handled => None,
            Replay::Loose => {
                let new = self.steps.iter().position(|step| !step.is_played && is_same(step));
                let near = || self.steps.iter().position(|step| !step.is_played && step.name == call.name);
                new.or_else(near).or_else(|| self.steps.iter().rposition(is_same))
            }
        };
        let step = self.steps.get_mut(position?)?;
        step.is_played = true;
        Some(Ok(step.clone()))
    }

    /// The names of commands that did not come.
    pub(super) fn unplayed(&self) -> Vec<String> {
        self.steps.iter().filter(|step| !step.is_played).map(|step| step.name.clone()).collect()
    }
}

/// Returns whether a command is part of how a conversation begins, which is not played.
fn is_beginning(name: &str) -> bool {
    [Kind::Monitor, Kind::GuestAgent].into_iter().any(|kind| kind.begins_with(name))
}

fn greeting_of(greeting: &Value) -> Option<Greeting> {
    let number = |name: &str| {
        let number = greeting.get("version")?.get("qemu")?.get(name)?;
        u32::try_from(number.as_u64()?).ok()
    };
    let version = Version { major: number("major")?, minor: number("minor")?, micro: number("micro")? };
    let package = greeting.get("version").and_then(|version| version.get("package")).and_then(Value::as_str);
    let capabilities = greeting.get("capabilities").and_then(Value::as_array);
    let oob = capabilities.is_some_and(|capabilities| capabilities.iter().any(|capability| capability == "oob"));
    Some(Greeting { version, package: package.unwrap_or_default().to_owned(), oob })
}
