//! How to connect, and how long to wait for what.

use super::{connect, Client, Stream};
use crate::address::Address;
use crate::error::Result;
use crate::session::{Session, SessionOptions};
use std::time::Duration;

/// How to connect, and how long to wait for what.
///
/// All durations count from the operation's beginning; `None` waits for ever.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub(super) connect_timeout: Option<Duration>,
    pub(super) greeting_timeout: Option<Duration>,
    pub(super) call_timeout: Option<Duration>,
    pub(super) session: SessionOptions,
}

impl ConnectOptions {
    /// Ten seconds to connect, ten to greet and negotiate, sixty for each call.
    pub fn new() -> Self {
        ConnectOptions {
            connect_timeout: Some(Duration::from_secs(10)),
            greeting_timeout: Some(Duration::from_secs(10)),
            call_timeout: Some(Duration::from_secs(60)),
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
    pub async fn connect(self, address: impl Into<Address>) -> Result<Client> {
        let session = Session::new(self.session.clone());
        connect::dial(&address.into(), self, session).await
    }

    /// Connects to a guest agent and synchronizes.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect) except for the greeting's. If the agent does not run, the deadline passes.
    pub async fn connect_guest_agent(self, address: impl Into<Address>) -> Result<Client> {
        let session = connect::guest_agent(&self);
        connect::dial(&address.into(), self, session).await
    }

    /// Negotiates with a monitor over any connected stream.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect). The stream is dropped then.
    pub async fn connect_over(self, stream: impl Stream) -> Result<Client> {
        let session = Session::new(self.session.clone());
        connect::shake_hands(stream, self, session).await
    }

    /// Synchronizes with a guest agent over any connected stream.
    ///
    /// # Errors
    ///
    /// Those of [`connect_guest_agent`](Self::connect_guest_agent). The stream is dropped then.
    pub async fn connect_guest_agent_over(self, stream: impl Stream) -> Result<Client> {
        let session = connect::guest_agent(&self);
        connect::shake_hands(stream, self, session).await
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}
