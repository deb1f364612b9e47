//! The asynchronous client, over tokio's sockets or any stream.
//!
//! [`Client`] is a handle of one connection: cheap to clone, and to be used from as many tasks as there are. A
//! background task moves bytes between the [stream](Stream) and a [`Session`](crate::session::Session); calls and event
//! streams talk to that session and not to the task, so that each of them can be dropped at any point without harm.
//!
//! This module never starts a thread and never blocks one, and has no buffer without a bound: see [Memory](Client#memory).
//! It works on each kind of tokio's runtimes, which must have I/O and time enabled.
//!
#![cfg_attr(feature = "qmp", doc = "```no_run")]
#![cfg_attr(not(feature = "qmp"), doc = "```ignore")]
//! use qemu_qmp::qmp::{commands::*, events::*};
//! use qemu_qmp::tokio::Client;
//! use std::time::Duration;
//!
//! # async fn example() -> qemu_qmp::Result<()> {
//! let vm = Client::connect_unix("/run/vm.qmp").await?;
//! println!("{}", vm.execute(QueryStatus::new()).await?.status);
//!
//! // Listens from here on, so that the event cannot come too early.
//! let gone = vm.wait_for(Duration::from_secs(30), |event: &DeviceDeleted| event.device.as_deref() == Some("net0"));
//! vm.execute(DeviceDel::new("net0")).await?;
//! gone.await?;
//!
//! vm.close().await;
//! # Ok(())
//! # }
//! ```

mod audience;
mod calls;
mod connect;
mod driver;
mod events;
mod link;
mod listener;
mod options;
mod shared;
mod wakes;

pub use calls::Within;
pub use events::Events;
pub use listener::Listener;
pub use options::ConnectOptions;

use crate::error::{Error, Result};
use crate::message::Greeting;
use crate::session::Counters;
use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::sync::oneshot;
use shared::{Order, Shared};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a client can speak over: a socket, a TLS stream, `tokio::io::join` of a child process's standard streams.
///
/// Implemented for everything that has these bounds. What is not [`Unpin`] can be boxed and pinned.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// A handle of a connection to a monitor or guest agent.
///
/// Clones are handles of the same connection. When the last one is dropped, the connection is closed and its background
/// task ends. Calls borrow a handle; [event streams](Events) hold none, and end with the connection.
///
/// # Calls
///
/// A call is sent when its future is polled first, and calls are written in this order. Whoever awaits several of them at a
/// time pipelines them. A future may be dropped at any point: a command that was not written yet is not sent; the reply to
/// one that was is discarded when it comes.
///
/// # Errors
///
/// Each operation fails with [`NotConnected`](crate::ErrorKind::NotConnected) after [`close`](Self::close), and, once the
/// server has gone, with the reason: [`Closed`](crate::ErrorKind::Closed), [`Io`](crate::ErrorKind::Io), or
/// [`Malformed`](crate::ErrorKind::Malformed) if its last line is [half a line](crate::error::Malformed::HalfLine).
/// The calls under way at that moment get the same error, and so do the event streams.
///
/// Any other line that is no message leaves the connection unharmed. It is most likely the reply to the command whose turn
/// it is, and makes this call fail with [`Malformed`](crate::ErrorKind::Malformed); if no command waits, the event streams
/// tell of it.
///
/// # Deadlines
///
/// A call whose deadline passes fails with [`Timeout`](crate::ErrorKind::Timeout). The server may still execute the
/// command; the reply is discarded when it comes, and the connection goes on.
///
/// # Memory
///
/// An idle connection takes less than four kilobytes: 2,000 of them take 3.9 kB each on x86-64 Linux, with the pipe in memory
/// that each is connected to. It holds besides: the line that is being read, up to
/// [its bound](crate::session::SessionOptions::max_line_len); a line for each call that waits, and its reply; for each event
/// stream, what it has not taken yet, up to [the](crate::session::SessionOptions::max_events)
/// [bounds](crate::session::SessionOptions::max_event_bytes). Event streams share the events that several of them keep.
///
/// By default a line may have 64 MiB, and the events of a stream as much. Lower that for many servers that are not trusted.
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
    call_timeout: Option<Duration>,
}

/// What all clones share. The driver and event streams hold `Shared`, but not this.
struct Handle {
    shared: Arc<Shared>,
}

impl Client {
    /// Connects to a monitor's Unix socket and negotiates, with the deadlines of [`ConnectOptions::new`].
    ///
    /// # Errors
    ///
    /// Those of [`ConnectOptions::connect`].
    #[cfg(unix)]
    pub async fn connect_unix(path: impl AsRef<std::path::Path>) -> Result<Self> {
        ConnectOptions::new().connect(path.as_ref()).await
    }

    /// Connects to a monitor's TCP port and negotiates, with the deadlines of [`ConnectOptions::new`]. All addresses of a
    /// host name are tried.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectOptions::connect`].
    pub async fn connect_tcp(host_and_port: (impl Into<String>, u16)) -> Result<Self> {
        let (host, port) = host_and_port;
        ConnectOptions::new().connect((host.into(), port)).await
    }

    /// Negotiates with a monitor over any connected stream, with the deadline of [`ConnectOptions::new`].
    ///
    /// # Errors
    ///
    /// Those of [`ConnectOptions::connect_over`].
    pub async fn from_stream(stream: impl Stream) -> Result<Self> {
        ConnectOptions::new().connect_over(stream).await
    }

    /// Connects to a guest agent's Unix socket, which is where QEMU puts the other end of the agent's virtio-serial port, and
    /// synchronizes, with the deadlines of [`ConnectOptions::new`].
    ///
    /// # Errors
    ///
    /// Those of [`ConnectOptions::connect_guest_agent`].
    #[cfg(unix)]
    pub async fn connect_guest_agent_unix(path: impl AsRef<std::path::Path>) -> Result<Self> {
        ConnectOptions::new().connect_guest_agent(path.as_ref()).await
    }

    /// Closes the connection, for all handles, and waits until it is closed: QEMU is then free to greet another client.
    ///
    /// Calls under way fail with [`NotConnected`](crate::ErrorKind::NotConnected), and event streams end. If the stream has
    /// a farewell of its own, as TLS has, this waits until it is written; dropping the handles does not.
    pub async fn close(&self) {
        self.shared().order(Order::Close);
        self.shared().gone().await;
    }

    /// Waits until the connection is closed, by whomever, and tells why.
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
    pub async fn into_inner<S: Stream>(self) -> Result<S, Client> {
        let Client { handle, call_timeout } = self;
        let again = |handle| Client { handle, call_timeout };
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

    /// Whether there is a connection, as far as is known without asking the peer.
    pub fn is_connected(&self) -> bool {
        self.shared().is_connected()
    }

    /// The server's greeting. Guest agents do not greet.
    pub fn greeting(&self) -> Option<&Greeting> {
        self.shared().greeting()
    }

    /// Whether commands may be executed out-of-band on this connection.
    pub fn is_oob(&self) -> bool {
        self.shared().is_oob()
    }

    /// What this connection dropped so far: events that subscribers missed, replies that nobody waits for.
    pub fn counters(&self) -> Counters {
        self.shared().counters()
    }

    /// Changes how long calls by this handle, and its future clones, may take, unless [`within`](Self::within) says
    /// otherwise; `None` waits for ever.
    pub fn set_call_timeout(&mut self, timeout: impl Into<Option<Duration>>) {
        self.call_timeout = timeout.into();
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.order(Order::Drop);
    }
}
