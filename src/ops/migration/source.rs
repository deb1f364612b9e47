//! The side that a machine leaves.

use super::outcome::{failure, MigrationOutcome, MigrationProgress};
use super::setup::Setup;
use super::target::MigrationTarget;
use crate::api::{CommandFor, Monitor};
use crate::error::{Error, Result};
use crate::ops::steps::{after, earlier, is_late, is_over, next, paced, pause, sweep};
use crate::qmp::commands::{
    MigrateCancel, MigrateContinue, MigratePause, MigrateSetParameters, MigrateStartPostcopy, QueryMigrate, QueryYank,
};
use crate::qmp::events::Migration;
use crate::qmp::types::{
    MigrationCapability, MigrationCapabilityStatus, MigrationInfo, MigrationStatus, YankInstanceBranch,
};
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// How often to ask where a migration stands if nothing else is said.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long a migration may take to end that was cancelled, or something to remain of an earlier one.
const GRACE: Duration = Duration::from_secs(30);

/// How long to wait before asking again whether something is left of an earlier migration.
const PAUSE: Duration = Duration::from_millis(10);

/// A machine that is to migrate. Made by a client's `migrate`, and by `running_migration` for one that does already. `'p` is how
/// long what it calls lives.
#[must_use = "nothing migrates until this is run or started"]
pub struct Migrate<'p, K> {
    connection: K,
    /// `None` if it runs already.
    target: Option<MigrationTarget>,
    setup: Setup,
    options: Options<'p>,
}

struct Options<'p> {
    timeout: Option<Duration>,
    interval: Duration,
    progress: Option<Progress<'p>>,
    cancel_at_deadline: bool,
}

/// A migration that was started. Dropped, it goes on.
///
/// Each method that waits for an outcome waits until the deadline of [`Migrate`].
pub struct RunningMigration<'p, K> {
    connection: K,
    deadline: Option<Instant>,
    options: Options<'p>,
    /// QEMU's reason for refusing to begin.
    refused: Option<String>,
}

type Progress<'p> = Box<dyn FnMut(&MigrationProgress) + Send + 'p>;

/// States that are not taken for an end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Past {
    Nothing,
    PreSwitchover,
    PostcopyPaused,
}

impl<'p, K: Connection<Peer = Monitor>> Migrate<'p, K> {
    /// A machine that is to migrate, on a connection of whatever kind.
    pub fn new(connection: K, target: MigrationTarget) -> Self {
        Self::to(connection, Some(target))
    }

    /// A migration that runs already, to be taken over, on a connection of whatever kind. Capabilities and parameters stay as
    /// they are.
    pub fn existing(connection: K) -> Self {
        Self::to(connection, None)
    }

    fn to(connection: K, target: Option<MigrationTarget>) -> Self {
        let options = Options { timeout: None, interval: INTERVAL, progress: None, cancel_at_deadline: false };
        Migrate { connection, target, setup: Setup::default(), options }
    }

    /// Switches a capability on or off before. Many have to be the same on both sides. They stay so afterwards.
    pub fn capability(mut self, capability: MigrationCapability, on: bool) -> Self {
        self.setup.capabilities.push(MigrationCapabilityStatus::new(capability, on));
        self
    }

    /// Sets parameters before, such as `max-bandwidth` and `downtime-limit`. They stay so afterwards.
    pub fn parameters(mut self, parameters: MigrateSetParameters) -> Self {
        self.setup.parameters = Some(parameters);
        self
    }

