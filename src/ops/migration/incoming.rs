//! The side that a machine arrives at.

use super::outcome::failure;
use super::setup::Setup;
use super::target::MigrationTarget;
use crate::api::Monitor;
use crate::error::Result;
use crate::ops::steps::{after, earlier, is_late, is_over, next, pause};
use crate::qmp::commands::{MigrateSetParameters, QueryMigrate, QueryStatus};
use crate::qmp::events::Migration;
use crate::qmp::types::{MigrationCapability, MigrationCapabilityStatus, MigrationStatus, RunState};
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// How often to ask where a migration stands if no event says that it is time to.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long to wait for a machine to start that is here.
const PAUSE: Duration = Duration::from_millis(10);

/// A machine that is to arrive, at a QEMU that was started with `-incoming defer`. Made by a client's `incoming`.
#[must_use = "nothing arrives until this is run"]
pub struct Incoming<K> {
    connection: K,
    source: MigrationTarget,
    setup: Setup,
    listening: Option<Box<dyn FnOnce() + Send>>,
    timeout: Option<Duration>,
}

/// How a migration ended at the target, or why it is no longer waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncomingOutcome {
    /// The machine is here, in this state: running, if it ran at the source and this QEMU was not started with `-S`.
    Completed(RunState),
    /// It failed, for this reason. QEMU may end then, if it is not told otherwise by `exit-on-error` (since 9.1).
    Failed(String),
    /// It has not arrived by the deadline. It may do so later.
    TimedOut,
}

impl<K: Connection<Peer = Monitor>> Incoming<K> {
    /// A machine that is to arrive from there, on a connection of whatever kind.
    pub fn new(connection: K, source: MigrationTarget) -> Self {
        Incoming { connection, source, setup: Setup::default(), listening: None, timeout: None }
    }

    /// Switches a capability on or off before. Many have to be the same on both sides.
    pub fn capability(mut self, capability: MigrationCapability, on: bool) -> Self {
        self.setup.capabilities.push(MigrationCapabilityStatus::new(capability, on));
        self
    }

    /// Sets parameters before.
    pub fn parameters(mut self, parameters: MigrateSetParameters) -> Self {
        self.setup.parameters = Some(parameters);
        self
    }

    /// Calls this as soon as QEMU listens: the source may begin.
    pub fn when_listening(mut self, tell: impl FnOnce() + Send + 'static) -> Self {
        self.listening = Some(Box::new(tell));
        self
    }

    /// Waits no longer than this. Without it, or with `None`, it waits as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Has QEMU listen, and waits until the machine is here.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if QEMU does not take a capability or a parameter, cannot listen, or does not wait
    /// for a machine; and those of [every operation](crate::Client#errors): a QEMU that ends because the migration failed
    /// closes the connection.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<IncomingOutcome>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            std::mem::take(&mut self.setup).apply(&mut self.connection, deadline).await?;
            self.connection.execute(self.source.incoming(), deadline).await?;
            if let Some(tell) = self.listening.take() {
                tell();
            }
            self.arrive(deadline).await
        })
    }

    async fn arrive(&mut self, deadline: Option<Instant>) -> Result<IncomingOutcome> {
        let vm = &mut self.connection;
        loop {
            let info = match vm.execute(QueryMigrate::new(), deadline).await {
                Err(error) if is_late(vm, deadline, &error) => return Ok(IncomingOutcome::TimedOut),
                info => info?.reply,
            };
            match info.status {
                Some(MigrationStatus::Completed) => {
                    let state = vm.execute(QueryStatus::new(), None).await?.reply.status;
                    if state != RunState::Inmigrate {
                        return Ok(IncomingOutcome::Completed(state));
                    }
                    // All is here, and the machine about to start.
                    pause(vm, PAUSE, None).await;
                    continue;
                }
                Some(MigrationStatus::Failed) => return Ok(IncomingOutcome::Failed(failure(info))),
                _ => {}
            }
            if is_over(vm, deadline) {
                return Ok(IncomingOutcome::TimedOut);
            }
            let until = earlier(deadline, after(vm, Some(INTERVAL)));
            next(vm, until, |event, _| event.decode::<Migration>().map(drop)).await?;
        }
    }
}

impl fmt::Display for IncomingOutcome {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IncomingOutcome::Completed(state) => write!(f, "completed, and the machine is in the state `{state}`"),
            IncomingOutcome::Failed(reason) => write!(f, "failed: {reason}"),
            IncomingOutcome::TimedOut => f.write_str("was not over in time, and may go on"),
        }
    }
}

impl<K> fmt::Debug for Incoming<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Incoming");
        shown.field("source", &self.source).field("capabilities", &self.setup.capabilities).finish_non_exhaustive()
    }
}
