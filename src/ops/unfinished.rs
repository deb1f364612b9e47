//! Outcomes that were not hoped for, as errors. Generic, so that only programs which make one compile it.

use std::{error, fmt};

/// How an operation on something can end.
pub trait Outcome: fmt::Debug + fmt::Display {
    /// The thing that ends so: the sentence's words before the outcome.
    const SUBJECT: &'static str;
}

/// An outcome other than the one that was hoped for, as an error that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished<O>(pub O);

impl<O: Outcome> fmt::Display for Unfinished<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", O::SUBJECT, self.0)
    }
}

impl<O: Outcome> error::Error for Unfinished<O> {}
