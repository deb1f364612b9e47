//! The blocking client, over the standard library's sockets or any reader and writer.
//!
//! [`Client`] is a [`Session`](crate::session::Session) on a [`Transport`]. It assumes that one thread at a time uses it;
//! [`SharedClient`] is for several. Neither starts a thread but for connecting with a deadline and for [`Parts`], waits longer
//! than a deadline says, or loses a byte when a deadline passes.
//!
//! What many programs never call is inline, so that only those which call it compile it.

mod address;
mod calls;
mod connect;
mod events;
mod handover;
mod link;
mod listener;
mod options;
mod parts;
mod shared;
mod transport;

pub use calls::Within;
pub use listener::Listener;
pub use options::ConnectOptions;
pub use parts::Parts;
pub use shared::SharedClient;
pub use transport::{Transport, Wait};

use crate::address::Address;
use crate::error::{Error, Repr, Result};
use crate::message::Greeting;
use crate::server::Server;
use crate::session::Counters;
use link::Link;
use std::fmt;
use std::io::{Read, Write};
use std::time::Duration;
use transport::AnyTransport;

/// A client of a monitor or guest agent, which waits for each reply.
///
/// # Connecting
///
/// [`connect_unix`](Self::connect_unix) and [`connect_tcp`](Self::connect_tcp) connect and negotiate at once, with the
/// deadlines of [`ConnectOptions::new`]. [`new`](Self::new) and [`connect`](Self::connect) do the same in two steps, and
/// [`ConnectOptions`] with deadlines and bounds of one's own.
///
/// # Errors
///
/// Each operation fails with [`NotConnected`](crate::ErrorKind::NotConnected) before `connect` and after
/// [`close`](Self::close), and with [`Closed`](crate::ErrorKind::Closed) once the peer has closed the connection and what it
/// sent before was taken. A line that is no message makes the operation that meets it fail with
/// [`Malformed`](crate::ErrorKind::Malformed), once; a call that fails in this way was sent, and its reply, should it still
/// come, is dropped. All other operations go on as if nothing had been. If an I/O error leaves the connection in doubt, the
/// next operation tries again.
///
/// # Deadlines
///
/// A call whose deadline passes fails with [`Timeout`](crate::ErrorKind::Timeout). The server may still execute the
/// command; the reply is dropped when it comes, and the client goes on.
pub struct Client {
    origin: Origin,
    /// Both boxed because a client is moved around more often than it is used.
    options: Box<ConnectOptions>,
    link: Option<Box<Link>>,
}

/// What to connect to.
enum Origin {
    Address(Address),
    /// A transport that exists already, until it is used.
    Transport(Option<Box<dyn AnyTransport>>),
}

impl Client {
    /// A client for this address. Nothing is connected yet.
    pub fn new(address: impl Into<Address>) -> Self {
        ConnectOptions::new().client(address)
    }

    /// A client over a connected socket or another transport. Nothing is read yet: [`connect`](Self::connect) greets.
    pub fn from_transport(transport: impl Transport) -> Self {
        ConnectOptions::new().client_over(transport)
    }

    /// A client over any reader and writer, such as the standard streams of a child process. See [`Parts`] for what holds
    /// of deadlines there. Nothing is sent yet: [`connect`](Self::connect) greets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the thread that reads cannot be started.
    pub fn from_parts(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> Result<Self> {
        let failed = |source| Error::from(Repr::Io { doing: crate::error::Doing::Reading, source });
        Ok(Self::from_transport(Parts::new(reader, writer).map_err(failed)?))
    }

    /// Connects to a monitor's Unix socket and negotiates.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    #[cfg(unix)]
    pub fn connect_unix(path: impl AsRef<std::path::Path>) -> Result<Self> {
        ConnectOptions::new().connect(path.as_ref())
    }

    /// Connects to a monitor's TCP port and negotiates. All addresses of a host name are tried.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub fn connect_tcp(host_and_port: (impl Into<String>, u16)) -> Result<Self> {
        let (host, port) = host_and_port;
        ConnectOptions::new().connect((host.into(), port))
    }

    /// Connects to a guest agent's Unix socket, which is where QEMU puts the other end of the agent's virtio-serial port, and
    /// synchronizes.
    ///
    /// # Errors
    ///
    /// Those of [`connect_guest_agent`](Self::connect_guest_agent).
    #[cfg(unix)]
    pub fn connect_guest_agent_unix(path: impl AsRef<std::path::Path>) -> Result<Self> {
        ConnectOptions::new().connect_guest_agent(path.as_ref())
    }

