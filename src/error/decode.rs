//! Replies and events that do not fit their types.

use super::{Error, Repr};
use crate::secrets::{self, Secrets};
use crate::wire::path_and_reason;
use std::borrow::Cow;
use std::fmt;

/// A reply or event that does not fit its type.
#[derive(thiserror::Error)]
#[error("{subject}{}{path}: {}", if path.is_empty() { "" } else { " at " }, self.shown_expectation())]
pub struct DecodeError {
    subject: Subject,
    path: String,
    expectation: String,
    text: String,
    secrets: Secrets,
}

/// The message that was being decoded.
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
    pub(crate) fn decode(
        subject: fn(Box<str>) -> Subject,
        name: &str,
        secrets: Secrets,
        text: &str,
        cause: serde_json::Error,
    ) -> Self {
        let (path, expectation) = path_and_reason(&cause);
        let subject = subject(name.into());
        Repr::Decode(DecodeError { subject, path, expectation, text: text.to_owned(), secrets }).into()
    }
}

impl DecodeError {
    /// The reply or event that did not decode.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The name of the command or event.
    pub fn name(&self) -> &str {
        match &self.subject {
            Subject::Reply(name) | Subject::Event(name) => name,
        }
    }

    /// The path to what does not fit: members as `.name`, items as `[index]`. Empty for the outermost value.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The expected value, and the one found, which may be a secret.
    pub fn expectation(&self) -> &str {
        &self.expectation
    }

    /// The JSON that did not decode, with secrets that may be in it: a reply's `return` member, or an event's `data` member.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn shown_expectation(&self) -> Cow<'_, str> {
        let is_member = |name: &str| self.secrets.has_member(name);
        let hide = self.secrets.hide_reply_of(self.name()) || self.path.split(['.', '[', ']']).any(is_member);
        secrets::expectation(&self.path, hide, &self.expectation)
    }
}

impl fmt::Debug for DecodeError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = secrets::returned(self.name(), self.secrets, &self.text);
        let mut shown = f.debug_struct("DecodeError");
        shown.field("subject", &self.subject).field("path", &self.path);
        shown.field("expectation", &self.shown_expectation()).field("text", &format_args!("{text}")).finish()
    }
}
