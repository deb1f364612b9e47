//! Following jobs: what events and `query-jobs` say of them, until one gets where it is to get.
//!
//! `query-jobs` decides, and events only say when to ask, so that no lost, repeated or late event can mislead. What only events
//! tell is kept from them: an error of reading or writing, and how a job ended that nobody kept.

use super::outcome::{CancelledBy, JobFailure, JobIoError, JobOutcome, JobProgress};
use super::{AtReady, OnStop};
use crate::api::{CommandFor, MonitorPeer};
use crate::error::{Error, Result};
use crate::message::RawEvent;
use crate::ops::steps::{after, count, earlier, is_late, is_over, next, sweep};
use crate::qmp::commands::{BlockJobCancel, JobCancel, JobComplete, JobDismiss, JobResume};
use crate::qmp::commands::{QueryBlockJobs, QueryJobs};
use crate::qmp::events::{BlockJobCancelled, BlockJobCompleted, BlockJobError, BlockJobReady, JobStatusChange};
use crate::qmp::types::{BlockDeviceIoStatus, BlockJobInfo, JobInfo, JobStatus};
use crate::session::EventCursor;
use crate::verbs::Connection;
use std::time::{Duration, Instant};

/// How long a job that was cancelled at its deadline may take to end.
const GRACE: Duration = Duration::from_secs(30);

/// How often to ask where a job stands if nothing else is said.
const INTERVAL: Duration = Duration::from_secs(1);

/// QEMU's name for the failure of a job that was cancelled, on every system.
const CANCELLED: &str = "operation cancel";

/// The user's wishes for jobs.
pub(super) struct Options<'p> {
    pub(super) timeout: Option<Duration>,
    pub(super) interval: Duration,
    pub(super) progress: Option<Progress<'p>>,
    pub(super) on_stop: Decision<'p>,
    pub(super) at_ready: AtReady,
    pub(super) cancel_at_deadline: bool,
}

impl Options<'_> {
    #[inline]
    pub(super) fn new() -> Self {
        Options {
            timeout: None,
            interval: INTERVAL,
            progress: None,
            on_stop: Box::new(|_| OnStop::Leave),
            at_ready: AtReady::Complete,
            cancel_at_deadline: false,
        }
    }
}

type Progress<'p> = Box<dyn FnMut(&JobProgress) + Send + 'p>;
type Decision<'p> = Box<dyn FnMut(&JobIoError) -> OnStop + Send + 'p>;

/// Jobs that are followed.
pub(super) struct Tracker<'p, K> {
    connection: K,
    jobs: Vec<Tracked>,
    /// Events before this are those of earlier jobs.
    from: EventCursor,
    deadline: Option<Instant>,
    options: Options<'p>,
}

/// A job that is followed.
struct Tracked {
    id: String,
    io_error: Option<JobIoError>,
    /// How events say that it ended.
    told: Option<Told>,
    /// The side that cancelled it, if it is not somebody else.
    cancelled_by: Option<CancelledBy>,
    /// When it was at which point.
    last: Option<(Instant, u64)>,
}

enum Told {
    Completed(Option<String>),
    Cancelled,
}

/// Where to stop before the end.
#[derive(Clone, Copy)]
pub(super) struct Goal {
    when_ready: WhenReady,
    /// True if the operation ends where the job waits to be finalized.
    pending: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WhenReady {
    Stop,
    /// As the options say.
    Decide,
    /// It was told already.
    GoOn,
}

impl Goal {
    pub(super) const READY: Goal = Goal { when_ready: WhenReady::Stop, pending: true };
    /// The end, or what keeps it from coming by itself.
    pub(super) const END: Goal = Goal { when_ready: WhenReady::Decide, pending: true };
    /// The same, of a job that was told to complete.
    pub(super) const COMPLETED: Goal = Goal { when_ready: WhenReady::GoOn, pending: true };
    /// The end alone.
    pub(super) const ENDED: Goal = Goal { when_ready: WhenReady::GoOn, pending: false };
}

/// The end of a job.
enum Reached {
    Ready,
    Pending,
    Stopped(JobIoError),
    Late,
    Concluded(Option<String>),
    Gone,
}

impl<'p, K: Connection<Peer: MonitorPeer>> Tracker<'p, K> {
    pub(super) fn new(connection: K, ids: Vec<String>, options: Options<'p>, deadline: Option<Instant>) -> Self {
        let job = |id| Tracked { id, io_error: None, told: None, cancelled_by: None, last: None };
        let jobs = ids.into_iter().map(job).collect();
        Tracker { connection, jobs, from: EventCursor::default(), deadline, options }
    }

