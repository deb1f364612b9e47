//! What can go wrong, told apart.
//!
//! [`Error`] is opaque: it is matched by [`Error::kind`] or by predicates, and gives its details through accessors, so that a
//! detail can be added without breaking callers. What the server says about a command is [`ServerError`]; what it says that
//! does not fit a type is [`DecodeError`].
//!
//! This module must never lose what a peer sent: an error about a message carries its text.

use crate::address::Address;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

mod decode;
mod malformed;

pub use decode::{DecodeError, Subject};
pub use malformed::{Malformed, MalformedLine};

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any failure of a connection, a command or a message.
///
/// Clones share the details: the end of a connection is told to everybody who waits for something.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Arc<Repr>);

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system reported a failure; [`Error::io_error`] is that failure as it was.
    Io,
    /// The peer closed the connection, or broke it (broken pipe, reset).
    Closed,
    /// There is no connection: not connected yet, or closed by this side.
    NotConnected,
    /// There is a connection already.
    AlreadyConnected,
    /// Something took longer than it was allowed to.
    Timeout(Phase),
    /// The server closed the connection instead of greeting, or sent something else than a greeting.
    Greeting,
    /// The server greeted and then refused capabilities negotiation; for a guest agent, refused to synchronize.
    Negotiation,
    /// The server refused a command, or failed to execute it; [`Error::server_error`] is its answer.
    Server,
    /// A reply or event does not fit its type; [`Error::decode_error`] tells where. The connection is unharmed.
    Decode,
    /// A command or its id cannot be written as JSON, or not as JSON that a server can read. Nothing was sent.
    Encode,
    /// The server sent a line that is no message, or no message for this client. The connection is unharmed, unless the
    /// line is [half a line](Malformed::HalfLine) before its end.
    Malformed(Malformed),
    /// Out-of-band execution was asked for, but not negotiated. Nothing was sent.
    OobUnavailable,
    /// Events came faster than they were taken, and the oldest were dropped; `Error::missed` tells how many. The
    /// connection is unharmed, and so is the stream of events.
    Missed,
    /// File descriptors were to be passed, but there are too many of them, or this connection is over something else than
    /// a Unix socket. Nothing was sent.
    FdsUnavailable,
}

/// What was waited for when a deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The transport's connection.
    Connect,
    /// The server's greeting. QEMU serves one client per monitor; another one gets no greeting until the first is gone.
    Greeting,
    /// The reply to capabilities negotiation.
    Negotiation,
    /// The guest agent's reply to synchronization. An agent that does not run keeps silent.
    Sync,
    /// The reply to a command, or room to write the command.
    Call,
    /// An event.
    Event,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Repr {
    #[error("cannot connect to {address}: {source}")]
    Connect { address: String, source: io::Error },
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: io::Error },
    #[error("{doing}: {source}")]
    Io { doing: Doing, source: io::Error },
    #[error("the peer closed the connection")]
    Closed { source: Option<io::Error> },
    #[error("not connected")]
    NotConnected,
    #[error("already connected")]
    AlreadyConnected,
    #[error("{}", describe_timeout(*.phase, *.after))]
    Timeout { phase: Phase, after: Duration },
    #[error("the peer closed the connection instead of greeting")]
    NoGreeting { source: Option<io::Error> },
    #[error("not a QMP greeting: {source}")]
    WrongGreeting { source: MalformedLine },
    #[error("the server refused {command}: {source}")]
    Negotiation { command: &'static str, source: ServerError },
    #[error("{command}: {source}")]
    Server { command: String, source: ServerError },
    #[error(transparent)]
    Decode(DecodeError),
    #[error("cannot encode {what}: {source}")]
    Encode { what: String, source: serde_json::Error },
    #[error(transparent)]
    Malformed(MalformedLine),
    #[error("out-of-band execution was not negotiated")]
    OobUnavailable,
    #[cfg(feature = "tokio")]
    #[error("missed {count} events, which came faster than they were taken")]
    Missed { count: u64 },
    #[cfg(all(unix, feature = "fd"))]
    #[error("cannot pass file descriptors: {reason}")]
    FdsUnavailable { reason: &'static str },
    #[error("gave up after {after:?}: {source}")]
    GaveUp { after: Duration, source: Error },
}

/// What was being done when the operating system reported a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Doing {
    Reading,
    Writing,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Reading => "cannot read from the connection",
            Doing::Writing => "cannot write to the connection",
        })
    }
}

