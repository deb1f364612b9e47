//! The handle of a connection: connecting, calls, and what is known of the connection.

use super::calls::CallBuilder;
use super::connect::{connect, greet};
use super::handle::Handle;
use super::shared::{Order, Shared};
use super::stream::Stream;
use crate::address::Address;
use crate::api::{CommandFor, Monitor, MonitorPeer, OobCommand, Peer};
use crate::connect::session;
use crate::error::{Error, Result};
use crate::message::{Greeting, Reply};
use crate::options::ConnectOptions;
use crate::session::Counters;
use crate::timeout::Timeout;
use ::tokio::sync::oneshot;
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A handle of a connection to the peer `P`: a [`Monitor`], a [`StorageDaemon`](crate::StorageDaemon) or a
/// [`GuestAgent`](crate::GuestAgent). It takes the commands that this peer has, and no others.
///
/// Clones are handles of the same connection. When the last one is dropped, the connection is closed and its background
/// task ends. Calls borrow a handle; [event streams](super::Events) hold none, and end with the connection. A client is
/// connected from the beginning. Once the connection has ended, it is of no use any more: connect again.
///
/// # Connecting
///
/// [`connect_unix`](Self::connect_unix) and [`connect_tcp`](Self::connect_tcp) connect to a monitor, with the deadlines of
/// [`ConnectOptions::new`]. [`connect_with`](Self::connect_with) takes options, and connects to each kind of peer:
///
/// ```no_run
/// # async fn example() -> qemu_qmp::Result<()> {
/// use qemu_qmp::{qga::commands::GuestPing, tokio::Client, ConnectOptions, GuestAgent};
///
/// let agent = Client::<GuestAgent>::connect_with("/run/vm.qga", &ConnectOptions::new().name("vm")).await?;
/// agent.execute(GuestPing::new()).await?;
/// # Ok(())
/// # }
/// ```
///
/// Connecting fails as [it does](crate::Client#connecting) with the other clients.
///
/// # Calls
///
/// A call is sent when its future is polled first, and calls are written in this order. Several calls that are awaited at a
/// time are pipelined. A future may be dropped at any point: a command that was not written yet is not sent; the reply to
/// one that was is discarded when it comes.
///
/// # Errors
///
/// Those that the blocking [`Client`](crate::Client#errors) tells of. The end of the connection is also the last item of
/// the event streams.
///
/// # Deadlines
///
/// A call whose deadline passes fails with [`Timeout`](crate::ErrorKind::Timeout). The server may still execute the
/// command; the reply is discarded when it comes, and the connection goes on.
///
/// # Memory
///
/// An idle connection takes less than four kilobytes: 2,000 of them take 3.4 kB each on x86-64 Linux, with the pipe in memory
/// that each is connected to. It holds besides: the line that is being read, up to
/// [its bound](crate::session::SessionOptions::max_line_len); a line for each call that waits, and its reply; and events, up to
/// [the](crate::session::SessionOptions::max_events) [bounds](crate::session::SessionOptions::max_event_bytes): until the first
/// subscription those that came since the connection was made, and then for each event stream what it has not taken yet. Event
/// streams share the events that several of them keep.
///
/// By default a line may have 64 MiB, and the events of a stream as much. Lower that for many servers that are not trusted,
/// and for programs that take no events.
pub struct Client<P = Monitor> {
    handle: Arc<Handle>,
    call_timeout: Option<Duration>,
    peer: PhantomData<fn() -> P>,
}

impl Client<Monitor> {
    /// Connects to a monitor's Unix socket and negotiates, with the deadlines of [`ConnectOptions::new`].
    ///
    /// # Errors
    ///
    /// Those of [connecting](crate::Client#connecting).
    #[cfg(unix)]
    pub async fn connect_unix(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Self::connect(path.as_ref()).await
    }

    /// Connects to a monitor's TCP port and negotiates, with the deadlines of [`ConnectOptions::new`]. All addresses of a
    /// host name are tried.
    ///
    /// # Errors
    ///
    /// Those of [connecting](crate::Client#connecting).
    pub async fn connect_tcp(host_and_port: (impl Into<String>, u16)) -> Result<Self> {
        let (host, port) = host_and_port;
        Self::connect((host.into(), port)).await
    }
}

