//! The errors of this crate, by kind.
//!
//! [`Error`] is opaque: it is matched by [`Error::kind`] or by predicates, and gives its details through accessors, so that a
//! detail can be added without breaking callers. What the server says about a command is [`ServerError`]; what it says that
//! does not fit a type is [`DecodeError`]; a line that is no message is a [`MalformedLine`].
//!
//! This module must never lose what a peer sent: an error about a message carries its text.

mod decode;
mod malformed;
mod repr;
mod server;
#[cfg(test)]
mod tests;

pub use decode::{DecodeError, Subject};
pub use malformed::{Malformed, MalformedLine};
pub use server::{ErrorClass, ServerError};

pub(crate) use repr::{IoOperation, Repr};

use std::sync::Arc;
use std::{fmt, io};

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any failure of a connection, a command or a message.
///
/// `{}` shows all of it: what failed, on which connection, and why. There is no [`source`](std::error::Error::source) that
/// would say a part of this again; the causes are to be had by accessors.
///
/// Neither `{}` nor `{:?}` repeats a secret of the command that failed; the accessors give what came as it is.
///
/// Clones share the details: each operation that waits when the connection ends fails with the same error.
#[derive(Clone, thiserror::Error)]
#[error(transparent)]
pub struct Error(Arc<Repr>);

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system reported a failure; [`Error::io_error`] is that failure as it was. The connection has ended, or
    /// was not made.
    Io,
    /// The peer closed the connection, or broke it (broken pipe, reset).
    Closed,
    /// There is no connection, because this side closed it. A
    /// [`QemuMonitorProtocol`](crate::QemuMonitorProtocol) has none before it connects.
    NotConnected,
    /// A [`QemuMonitorProtocol`](crate::QemuMonitorProtocol) has a connection already.
    AlreadyConnected,
    /// The server's process ended before it had served, as [the program says](crate::ConnectOptions::unless_ended).
    ServerEnded,
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
    /// Events came faster than they were taken, and the oldest were dropped; [`Error::missed`] tells how many. The
    /// connection is unharmed, and so is the stream of events.
    Missed,
    /// File descriptors were to be passed, but there are too many of them, they cannot be copied, or this connection is over
    /// something else than a Unix socket. Nothing was sent.
    FdsUnavailable,
}

/// The phase in which a deadline passed.
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

impl Error {
    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Repr::Connect { .. } | Repr::Listen { .. } | Repr::Io { .. } => ErrorKind::Io,
            Repr::Closed { .. } => ErrorKind::Closed,
            Repr::NotConnected => ErrorKind::NotConnected,
            Repr::ServerEnded { .. } => ErrorKind::ServerEnded,
            Repr::AlreadyConnected => ErrorKind::AlreadyConnected,
            Repr::Timeout { phase, .. } => ErrorKind::Timeout(*phase),
            Repr::NoGreeting { .. } | Repr::WrongGreeting { .. } => ErrorKind::Greeting,
            Repr::Negotiation { .. } => ErrorKind::Negotiation,
            Repr::Server { .. } => ErrorKind::Server,
            Repr::Decode(_) => ErrorKind::Decode,
            Repr::Encode { .. } => ErrorKind::Encode,
            Repr::Malformed(line) => ErrorKind::Malformed(line.kind()),
            Repr::OobUnavailable => ErrorKind::OobUnavailable,
            Repr::Missed { .. } => ErrorKind::Missed,
            Repr::FdsUnavailable { .. } => ErrorKind::FdsUnavailable,
            Repr::GaveUp { cause, .. } if cause.is_timeout() => cause.kind(),
            Repr::GaveUp { .. } => ErrorKind::Timeout(Phase::Connect),
        }
    }

    /// Returns whether there is no connection any more, or none was made: a client is of no use after such an error, and
    /// connecting again is the way on. After any other error the connection works as before.
    pub fn is_disconnected(&self) -> bool {
        match self.kind() {
            ErrorKind::Io | ErrorKind::Closed | ErrorKind::NotConnected => true,
            ErrorKind::Greeting | ErrorKind::Negotiation | ErrorKind::ServerEnded => true,
            ErrorKind::Malformed(Malformed::HalfLine | Malformed::Restarted) => true,
            ErrorKind::Timeout(phase) => !matches!(phase, Phase::Call | Phase::Event),
            _ => false,
        }
    }

    /// Returns whether the connection is gone because of the peer: closed, broken, or ended in the middle of a line.
    pub fn is_closed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Closed | ErrorKind::Malformed(Malformed::HalfLine))
            || matches!(&*self.0, Repr::NoGreeting { .. })
    }

    /// Returns whether a deadline passed, whichever it was.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::Timeout(_))
    }

    /// Returns whether there was no greeting (none at all, or none in time), or a wrong one.
    pub fn is_greeting(&self) -> bool {
        matches!(self.kind(), ErrorKind::Greeting | ErrorKind::Timeout(Phase::Greeting))
    }

    /// Returns whether the server answered a command with an error.
    pub fn is_server(&self) -> bool {
        self.kind() == ErrorKind::Server
    }

    /// Returns whether the server sent something that is not a message, or not one for this client.
    pub fn is_malformed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Malformed(_))
    }

    /// The operating system's failure, where there is one.
    pub fn io_error(&self) -> Option<&io::Error> {
        match &*self.0 {
            Repr::Connect { cause, .. } | Repr::Listen { cause, .. } | Repr::Io { cause, .. } => Some(cause),
            Repr::Closed { cause, .. } | Repr::NoGreeting { cause, .. } | Repr::FdsUnavailable { cause, .. } => {
                cause.as_ref()
            }
            Repr::GaveUp { cause, .. } => cause.io_error(),
            _ => None,
        }
    }

    /// The server's answer, if it refused a command or capabilities negotiation.
    pub fn server_error(&self) -> Option<&ServerError> {
        match &*self.0 {
            Repr::Server { cause, .. } | Repr::Negotiation { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// Tells how a reply or an event did not fit its type, if that is the failure.
    pub fn decode_error(&self) -> Option<&DecodeError> {
        match &*self.0 {
            Repr::Decode(error) => Some(error),
            _ => None,
        }
    }

    /// The line that was not a message, or not the greeting.
    pub fn malformed_line(&self) -> Option<&MalformedLine> {
        match &*self.0 {
            Repr::Malformed(line) | Repr::WrongGreeting { line, .. } => Some(line),
            _ => None,
        }
    }

    /// How many events a reader missed, if it missed any.
    pub fn missed(&self) -> Option<u64> {
        match &*self.0 {
            Repr::Missed { count } => Some(*count),
            _ => None,
        }
    }
}

/// Shows the kind and the text.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind())
    }
}

impl From<Repr> for Error {
    // Rare, here and elsewhere: a copy of it wherever something may fail would be much code.
    #[cold]
    fn from(repr: Repr) -> Self {
        Error(Arc::new(repr))
    }
}

impl From<MalformedLine> for Error {
    #[cold]
    fn from(line: MalformedLine) -> Self {
        Repr::Malformed(line).into()
    }
}
