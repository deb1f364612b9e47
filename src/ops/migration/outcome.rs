//! Reports on a migration: its progress, and how it ended.

use crate::ops::steps::count;
use crate::ops::unfinished::{Outcome, Unfinished};
use crate::qmp::types::{MigrationInfo, MigrationStatus};
use std::fmt;
use std::time::Duration;

/// How a migration ended at the source, or why it is no longer waited for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum MigrationOutcome {
    /// The machine is at the target. What `query-migrate` says of how it got there.
    Completed(Box<MigrationInfo>),
    /// It failed, for this reason, and the machine is at the source as before, unless it had been
    /// [started](super::RunningMigration::start_postcopy) at the target.
    Failed(String),
    /// It was cancelled, and the machine is at the source as before.
    Cancelled,
    /// It holds before the switchover, as the capability `pause-before-switchover` wants it. It is there still.
    PreSwitchover,
    /// The connection between the two broke after the machine was started at the target. It is there still, and can be
    /// [recovered](super::RunningMigration::recover).
    PostcopyPaused,
    /// It was not over by the deadline, and goes on.
    TimedOut,
}

/// The progress of a migration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MigrationProgress {
    /// Its status.
    pub status: MigrationStatus,
    /// Bytes of memory that were sent so far.
    pub transferred: u64,
    /// Bytes of memory that are left to send. Grows when the guest writes to its memory.
    pub remaining: u64,
    /// Bytes of memory that the machine has.
    pub total: u64,
    /// How fast it is sent, in megabits per second.
    pub mbps: f64,
    /// How many pages the guest writes to in a second; 0 until it is known.
    pub dirty_pages_per_second: u64,
    /// How long the machine would stand still if it were switched over now.
    pub expected_downtime: Option<Duration>,
    /// How long it takes so far.
    pub elapsed: Option<Duration>,
    /// All that `query-migrate` says.
    pub info: MigrationInfo,
}

impl MigrationOutcome {
    /// Returns whether the machine is at the target.
    #[inline]
    pub fn is_completed(&self) -> bool {
        matches!(self, MigrationOutcome::Completed(_))
    }

    /// The statistics of a migration that completed; an error of every other outcome, for `?`.
    ///
    /// # Errors
    ///
    /// The outcome, as an error that tells it.
    #[inline]
    pub fn completed(self) -> Result<MigrationInfo, Unfinished<Self>> {
        match self {
            MigrationOutcome::Completed(info) => Ok(*info),
            other => Err(Unfinished(other)),
        }
    }
}

impl Outcome for MigrationOutcome {
    const SUBJECT: &'static str = "migration";
}

impl MigrationProgress {
    #[inline]
    pub(super) fn new(info: MigrationInfo) -> Self {
        // QEMU counts these in signed numbers, which are never negative.
        let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let ram = info.ram.as_ref();
        MigrationProgress {
            status: info.status.clone().unwrap_or(MigrationStatus::None),
            transferred: ram.map_or(0, |ram| count(ram.transferred)),
            remaining: ram.map_or(0, |ram| count(ram.remaining)),
            total: ram.map_or(0, |ram| count(ram.total)),
            mbps: ram.map_or(0.0, |ram| ram.mbps),
            dirty_pages_per_second: ram.map_or(0, |ram| count(ram.dirty_pages_rate)),
            expected_downtime: number(info.expected_downtime).map(Duration::from_millis),
            elapsed: number(info.total_time).map(Duration::from_millis),
            info,
        }
    }
}

impl fmt::Display for MigrationOutcome {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MigrationOutcome::Completed(_) => f.write_str("completed"),
            MigrationOutcome::Failed(reason) => write!(f, "failed: {reason}"),
            MigrationOutcome::Cancelled => f.write_str("was cancelled"),
            MigrationOutcome::PreSwitchover => f.write_str("holds before the switchover"),
            MigrationOutcome::PostcopyPaused => {
                f.write_str("is paused, because the connection broke after the switchover")
            }
            MigrationOutcome::TimedOut => f.write_str("was not over in time, and goes on"),
        }
    }
}

/// Why a migration failed.
#[inline]
pub(super) fn failure(info: MigrationInfo) -> String {
    info.error_desc.unwrap_or_else(|| "QEMU gives no reason".to_owned())
}