impl<P: Peer> Client<P> {
    /// Connects with the deadlines of [`ConnectOptions::new`]: greets and negotiates, or synchronizes with a guest agent.
    ///
    /// # Errors
    ///
    /// Those of [connecting](crate::Client#connecting).
    pub async fn connect(address: impl Into<Address>) -> Result<Self> {
        Self::connect_with(address, &ConnectOptions::new()).await
    }

    /// Connects with options.
    ///
    /// # Errors
    ///
    /// Those of [connecting](crate::Client#connecting).
    pub async fn connect_with(address: impl Into<Address>, options: &ConnectOptions) -> Result<Self> {
        Ok(Self::new(connect(&address.into(), P::KIND, options).await?, options))
    }

    /// Greets and negotiates, or synchronizes with a guest agent, over any connected stream.
    ///
    /// # Windows
    ///
    /// There this is the way to a named pipe, such as QEMU makes with
    /// `-chardev pipe,id=qmp,path=vm -mon chardev=qmp,mode=control`. A pipe that another client holds cannot be opened. TCP
    /// works as it does elsewhere; Unix sockets are not supported, because neither the standard library nor tokio has them
    /// there.
    ///
    /// ```no_run
    /// # #[cfg(windows)]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use qemu_qmp::{tokio::Client, ConnectOptions, Monitor};
    /// use tokio::net::windows::named_pipe::ClientOptions;
    ///
    /// let pipe = ClientOptions::new().open(r"\\.\pipe\vm")?;
    /// let vm: Client<Monitor> = Client::connect_over(pipe, &ConnectOptions::new().name("vm")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// This is checked to compile for Windows, and was not run there.
    ///
    /// # Errors
    ///
    /// Those of [connecting](crate::Client#connecting). The stream is dropped then.
    pub async fn connect_over(stream: impl Stream, options: &ConnectOptions) -> Result<Self> {
        let session = session(P::KIND, options, None);
        Ok(Self::new(greet(stream, session, options.greeting_timeout).await?, options))
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
    /// [`Encode`](crate::ErrorKind::Encode); and those of [every operation](crate::Client#errors).
    pub async fn execute<C: CommandFor<P>>(&self, command: C) -> Result<C::Reply> {
        self.call_builder().execute(command).await
    }

    /// Executes a command by name, typed nowhere, and gives the server's reply, also if it is an error.
    ///
    /// The id may be any JSON value, and comes back with the reply.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](crate::Client#errors).
    pub async fn cmd(&self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.call_builder().cmd(name, arguments, id).await
    }

    /// Sends a request that is an object already, with `execute` or `exec-oob`, perhaps `arguments` and `id`, and gives the
    /// server's reply, also if it is an error.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](crate::Client#errors).
    pub async fn cmd_obj(&self, request: Map<String, Value>) -> Result<Reply> {
        self.call_builder().cmd_obj(request).await
    }

    /// For calls that take longer, or may take less long, than others; `None` waits for ever.
    ///
    /// ```no_run
    /// # async fn example() -> qemu_qmp::Result<()> {
    /// # use std::time::Duration;
    /// let vm = qemu_qmp::tokio::Client::connect_unix("/run/vm.qmp").await?;
    /// let patient = vm.within(Duration::from_secs(600));
    /// let arguments = serde_json::json!({"command-line": "savevm before-upgrade"});
    /// let reply = patient.cmd("human-monitor-command", Some(arguments), None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(&self, timeout: impl Timeout) -> CallBuilder<'_, P> {
        self.call_builder().within(timeout)
    }

