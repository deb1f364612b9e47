//! Commands that start jobs: where each has the job's id, and how the job is kept until its outcome was read.

use crate::api::Command;
use crate::qmp::commands::*;
use crate::qmp::types::TransactionActionBranch;
use std::hash::{BuildHasher, RandomState};

mod sealed {
    pub trait Sealed {}
}
pub(super) use sealed::Sealed;

/// A command that starts one job.
///
/// See "Jobs" and "Live Block Device Operations" in QEMU's manual.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not start a job",
    note = "`block-commit`, `block-stream`, `blockdev-backup`, `blockdev-mirror`, `blockdev-create`, `drive-backup`, \
            `drive-mirror`, `snapshot-save`, `snapshot-load`, `snapshot-delete` and `x-blockdev-amend` do",
    note = "jobs of a `transaction` are begun with `jobs`, and one that runs already is taken over with `running_job`"
)]
pub trait JobCommand: Command + Sealed {
    /// The job's id; an id that nobody else has is put where there was none.
    #[doc(hidden)]
    fn job_id(&mut self) -> String;
    /// Keeps the job from dismissing itself.
    #[doc(hidden)]
    fn keep(&mut self);
}

/// Jobs of these have an id if they are given one, and dismiss themselves unless they are told not to.
macro_rules! block_jobs {
    ($($command:ty),* $(,)?) => {$(
        #[allow(deprecated)]
        impl Sealed for $command {}
        #[allow(deprecated)]
        impl JobCommand for $command {
            #[inline]
            fn job_id(&mut self) -> String {
                self.job_id.get_or_insert_with(|| random_name("qmp-job")).clone()
            }

            #[inline]
            fn keep(&mut self) {
                self.auto_dismiss = Some(false);
            }
        }
    )*};
}

/// Jobs of these have an id always, and stay until they are dismissed.
macro_rules! other_jobs {
    ($($command:ty),* $(,)?) => {$(
        impl Sealed for $command {}
        impl JobCommand for $command {
            #[inline]
            fn job_id(&mut self) -> String {
                self.job_id.clone()
            }

            #[inline]
            fn keep(&mut self) {}
        }
    )*};
}

block_jobs!(BlockCommit, BlockStream, BlockdevBackup, BlockdevMirror, DriveBackup, DriveMirror);
other_jobs!(BlockdevCreate, XBlockdevAmend, SnapshotSave, SnapshotLoad, SnapshotDelete);

/// Keeps a job until its outcome was read. Returns its id.
#[inline]
pub(super) fn keep(command: &mut impl JobCommand) -> String {
    command.keep();
    command.job_id()
}

/// Keeps all jobs that a transaction starts. Returns their ids, in the order of the actions.
#[allow(deprecated)]
#[inline]
pub(super) fn keep_all(transaction: &mut Transaction) -> Vec<String> {
    let actions = transaction.actions.iter_mut();
    let ids = actions.filter_map(|action| match &mut action.branch {
        TransactionActionBranch::BlockdevBackup(backup) => Some(keep(&mut backup.data)),
        TransactionActionBranch::DriveBackup(backup) => Some(keep(&mut backup.data)),
        _ => None,
    });
    ids.collect()
}

/// A name that no other program has chosen. 17 characters longer than its beginning.
#[inline]
pub(super) fn random_name(beginning: &str) -> String {
    // The keys are random: what is hashed does not matter.
    format!("{beginning}-{:016x}", RandomState::new().hash_one(()))
}
