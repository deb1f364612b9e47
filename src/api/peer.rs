//! Peers as types: which program is at the other end of a connection, and which commands it has.
//!
//! Assumes that generated code tells of each command whom it is for. The set of peers is closed, because a client has to
//! know how each of them begins a conversation.

use super::Command;
use std::fmt;

mod sealed {
    pub trait Sealed {}
}

/// A program that commands are sent to: [`Monitor`], [`StorageDaemon`] or [`GuestAgent`]. No other type can be one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a peer that commands can be sent to",
    note = "the peers are `Monitor`, `StorageDaemon` and `GuestAgent`"
)]
pub trait Peer: sealed::Sealed + fmt::Debug + Send + Sync + 'static {
    /// Its name in errors and traces.
    const NAME: &'static str;
    /// How a conversation with it begins.
    #[doc(hidden)]
    const KIND: PeerKind;
}

/// A peer that greets, negotiates capabilities and emits events: [`Monitor`] or [`StorageDaemon`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no greeting, no events and no out-of-band execution",
    note = "only the peers `Monitor` and `StorageDaemon` have; a guest agent answers commands and does nothing else"
)]
pub trait MonitorPeer: Peer {}

/// A [`Command`] that the peer `P` has.
///
/// The generator implements it beside each command: all commands of `qmp` are for a [`Monitor`], those that the storage
/// daemon's schema has too for a [`StorageDaemon`] as well, and all of `qga` for a [`GuestAgent`]. A schema of one's own
/// names its peer in the build script, and is for a [`Monitor`] unless it does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command of the peer `{P}`",
    label = "not a command that this peer has",
    note = "a command is made by `new` and its mandatory arguments, as in `QueryStatus::new()`",
    note = "commands of `qga::commands` are for a `Client<GuestAgent>`, and no other client takes them",
    note = "commands of `qmp::commands` are for a `Client<Monitor>`; a `Client<StorageDaemon>` takes those of them that the \
            storage daemon has",
    note = "types and events are not commands, even if a command has the same name: import the command from `qmp::commands` or \
            `qga::commands`",
    note = "a command that the schema does not know can be executed by name, with `cmd`"
)]
pub trait CommandFor<P: Peer>: Command {}

/// The monitor of the system emulator: a QMP server with all of `qmp`'s commands.
#[derive(Debug)]
pub enum Monitor {}

/// The storage daemon's monitor, which has some of `qmp`'s commands and events.
#[derive(Debug)]
pub enum StorageDaemon {}

/// The guest agent, which neither greets nor emits events.
#[derive(Debug)]
pub enum GuestAgent {}

impl sealed::Sealed for Monitor {}
impl sealed::Sealed for StorageDaemon {}
impl sealed::Sealed for GuestAgent {}

impl Peer for Monitor {
    const NAME: &'static str = "monitor";
    const KIND: PeerKind = PeerKind::Monitor;
}

impl Peer for StorageDaemon {
    const NAME: &'static str = "storage daemon";
    const KIND: PeerKind = PeerKind::Monitor;
}

impl Peer for GuestAgent {
    const NAME: &'static str = "guest agent";
    const KIND: PeerKind = PeerKind::GuestAgent;
}

impl MonitorPeer for Monitor {}
impl MonitorPeer for StorageDaemon {}

/// How a conversation begins: with a greeting and a negotiation, or with a synchronization.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerKind {
    /// It greets and negotiates.
    Monitor,
    /// It does neither, and may have an unfinished conversation with somebody else in its channel.
    GuestAgent,
}
