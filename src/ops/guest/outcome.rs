//! Outcomes of a program in the guest.

use super::base64::decode;
use crate::error::{Error, Result};
use crate::ops::unfinished::{Outcome, Unfinished};
use crate::qga::commands::GuestExecStatus;
use crate::qga::types::GuestExecStatusReply;
use std::fmt;

/// How a program in the guest ended, or why it is no longer waited for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProgramOutcome {
    /// It ended, well or not.
    Finished(GuestOutput),
    /// It had not ended by the deadline, and goes on. A client's `running_program` waits for it again.
    StillRunning {
        /// Its number in the guest.
        pid: i64,
    },
    /// The agent does not know it any more: the agent was started anew meanwhile, or has told its end already, which it does
    /// once: to another client, or to a call that had been given up. The program may run on, and what it wrote is lost.
    Forgotten {
        /// Its number in the guest.
        pid: i64,
        /// The agent's message.
        error: Error,
    },
    /// The agent did not answer, or the connection was lost. The program goes on. A client's `running_program` waits for it
    /// again; that of another client if the connection [is lost](Error::is_disconnected).
    Unanswered {
        /// Its number in the guest.
        pid: i64,
        /// The error.
        error: Error,
    },
}

/// The results of a program in the guest.
///
/// Its `Debug` shows how much the program wrote, and not what: there may be secrets in it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuestOutput {
    /// How the program ended.
    pub status: GuestExitStatus,
    /// Its standard output; both outputs, if they were [merged](super::Program::merged).
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// True if it wrote more to its standard output than the agent keeps, which is 16 MiB.
    pub stdout_truncated: bool,
    /// True if it wrote more to its standard error than the agent keeps.
    pub stderr_truncated: bool,
}

/// How a program in the guest ended: by itself, or because of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GuestExitStatus {
    code: Option<i64>,
    signal: Option<i64>,
}

impl Outcome for ProgramOutcome {
    const SUBJECT: &'static str = "the program in the guest";
}

impl ProgramOutcome {
    /// Makes an error of every outcome but [`Finished`](Self::Finished), for `?`.
    ///
    /// # Errors
    ///
    /// The outcome, as an error that tells it.
    #[inline]
    pub fn finished(self) -> Result<GuestOutput, Unfinished<Self>> {
        match self {
            ProgramOutcome::Finished(output) => Ok(output),
            other => Err(Unfinished(other)),
        }
    }

    /// Makes an error of every outcome but that of a program that ended with the exit code 0, for `?`.
    ///
    /// # Errors
    ///
    /// The outcome, as an error that tells it. It has the program's output in it, if there is any, and does not show it.
    #[inline]
    pub fn succeeded(self) -> Result<GuestOutput, Unfinished<Self>> {
        match self.finished()? {
            output if output.success() => Ok(output),
            output => Err(Unfinished(ProgramOutcome::Finished(output))),
        }
    }
}

impl GuestOutput {
    /// Returns whether the program ended with the exit code 0.
    #[inline]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    #[inline]
    pub(super) fn new(reply: &GuestExecStatusReply) -> Result<Self> {
        let bytes = |member: &str, text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            decode::<GuestExecStatus>(reply, member, text)
        };
        Ok(GuestOutput {
            status: GuestExitStatus { code: reply.exitcode, signal: reply.signal },
            stdout: bytes("out-data", &reply.out_data)?,
            stderr: bytes("err-data", &reply.err_data)?,
            stdout_truncated: reply.out_truncated.unwrap_or(false),
            stderr_truncated: reply.err_truncated.unwrap_or(false),
        })
    }
}

impl GuestExitStatus {
    /// Returns whether it ended by itself with the exit code 0.
    #[inline]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Its exit code, if it ended by itself.
    #[inline]
    pub fn code(&self) -> Option<i64> {
        self.code
    }

    /// The signal that ended it, or on Windows the code of an exception.
    #[inline]
    pub fn signal(&self) -> Option<i64> {
        self.signal
    }
}

impl fmt::Display for GuestExitStatus {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("an exit status that the agent did not tell"),
        }
    }
}

impl fmt::Display for ProgramOutcome {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramOutcome::Finished(output) => write!(f, "ended with {}", output.status),
            ProgramOutcome::StillRunning { pid } => write!(f, "was still running at the deadline, as process {pid}"),
            ProgramOutcome::Forgotten { pid, error } => write!(
                f,
                "is not known to the agent any more as process {pid}, as after a restart of the agent, and its output is \
                 lost: {error}"
            ),
            ProgramOutcome::Unanswered { pid, error } => {
                write!(f, "runs as process {pid}, and the agent did not tell what became of it: {error}")
            }
        }
    }
}

impl fmt::Debug for GuestOutput {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestOutput")
            .field("status", &self.status)
            .field("stdout", &format_args!("{} bytes", self.stdout.len()))
            .field("stderr", &format_args!("{} bytes", self.stderr.len()))
            .field("stdout_truncated", &self.stdout_truncated)
            .field("stderr_truncated", &self.stderr_truncated)
            .finish()
    }
}