impl Error {
    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Repr::Connect { .. } | Repr::Listen { .. } | Repr::Io { .. } => ErrorKind::Io,
            Repr::Closed { .. } => ErrorKind::Closed,
            Repr::NotConnected => ErrorKind::NotConnected,
            Repr::AlreadyConnected => ErrorKind::AlreadyConnected,
            Repr::Timeout { phase, .. } => ErrorKind::Timeout(*phase),
            Repr::NoGreeting { .. } | Repr::WrongGreeting { .. } => ErrorKind::Greeting,
            Repr::Negotiation { .. } => ErrorKind::Negotiation,
            Repr::Server { .. } => ErrorKind::Server,
            Repr::Decode(_) => ErrorKind::Decode,
            Repr::Encode { .. } => ErrorKind::Encode,
            Repr::Malformed(line) => ErrorKind::Malformed(line.kind()),
            Repr::OobUnavailable => ErrorKind::OobUnavailable,
            #[cfg(feature = "tokio")]
            Repr::Missed { .. } => ErrorKind::Missed,
            #[cfg(all(unix, feature = "fd"))]
            Repr::FdsUnavailable { .. } => ErrorKind::FdsUnavailable,
            Repr::GaveUp { source, .. } if source.is_timeout() => source.kind(),
            Repr::GaveUp { .. } => ErrorKind::Timeout(Phase::Connect),
        }
    }

    /// Whether the connection is gone because of the peer: closed, broken, or ended in the middle of a line.
    pub fn is_closed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Closed | ErrorKind::Malformed(Malformed::HalfLine))
            || matches!(&*self.0, Repr::NoGreeting { .. })
    }

    /// Whether a deadline passed, whichever it was.
    #[inline]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::Timeout(_))
    }

    /// Whether there was no greeting (none at all, or none in time), or a wrong one.
    #[inline]
    pub fn is_greeting(&self) -> bool {
        matches!(self.kind(), ErrorKind::Greeting | ErrorKind::Timeout(Phase::Greeting))
    }

    /// Whether the server answered a command with an error.
    #[inline]
    pub fn is_server(&self) -> bool {
        self.kind() == ErrorKind::Server
    }

    /// Whether the server sent something that is not a message, or not one that this client can place.
    #[inline]
    pub fn is_malformed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Malformed(_))
    }

    /// The operating system's failure, where there is one.
    pub fn io_error(&self) -> Option<&io::Error> {
        match &*self.0 {
            Repr::Connect { source, .. } | Repr::Listen { source, .. } | Repr::Io { source, .. } => Some(source),
            Repr::Closed { source } | Repr::NoGreeting { source } => source.as_ref(),
            Repr::GaveUp { source, .. } => source.io_error(),
            _ => None,
        }
    }

    /// The server's answer, if it refused a command or capabilities negotiation.
    #[inline]
    pub fn server_error(&self) -> Option<&ServerError> {
        match &*self.0 {
            Repr::Server { source, .. } | Repr::Negotiation { source, .. } => Some(source),
            _ => None,
        }
    }

    /// What did not fit which type, if a reply or event did not.
    #[inline]
    pub fn decode_error(&self) -> Option<&DecodeError> {
        match &*self.0 {
            Repr::Decode(error) => Some(error),
            _ => None,
        }
    }

    /// The line that was not a message, or not the greeting.
    #[inline]
    pub fn malformed_line(&self) -> Option<&MalformedLine> {
        match &*self.0 {
            Repr::Malformed(line) | Repr::WrongGreeting { source: line } => Some(line),
            _ => None,
        }
    }

    /// How many events a subscriber missed, if it missed any.
    #[cfg(feature = "tokio")]
    pub fn missed(&self) -> Option<u64> {
        match &*self.0 {
            Repr::Missed { count } => Some(*count),
            _ => None,
        }
    }

    #[cold]
    pub(crate) fn server(command: &str, source: ServerError) -> Self {
        Repr::Server { command: command.into(), source }.into()
    }

    // Here and elsewhere `format!` and not `to_string`, which is generic and would be compiled for this type.
    #[cold]
    pub(crate) fn connect(address: &Address, source: io::Error) -> Self {
        Repr::Connect { address: format!("{address}"), source }.into()
    }

    #[cold]
    pub(crate) fn listen(address: &Address, source: io::Error) -> Self {
        Repr::Listen { address: format!("{address}"), source }.into()
    }

    #[cold]
    pub(crate) fn encode(what: &str, source: serde_json::Error) -> Self {
        Repr::Encode { what: what.into(), source }.into()
    }

    #[cold]
    pub(crate) fn timeout(phase: Phase, after: Duration) -> Self {
        Repr::Timeout { phase, after }.into()
    }

    /// `broken` is the error of how the connection was closed, if that is known.
    #[cold]
    pub(crate) fn no_greeting(broken: Option<Error>) -> Self {
        let source = broken.and_then(|broken| match Arc::into_inner(broken.0) {
            Some(Repr::Closed { source }) => source,
            _ => None,
        });
        Repr::NoGreeting { source }.into()
    }

    #[cold]
    pub(crate) fn closed(source: Option<io::Error>) -> Self {
        Repr::Closed { source }.into()
    }
}

