//! Migration: a machine moves to another QEMU, or into a file.
//!
//! [`Migrate`], made by a client's `migrate`, moves it, and tells how that ended:
//!
//! ```no_run
//! use qemu_qmp::ops::migration::MigrationTarget;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/source.qmp")?;
//! let target = MigrationTarget::tcp("target.example", 4444);
//! let outcome = vm.migrate(target).progress(|at| println!("{} bytes left", at.remaining)).run()?;
//! outcome.completed()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Incoming`], made by `incoming` of the other side's client, receives it. That QEMU was started with
//! `-incoming defer`:
//!
//! ```no_run
//! # use qemu_qmp::ops::migration::{IncomingOutcome, MigrationTarget};
//! # fn main() -> qemu_qmp::Result<()> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/target.qmp")?;
//! match vm.incoming(MigrationTarget::tcp("", 4444)).run()? {
//!     IncomingOutcome::Completed(state) => println!("here, and {state}"),
//!     outcome => println!("migration {outcome}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! With tokio's client the same methods are asynchronous, so that one program can run both sides.
//!
//! # Between the beginning and the end
//!
//! [`Migrate::start`] gives a [`RunningMigration`], for what is to happen meanwhile:
//!
//! - **A hold before the switchover.** With the capability `pause-before-switchover` the source stops, and waits before it gives
//!   the disks away: [`PreSwitchover`](MigrationOutcome::PreSwitchover), until
//!   [`continue_switchover`](RunningMigration::continue_switchover).
//! - **Postcopy.** With the capability `postcopy-ram` on both sides,
//!   [`start_postcopy`](RunningMigration::start_postcopy) runs the machine at the target at once, and copies the rest as it is
//!   needed. If the network breaks then, the outcome is [`PostcopyPaused`](MigrationOutcome::PostcopyPaused), and
//!   [`recover`](RunningMigration::recover) goes on over another one.
//! - **Cancelling**, which waits until it is done.
//!
//! # What it sees to
//!
//! - Events are switched on (capability `events`), and `query-migrate` is asked besides, so that none needs to arrive.
//! - The operation waits for the rest of an earlier migration: some releases of QEMU end if the next one begins before that.
//! - A migration that QEMU refuses to start and one that fails later have one outcome, with QEMU's reason.
//!
//! See "Migration framework" in QEMU's manual.

mod incoming;
mod outcome;
mod setup;
mod source;
mod target;

pub use incoming::{Incoming, IncomingOutcome};
pub use outcome::{MigrationOutcome, MigrationProgress};
pub use source::{Migrate, RunningMigration};
pub use target::MigrationTarget;
