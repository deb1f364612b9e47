//! Reports on a job: its progress, and how it ended.

use crate::ops::unfinished::{Outcome, Unfinished};
use crate::qmp::types::{BlockErrorAction, IoOperationType, JobStatus};
use std::fmt;

/// How a job ended, or why it is no longer waited for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum JobOutcome {
    /// It did all that it was to do.
    Completed,
    /// It was cancelled.
    Cancelled(CancelledBy),
    /// It failed.
    Failed(JobFailure),
    /// It is paused after an error of reading or writing, because its command said so (`on-source-error`, `on-target-error` or
    /// `on-error` is `stop` or `enospc`). It is there still: resumed, it tries again.
    Stopped(JobIoError),
    /// It is ready to be completed. It is there still, and keeps the copy up to date.
    Ready,
    /// It waits to be finalized. It is there still.
    Pending,
    /// It was not over by the deadline, and goes on.
    TimedOut,
    /// It is gone, and nobody told how it ended: another client dismissed it before.
    Unknown,
}

/// The side that cancelled a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelledBy {
    /// This program.
    ThisProgram,
    /// The operation, [because the deadline had passed](super::Job::cancel_at_deadline).
    Deadline,
    /// Somebody else: another client, or QEMU because another job of the same transaction failed.
    SomebodyElse,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobFailure {
    /// QEMU's message.
    pub error: String,
    /// The error of reading or writing that it met last, if it met one.
    pub io_error: Option<JobIoError>,
}

/// An error of reading or writing that a job met.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct JobIoError {
    /// The direction, reading or writing; `None` if it was not told, because the job was taken over later.
    pub operation: Option<IoOperationType>,
    /// The job's answer to it, likewise.
    pub action: Option<BlockErrorAction>,
    /// True if there was no space left. Only known of a job that has stopped.
    pub no_space: bool,
}

/// The progress of a job.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JobProgress {
    /// The job's id.
    pub id: String,
    /// Its status.
    pub status: JobStatus,
    /// How much is done, in the job's own unit: bytes for most.
    pub current: u64,
    /// The estimated end of `current`. It may grow and shrink.
    pub total: u64,
    /// How much of it was done in a second, since the last time this was told; `None` the first time.
    pub per_second: Option<u64>,
}

impl JobOutcome {
    /// Returns whether the job completed.
    #[inline]
    pub fn is_completed(&self) -> bool {
        *self == JobOutcome::Completed
    }

    /// Makes an error of every outcome but [`Completed`](Self::Completed), for `?`.
    ///
    /// # Errors
    ///
    /// The outcome, as an error that tells it.
    #[inline]
    pub fn completed(self) -> Result<(), Unfinished<Self>> {
        match self {
            JobOutcome::Completed => Ok(()),
            other => Err(Unfinished(other)),
        }
    }
}

impl JobProgress {
    /// How much of it is done, from 0 to 1; 0 while the total is not known.
    #[inline]
    pub fn fraction(&self) -> f64 {
        match self.total {
            0 => 0.0,
            total => (self.current as f64 / total as f64).min(1.0),
        }
    }
}

impl Outcome for JobOutcome {
    const SUBJECT: &'static str = "the job";
}

impl fmt::Display for JobOutcome {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobOutcome::Completed => f.write_str("completed"),
            JobOutcome::Cancelled(by) => write!(f, "was cancelled by {by}"),
            JobOutcome::Failed(failure) => write!(f, "failed: {failure}"),
            JobOutcome::Stopped(error) => write!(f, "is paused after {error}"),
            JobOutcome::Ready => f.write_str("is ready to be completed"),
            JobOutcome::Pending => f.write_str("waits to be finalized"),
            JobOutcome::TimedOut => f.write_str("was not over in time, and goes on"),
            JobOutcome::Unknown => f.write_str("is gone, and its outcome is not known"),
        }
    }
}

impl fmt::Display for CancelledBy {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CancelledBy::ThisProgram => "this program",
            CancelledBy::Deadline => "the deadline",
            CancelledBy::SomebodyElse => "somebody else",
        })
    }
}

impl fmt::Display for JobFailure {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        match &self.io_error {
            Some(error) => write!(f, ", after {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for JobIoError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operation {
            Some(operation) => write!(f, "an error of the operation `{operation}`")?,
            None => f.write_str("an error of reading or writing")?,
        }
        f.write_str(if self.no_space { ": no space left" } else { "" })
    }
}
