//! Typed client for QEMU's Machine Protocol (QMP) and guest agent.
//!
//! Commands are values, and know the type of their reply. A [`Client`] is connected to one peer, and executes the commands that
//! this peer has. Events that arrive meanwhile are kept, in order, until they are taken.
//!
//! ```no_run
//! use qemu_qmp::qmp::{commands::*, types::*};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let status = vm.execute(QueryStatus::new())?;
//! assert_eq!(status.status, RunState::Running);
//!
//! vm.unplug("net1").deadline(Duration::from_secs(30)).run()?.gone()?;
//! # Ok(())
//! # }
//! ```
//!
//! # The guide
//!
//! The [guide] has short chapters with programs: a first one, which client to take, events without loss, jobs, snapshots, hot-plug,
//! migration, the guest agent, the storage daemon, many machines, asking what a QEMU can do, testing without QEMU, tracing and
//! secrets, other releases of QEMU, schemas of one's own, and what is different for those who know other clients.
//!
//! # Where things are
//!
//! - `qmp` and `qga`, with the features of these names: all commands, events and types of the schemas. `commands`, `events` and
//!   `types` are modules of their own, because `blockdev-backup` is a command and `BlockdevBackup` its type. Names are Rust's:
//!   `query-status` is `QueryStatus`, `BLOCK_JOB_COMPLETED` is `BlockJobCompleted`, `node-name` is `node_name`.
//! - [`Client`]: the blocking client of a monitor. [`blocking`]: the same for other peers, such as
//!   `blocking::Client<GuestAgent>`, for several threads, and what it connects over. `tokio`, with the feature of this name:
//!   the client that any number of tasks share.
//! - [`ops`]: operations, which take several commands and events: jobs, unplugging, migration, power, programs and files in the
//!   guest, and what a QEMU can do.
//! - `fake`, with the feature of this name: a stand-in for QEMU and its guest agent, to test programs with.
//! - `qom`, with the feature `qmp`: properties of QEMU's objects, read and set with the type that the caller knows.
//! - [`Monitor`], [`StorageDaemon`], [`GuestAgent`]: the peers. [`CommandFor`] says of a command which of them have it.
//! - [`ConnectOptions`]: deadlines, the connection's name, and other choices, for all clients.
//! - [`QemuMonitorProtocol`]: QEMU's Python class of this name, method by method.
//! - [`Address`]: where a server is, parsed from what people type. [`Timeout`]: how long to wait.
//! - [`Error`]: what went wrong, by [`ErrorKind`]; `{}` shows all of it. [`ServerError`]: QEMU's refusal of a command.
//! - `trace`, with the feature `tracing`: what is told to subscribers, and what is masked.
//! - [`session`]: the protocol without input and output, for clients of other kinds. [`message`]: the lines that it reads and writes.
//! - [`api`]: the traits that generated code implements. [`wire`]: the runtime under its codecs.
//!
//! # Events
//!
//! A connection keeps events from its beginning on, within [bounds](session::SessionOptions::max_events).
//! [`next_event_as`](Client::next_event_as) takes the oldest, [`wait_for`](Client::wait_for) and
//! [`wait_until`](Client::wait_until) the first that fits, and [`execute_and_wait`](Client::execute_and_wait) and
//! [`execute_until`](Client::execute_until) the first that fits after a command. Of a client that is shared, the first
//! subscription begins with all that were not taken. With the feature `qmp` there are `take_events`, `next_event` and
//! `subscribe` for its enum of all events; those that end in `_as` are for the events of any schema.
//!
//! # Values
//!
//! Mandatory members are parameters of `new`, optional ones are setters, except in types that only a server sends; fields are
//! public. `maybe` calls a setter if there is a value for it. A union has a constructor for each branch, which takes what the
//! branch wraps if that is one mandatory member. Types that only a server sends have `blank` instead, for stand-ins. An optional
//! member is an `Option`: absent is `None`, and a JSON `null`, where the schema has one, is a value. QAPI's `any` is
//! [`wire::Any`], a [`serde_json::Value`]. A command that returns nothing returns `()`.
//!
//! Secrets show in no `Debug`, error or trace: members such as `password`, what `object-add` and `human-monitor-command` are given,
//! and the like. A schema of one's own names others.
//!
//! # Other releases of QEMU
//!
//! The schema is that of QEMU 11.1.3, and any QEMU from 6.0 on will do. Values, branches and events that the schema does not
//! know become `Unrecognized` and encode to what came; members that it does not know are ignored; members that not every
//! release or build sends are optional. A reply or event that does not fit even so is an error, which names the command or event and
//! the member; the connection goes on. Structs and enums are `#[non_exhaustive]`, so that the next schema breaks no program.
//!
//! # Features
//!
//! - `qmp` and `qga`, both on by default: the schemas of the system emulator with the storage daemon, and of the guest agent.
//! - `tokio`: the asynchronous client.
//! - `fake`: the stand-in.
//! - `fd`: file descriptors that go with a command, and file descriptors as a transport; on Unix.
//! - `tracing`: a span for each command and an event for each message, each with its connection, and with secrets masked.
//!
//! The minimum Rust is 1.85. A higher minimum is a minor change.
//!
// The guide has links to everything, and is there when everything is.
#![cfg_attr(qemu_qmp_guide, doc = "[guide]: crate::guide")]
#![cfg_attr(not(qemu_qmp_guide), doc = "[guide]: https://docs.rs/qemu-qmp/latest/qemu_qmp/guide/")]
// What needs a feature says so on docs.rs, which builds with a nightly compiler.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
pub mod api;
pub mod blocking;
mod connect;
pub mod error;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(all(unix, feature = "fd"))]
mod fds;
#[cfg(not(all(unix, feature = "fd")))]
#[path = "fds/off.rs"]
mod fds;
#[cfg(all(any(doc, doctest), qemu_qmp_guide))]
#[doc = include_str!("../doc/guide/links.md")]
#[doc = include_str!("../doc/guide/README.md")]
pub mod guide;
mod json;
mod label;
pub mod message;
mod operations;
pub mod ops;
mod options;
mod qemu_monitor_protocol;
#[cfg(feature = "qga")]
pub mod qga;
#[cfg(feature = "qmp")]
pub mod qmp;
#[cfg(feature = "qmp")]
pub mod qom;
mod secrets;
pub mod session;
#[cfg(unix)]
mod socket_file;
mod timeout;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "tracing")]
pub mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "trace/off.rs"]
mod trace;
mod verbs;
pub mod wire;

pub use address::{Address, ParseAddressError};
pub use api::{
    Command, CommandFor, Event, EventSet, GuestAgent, Monitor, MonitorPeer, OobCommand, Peer, StorageDaemon,
    UndecodableEvent, UnrecognizedEvent,
};
pub use error::{Error, ErrorClass, ErrorKind, Phase, Result, ServerError};
pub use message::{EventMessage, Greeting, Timestamp, Version};
pub use options::ConnectOptions;
pub use qemu_monitor_protocol::QemuMonitorProtocol;
pub use timeout::Timeout;

/// The blocking client of a monitor: of QEMU's system emulator.
///
/// [`blocking::Client`] is the same for other peers, [`blocking::SharedClient`] for several threads, and `tokio::Client`
/// with the feature `tokio` for asynchronous programs.
pub type Client = blocking::Client<Monitor>;

/// The programs in README.md.
#[cfg(all(doctest, feature = "qmp", feature = "qga", feature = "tokio"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
