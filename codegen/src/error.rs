//! The one error of the generator: what is wrong, and where in which schema file.
//!
//! Errors print as `file:line:column: message`, which editors and build logs turn into links.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A position in a schema file.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, named as it was opened: the path given by the caller, joined with the paths of the includes that led there.
    pub file: Arc<Path>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl Location {
    /// The beginning of a file, for what is wrong with no part of it.
    pub(crate) fn start_of(file: &Path) -> Self {
        Self { file: file.into(), line: 1, column: 1 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a schema was refused, or could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct Error {
    /// Where QEMU's own generator would report it.
    pub at: Location,
    /// The message, in one line.
    pub message: String,
}

impl Error {
    /// An error at a known location.
    pub fn new(at: &Location, message: impl Into<String>) -> Self {
        Self { at: at.clone(), message: message.into() }
    }
}

/// Shorthand for results of the generator.
pub type Result<T, E = Error> = std::result::Result<T, E>;
