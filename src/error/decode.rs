//! What a reply or event says that does not fit its type.

use super::{Error, Repr};
use crate::wire::split_path;
use std::fmt;

/// A reply or event that does not fit its type.
#[derive(Debug, thiserror::Error)]
#[error("{subject}{}{path}: {expectation}", if path.is_empty() { "" } else { " at " })]
pub struct DecodeError {
    subject: Subject,
    path: String,
    expectation: String,
    text: String,
    source: serde_json::Error,
}

/// What was being decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The reply to the command of this name.
    Reply(Box<str>),
    /// The data of the event of this name.
    Event(Box<str>),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Reply(name) => write!(f, "reply to {name}"),
            Subject::Event(name) => write!(f, "event {name}"),
        }
    }
}

impl Error {
    /// `text` is what did not decode.
    #[cold]
    pub(crate) fn misfit(subject: fn(Box<str>) -> Subject, name: &str, text: &str, source: serde_json::Error) -> Self {
        let (path, expectation) = place_and_reason(&source);
        let subject = subject(name.into());
        Repr::Decode(DecodeError { subject, path, expectation, text: text.to_owned(), source }).into()
    }
}

impl DecodeError {
    /// Which reply or event did not decode.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The name of the command or event.
    pub fn name(&self) -> &str {
        match &self.subject {
            Subject::Reply(name) | Subject::Event(name) => name,
        }
    }

    /// Where the misfit is: members as `.name`, items as `[index]`. Empty for the outermost value.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was expected there, and what was found.
    pub fn expectation(&self) -> &str {
        &self.expectation
    }

    /// The JSON that did not decode: a reply's `return` member, or an event's `data` member.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Where in a JSON text something does not fit, and why. The path is what the generated types' runtime puts in front of its
/// message: `.inserted.file[3].name: invalid type: …`, and nothing if the outermost value is at fault.
pub(crate) fn place_and_reason(error: &serde_json::Error) -> (String, String) {
    let message = format!("{error}");
    // One line was decoded, so its position says less than the path does.
    let place = format!(" at line {} column {}", error.line(), error.column());
    let (path, reason) = split_path(message.strip_suffix(&*place).unwrap_or(&message));
    (path.to_owned(), reason.to_owned())
}
