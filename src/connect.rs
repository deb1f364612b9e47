//! Rules of connecting, for all clients: which session a peer gets, and when to try again. Decides, but neither waits nor
//! looks at a clock, except for a number that is hard to guess.
//!
//! A server that is being started is not there, then has a socket on which nobody listens, then listens. A monitor that is
//! taken is no reason to try again: it greets in the end on the connection that waits for it, and keeps connections that
//! gave up in its queue.

use crate::address::Address;
use crate::api::PeerKind;
use crate::error::{Error, ErrorKind, Phase, Repr};
use crate::label::Label;
use crate::options::ConnectOptions;
use crate::session::Session;
use std::io;
use std::time::{Duration, SystemTime};

/// The error where a Unix socket's queue stays full until the deadline.
pub(crate) const FULL_QUEUE: &str = "to a server that hangs, or that another client may hold,";

/// How long to wait for room in a Unix socket's queue before asking again. A socket does not tell when there is any.
#[cfg(unix)]
pub(crate) const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(10);

const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// A server that takes long to start is not worth more wakeups, and nobody notices this on top.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A session with such a peer, at this address if it is known.
pub(crate) fn session(peer: PeerKind, options: &ConnectOptions, address: Option<&Address>) -> Session {
    let mut session = options.session.clone().refusal_timeout(options.refusal_timeout);
    if let Some(address) = address {
        session = session.address(format!("{address}"));
    }
    match peer {
        PeerKind::Monitor => Session::new(session),
        PeerKind::GuestAgent => Session::guest_agent(session, random()),
    }
}

/// How long one of several attempts may greet, if so much time is left for all. A queue at the server keeps its order,
/// so that waiting longer in it is better than to leave it and come back. A guest agent that was not there has lost what
/// it was sent.
pub(crate) fn attempt_limit(peer: PeerKind, options: &ConnectOptions, left: Option<Duration>) -> Option<Duration> {
    match (peer, options.greeting_timeout, left) {
        (PeerKind::GuestAgent, Some(timeout), Some(left)) => Some(timeout.min(left)),
        _ => left,
    }
}

/// The pauses between attempts to connect: short ones first, because most servers are there soon.
#[derive(Debug)]
pub(crate) struct Retries {
    pause: Duration,
    /// Why there was no connection so far.
    failure: Option<Error>,
}

impl Retries {
    pub(crate) fn new() -> Self {
        Retries { pause: FIRST_PAUSE, failure: None }
    }

    /// How long to pause after this failure.
    ///
    /// # Errors
    ///
    /// The failure, if it is none that passes with time.
    pub(crate) fn pause_after(&mut self, failure: Error) -> Result<Duration, Error> {
        if !may_pass(&failure) {
            return Err(failure);
        }
        // That the time was over in the middle of an attempt says less than how an earlier one ended.
        if self.failure.is_none() || failure.kind() != ErrorKind::Timeout(Phase::Connect) {
            self.failure = Some(failure);
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        Ok(pause)
    }

    /// The error of having tried for so long.
    pub(crate) fn give_up(self, label: &Label, after: Duration) -> Error {
        match self.failure {
            Some(cause) => Repr::GaveUp { after, cause }.into(),
            None => Error::timeout(label, Phase::Connect, None, after),
        }
    }
}

/// Returns whether a failure may be that of a server that is only being started, or ended just now.
fn may_pass(failure: &Error) -> bool {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted,
        NetworkDown, NetworkUnreachable, NotFound, TimedOut, WouldBlock,
    };
    match failure.kind() {
        ErrorKind::Io => failure.io_error().is_some_and(|error| {
            matches!(
                error.kind(),
                NotFound
                    | ConnectionRefused
                    | ConnectionReset
                    | ConnectionAborted
                    | AddrNotAvailable
                    | HostUnreachable
                    | NetworkUnreachable
                    | NetworkDown
                    | TimedOut
                    | WouldBlock
                    | Interrupted
            )
        }),
        ErrorKind::Timeout(_) => true,
        _ => failure.is_closed(),
    }
}

/// A number that no other session is likely to have.
fn random() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = now.as_secs().wrapping_mul(1_000_000_000) + u64::from(now.subsec_nanos());
    // Processes that start at the same time have different numbers, next to each other.
    nanoseconds ^ u64::from(std::process::id()).rotate_right(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(kind: io::ErrorKind) -> Error {
        Error::connect(&Address::from("/run/vm.qmp"), kind.into())
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut retries = Retries::new();
        let pauses: Vec<_> =
            (0..8).map(|_| retries.pause_after(connect(io::ErrorKind::NotFound)).unwrap().as_millis()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 250, 250]);
    }

    #[test]
    fn the_last_failure_is_told() {
        let mut retries = Retries::new();
        retries.pause_after(connect(io::ErrorKind::NotFound)).unwrap();
        retries.pause_after(connect(io::ErrorKind::ConnectionRefused)).unwrap();
        retries.pause_after(Error::timeout(&Label::default(), Phase::Connect, None, Duration::from_millis(1))).unwrap();
        let error = retries.give_up(&Label::default(), Duration::from_secs(3));
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
        assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(error.to_string(), "gave up after 3s: cannot connect to /run/vm.qmp: connection refused");
        let never_tried = Retries::new().give_up(&Label::default(), Duration::ZERO);
        assert_eq!(never_tried.kind(), ErrorKind::Timeout(Phase::Connect));
    }

    #[test]
    fn what_does_not_pass_is_told_at_once() {
        let lasting = [
            connect(io::ErrorKind::PermissionDenied),
            connect(io::ErrorKind::Unsupported),
            Repr::OobUnavailable.into(),
            Repr::NotConnected.into(),
        ];
        for error in lasting {
            let kind = error.kind();
            assert_eq!(Retries::new().pause_after(error).unwrap_err().kind(), kind);
        }
        let passing = [true, false].map(|greeted| Error::disconnected(&Label::default(), None, greeted));
        for error in passing {
            Retries::new().pause_after(error).unwrap();
        }
    }
}
