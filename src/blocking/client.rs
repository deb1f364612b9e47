//! The client of one thread: connecting, calls, and what is known of the connection.

use super::calls::{CallBuilder, Caller};
use super::connect::{connect, connect_over};
use super::connection::Connection;
use super::transport::{AnyTransport, Transport};
use crate::address::Address;
use crate::api::{CommandFor, Monitor, MonitorPeer, OobCommand, Peer};
use crate::error::Result;
use crate::message::{Greeting, Reply};
use crate::options::ConnectOptions;
use crate::session::Counters;
use crate::timeout::Timeout;
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// A client that waits for each reply, of the peer `P`: a [`Monitor`], a [`StorageDaemon`](crate::StorageDaemon) or a
/// [`GuestAgent`](crate::GuestAgent). It takes the commands that this peer has, and no others.
///
/// A client is connected from the beginning. Once the connection has ended
/// ([`is_disconnected`](crate::Error::is_disconnected)), it is of no use any more: connect again.
///
/// # Connecting
///
/// [`connect_unix`](Self::connect_unix) and [`connect_tcp`](Self::connect_tcp) connect to a monitor, with the deadlines of
/// [`ConnectOptions::new`]. [`connect_with`](Self::connect_with) takes options, and connects to each kind of peer:
///
/// ```no_run
/// # fn main() -> qemu_qmp::Result<()> {
/// use qemu_qmp::{blocking::Client, qga::commands::GuestPing, ConnectOptions, GuestAgent};
///
/// let mut agent = Client::<GuestAgent>::connect_with("/run/vm.qga", &ConnectOptions::new().name("vm"))?;
/// agent.execute(GuestPing::new())?;
/// # Ok(())
/// # }
/// ```
///
/// Connecting fails with one of these kinds of errors:
///
/// - [`Io`](crate::ErrorKind::Io): the socket cannot be reached. The kind of its [`io_error`](crate::Error::io_error) tells
///   whether there is none ([`NotFound`](std::io::ErrorKind::NotFound)), nobody listens
///   ([`ConnectionRefused`](std::io::ErrorKind::ConnectionRefused)), or this process may not use it
///   ([`PermissionDenied`](std::io::ErrorKind::PermissionDenied)).
/// - [`Timeout`](crate::ErrorKind::Timeout): a deadline passed. Without a greeting in time, another client is likely to
///   be connected: QEMU serves one per monitor. A guest agent that does not run does not synchronize in time. With
///   [`retry_for`](ConnectOptions::retry_for), connecting was tried for too long.
/// - [`Greeting`](crate::ErrorKind::Greeting): the connection ended instead of a greeting, or something else came.
/// - [`Negotiation`](crate::ErrorKind::Negotiation): the server refused.
/// - [`Closed`](crate::ErrorKind::Closed), [`Malformed`](crate::ErrorKind::Malformed): the connection ended, or something
///   else than a message came, after the greeting.
///
/// # Errors
///
/// The following holds for each client of this crate.
///
/// Once the connection has ended, each operation fails with what ended it: [`Closed`](crate::ErrorKind::Closed) if the peer
/// closed or broke it, [`Io`](crate::ErrorKind::Io) if the operating system reported something else,
/// [`Malformed`](crate::ErrorKind::Malformed) with [`HalfLine`](crate::error::Malformed::HalfLine) if it ended in the middle
/// of a line, [`NotConnected`](crate::ErrorKind::NotConnected) if this side closed it. Calls that are under way at that moment
/// fail with the same error. Events that came before are taken first.
///
/// A line that is no message ends the call whose reply it most likely was with [`Malformed`](crate::ErrorKind::Malformed),
/// and the connection goes on; see [`Session`](crate::session::Session#calls) for which call that is. If it can be no reply, it
/// may have been an event, and the operation on events that meets it fails with `Malformed`, once.
///
/// Events that nobody takes are kept up to a [bound](crate::session::SessionOptions::max_events), at which the oldest go. The next
/// operation on events fails with [`Missed`](crate::ErrorKind::Missed) then, once.
///
/// # Deadlines
///
/// A call whose deadline passes fails with [`Timeout`](crate::ErrorKind::Timeout). The server may still execute the
/// command; the reply is dropped when it comes, and the client goes on.
pub struct Client<P = Monitor> {
    /// Boxed because a client is moved around more often than it is used.
    pub(super) connection: Box<Connection>,
    pub(super) call_timeout: Option<Duration>,
    peer: PhantomData<fn() -> P>,
}

