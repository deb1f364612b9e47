//! A job that runs, and those who say what happens to it.

use super::outcome::{CancelledBy, JobOutcome};
use super::track::{Goal, Tracker};
use crate::api::MonitorPeer;
use crate::error::Result;
use crate::qmp::commands::{BlockJobSetSpeed, JobComplete, JobFinalize, JobPause, JobResume};
use crate::qmp::types::JobInfo;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;

/// A job that was started, or taken over. Dropped, it goes on, and stays until somebody dismisses it.
///
/// Each method that waits for an outcome waits until the deadline of the [`Job`](super::Job), and dismisses a job that has
/// ended. After that the others fail, because QEMU does not know the job any more.
pub struct RunningJob<'p, K> {
    tracker: Tracker<'p, K>,
}

impl<'p, K: Connection<Peer: MonitorPeer>> RunningJob<'p, K> {
    pub(super) fn new(tracker: Tracker<'p, K>) -> Self {
        RunningJob { tracker }
    }

    /// The job's id.
    pub fn id(&self) -> String {
        self.tracker.id(0)
    }

    /// The job's progress; `None` if there is no job of this id any more.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn info(&mut self) -> Running<K, impl Future<Output = Result<Option<JobInfo>>> + use<'_, 'p, K>> {
        K::Mode::run(self.tracker.info(0))
    }

    /// Waits until the job is [ready](JobOutcome::Ready) to be completed, or has ended before.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn until_ready(&mut self) -> Running<K, impl Future<Output = Result<JobOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(self.tracker.drive(0, Goal::READY))
    }

    /// Waits for the job's end, or for what keeps it from ending by itself: it is ready and to be left so, it waits to be
    /// finalized, or it has stopped at an error.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn wait(&mut self) -> Running<K, impl Future<Output = Result<JobOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(self.tracker.drive(0, Goal::END))
    }

    /// Completes a job that is ready, which switches the machine over to the copy, and waits for the job's end.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if it is not ready; and those of [every operation](crate::Client#errors).
    pub fn complete(&mut self) -> Running<K, impl Future<Output = Result<JobOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(async move {
            self.tracker.execute(JobComplete::new(self.id())).await?;
            self.tracker.drive(0, Goal::COMPLETED).await
        })
    }

    /// Cancels the job and waits for its end. A copy is not whole then, even if it was ready:
    /// [`AtReady::Stop`](super::AtReady::Stop) ends it whole.
    ///
    /// The outcome is [`Completed`](JobOutcome::Completed) or [`Failed`](JobOutcome::Failed) if it had ended before.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn cancel(&mut self) -> Running<K, impl Future<Output = Result<JobOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(async move {
            self.tracker.cancel(0, CancelledBy::ThisProgram).await?;
            self.tracker.drive(0, Goal::ENDED).await
        })
    }

    /// Finalizes a job that [waits for it](JobOutcome::Pending), and waits for its end.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if it does not wait for it; and those of [every operation](crate::Client#errors).
    pub fn finalize(&mut self) -> Running<K, impl Future<Output = Result<JobOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(async move {
            self.tracker.execute(JobFinalize::new(self.id())).await?;
            self.tracker.drive(0, Goal::ENDED).await
        })
    }

    /// Pauses the job. It comes to rest some time after this returns.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if it is paused already, or cannot be paused in its present state; and those of
    /// [every operation](crate::Client#errors).
    pub fn pause(&mut self) -> Running<K, impl Future<Output = Result<()>> + use<'_, 'p, K>> {
        K::Mode::run(async move { self.tracker.execute(JobPause::new(self.id())).await })
    }

    /// Resumes a job that was paused, or has stopped at an error.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if it is not paused; and those of [every operation](crate::Client#errors).
    pub fn resume(&mut self) -> Running<K, impl Future<Output = Result<()>> + use<'_, 'p, K>> {
        K::Mode::run(async move { self.tracker.execute(JobResume::new(self.id())).await })
    }

    /// Limits a block job's speed, to so many bytes per second; 0 for no limit.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if the job cannot be slowed down; and those of
    /// [every operation](crate::Client#errors).
    pub fn set_speed(&mut self, speed: i64) -> Running<K, impl Future<Output = Result<()>> + use<'_, 'p, K>> {
        K::Mode::run(async move { self.tracker.execute(BlockJobSetSpeed::new(self.id(), speed)).await })
    }
}

impl<K> fmt::Debug for RunningJob<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningJob").finish_non_exhaustive()
    }
}