    /// For a command that needs file descriptors, such as `getfd`, `add-fd` and `add_client`: passes copies of these
    /// together with the command, over a Unix socket (feature `fd`). No other command can take them. They are copied when the
    /// call is sent, and those of a call that was dropped before it was written are not passed.
    ///
    /// QEMU takes one descriptor with each of these commands, and closes what no command took.
    ///
    /// ```no_run
    /// # async fn example(vm: qemu_qmp::tokio::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # use qemu_qmp::qmp::{commands::*, types::*};
    /// use std::os::fd::AsFd;
    ///
    /// let image = std::fs::File::open("/srv/disk.img")?;
    /// let added = vm.with_fds(&[image.as_fd()]).execute(AddFd::new().opaque("disk.img, to be read")).await?;
    /// let node = BlockdevOptionsFile::new(format!("/dev/fdset/{}", added.fdset_id));
    /// vm.execute(BlockdevAdd::from(BlockdevOptions::file(node).node_name("disk").read_only(true))).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The call fails with [`FdsUnavailable`](crate::ErrorKind::FdsUnavailable), and sends nothing, if the connection is over
    /// something else than a `tokio::net::UnixStream`, or if there are more than 16 descriptors.
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds<'a>(&'a self, fds: &'a [std::os::fd::BorrowedFd<'a>]) -> CallBuilder<'a, P> {
        self.call_builder().with_fds(fds)
    }

    /// Closes the connection, for all handles, and waits until it is closed: QEMU is then free to greet another client.
    ///
    /// Calls under way fail with [`NotConnected`](crate::ErrorKind::NotConnected), and event streams end. If the stream has
    /// a farewell of its own, as TLS has, this waits until it is written; dropping the handles does not.
    pub async fn close(&self) {
        self.shared().order(Order::Close);
        self.shared().gone().await;
    }

    /// Waits until the connection is closed, by either side, and tells why.
    pub async fn closed(&self) -> Error {
        self.shared().gone().await;
        self.shared().why()
    }

    /// The stream, if this is the last handle and the stream is an `S`. The server stays in command mode.
    ///
    /// A command that is being written is written to its end. Replies to calls that were dropped are still to come, and the
    /// beginning of a line, if one arrived, is gone. Event streams end.
    ///
    /// # Errors
    ///
    /// This handle, if there are others, if the stream is something else, or if the connection is closed already.
    pub async fn into_inner<S: Stream>(self) -> Result<S, Self> {
        let Client { handle, call_timeout, peer } = self;
        let again = |handle| Client { handle, call_timeout, peer };
        if !handle.shared.is_over::<S>() {
            return Err(again(handle));
        }
        let handle = Arc::try_unwrap(handle).map_err(again)?;
        let (sender, receiver) = oneshot::channel();
        handle.shared.order(Order::Detach(sender));
        match receiver.await.map(|stream| stream.downcast::<S>()) {
            Ok(Ok(stream)) => Ok(*stream),
            _ => Err(again(Arc::new(handle))),
        }
    }

    /// Returns whether there is a connection, as far as is known without asking the peer.
    pub fn is_connected(&self) -> bool {
        self.shared().with_session(|session| session.end().is_none())
    }

    /// Counts what this connection dropped so far: events that readers missed, replies that nobody waits for.
    pub fn counters(&self) -> Counters {
        self.shared().with_session(|session| session.counters())
    }

    /// Changes how long calls by this handle, and its future clones, may take, unless [`within`](Self::within) says
    /// otherwise; `None` waits for ever.
    pub fn set_call_timeout(&mut self, timeout: impl Timeout) {
        self.call_timeout = timeout.limit();
    }

    pub(super) fn new(handle: Handle, options: &ConnectOptions) -> Self {
        Client { handle: Arc::new(handle), call_timeout: options.call_timeout, peer: PhantomData }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// How long a call may take.
    pub(super) fn call_timeout(&self) -> Option<Duration> {
        self.call_timeout
    }

    fn call_builder(&self) -> CallBuilder<'_, P> {
        CallBuilder::new(self.shared(), self.call_timeout)
    }
}

impl<P: MonitorPeer> Client<P> {
    /// Executes a command at once, ahead of commands that the server has queued or is executing.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), and [`OobUnavailable`](crate::ErrorKind::OobUnavailable) if the server does not
    /// offer out-of-band execution, or it was not [wanted](crate::session::SessionOptions::oob).
    pub async fn execute_oob<C: OobCommand + CommandFor<P>>(&self, command: C) -> Result<C::Reply> {
        self.call_builder().execute_oob(command).await
    }

    /// The server's greeting.
    pub fn greeting(&self) -> &Greeting {
        self.handle.greeting.as_ref().unwrap_or(Greeting::NONE)
    }

    /// Returns whether commands may be executed out-of-band on this connection.
    pub fn oob_enabled(&self) -> bool {
        self.shared().with_session(|session| session.oob_enabled())
    }
}

impl<P> Clone for Client<P> {
    fn clone(&self) -> Self {
        Client { handle: self.handle.clone(), call_timeout: self.call_timeout, peer: PhantomData }
    }
}

impl<P: Peer> fmt::Debug for Client<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("peer", &P::NAME);
        if let Some(label) = self.shared().label.shown() {
            shown.field("connection", &label);
        }
        shown.field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}
