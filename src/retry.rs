//! When to try again to connect. Decides, but neither waits nor looks at a clock.
//!
//! A server that is being started is not there, then has a socket on which nobody listens, then listens. A monitor that is
//! taken is no reason to try again: it greets in the end on the connection that waits for it, and keeps connections that
//! gave up in its queue.

use crate::error::{Error, ErrorKind, Phase, Repr};
use std::io;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// A server that takes long to start is not worth more wakeups, and nobody notices this on top.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

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
    pub(crate) fn give_up(self, after: Duration) -> Error {
        match self.failure {
            Some(source) => Repr::GaveUp { after, source }.into(),
            None => Error::timeout(Phase::Connect, after),
        }
    }
}

/// Whether a failure may be that of a server that is only being started, or ended just now.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(kind: io::ErrorKind) -> Error {
        Repr::Connect { address: "/run/vm.qmp".into(), source: kind.into() }.into()
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut retries = Retries::new();
        let pauses: Vec<_> =
            (0..8).map(|_| retries.pause_after(connect(io::ErrorKind::NotFound)).unwrap().as_millis()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 250, 250]);
    }

    #[test]
    fn the_last_failure_is_the_source() {
        let mut retries = Retries::new();
        retries.pause_after(connect(io::ErrorKind::NotFound)).unwrap();
        retries.pause_after(connect(io::ErrorKind::ConnectionRefused)).unwrap();
        retries.pause_after(Error::timeout(Phase::Connect, Duration::from_millis(1))).unwrap();
        let error = retries.give_up(Duration::from_secs(3));
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
        assert_eq!(error.io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(error.to_string(), "gave up after 3s: cannot connect to /run/vm.qmp: connection refused");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "cannot connect to /run/vm.qmp: connection refused");
        let never_tried = Retries::new().give_up(Duration::ZERO);
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
        let passing = [Error::closed(None), Repr::NoGreeting { source: None }.into()];
        for error in passing {
            Retries::new().pause_after(error).unwrap();
        }
    }
}
