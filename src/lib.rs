//! Typed client for QEMU's Machine Protocol (QMP) and guest agent.
//!
//! Commands are values, and know the type of their reply. [`Client`] connects, negotiates, and executes them. Events that
//! arrive meanwhile are kept, in order, until somebody takes them or waits for one of them.
//!
#![cfg_attr(feature = "qmp", doc = "```no_run")]
#![cfg_attr(not(feature = "qmp"), doc = "```ignore")]
//! use qemu_qmp::qmp::{commands::*, events::*, types::*};
//! use std::time::Duration;
//!
//! # fn main() -> qemu_qmp::Result<()> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let status = vm.execute(QueryStatus::new())?;
//! assert_eq!(status.status, RunState::Running);
//!
//! let is_net1 = |gone: &DeviceDeleted| gone.device.as_deref() == Some("net1");
//! vm.execute_and_wait(DeviceDel::new("net1"), Duration::from_secs(30), is_net1)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! - [`qmp`] and [`qga`]: what the generator made of the schemas. `commands`, `events` and `types` are modules of their own,
//!   because `blockdev-backup` is a command and `BlockdevBackup` its type. Names are Rust's: `query-status` is `QueryStatus`,
//!   `BLOCK_JOB_COMPLETED` is `BlockJobCompleted`, `node-name` is `node_name`.
//! - [`blocking`]: the client that waits for each reply, how to connect it, and what it connects over. `tokio`, with the
//!   feature of this name: the client that any number of tasks share. See [below](#which-client-to-choose).
//! - [`Error`]: what went wrong, by [`ErrorKind`]. What QEMU says about a command is a [`ServerError`].
//! - [`session`]: the protocol without input and output, for clients of other kinds. [`message`] is what its lines say.
//! - [`api`]: the traits that generated code implements, and the peers that commands are for: [`Monitor`],
//!   [`StorageDaemon`] and [`GuestAgent`]. [`wire`] is what stands under its codecs.
//!
//! # Which client to choose
//!
//! - [`Client`] for programs that do one thing at a time. One thread uses it.
//! - [`blocking::SharedClient`], which [`Client::share`] makes of it, for several threads on one connection: some wait for
//!   events while others execute commands. An event goes to one of them.
//! - `tokio::Client` for programs that run on tokio, or watch many machines. Calls are cancelled by dropping them, and each
//!   stream of events gets all events.
//! - [`session::Session`] for event loops and runtimes of other kinds. The other three are built on it.
//!
//! # Values
//!
//! Mandatory members are parameters of `new`, optional ones setters, except in types that only a server sends; fields are
//! public. A union has a constructor for each branch. An optional member is an `Option`: absent is `None`, and a JSON `null`,
//! where the schema has one, is a value. `any` is [`serde_json::Value`](wire::Any).
//!
//! # Other releases of QEMU
//!
//! The schema is that of QEMU 11.1.3, and any QEMU from 6.0 on will do. Values, branches and events that the schema does not
//! know become `Unrecognized` and encode to what came; members that it does not know are ignored; members that not every
//! release or build sends are optional. What still does not fit is an error that names command or event and member, and the
//! connection goes on. Structs and enums are `#[non_exhaustive]`, so that the next schema breaks no program.
//!
//! # Features
//!
//! - `qmp` and `qga`, both on by default: the schemas of the system emulator with the storage daemon, and of the guest agent.
//! - `tokio`: the asynchronous client.
//! - `fd`: file descriptors that go with a command.
//! - `tracing`: a span for each command and an event for each message, with secrets masked; the module `trace` tells which.

mod address;
pub mod api;
pub mod blocking;
pub mod error;
mod fds;
mod json;
pub mod message;
#[cfg(feature = "qga")]
pub mod qga;
#[cfg(feature = "qmp")]
pub mod qmp;
mod retry;
mod server;
pub mod session;
#[cfg(unix)]
mod socket_file;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "tracing")]
pub mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "trace/off.rs"]
mod trace;
pub mod wire;

pub use address::Address;
pub use api::{
    Command, CommandFor, Event, EventSet, GuestAgent, Monitor, MonitorPeer, OobCommand, Peer, StorageDaemon,
    UndecodableEvent, UnrecognizedEvent,
};
pub use blocking::{Client, ConnectOptions};
pub use error::{Error, ErrorClass, ErrorKind, Phase, Result, ServerError};
pub use message::{EventMessage, Greeting, Timestamp, Version};

/// The programs in README.md.
#[cfg(all(doctest, feature = "qmp", feature = "tokio"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