    /// Gives up waiting after so long, from when it is run or started: the outcome is [`MigrationOutcome::TimedOut`] then, and
    /// the migration goes on. Without it, or with `None`, it is waited for as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.options.timeout = timeout.limit();
        self
    }

    /// Cancels the migration when the deadline has passed, and waits up to 30 seconds more for it to end.
    pub fn cancel_at_deadline(mut self) -> Self {
        self.options.cancel_at_deadline = true;
        self
    }

    /// Calls this whenever it is known where the migration stands: after each of its events, and at the
    /// [interval](Self::every).
    pub fn progress(mut self, tell: impl FnMut(&MigrationProgress) + Send + 'p) -> Self {
        self.options.progress = Some(Box::new(tell));
        self
    }

    /// How often to ask where the migration stands, if no event says that it is time to: twice a second unless this says
    /// otherwise.
    pub fn every(mut self, interval: Duration) -> Self {
        self.options.interval = paced(interval);
        self
    }

    /// Starts the migration and waits for its end.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if QEMU does not take a capability or a parameter; and those of
    /// [every operation](crate::Client#errors). A migration that was started and whose connection is lost goes on.
    pub fn run(self) -> Running<K, impl Future<Output = Result<MigrationOutcome>> + use<'p, K>> {
        K::Mode::run(async move { self.begin().await?.drive(Past::Nothing).await })
    }

    /// Starts the migration.
    ///
    /// That QEMU refuses to begin is no error of this, but the outcome of what waits for it.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if QEMU does not take a capability or a parameter; and those of
    /// [every operation](crate::Client#errors).
    pub fn start(self) -> Running<K, impl Future<Output = Result<RunningMigration<'p, K>>> + use<'p, K>> {
        K::Mode::run(self.begin())
    }

    async fn begin(self) -> Result<RunningMigration<'p, K>> {
        let Migrate { mut connection, target, setup, options } = self;
        let deadline = after(&connection, options.timeout);
        let refused = match target {
            Some(target) => leave(&mut connection, target, setup, deadline).await?,
            None => None,
        };
        Ok(RunningMigration { connection, deadline, options, refused })
    }
}

/// Has a migration begin. Returns why QEMU refused to.
async fn leave<K: Connection<Peer = Monitor>>(
    vm: &mut K,
    target: MigrationTarget,
    setup: Setup,
    deadline: Option<Instant>,
) -> Result<Option<String>> {
    settle(vm, earlier(deadline, after(vm, Some(GRACE)))).await?;
    setup.apply(vm, deadline).await?;
    match vm.execute(target.outgoing(false), deadline).await {
        Err(error) => reason(error).map(Some),
        Ok(_) => Ok(None),
    }
}

impl<'p, K: Connection<Peer = Monitor>> RunningMigration<'p, K> {
    /// The reply of `query-migrate`.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn info(&mut self) -> Running<K, impl Future<Output = Result<MigrationInfo>> + use<'_, 'p, K>> {
        K::Mode::run(async move { Ok(self.connection.execute(QueryMigrate::new(), None).await?.reply) })
    }

    /// Waits for the migration's end, or for what keeps it from ending by itself.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn wait(&mut self) -> Running<K, impl Future<Output = Result<MigrationOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(self.drive(Past::Nothing))
    }

    /// Goes on after [`PreSwitchover`](MigrationOutcome::PreSwitchover), and waits for the end.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if it does not hold there; and those of [every operation](crate::Client#errors).
    pub fn continue_switchover(
        &mut self,
    ) -> Running<K, impl Future<Output = Result<MigrationOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(async move {
            self.execute(MigrateContinue::new(MigrationStatus::PreSwitchover)).await?;
            self.drive(Past::PreSwitchover).await
        })
    }

    /// Has the machine run at the target from now on, and the rest of its memory follow. Needs the capability `postcopy-ram` on
    /// both sides. Does not wait.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if the migration is over, or cannot do this; and those of
    /// [every operation](crate::Client#errors).
    pub fn start_postcopy(&mut self) -> Running<K, impl Future<Output = Result<()>> + use<'_, 'p, K>> {
        K::Mode::run(self.execute(MigrateStartPostcopy::new()))
    }

    /// Breaks the connection between the two sides after [`start_postcopy`](Self::start_postcopy), and waits until the
    /// migration is [paused](MigrationOutcome::PostcopyPaused).
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if it is not in that state; and those of [every operation](crate::Client#errors).
    pub fn pause_postcopy(&mut self) -> Running<K, impl Future<Output = Result<MigrationOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(async move {
            self.execute(MigratePause::new()).await?;
            self.drive(Past::Nothing).await
        })
    }

    /// Goes on after [`PostcopyPaused`](MigrationOutcome::PostcopyPaused), over another connection, and waits for the end. The
    /// target has to listen there before, which [`migrate-recover`](crate::qmp::commands::MigrateRecover) has it do.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). A refusal is an outcome.
    pub fn recover(
        &mut self,
        target: MigrationTarget,
    ) -> Running<K, impl Future<Output = Result<MigrationOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(async move {
            match self.connection.execute(target.outgoing(true), self.deadline).await {
                Err(error) => Ok(MigrationOutcome::Failed(reason(error)?)),
                Ok(_) => self.drive(Past::PostcopyPaused).await,
            }
        })
    }

    /// Cancels the migration and waits until it has ended: [`Completed`](MigrationOutcome::Completed) if this came too late.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn cancel(&mut self) -> Running<K, impl Future<Output = Result<MigrationOutcome>> + use<'_, 'p, K>> {
        K::Mode::run(async move {
            self.execute(MigrateCancel::new()).await?;
            self.drive(Past::PreSwitchover).await
        })
    }

    async fn execute<C: CommandFor<Monitor, Reply = ()>>(&mut self, command: C) -> Result<()> {
        self.connection.execute(command, None).await.map(drop)
    }

    async fn drive(&mut self, mut past: Past) -> Result<MigrationOutcome> {
        if let Some(reason) = self.refused.take() {
            return Ok(MigrationOutcome::Failed(reason));
        }
        loop {
            let info = match self.connection.execute(QueryMigrate::new(), self.deadline).await {
                Err(error) if is_late(&self.connection, self.deadline, &error) => None,
                info => Some(info?.reply),
            };
            if let Some(info) = info {
                if let Some(tell) = &mut self.options.progress {
                    tell(&MigrationProgress::new(info.clone()));
                }
                if let Some(outcome) = outcome(info, past) {
                    self.sweep().await?;
                    return Ok(outcome);
                }
            }
            if is_over(&self.connection, self.deadline) {
                if !self.options.cancel_at_deadline {
                    return Ok(MigrationOutcome::TimedOut);
                }
                self.options.cancel_at_deadline = false;
                self.deadline = after(&self.connection, Some(GRACE));
                self.execute(MigrateCancel::new()).await?;
                past = Past::PreSwitchover;
            }
            let until = earlier(self.deadline, after(&self.connection, Some(self.options.interval)));
            next(&mut self.connection, until, |event, _| event.decode::<Migration>().map(drop)).await?;
        }
    }

    /// Takes what events there are of this migration, so that none is taken for one of the next.
    async fn sweep(&mut self) -> Result<()> {
        sweep(&mut self.connection, |event, _| event.decode::<Migration>().is_some()).await
    }
}

