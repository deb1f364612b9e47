//! Agents that do not answer yet.

use crate::api::GuestAgent;
use crate::error::{ErrorKind, Repr, Result};
use crate::ops::steps::{after, earlier, is_over, paced, pause};
use crate::qga::commands::GuestPing;
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// A guest agent that is to be waited for. Made by a client's `wait_until_up`.
#[must_use = "nothing is waited for until this is run"]
pub struct WaitUntilUp<K> {
    connection: K,
    interval: Duration,
    timeout: Option<Duration>,
}

impl<K: Connection<Peer = GuestAgent>> WaitUntilUp<K> {
    /// On this connection.
    pub fn new(connection: K) -> Self {
        WaitUntilUp { connection, interval: Duration::from_secs(1), timeout: None }
    }

    /// Gives up after so long. Without it, or with `None`, the agent is waited for as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// How long to wait for an answer before asking again: a second unless this says otherwise.
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = paced(interval);
        self
    }

    /// Waits until the agent answers.
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout) if it is silent until the deadline; what else it answers with, if that is no success by the
    /// deadline; and those of [every operation](crate::Client#errors) that end the connection.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<()>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            loop {
                let until = earlier(deadline, after(&self.connection, Some(self.interval)));
                let error = match self.connection.execute(GuestPing::new(), until).await {
                    Ok(_) => return Ok(()),
                    Err(error) if error.is_disconnected() => return Err(error),
                    Err(error) => error,
                };
                let is_silent = matches!(error.kind(), ErrorKind::Timeout(_));
                match self.timeout {
                    Some(after) if is_over(&self.connection, deadline) && is_silent => {
                        return Err(Repr::GaveUp { after, cause: error }.into());
                    }
                    _ if is_over(&self.connection, deadline) => return Err(error),
                    // What an agent says that is just being started, or was sent what another one was to read.
                    _ if !is_silent => pause(&mut self.connection, self.interval, deadline).await,
                    _ => {}
                }
            }
        })
    }
}

impl<K> fmt::Debug for WaitUntilUp<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WaitUntilUp");
        shown.field("interval", &self.interval).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