impl From<Repr> for Error {
    // Rare, here and elsewhere: a copy of it wherever something may fail would be much code.
    #[cold]
    fn from(repr: Repr) -> Self {
        Error(Arc::new(repr))
    }
}

/// Whether an operation failed because the peer closed or broke the connection.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | ConnectionAborted | NotConnected | TimedOut | UnexpectedEof)
}

fn describe_timeout(phase: Phase, after: Duration) -> String {
    let (what, hint) = match phase {
        Phase::Connect => ("no connection", ""),
        Phase::Greeting => ("no greeting", "; a monitor serves one client at a time, so another one may hold it"),
        Phase::Negotiation => ("no reply to capabilities negotiation", ""),
        Phase::Sync => ("the guest agent did not synchronize", "; it may not be running"),
        Phase::Call => ("no reply", ""),
        Phase::Event => ("no such event", ""),
    };
    format!("{what} within {after:?}{hint}")
}

/// A server's error reply.
///
/// The class is for programs, the description for people. See "Error" in the QEMU Machine Protocol Specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{desc} ({class})")]
#[non_exhaustive]
pub struct ServerError {
    /// Which error this is, as far as QEMU tells: nearly all are [`ErrorClass::GenericError`].
    pub class: ErrorClass,
    /// What went wrong, in English. QEMU changes the wording at will.
    pub desc: String,
}

impl ServerError {
    /// An error reply, as a stand-in for a server would send it.
    pub fn new(class: impl Into<ErrorClass>, desc: impl Into<String>) -> Self {
        ServerError { class: class.into(), desc: desc.into() }
    }
}

/// The class of a [`ServerError`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Every error without a class of its own.
    GenericError,
    /// There is no such command, or not in this state of the connection.
    CommandNotFound,
    /// The device exists but is not active.
    DeviceNotActive,
    /// There is no such device.
    DeviceNotFound,
    /// KVM lacks a capability. Only releases before QEMU 8 send it.
    KvmMissingCap,
    /// A class that this crate does not know, as it came.
    Unrecognized(Box<str>),
}

impl ErrorClass {
    /// The class as it is on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            ErrorClass::GenericError => "GenericError",
            ErrorClass::CommandNotFound => "CommandNotFound",
            ErrorClass::DeviceNotActive => "DeviceNotActive",
            ErrorClass::DeviceNotFound => "DeviceNotFound",
            ErrorClass::KvmMissingCap => "KVMMissingCap",
            ErrorClass::Unrecognized(name) => name,
        }
    }
}

impl From<&str> for ErrorClass {
    fn from(name: &str) -> Self {
        match name {
            "GenericError" => ErrorClass::GenericError,
            "CommandNotFound" => ErrorClass::CommandNotFound,
            "DeviceNotActive" => ErrorClass::DeviceNotActive,
            "DeviceNotFound" => ErrorClass::DeviceNotFound,
            "KVMMissingCap" => ErrorClass::KvmMissingCap,
            other => ErrorClass::Unrecognized(other.into()),
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<MalformedLine> for Error {
    #[cold]
    fn from(line: MalformedLine) -> Self {
        Repr::Malformed(line).into()
    }
}

#[cfg(test)]
mod tests;