/// The outcome that a status is, if it is one.
#[inline]
fn outcome(info: MigrationInfo, past: Past) -> Option<MigrationOutcome> {
    Some(match info.status {
        Some(MigrationStatus::Completed) => MigrationOutcome::Completed(Box::new(info)),
        Some(MigrationStatus::Failed) => MigrationOutcome::Failed(failure(info)),
        Some(MigrationStatus::Cancelled) => MigrationOutcome::Cancelled,
        Some(MigrationStatus::PreSwitchover) if past != Past::PreSwitchover => MigrationOutcome::PreSwitchover,
        Some(MigrationStatus::PostcopyPaused) if past != Past::PostcopyPaused => MigrationOutcome::PostcopyPaused,
        _ => return None,
    })
}

/// Why QEMU refused to begin.
#[inline]
fn reason(error: Error) -> Result<String> {
    match error.server_error() {
        Some(refusal) => Ok(refusal.desc.to_string()),
        None => Err(error),
    }
}

/// Waits until nothing is left of an earlier migration.
async fn settle<K: Connection<Peer = Monitor>>(vm: &mut K, deadline: Option<Instant>) -> Result<()> {
    let earlier = vm.execute(QueryMigrate::new(), deadline).await?.reply.status;
    if matches!(earlier, None | Some(MigrationStatus::None)) {
        return Ok(());
    }
    loop {
        let instances = vm.execute(QueryYank::new(), deadline).await?.reply;
        let is_left = instances.iter().any(|instance| instance.branch == YankInstanceBranch::Migration);
        if !is_left || is_over(vm, deadline) {
            return Ok(());
        }
        pause(vm, PAUSE, deadline).await;
    }
}

impl<K> fmt::Debug for Migrate<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Migrate");
        shown.field("target", &self.target).field("capabilities", &self.setup.capabilities).finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for RunningMigration<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningMigration").field("refused", &self.refused).finish_non_exhaustive()
    }
}