    /// Connects, reads the greeting, and negotiates capabilities.
    ///
    /// After [`close`](Self::close) a client with an address may connect again.
    ///
    /// # Errors
    ///
    /// - [`Io`](crate::ErrorKind::Io): the socket cannot be reached.
    /// - [`Timeout`](crate::ErrorKind::Timeout): a deadline passed. Without a greeting in time, another client is likely to
    ///   be connected: QEMU serves one per monitor.
    /// - [`Greeting`](crate::ErrorKind::Greeting): the connection ended instead of a greeting, or something else came.
    /// - [`Negotiation`](crate::ErrorKind::Negotiation): the server refused.
    /// - [`Timeout`](crate::ErrorKind::Timeout) if that was [tried again](ConnectOptions::retry_for) for too long.
    /// - [`AlreadyConnected`](crate::ErrorKind::AlreadyConnected), or
    ///   [`NotConnected`](crate::ErrorKind::NotConnected) if this client is over a transport that it had and lost.
    ///
    /// The client is not connected then.
    #[inline]
    pub fn connect(&mut self) -> Result<Greeting> {
        self.open(Server::Monitor)?;
        self.greeting().cloned().ok_or_else(|| Repr::NotConnected.into())
    }

    /// Connects to a guest agent, and synchronizes: it does not greet.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect) except for the greeting's. If the agent does not run, the deadline passes.
    #[inline]
    pub fn connect_guest_agent(&mut self) -> Result<()> {
        self.open(Server::GuestAgent)
    }

    /// Closes the connection. What was buffered is gone. Does nothing if there is none.
    ///
    /// Dropping a client does the same.
    #[inline]
    pub fn close(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.transport.close();
        }
    }

    /// The transport, if it is a `T`: a `UnixStream`, a `TcpStream`, or what the client was made from. The
    /// server stays in command mode. Events that were not taken are gone, and so is the beginning of a line, if one arrived.
    ///
    /// # Errors
    ///
    /// The client, if it is not connected or its transport is something else.
    pub fn into_inner<T: Transport>(mut self) -> Result<T, Client> {
        match self.link.take() {
            Some(link) if (*link.transport).as_any().is::<T>() => match link.transport.into_any().downcast::<T>() {
                Ok(mut transport) => {
                    transport.release();
                    Ok(*transport)
                }
                // Just compared.
                Err(_) => Err(self),
            },
            link => {
                self.link = link;
                Err(self)
            }
        }
    }

    /// Whether there is a connection, as far as is known without asking the peer.
    #[inline]
    pub fn is_connected(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.session.is_ended())
    }

    /// The server's greeting. Guest agents do not greet.
    #[inline]
    pub fn greeting(&self) -> Option<&Greeting> {
        self.link.as_ref()?.session.greeting()
    }

    /// Whether commands may be executed out-of-band on this connection.
    #[inline]
    pub fn is_oob(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.session.is_oob())
    }

    /// What this connection dropped so far: events over the bound, replies that nobody waits for.
    #[inline]
    pub fn counters(&self) -> Counters {
        self.link.as_ref().map(|link| link.session.counters()).unwrap_or_default()
    }

    /// Changes how long a call may take, unless [`within`](Self::within) says otherwise; `None` waits for ever.
    pub fn set_call_timeout(&mut self, timeout: impl Into<Option<Duration>>) {
        self.options.call_timeout = timeout.into();
    }

    fn with_address(address: Address, options: ConnectOptions) -> Self {
        Client { origin: Origin::Address(address), options: Box::new(options), link: None }
    }

    fn with_transport(transport: Box<dyn AnyTransport>, options: ConnectOptions) -> Self {
        Client { origin: Origin::Transport(Some(transport)), options: Box::new(options), link: None }
    }

    fn with_link(link: Box<Link>, options: ConnectOptions) -> Self {
        Client { origin: Origin::Transport(None), options: Box::new(options), link: Some(link) }
    }

    fn open(&mut self, server: Server) -> Result<()> {
        if self.link.is_some() {
            return Err(Repr::AlreadyConnected.into());
        }
        let link = match &mut self.origin {
            Origin::Address(address) => connect::connect(address, server, &self.options)?,
            Origin::Transport(transport) => {
                let transport = transport.take().ok_or_else(|| Error::from(Repr::NotConnected))?;
                connect::greet(transport, server, &self.options, self.options.greeting_timeout)?
            }
        };
        self.link = Some(link);
        Ok(())
    }

    #[inline]
    fn link(&mut self) -> Result<&mut Link> {
        self.link.as_deref_mut().ok_or_else(|| Repr::NotConnected.into())
    }
}

impl fmt::Debug for Client {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        if let Origin::Address(address) = &self.origin {
            shown.field("address", address);
        }
        shown.field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}
