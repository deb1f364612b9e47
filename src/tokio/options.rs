//! How to connect, and how long to wait for what.

use super::connect::{connect, greet};
use super::{Client, Stream};
use crate::address::Address;
use crate::error::Result;
use crate::server::Server;
use crate::session::SessionOptions;
use std::time::Duration;

/// How to connect, and how long to wait for what.
///
/// All durations count from the operation's beginning; `None` waits for ever.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub(super) connect_timeout: Option<Duration>,
    pub(super) greeting_timeout: Option<Duration>,
    pub(super) call_timeout: Option<Duration>,
    pub(super) retry_for: Option<Duration>,
    pub(super) session: SessionOptions,
}

impl ConnectOptions {
    /// Ten seconds to connect, ten to greet and negotiate, sixty for each call. One attempt to connect.
    pub fn new() -> Self {
        ConnectOptions {
            connect_timeout: Some(Duration::from_secs(10)),
            greeting_timeout: Some(Duration::from_secs(10)),
            call_timeout: Some(Duration::from_secs(60)),
            retry_for: None,
            session: SessionOptions::new(),
        }
    }

    /// How long the transport's connection may take, with all addresses of a host.
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.connect_timeout = timeout.into();
        self
    }

    /// How long greeting and negotiation, or synchronization with a guest agent, may take together.
    ///
    /// QEMU serves one client per monitor. Another one can connect, but is not greeted until the first is gone: it is
    /// this deadline that tells.
    pub fn greeting_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.greeting_timeout = timeout.into();
        self
    }

    /// Tries again to connect until it works or this time is over, for a server that is still being started: its socket does
    /// not exist yet, nobody listens there, or the connection ends instead of a greeting. Failures that do not pass, such
    /// as missing permissions, are told at once.
    ///
    /// Connecting, greeting and negotiation together take as long as that at most. A monitor that another client holds is
    /// waited for on one connection all the time, in place of [`greeting_timeout`](Self::greeting_timeout); a guest agent,
    /// which loses what it is sent before it runs, is asked to synchronize anew after each such timeout. When the time is
    /// over, the error is a [`Timeout`](crate::ErrorKind::Timeout) with the last failure as its source.
    ///
    /// It has no meaning over a stream, which cannot be connected again.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry_for = Some(time);
        self
    }

    /// How long a call may take, unless [`Client::within`] says otherwise. Most commands take less than a millisecond;
    /// few, such as `human-monitor-command` with `savevm`, take minutes.
    pub fn call_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.call_timeout = timeout.into();
        self
    }

    /// The bounds of the session: line length, out-of-band execution, and the events that each
    /// [stream](super::Events) keeps.
    pub fn session(mut self, session: SessionOptions) -> Self {
        self.session = session;
        self
    }

    /// Connects to a monitor and negotiates.
    ///
    /// # Errors
    ///
    /// - [`Io`](crate::ErrorKind::Io): the socket cannot be reached.
    /// - [`Timeout`](crate::ErrorKind::Timeout): a deadline passed. Without a greeting in time, another client is likely to
    ///   be connected: QEMU serves one per monitor.
    /// - [`Greeting`](crate::ErrorKind::Greeting): the connection ended instead of a greeting, or something else came.
    /// - [`Negotiation`](crate::ErrorKind::Negotiation): the server refused.
    /// - [`Closed`](crate::ErrorKind::Closed), [`Malformed`](crate::ErrorKind::Malformed): the connection ended, or something
    ///   else than a message came, after the greeting.
    /// - [`Timeout`](crate::ErrorKind::Timeout) if that was [tried again](Self::retry_for) for too long.
    pub async fn connect(self, address: impl Into<Address>) -> Result<Client> {
        connect(&address.into(), Server::Monitor, &self).await
    }

    /// Connects to a guest agent and synchronizes.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect) except for the greeting's. If the agent does not run, the deadline passes.
    pub async fn connect_guest_agent(self, address: impl Into<Address>) -> Result<Client> {
        connect(&address.into(), Server::GuestAgent, &self).await
    }

    /// Negotiates with a monitor over any connected stream.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect). The stream is dropped then.
    pub async fn connect_over(self, stream: impl Stream) -> Result<Client> {
        greet(stream, Server::Monitor, &self, self.greeting_timeout).await
    }

    /// Synchronizes with a guest agent over any connected stream.
    ///
    /// # Errors
    ///
    /// Those of [`connect_guest_agent`](Self::connect_guest_agent). The stream is dropped then.
    pub async fn connect_guest_agent_over(self, stream: impl Stream) -> Result<Client> {
        greet(stream, Server::GuestAgent, &self, self.greeting_timeout).await
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}
