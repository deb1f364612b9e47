//! How to connect, and how long to wait for what.

use super::{Client, Transport};
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
    /// ```no_run
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let qmp = "unix:/run/vm.qmp,server=on,wait=off";
    /// let mut process = std::process::Command::new("qemu-system-x86_64").args(["-qmp", qmp]).spawn()?;
    /// let vm = qemu_qmp::ConnectOptions::new().retry_for(Duration::from_secs(30)).connect("/run/vm.qmp")?;
    /// # Ok(())
    /// # }
    /// ```
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

    /// The bounds of the session: line length, buffered events, out-of-band execution.
    pub fn session(mut self, session: SessionOptions) -> Self {
        self.session = session;
        self
    }

    /// A client for this address, which is not connected yet.
    pub fn client(self, address: impl Into<Address>) -> Client {
        Client::with_address(address.into(), self)
    }

    /// A client over this transport, which has not greeted yet.
    pub fn client_over(self, transport: impl Transport) -> Client {
        Client::with_transport(Box::new(transport), self)
    }

    /// Connects to a monitor and negotiates.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`].
    pub fn connect(self, address: impl Into<Address>) -> Result<Client> {
        let mut client = self.client(address);
        client.open(Server::Monitor)?;
        Ok(client)
    }

    /// Connects to a guest agent and synchronizes.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect_guest_agent`].
    pub fn connect_guest_agent(self, address: impl Into<Address>) -> Result<Client> {
        let mut client = self.client(address);
        client.open(Server::GuestAgent)?;
        Ok(client)
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}
