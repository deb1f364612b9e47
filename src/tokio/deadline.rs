//! How long to wait for something.

use crate::error::{Error, Phase, Result};
use crate::label::Label;
use ::tokio::time::{timeout_at, Instant};
use std::future::Future;
use std::time::Duration;

/// A time that runs from when this is made; without a timeout, for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    timeout: Option<Duration>,
    end: Option<Instant>,
}

impl Deadline {
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Deadline { timeout, end: timeout.and_then(|timeout| Instant::now().checked_add(timeout)) }
    }

    /// The same, but no longer than this from now on.
    pub(super) fn at_most(&self, timeout: Duration) -> Self {
        let other = Deadline::new(Some(timeout));
        Deadline { timeout: self.timeout, end: self.end.into_iter().chain(other.end).min() }
    }

    pub(super) fn left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Waits for a future until the time is over; `None` then.
    pub(super) async fn run<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        match self.end {
            None => Some(future.await),
            Some(end) => timeout_at(end, future).await.ok(),
        }
    }

    /// The error of not having come in time. `what` is the command or event, if it has a name.
    pub(super) fn passed(&self, label: &Label, phase: Phase, what: Option<&str>) -> Error {
        Error::timeout(label, phase, what, self.timeout.unwrap_or_default())
    }

    /// Waits for a future until the time is over, which is an error.
    pub(super) async fn limit<T>(
        &self,
        label: &Label,
        phase: Phase,
        what: Option<&str>,
        future: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.run(future).await.unwrap_or_else(|| Err(self.passed(label, phase, what)))
    }
}
