//! The inside of an [`Error`]: its details, how they are made, and what is shown of them.
//!
//! No field is called `source`: the text of an error has its causes in it, and must not be followed by them once more.

use super::{DecodeError, Error, MalformedLine, Phase, ServerError};
use crate::address::Address;
use crate::label::Label;
use crate::secrets::{self, Secrets};
use std::time::Duration;
use std::{fmt, io};

/// A connection's name, if it is known.
type Peer = Option<Box<str>>;

#[derive(thiserror::Error)]
pub(crate) enum Repr {
    #[error("cannot connect to {peer}: {cause}{}", instead(.meant))]
    Connect { peer: String, meant: Option<Address>, cause: io::Error },
    #[error("cannot listen on {address}: {cause}")]
    Listen { address: String, cause: io::Error },
    #[error("{}cannot {operation}: {cause}", on(.peer))]
    Io { peer: Peer, operation: IoOperation, cause: io::Error },
    #[error("{}the peer closed the connection{}", on(.peer), because(.cause))]
    Closed { peer: Peer, cause: Option<io::Error> },
    #[error("not connected")]
    NotConnected,
    #[error("already connected")]
    AlreadyConnected,
    #[error("{}{}", on(.peer), describe_timeout(*.phase, .what.as_deref(), *.after))]
    Timeout { peer: Peer, phase: Phase, what: Option<Box<str>>, after: Duration },
    #[error("{}the server has ended: {how}", on(.peer))]
    ServerEnded { peer: Peer, how: String },
    #[error("{}the peer closed the connection instead of greeting{}", on(.peer), because(.cause))]
    NoGreeting { peer: Peer, cause: Option<io::Error> },
    #[error("{}not a QMP greeting: {line}", on(.peer))]
    WrongGreeting { peer: Peer, line: MalformedLine },
    #[error("{}the server refused {command}: {cause}", on(.peer))]
    Negotiation { peer: Peer, command: &'static str, cause: ServerError },
    #[error("{command}: {} ({})", secrets::refusal(.command, *.secrets, &.cause.desc), .cause.class)]
    Server { command: String, secrets: Secrets, cause: ServerError },
    #[error(transparent)]
    Decode(DecodeError),
    #[error("cannot encode {what}: {cause}")]
    Encode { what: String, cause: serde_json::Error },
    #[error(transparent)]
    Malformed(MalformedLine),
    #[error("out-of-band execution was not negotiated")]
    OobUnavailable,
    #[error("missed {count} events, which came faster than they were taken")]
    Missed { count: u64 },
    #[cfg_attr(not(all(unix, feature = "fd")), expect(dead_code, reason = "an error does not depend on features"))]
    #[error("cannot pass file descriptors: {reason}{}", because(.cause))]
    FdsUnavailable { reason: &'static str, cause: Option<io::Error> },
    #[error("gave up after {after:?}: {cause}")]
    GaveUp { after: Duration, cause: Error },
}

// Not derived: nobody sees it, and its code would be that of all that is in here.
impl fmt::Debug for Repr {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The action under way when the operating system reported a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum IoOperation {
    Read,
    Write,
    Split,
}

impl fmt::Display for IoOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IoOperation::Read => "read from the connection",
            IoOperation::Write => "write to the connection",
            IoOperation::Split => "share the connection among threads",
        })
    }
}

impl Error {
    #[cold]
    pub(crate) fn server(command: &str, secrets: Secrets, cause: ServerError) -> Self {
        Repr::Server { command: command.into(), secrets, cause }.into()
    }

    // Here and elsewhere `format!` and not `to_string`, which is generic and would be compiled for this type.
    #[cold]
    pub(crate) fn connect(address: &Address, cause: io::Error) -> Self {
        Repr::Connect { peer: format!("{address}"), meant: address.mistaken(), cause }.into()
    }

    #[cold]
    pub(crate) fn listen(address: &Address, cause: io::Error) -> Self {
        Repr::Listen { address: format!("{address}"), cause }.into()
    }

    #[cold]
    pub(crate) fn encode(what: &str, cause: serde_json::Error) -> Self {
        Repr::Encode { what: what.into(), cause }.into()
    }

    /// `what` is the command or event that did not come, if it has a name.
    #[cold]
    pub(crate) fn timeout(label: &Label, phase: Phase, what: Option<&str>, after: Duration) -> Self {
        Repr::Timeout { peer: label.shown(), phase, what: what.map(Into::into), after }.into()
    }

    #[cold]
    pub(crate) fn wrong_greeting(label: &Label, line: MalformedLine) -> Self {
        Repr::WrongGreeting { peer: label.shown(), line }.into()
    }

    #[cold]
    pub(crate) fn server_ended(label: &Label, how: String) -> Self {
        Repr::ServerEnded { peer: label.shown(), how }.into()
    }

    /// A connection that cannot be shared by threads.
    #[cold]
    pub(crate) fn unshared(label: &Label, cause: io::Error) -> Self {
        Repr::Io { peer: label.shown(), operation: IoOperation::Split, cause }.into()
    }

    /// How a connection ended that the peer closed, or that broke for this cause.
    #[cold]
    pub(crate) fn disconnected(label: &Label, cause: Option<(IoOperation, io::Error)>, greeted: bool) -> Self {
        let peer = label.shown();
        match cause {
            Some((operation, cause)) if !is_closed(&cause) => Repr::Io { peer, operation, cause },
            cause if greeted => Repr::Closed { peer, cause: cause.map(|(_, cause)| cause) },
            cause => Repr::NoGreeting { peer, cause: cause.map(|(_, cause)| cause) },
        }
        .into()
    }
}

/// Returns whether an operation failed because the peer closed or broke the connection.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof, WriteZero,
    };
    matches!(
        error.kind(),
        BrokenPipe | ConnectionReset | ConnectionAborted | NotConnected | TimedOut | UnexpectedEof | WriteZero
    )
}

fn on(peer: &Peer) -> String {
    peer.as_deref().map(|peer| format!("{peer}: ")).unwrap_or_default()
}

fn because(cause: &Option<io::Error>) -> String {
    cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// Advice about a path that was meant for something else.
fn instead(meant: &Option<Address>) -> String {
    match meant {
        Some(Address::Tcp { .. }) => {
            "; this was taken for the path of a Unix socket, and looks like HOST:PORT: use `connect_tcp`, or parse it as an \
             `Address`"
        }
        Some(_) => "; this was taken for the path of a Unix socket: parse it as an `Address`",
        None => "",
    }
    .to_owned()
}

fn describe_timeout(phase: Phase, what: Option<&str>, after: Duration) -> String {
    let (missing, hint) = match phase {
        Phase::Connect => ("no connection", ""),
        Phase::Greeting => ("no greeting", "; a monitor serves one client at a time, so another one may hold it"),
        Phase::Negotiation => ("no reply to capabilities negotiation", ""),
        Phase::Sync => ("the guest agent did not synchronize", "; it may not be running"),
        Phase::Call => ("no reply to", ""),
        Phase::Event => ("no event", ""),
    };
    let what = match (phase, what) {
        (Phase::Call, None) => " a command".to_owned(),
        (Phase::Event, None) => " that is waited for".to_owned(),
        (_, what) => what.map(|what| format!(" {what}")).unwrap_or_default(),
    };
    format!("{missing}{what} within {after:?}{hint}")
}
