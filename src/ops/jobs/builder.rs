//! Jobs that are to be started, or taken over: what the user wants of them.

use super::command::{keep, keep_all, JobCommand};
use super::outcome::{JobIoError, JobOutcome, JobProgress};
use super::running::RunningJob;
use super::track::{Goal, Options, Tracker};
use crate::api::{CommandFor, MonitorPeer};
use crate::error::Result;
use crate::ops::steps::{after, paced};
use crate::qmp::commands::Transaction;
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// A job that is to run. Made by a client's `job` with a command that starts it, by `jobs` with a transaction, and by
/// `running_job` with the id of one that runs already. `'p` is how long what it calls lives.
#[must_use = "a job does nothing until it is run or started"]
pub struct Job<'p, K, C> {
    connection: K,
    command: C,
    options: Options<'p>,
}

/// A job that runs already, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExistingJob {
    /// The job's id.
    pub id: String,
}

impl ExistingJob {
    /// The job of this id.
    pub fn new(id: impl Into<String>) -> Self {
        ExistingJob { id: id.into() }
    }
}

/// The step to take for a job that is ready to be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AtReady {
    /// Complete it: the machine goes on with the copy (`job-complete`).
    #[default]
    Complete,
    /// Stop it: the copy is whole as of that moment, and the machine goes on without it (`block-job-cancel` without `force`).
    Stop,
    /// Leave it as it is: the outcome is [`JobOutcome::Ready`].
    Leave,
}

/// The step to take for a job that has stopped at an error of reading or writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnStop {
    /// Leave it paused: the outcome is [`JobOutcome::Stopped`].
    #[default]
    Leave,
    /// Let it try again.
    Resume,
    /// Cancel it.
    Cancel,
}

impl<'p, K: Connection<Peer: MonitorPeer>, C> Job<'p, K, C> {
    /// A job that this command starts, or that runs already, on a connection of whatever kind.
    pub fn new(connection: K, command: C) -> Self {
        Job { connection, command, options: Options::new() }
    }

    /// Gives up waiting after so long, from when it is run or started: the outcome is [`JobOutcome::TimedOut`] then, and the job
    /// goes on. Without it, or with `None`, it is waited for as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.options.timeout = timeout.limit();
        self
    }

    /// Cancels the job when the deadline has passed, and waits up to 30 seconds more for it to end.
    pub fn cancel_at_deadline(mut self) -> Self {
        self.options.cancel_at_deadline = true;
        self
    }

    /// Calls this whenever it is known where the job stands: after each of its events, and at the
    /// [interval](Self::every), also while it is paused.
    pub fn progress(mut self, tell: impl FnMut(&JobProgress) + Send + 'p) -> Self {
        self.options.progress = Some(Box::new(tell));
        self
    }

    /// How often to ask where the job stands, if no event says that it is time to: every second unless this says otherwise.
    pub fn every(mut self, interval: Duration) -> Self {
        self.options.interval = paced(interval);
        self
    }

    /// The step to take for a job that copies and is ready to be completed.
    pub fn at_ready(mut self, what: AtReady) -> Self {
        self.options.at_ready = what;
        self
    }

    /// Asks this what to do when the job has stopped at an error of reading or writing. That is so if its command says `stop`
    /// or `enospc`.
    pub fn on_stop(mut self, decide: impl FnMut(&JobIoError) -> OnStop + Send + 'p) -> Self {
        self.options.on_stop = Box::new(decide);
        self
    }

    fn tracker(self, ids: Vec<String>) -> (C, Tracker<'p, K>) {
        let deadline = after(&self.connection, self.options.timeout);
        (self.command, Tracker::new(self.connection, ids, self.options, deadline))
    }
}

impl<'p, K, C> Job<'p, K, C>
where
    K: Connection<Peer: MonitorPeer>,
    C: JobCommand<Reply = ()> + CommandFor<K::Peer>,
{
    /// Starts the job and waits for its end.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if QEMU refuses to start or to complete it; and those of
    /// [every operation](crate::Client#errors). A job that was started and whose connection is lost goes on.
    pub fn run(self) -> Running<K, impl Future<Output = Result<JobOutcome>> + use<'p, K, C>> {
        K::Mode::run(async move { self.begin().await?.drive(0, Goal::END).await })
    }

    /// Starts the job.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if QEMU refuses to start it; and those of
    /// [every operation](crate::Client#errors).
    pub fn start(self) -> Running<K, impl Future<Output = Result<RunningJob<'p, K>>> + use<'p, K, C>> {
        K::Mode::run(async move { Ok(RunningJob::new(self.begin().await?)) })
    }

    async fn begin(mut self) -> Result<Tracker<'p, K>> {
        let id = keep(&mut self.command);
        let (command, mut tracker) = self.tracker(vec![id]);
        tracker.begin(command).await?;
        Ok(tracker)
    }
}

impl<'p, K: Connection<Peer: MonitorPeer>> Job<'p, K, ExistingJob> {
    /// Waits for the job's end.
    ///
    /// A job that dismisses itself may be gone before its outcome is read: it is what events told of it, or
    /// [`Unknown`](JobOutcome::Unknown).
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn run(self) -> Running<K, impl Future<Output = Result<JobOutcome>> + use<'p, K>> {
        K::Mode::run(async move { self.tracker_of_existing().drive(0, Goal::END).await })
    }

    /// Takes the job over, to say what happens to it. Does not ask whether it is there.
    pub fn take_over(self) -> RunningJob<'p, K> {
        RunningJob::new(self.tracker_of_existing())
    }

    fn tracker_of_existing(self) -> Tracker<'p, K> {
        let id = self.command.id.clone();
        self.tracker(vec![id]).1
    }
}

impl<'p, K: Connection<Peer: MonitorPeer>> Job<'p, K, Transaction> {
    /// Executes the transaction and waits for the end of all jobs that it starts (`blockdev-backup`, `drive-backup`). Returns
    /// their ids and outcomes, in the order of its actions.
    ///
    /// With [`completion-mode`](crate::qmp::types::ActionCompletionMode) `grouped`, which QEMU takes for backups only, they complete
    /// together or not at all: one that fails has the others cancelled by [somebody else](super::CancelledBy::SomebodyElse).
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if QEMU refuses the transaction; and those of
    /// [every operation](crate::Client#errors).
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<Vec<(String, JobOutcome)>>> + use<'p, K>> {
        K::Mode::run(async move {
            let ids = keep_all(&mut self.command);
            let (command, mut tracker) = self.tracker(ids);
            tracker.begin(command).await?;
            let mut outcomes = Vec::new();
            for index in 0..tracker.len() {
                let outcome = tracker.drive(index, Goal::END).await?;
                outcomes.push((tracker.id(index), outcome));
            }
            Ok(outcomes)
        })
    }
}

impl<K, C: fmt::Debug> fmt::Debug for Job<'_, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("command", &self.command).finish_non_exhaustive()
    }
}
