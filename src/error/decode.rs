//! What a reply or event says that does not fit its type.

use super::{Error, Repr};
use crate::wire::path_and_reason;
use std::fmt;

/// A reply or event that does not fit its type.
#[derive(Debug, thiserror::Error)]
#[error("{subject}{}{path}: {expectation}", if path.is_empty() { "" } else { " at " })]
pub struct DecodeError {
    subject: Subject,
    path: String,
    expectation: String,
    text: String,
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
    pub(crate) fn decode(subject: fn(Box<str>) -> Subject, name: &str, text: &str, cause: serde_json::Error) -> Self {
        let (path, expectation) = path_and_reason(&cause);
        let subject = subject(name.into());
        Repr::Decode(DecodeError { subject, path, expectation, text: text.to_owned() }).into()
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

    /// Where it does not fit: members as `.name`, items as `[index]`. Empty for the outermost value.
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
