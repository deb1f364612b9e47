//! Operations, which take several commands and events each.
//!
//! A client's methods begin them: `job`, `unplug`, `migrate`, `power_down`, `program` and others. Each gives a builder, and its
//! `run` carries the operation out: it tells progress to a closure, keeps to a deadline, and ends in a type that names all outcomes.
//! With the blocking clients `run` returns the outcome; with tokio's client it is a future. No thread and no runtime is started.
//! Methods of the outcome, such as `completed`, make errors of those that were not hoped for: [`Unfinished`].
//!
//! | | |
//! |---|---|
//! | `jobs` | backups, mirrors, commits, snapshots, images: what takes long in the block layer |
//! | `devices` | unplugging, with what the guest says to it |
//! | `migration` | moving a machine to another QEMU or into a file, and receiving it |
//! | `power` | powering down, resetting, quitting, and how a machine ended |
//! | `guest` | programs and files in the guest, and frozen file systems, through its agent |
//! | `probe` | what a running QEMU can do: arguments, values, devices, machines |
//!
//! # Events
//!
//! While it runs, an operation looks at all events that arrive, and takes those that are its own from what the client keeps.
//! Others stay there. Subscriptions see all of them.
//!
//! # Other clients
//!
//! Operations are written over a trait of three functions, [`Connection`]: execute a command, find an event, wait. An
//! implementation for a client of another kind has all operations: each builder is made of a connection.
//!
//! # Cancelling
//!
//! An operation whose future is dropped leaves things as they are at that moment: a job goes on.

#[cfg(feature = "qmp")]
pub mod devices;
#[cfg(feature = "qga")]
pub mod guest;
#[cfg(feature = "qmp")]
pub mod jobs;
#[cfg(feature = "qmp")]
pub mod migration;
#[cfg(feature = "qmp")]
pub mod power;
#[cfg(feature = "qmp")]
pub mod probe;
#[cfg(any(feature = "qmp", feature = "qga"))]
#[cfg_attr(not(feature = "qmp"), expect(dead_code, reason = "a guest agent has no events"))]
mod steps;
mod unfinished;

pub use crate::verbs::{Answer, Asynchronous, Blocking, Connection, Mode, Running};
pub use unfinished::{Outcome, Unfinished};
