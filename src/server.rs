//! What is expected at the other end of a connection, for whichever client. Neither waits nor looks at a clock.

use crate::session::{Session, SessionOptions};
use std::time::{Duration, SystemTime};

/// What is expected at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Monitor,
    GuestAgent,
}

impl Server {
    /// A session with it.
    pub(crate) fn session(self, options: &SessionOptions) -> Session {
        match self {
            Server::Monitor => Session::new(options.clone()),
            Server::GuestAgent => Session::guest_agent(options.clone(), random()),
        }
    }

    /// How long one of several attempts may greet, if so much time is left for all. A queue at the server keeps its order,
    /// so that waiting longer in it is better than to leave it and come back. A guest agent that was not there has lost what
    /// it was sent.
    pub(crate) fn attempt_limit(self, timeout: Option<Duration>, left: Option<Duration>) -> Option<Duration> {
        match (self, timeout, left) {
            (Server::GuestAgent, Some(timeout), Some(left)) => Some(timeout.min(left)),
            _ => left,
        }
    }
}

/// A number that no other session is likely to have.
fn random() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = now.as_secs().wrapping_mul(1_000_000_000) + u64::from(now.subsec_nanos());
    // Processes that start at the same time have different numbers, next to each other.
    nanoseconds ^ u64::from(std::process::id()).rotate_right(16)
}