    /// Executes the command that starts the jobs.
    pub(super) async fn begin<C: CommandFor<K::Peer, Reply = ()>>(&mut self, command: C) -> Result<()> {
        // Events from before the command are those of earlier jobs.
        self.from = self.connection.execute(command, self.deadline).await?.span.sent;
        Ok(())
    }

    /// Executes a command about a job.
    pub(super) async fn execute<C: CommandFor<K::Peer, Reply = ()>>(&mut self, command: C) -> Result<()> {
        self.connection.execute(command, None).await.map(drop)
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn id(&self, index: usize) -> String {
        self.jobs.get(index).map(|job| job.id.clone()).unwrap_or_default()
    }

    /// The job as `query-jobs` shows it.
    pub(super) async fn info(&mut self, index: usize) -> Result<Option<JobInfo>> {
        let id = self.id(index);
        let jobs = self.connection.execute(QueryJobs::new(), self.deadline).await?.reply;
        Ok(jobs.into_iter().find(|job| job.id == id))
    }

    /// Follows a job to the goal, and does on the way what the options say. A job that has ended is dismissed.
    pub(super) async fn drive(&mut self, index: usize, mut goal: Goal) -> Result<JobOutcome> {
        let mut refused: Option<Error> = None;
        loop {
            match self.reach(index, goal).await? {
                Reached::Ready if goal.when_ready == WhenReady::Stop => return Ok(JobOutcome::Ready),
                Reached::Ready => {
                    if let Some(refused) = refused.take() {
                        return Err(refused);
                    }
                    refused = match self.leave_ready(index).await {
                        None => return Ok(JobOutcome::Ready),
                        Some(Ok(())) => {
                            goal = Goal::COMPLETED;
                            None
                        }
                        // Another client may have been faster. If not, the job is ready still.
                        Some(Err(error)) if error.is_server() => Some(error),
                        Some(Err(error)) => return Err(error),
                    };
                }
                Reached::Pending => return Ok(JobOutcome::Pending),
                Reached::Stopped(error) => match (self.options.on_stop)(&error) {
                    OnStop::Leave => return Ok(JobOutcome::Stopped(error)),
                    OnStop::Resume => self.if_still_possible(JobResume::new(self.id(index))).await?,
                    OnStop::Cancel => {
                        self.cancel(index, CancelledBy::ThisProgram).await?;
                        goal = Goal::ENDED;
                    }
                },
                Reached::Late if self.options.cancel_at_deadline => {
                    self.options.cancel_at_deadline = false;
                    self.deadline = after(&self.connection, Some(GRACE));
                    self.cancel(index, CancelledBy::Deadline).await?;
                    goal = Goal::ENDED;
                }
                Reached::Late => return Ok(JobOutcome::TimedOut),
                Reached::Concluded(error) => return self.dismiss(index, error).await,
                Reached::Gone => return Ok(self.told(index)),
            }
        }
    }

    /// Cancels a job. That it is over already is no failure.
    pub(super) async fn cancel(&mut self, index: usize, by: CancelledBy) -> Result<()> {
        if let Some(job) = self.jobs.get_mut(index) {
            job.cancelled_by = Some(by);
        }
        self.if_still_possible(JobCancel::new(self.id(index))).await
    }

    /// Executes a command about a job that may have changed meanwhile, by its own doing or another client's.
    async fn if_still_possible<C: CommandFor<K::Peer>>(&mut self, command: C) -> Result<()> {
        match self.connection.execute(command, self.deadline).await {
            Err(error) if !error.is_server() && !self.is_late_by(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Tells a ready job what to do; `None` if it is to stay so.
    async fn leave_ready(&mut self, index: usize) -> Option<Result<()>> {
        let id = self.id(index);
        Some(match self.options.at_ready {
            AtReady::Leave => return None,
            AtReady::Complete => self.connection.execute(JobComplete::new(id), self.deadline).await.map(drop),
            // Without `force`, a copy that is ready is finished first.
            AtReady::Stop => self.connection.execute(BlockJobCancel::new(id), self.deadline).await.map(drop),
        })
    }

    async fn reach(&mut self, index: usize, goal: Goal) -> Result<Reached> {
        loop {
            let info = match self.info(index).await {
                Err(error) if self.is_late_by(&error) => return Ok(Reached::Late),
                info => info?,
            };
            let Some(info) = info.filter(|info| info.status != JobStatus::Null) else {
                // How it ended came before this reply.
                self.sweep().await?;
                return Ok(Reached::Gone);
            };
            self.report(index, &info);
            match info.status {
                JobStatus::Concluded => {
                    self.sweep().await?;
                    return Ok(Reached::Concluded(info.error));
                }
                JobStatus::Ready if goal.when_ready != WhenReady::GoOn => return Ok(Reached::Ready),
                JobStatus::Pending if goal.pending && self.is_held(index).await? => return Ok(Reached::Pending),
                JobStatus::Paused | JobStatus::Standby => {
                    if let Some(error) = self.stopped(index).await? {
                        return Ok(Reached::Stopped(error));
                    }
                }
                _ => {}
            }
            if is_over(&self.connection, self.deadline) {
                return Ok(Reached::Late);
            }
            let until = earlier(self.deadline, after(&self.connection, Some(self.options.interval)));
            let (jobs, from) = (&mut self.jobs, self.from);
            next(&mut self.connection, until, |event, cursor| observe(jobs, event, cursor >= from).then_some(()))
                .await?;
        }
    }

    /// The job as `query-block-jobs` shows it, if it is a block job.
    async fn block_job(&mut self, index: usize) -> Result<Option<BlockJobInfo>> {
        let (id, deadline) = (self.id(index), self.deadline);
        let jobs = match self.connection.execute(QueryBlockJobs::new(), deadline).await {
            Err(error) if self.is_late_by(&error) => return Ok(None),
            jobs => jobs?.reply,
        };
        Ok(jobs.into_iter().find(|job| job.device == id))
    }

    /// Returns whether a job that is pending waits to be finalized by a client, instead of the other jobs of a transaction.
    async fn is_held(&mut self, index: usize) -> Result<bool> {
        Ok(self.block_job(index).await?.is_some_and(|job| !job.auto_finalize))
    }

    /// Why a paused job has stopped, if it was not paused by a client.
    async fn stopped(&mut self, index: usize) -> Result<Option<JobIoError>> {
        let no_space = match self.block_job(index).await?.map(|job| job.io_status) {
            None | Some(BlockDeviceIoStatus::Ok) => return Ok(None),
            Some(status) => status == BlockDeviceIoStatus::Nospace,
        };
        self.sweep().await?;
        let told = self.jobs.get(index).and_then(|job| job.io_error.clone());
        Ok(Some(JobIoError { no_space, ..told.unwrap_or_default() }))
    }

    /// Dismisses a job that has ended, and takes its last events.
    async fn dismiss(&mut self, index: usize, error: Option<String>) -> Result<JobOutcome> {
        let outcome = self.concluded(index, error);
        // The call's own time is enough: this is not waiting for the job.
        match self.connection.execute(JobDismiss::new(self.id(index)), None).await {
            // Another client was faster.
            Err(error) if !error.is_server() => return Err(error),
            _ => {}
        }
        self.sweep().await?;
        Ok(outcome)
    }

    fn concluded(&self, index: usize, error: Option<String>) -> JobOutcome {
        let Some(job) = self.jobs.get(index) else { return JobOutcome::Unknown };
        match error {
            Some(error) if error.to_ascii_lowercase().starts_with(CANCELLED) => job.cancelled(),
            Some(error) => job.failed(error),
            None => JobOutcome::Completed,
        }
    }

    /// How a job ended that is gone.
    fn told(&self, index: usize) -> JobOutcome {
        let Some(job) = self.jobs.get(index) else { return JobOutcome::Unknown };
        match &job.told {
            Some(Told::Completed(None)) => JobOutcome::Completed,
            Some(Told::Completed(Some(error))) => job.failed(error.clone()),
            Some(Told::Cancelled) => job.cancelled(),
            None if job.cancelled_by.is_some() => job.cancelled(),
            None => JobOutcome::Unknown,
        }
    }

    fn report(&mut self, index: usize, info: &JobInfo) {
        let Some(job) = self.jobs.get_mut(index) else { return };
        let Some(tell) = &mut self.options.progress else { return };
        let (now, current) = (self.connection.now(), count(info.current_progress));
        let per_second = job.last.and_then(|(then, before)| {
            let millis = u64::try_from(now.saturating_duration_since(then).as_millis()).ok()?;
            current.saturating_sub(before).saturating_mul(1000).checked_div(millis)
        });
        job.last = Some((now, current));
        let (id, status, total) = (info.id.clone(), info.status.clone(), count(info.total_progress));
        tell(&JobProgress { id, status, current, total, per_second });
    }

    async fn sweep(&mut self) -> Result<()> {
        let (jobs, from) = (&mut self.jobs, self.from);
        sweep(&mut self.connection, |event, cursor| observe(jobs, event, cursor >= from)).await
    }

    /// Returns whether a call failed because the whole took too long.
    fn is_late_by(&self, error: &Error) -> bool {
        is_late(&self.connection, self.deadline, error)
    }
}

impl Tracked {
    #[inline]
    fn cancelled(&self) -> JobOutcome {
        JobOutcome::Cancelled(self.cancelled_by.unwrap_or(CancelledBy::SomebodyElse))
    }

    #[inline]
    fn failed(&self, error: String) -> JobOutcome {
        JobOutcome::Failed(JobFailure { error, io_error: self.io_error.clone() })
    }
}

/// Takes in an event. `false` if it concerns none of the jobs. One that is old concerns a job that had the id before.
#[inline]
fn observe(jobs: &mut [Tracked], event: &RawEvent, is_new: bool) -> bool {
    if let Some(Ok(event)) = event.decode::<JobStatusChange>() {
        return find(jobs, &event.data.id).is_some();
    }
    if let Some(Ok(event)) = event.decode::<BlockJobReady>() {
        return find(jobs, &event.data.device).is_some();
    }
    let (job, told, io_error) = if let Some(Ok(event)) = event.decode::<BlockJobCompleted>() {
        (find(jobs, &event.data.device), Some(Told::Completed(event.data.error)), None)
    } else if let Some(Ok(event)) = event.decode::<BlockJobCancelled>() {
        (find(jobs, &event.data.device), Some(Told::Cancelled), None)
    } else if let Some(Ok(event)) = event.decode::<BlockJobError>() {
        let (operation, action) = (Some(event.data.operation), Some(event.data.action));
        (find(jobs, &event.data.device), None, Some(JobIoError { operation, action, no_space: false }))
    } else {
        return false;
    };
    let Some(job) = job else { return false };
    if is_new {
        job.told = told.or(job.told.take());
        job.io_error = io_error.or(job.io_error.take());
    }
    true
}

#[inline]
fn find<'a>(jobs: &'a mut [Tracked], id: &str) -> Option<&'a mut Tracked> {
    jobs.iter_mut().find(|job| job.id == id)
}
