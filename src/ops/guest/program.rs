//! Programs in the guest: started, and asked after until they have ended.

use super::base64::encode;
use super::grace;
use super::outcome::{GuestOutput, ProgramOutcome};
use crate::api::GuestAgent;
use crate::error::{ErrorClass, ErrorKind, Result};
use crate::ops::steps::{after, is_over, pause};
use crate::qga::commands::{GuestExec, GuestExecStatus};
use crate::qga::types::{GuestExecCaptureOutput, GuestExecCaptureOutputMode};
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use crate::wire::IntoText;
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long to wait before asking for the first time, and at most. Each pause is twice as long as the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// A program that is to run in the guest. Made by a client's `program`.
#[must_use = "a program does nothing until it is run or started"]
pub struct Program<K> {
    connection: K,
    command: GuestExec,
    timeout: Option<Duration>,
}

/// A program that was started in the guest, by its number. Made by a client's `running_program`.
#[must_use = "a program is not waited for until this is run"]
pub struct RunningProgram<K> {
    connection: K,
    pid: i64,
    timeout: Option<Duration>,
}

impl<K: Connection<Peer = GuestAgent>> Program<K> {
    /// On this connection: the program at this path, or of this name in the agent's search path.
    pub fn new(connection: K, path: impl Into<String>) -> Self {
        Program { connection, command: GuestExec::new(path).capture_output(true), timeout: None }
    }

    /// One more argument. There is no shell in between.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.command.arg.get_or_insert_default().push(arg.into());
        self
    }

    /// More arguments.
    pub fn args(self, args: impl IntoIterator<Item = impl IntoText>) -> Self {
        crate::wire::strings(args).into_iter().fold(self, Self::arg)
    }

    /// A variable of its environment. With the first one, it has no others than these: not those of the agent, and no `PATH`.
    pub fn env(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.command.env.get_or_insert_default().push(format!("{}={}", name.as_ref(), value.as_ref()));
        self
    }

    /// Gives it this to read from its standard input, which ends then. Without it the input is empty.
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.command.input_data = Some(encode(bytes.as_ref()));
        self
    }

    /// Has both outputs in one, in the order in which they were written.
    ///
    /// An agent before QEMU 8.1, and that of Windows, refuses to start the program then: the error is a
    /// [`Server`](ErrorKind::Server) about `capture-output`.
    pub fn merged(mut self) -> Self {
        self.command.capture_output = Some(GuestExecCaptureOutputMode::Merged.into());
        self
    }

    /// Has its outputs thrown away.
    pub fn discard_output(mut self) -> Self {
        self.command.capture_output = Some(GuestExecCaptureOutput::Flag(false));
        self
    }

    /// Gives up waiting after so long: the outcome is [`ProgramOutcome::StillRunning`] then, and the program goes on. Without it,
    /// or with `None`, it is waited for as long as it takes.
    ///
    /// A second more is left to the agent's last answer, because an agent that has told a program's end forgets it.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Runs the program, and waits for its end.
    ///
    /// # Errors
    ///
    /// [`Server`](ErrorKind::Server) if the agent cannot start it; [`Decode`](ErrorKind::Decode) if what it tells of the
    /// program's end does not fit; and those of [every operation](crate::Client#errors) before it is known that the program was
    /// started. After that they are an [outcome](ProgramOutcome::Unanswered).
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<ProgramOutcome>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            let pid = self.begin(deadline).await?;
            follow(&mut self.connection, pid, deadline).await
        })
    }

    /// Starts the program and returns its number in the guest. The agent keeps what the program leaves until it is asked for, by
    /// a client's `running_program`.
    ///
    /// # Errors
    ///
    /// [`Server`](ErrorKind::Server) if the agent cannot start it; and those of [every operation](crate::Client#errors).
    pub fn start(mut self) -> Running<K, impl Future<Output = Result<i64>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            self.begin(deadline).await
        })
    }

    async fn begin(&mut self, deadline: Option<Instant>) -> Result<i64> {
        let deadline = grace(&self.connection, deadline);
        Ok(self.connection.execute(self.command.clone(), deadline).await?.reply.pid)
    }
}

impl<K: Connection<Peer = GuestAgent>> RunningProgram<K> {
    /// On this connection: the program of this number.
    pub fn new(connection: K, pid: i64) -> Self {
        RunningProgram { connection, pid, timeout: None }
    }

    /// See [`Program::deadline`].
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Waits for the program's end.
    ///
    /// # Errors
    ///
    /// [`Decode`](ErrorKind::Decode) if what the agent tells does not fit. All else is an outcome.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<ProgramOutcome>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            follow(&mut self.connection, self.pid, deadline).await
        })
    }
}

/// Asks after a program until it has ended.
async fn follow<K: Connection<Peer = GuestAgent>>(
    connection: &mut K,
    pid: i64,
    deadline: Option<Instant>,
) -> Result<ProgramOutcome> {
    let (mut time, longest) = PAUSES;
    let mut garbled = false;
    loop {
        let until = grace(connection, deadline);
        match connection.execute(GuestExecStatus::new(pid), until).await {
            Ok(answer) if answer.reply.exited => return GuestOutput::new(&answer.reply).map(ProgramOutcome::Finished),
            Ok(_) => {}
            Err(error) => match error.kind() {
                // It was the answer to this, and is not told again.
                ErrorKind::Decode => return Err(error),
                ErrorKind::Timeout(_) if is_over(connection, deadline) => {
                    return Ok(ProgramOutcome::StillRunning { pid });
                }
                ErrorKind::Server if knows_no_such_program(&error) => {
                    return Ok(ProgramOutcome::Forgotten { pid, error });
                }
                // An agent that was started anew in the middle of an answer: the next answer says so.
                ErrorKind::Malformed(_) if !error.is_disconnected() && !garbled => garbled = true,
                _ => return Ok(ProgramOutcome::Unanswered { pid, error }),
            },
        }
        if is_over(connection, deadline) {
            return Ok(ProgramOutcome::StillRunning { pid });
        }
        pause(connection, time, deadline).await;
        time = (time * 2).min(longest);
    }
}

/// An agent that may not answer at all at present says so with another class.
#[inline]
fn knows_no_such_program(error: &crate::Error) -> bool {
    error.server_error().is_some_and(|error| error.class == ErrorClass::GenericError)
}

impl<K> fmt::Debug for Program<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("command", &self.command)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for RunningProgram<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RunningProgram");
        shown.field("pid", &self.pid).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
