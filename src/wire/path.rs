//! Where in a message an error is: each level that an error passes on its way out puts its own step in front.

use serde::de;
use std::fmt;

/// One step into a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// A member of an object.
    Member(&'a str),
    /// An element of an array.
    Index(usize),
}

impl Segment<'_> {
    /// Puts this step in front of the path that `error` carries.
    ///
    /// The path travels in the message because serde's errors carry nothing else, and only where there is an error
    /// does anybody pay for it. No message of serde starts with `.` or `[`, so path and reason stay apart.
    pub fn wrap<E: de::Error>(self, error: E) -> E {
        let inner = error.to_string();
        let separator = if starts_with_path(&inner) { "" } else { ": " };
        E::custom(format_args!("{self}{separator}{inner}"))
    }
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Splits the message of a decoding error into path and reason. The path is empty where the value as a whole does not
/// fit.
pub fn split_path(message: &str) -> (&str, &str) {
    // As bytes: the search for a string is more code than all else in here.
    let bytes = message.as_bytes();
    let mut end = 0;
    while starts_with_path(message) && end < bytes.len() {
        if let (Some(b": "), Some(path), Some(reason)) =
            (bytes.get(end..end + 2), message.get(..end), message.get(end + 2..))
        {
            return (path, reason);
        }
        end += 1;
    }
    ("", message)
}

/// Where in a JSON text something does not fit, and why. The path is what this runtime puts in front of its message, as in
/// `.inserted.file[3].name: invalid type: …`, and empty if the outermost value is at fault.
pub(crate) fn path_and_reason(error: &serde_json::Error) -> (String, String) {
    let message = format!("{error}");
    // One line was decoded, so its position says less than the path does.
    let place = format!(" at line {} column {}", error.line(), error.column());
    let (path, reason) = split_path(message.strip_suffix(&*place).unwrap_or(&message));
    (path.to_owned(), reason.to_owned())
}

fn starts_with_path(message: &str) -> bool {
    matches!(message.as_bytes().first(), Some(b'.' | b'['))
}
