//! Thawing, and finding out whether it is done.

use crate::api::GuestAgent;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::steps::{after, count, is_over, pause};
use crate::qga::commands::{GuestFsfreezeStatus, GuestFsfreezeThaw};
use crate::qga::types::GuestFsfreezeStatusReply;
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long to wait before an agent that failed is asked once more.
const PAUSE: Duration = Duration::from_millis(500);

/// File systems of the guest that are to be thawed. Made by a client's `thaw`.
#[must_use = "nothing is thawed until this is run"]
pub struct Thaw<K> {
    connection: K,
    timeout: Option<Duration>,
}

/// The outcome of thawing.
pub(super) enum Release {
    /// So many.
    Thawed(u64),
    /// The agent failed, and none is frozen any more.
    ThawedBefore(Error),
    MayBeFrozen(Error),
}

impl<K: Connection<Peer = GuestAgent>> Thaw<K> {
    /// On this connection.
    pub fn new(connection: K) -> Self {
        Thaw { connection, timeout: None }
    }

    /// Gives up after so long. Without it, or with `None`, an agent that is silent is waited for as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Thaws what any client has frozen, and returns how many file systems were thawed by this: 0 if none is frozen any more. Asks
    /// again while the agent is silent.
    ///
    /// # Errors
    ///
    /// [`Server`](ErrorKind::Server) if the agent fails, and does not say that all is thawed; and those of
    /// [every operation](crate::Client#errors).
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<u64>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            loop {
                let error = match try_once(&mut self.connection, deadline).await {
                    Release::Thawed(thawed) => return Ok(thawed),
                    Release::ThawedBefore(_) => return Ok(0),
                    Release::MayBeFrozen(error) => error,
                };
                let passes = matches!(error.kind(), ErrorKind::Timeout(_) | ErrorKind::Malformed(_));
                if !passes || error.is_disconnected() || is_over(&self.connection, deadline) {
                    return Err(error);
                }
                pause(&mut self.connection, PAUSE, deadline).await;
            }
        })
    }
}

/// Thaws what was frozen by this client.
pub(super) async fn release<K: Connection<Peer = GuestAgent>>(connection: &mut K) -> Release {
    match try_once(connection, None).await {
        // A line that was garbled says nothing about the next.
        Release::MayBeFrozen(error) if error.is_malformed() && !error.is_disconnected() => {
            try_once(connection, None).await
        }
        release => release,
    }
}

async fn try_once<K: Connection<Peer = GuestAgent>>(connection: &mut K, deadline: Option<Instant>) -> Release {
    let error = match connection.execute(GuestFsfreezeThaw::new(), deadline).await {
        Ok(answer) => return Release::Thawed(count(answer.reply)),
        Err(error) if error.is_timeout() || error.is_disconnected() => return Release::MayBeFrozen(error),
        Err(error) => error,
    };
    match connection.execute(GuestFsfreezeStatus::new(), deadline).await {
        Ok(answer) if answer.reply == GuestFsfreezeStatusReply::Thawed => Release::ThawedBefore(error),
        _ => Release::MayBeFrozen(error),
    }
}

impl<K> fmt::Debug for Thaw<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thaw").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