impl Client<Monitor> {
    /// Connects to a monitor's Unix socket and negotiates, with the deadlines of [`ConnectOptions::new`].
    ///
    /// # Errors
    ///
    /// Those of [connecting](Client#connecting).
    #[cfg(unix)]
    pub fn connect_unix(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Self::connect(path.as_ref())
    }

    /// Connects to a monitor's TCP port and negotiates, with the deadlines of [`ConnectOptions::new`]. All addresses of a
    /// host name are tried.
    ///
    /// # Errors
    ///
    /// Those of [connecting](Client#connecting).
    pub fn connect_tcp(host_and_port: (impl Into<String>, u16)) -> Result<Self> {
        let (host, port) = host_and_port;
        Self::connect((host.into(), port))
    }
}

// The untyped calls are generic, like all of this, for the sake of programs without them: maps of JSON values make much code.
impl<P: Peer> Client<P> {
    /// Connects with the deadlines of [`ConnectOptions::new`]: greets and negotiates, or synchronizes with a guest agent.
    ///
    /// # Errors
    ///
    /// Those of [connecting](Client#connecting).
    pub fn connect(address: impl Into<Address>) -> Result<Self> {
        Self::connect_with(address, &ConnectOptions::new())
    }

    /// Connects with options.
    ///
    /// # Errors
    ///
    /// Those of [connecting](Client#connecting).
    pub fn connect_with(address: impl Into<Address>, options: &ConnectOptions) -> Result<Self> {
        Ok(Self::new(connect(&address.into(), P::KIND, options)?, options))
    }

    /// Greets and negotiates, or synchronizes with a guest agent, over a connected socket or another transport: an
    /// `FdTransport` (feature `fd`, on Unix) of a pseudo-terminal, a device or a child process's standard streams, or a
    /// [`PipeTransport`](super::PipeTransport) of any reader and writer.
    ///
    /// On Windows there are TCP ([`connect_tcp`](Client::connect_tcp)) and pipes of one direction each
    /// ([`PipeTransport`](super::PipeTransport#windows)). The standard library has no Unix sockets there, and no way to use a
    /// named pipe for both directions at the same time; the tokio client does use one. This crate is checked to compile for
    /// Windows, and was not run there.
    ///
    /// # Errors
    ///
    /// Those of [connecting](Client#connecting), after which the transport is closed.
    pub fn connect_over(transport: impl Transport, options: &ConnectOptions) -> Result<Self> {
        Ok(Self::new(connect_over(Box::new(transport), None, P::KIND, options)?, options))
    }

    /// Greets over what a listener accepted.
    pub(super) fn accepted(
        transport: Box<dyn AnyTransport>,
        address: &Address,
        options: &ConnectOptions,
    ) -> Result<Self> {
        Ok(Self::new(connect_over(transport, Some(address), P::KIND, options)?, options))
    }

    /// Executes a command and waits for what it returns.
    ///
    /// A command whose success is not answered, such as `guest-shutdown`, is waited for
    /// [a short while](crate::ConnectOptions::refusal_timeout), in which the server may refuse it. Then, or when the server goes,
    /// it returns `()`.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if the server refuses the command or fails;
    /// [`Decode`](crate::ErrorKind::Decode) if the reply does not fit; [`Timeout`](crate::ErrorKind::Timeout);
    /// [`Encode`](crate::ErrorKind::Encode); and those of [every operation](Client#errors).
    pub fn execute<C: CommandFor<P>>(&mut self, command: C) -> Result<C::Reply> {
        self.call_builder().execute(command)
    }

    /// Executes a command by name, typed nowhere, and gives the server's reply, also if it is an error.
    ///
    /// The id may be any JSON value, and comes back with the reply.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](Client#errors).
    pub fn cmd(&mut self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.call_builder().cmd(name, arguments, id)
    }

    /// Sends a request that is an object already, with `execute` or `exec-oob`, perhaps `arguments` and `id`, and gives the
    /// server's reply, also if it is an error.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](Client#errors).
    pub fn cmd_obj(&mut self, request: Map<String, Value>) -> Result<Reply> {
        self.call_builder().cmd_obj(request)
    }

    /// For calls that take longer, or may take less long, than others; `None` waits for ever.
    ///
    /// ```no_run
    /// # fn main() -> qemu_qmp::Result<()> {
    /// # use std::time::Duration;
    /// let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
    /// let arguments = serde_json::json!({"command-line": "savevm before-upgrade"});
    /// let reply = vm
    ///     .within(Duration::from_secs(600))
    ///     .cmd("human-monitor-command", Some(arguments), None)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(&mut self, timeout: impl Timeout) -> CallBuilder<'_, P> {
        self.call_builder().within(timeout)
    }

    /// For a command that needs file descriptors, such as `getfd`, `add-fd` and `add_client`: passes copies of these
    /// together with the command, over a Unix socket (feature `fd`). No other command can take them, and the originals can be
    /// closed when the call is over.
    ///
    /// QEMU takes one descriptor with each of these commands, and closes what no command took.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use qemu_qmp::qmp::{commands::*, types::*};
    /// use std::os::fd::AsFd;
    ///
    /// let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
    /// let image = std::fs::File::open("/srv/disk.img")?;
    /// let added = vm.with_fds(&[image.as_fd()]).execute(AddFd::new().opaque("disk.img, to be read"))?;
    /// let node = BlockdevOptionsFile::new(format!("/dev/fdset/{}", added.fdset_id));
    /// vm.execute(BlockdevAdd::from(BlockdevOptions::file(node).node_name("disk").read_only(true)))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The call fails with [`FdsUnavailable`](crate::ErrorKind::FdsUnavailable), and sends nothing, if the connection is over
    /// something else than a Unix socket, or if there are more than 16 descriptors.
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds<'a>(&'a mut self, fds: &'a [std::os::fd::BorrowedFd<'a>]) -> CallBuilder<'a, P> {
        self.call_builder().with_fds(fds)
    }

    /// Closes the connection. Events that were not taken are gone.
    ///
    /// Dropping a client does the same, unless another process holds a copy of its socket.
    pub fn close(mut self) {
        self.connection.transport().close();
    }

    /// The transport, if it is a `T`: a `UnixStream`, a `TcpStream`, or what the client was made from. The
    /// server stays in command mode. Events that were not taken are gone, and so is the beginning of a line, if one arrived.
    ///
    /// # Errors
    ///
    /// The client, if its transport is something else.
    pub fn into_inner<T: Transport>(mut self) -> Result<T, Self> {
        if !self.connection.transport().as_any().is::<T>() {
            return Err(self);
        }
        match self.connection.take_transport().into_any().downcast::<T>() {
            Ok(mut transport) => {
                transport.release();
                Ok(*transport)
            }
            // Just compared.
            Err(_) => Err(self),
        }
    }

    /// Returns whether there is a connection, as far as is known without asking the peer.
    pub fn is_connected(&self) -> bool {
        self.connection.session.end().is_none()
    }

    /// Counts what this connection dropped so far: events over the bound, replies that nobody waits for.
    pub fn counters(&self) -> Counters {
        self.connection.session.counters()
    }

    /// Changes how long a call may take, unless [`within`](Self::within) says otherwise; `None` waits for ever.
    pub fn set_call_timeout(&mut self, timeout: impl Timeout) {
        self.call_timeout = timeout.limit();
    }

    fn new(connection: Box<Connection>, options: &ConnectOptions) -> Self {
        Client { connection, call_timeout: options.call_timeout, peer: PhantomData }
    }

    fn call_builder(&mut self) -> CallBuilder<'_, P> {
        CallBuilder::new(Caller::Connection(&mut self.connection), self.call_timeout)
    }
}

impl<P: MonitorPeer> Client<P> {
    /// Executes a command at once, ahead of commands that the server has queued or is executing.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), and [`OobUnavailable`](crate::ErrorKind::OobUnavailable) if the server does not
    /// offer out-of-band execution, or it was not [wanted](crate::session::SessionOptions::oob).
    pub fn execute_oob<C: OobCommand + CommandFor<P>>(&mut self, command: C) -> Result<C::Reply> {
        self.call_builder().execute_oob(command)
    }

    /// The server's greeting.
    pub fn greeting(&self) -> &Greeting {
        self.connection.session.greeting().unwrap_or(Greeting::NONE)
    }

    /// Returns whether commands may be executed out-of-band on this connection.
    pub fn oob_enabled(&self) -> bool {
        self.connection.session.oob_enabled()
    }
}

impl<P: Peer> fmt::Debug for Client<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("peer", &P::NAME);
        if let Some(label) = self.connection.session.label().shown() {
            shown.field("connection", &label);
        }
        shown.field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}
