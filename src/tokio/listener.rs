//! Waiting for a QEMU that connects as a client: `-qmp unix:PATH` or `-qmp tcp:HOST:PORT` without `server=on`.
//!
//! Never closes a connection that it did not accept, and never waits longer than a deadline says.

use super::client::Client;
use super::connect::greet;
use super::deadline::Deadline;
use super::handle::Handle;
use crate::address::Address;
#[cfg(unix)]
use crate::address::{abstract_socket, check_path};
use crate::api::{Peer, PeerKind};
use crate::connect::session;
use crate::error::{Error, Phase, Result};
use crate::label::Label;
use crate::options::ConnectOptions;
#[cfg(unix)]
use crate::socket_file::SocketFile;
use crate::timeout::Timeout;
use ::tokio::net::TcpListener;
#[cfg(unix)]
use ::tokio::net::UnixListener;
use ::tokio::time::timeout;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

/// How often to ask whether the server's process has ended.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A socket to which a QEMU connects that was started with `-qmp unix:PATH` or `-qmp tcp:HOST:PORT`, without `server=on`.
///
/// QEMU connects once when it starts, and ends if nobody listens. On such a connection QEMU greets as on any other.
///
/// Any process that may connect is taken for QEMU: put a Unix socket in a directory that only QEMU's user can enter.
///
/// ```no_run
/// use qemu_qmp::tokio::Listener;
/// # use std::time::Duration;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Listener::bind("/run/vm.qmp").await?;
/// let mut process = std::process::Command::new("qemu-system-x86_64").args(["-qmp", "unix:/run/vm.qmp"]).spawn()?;
/// let vm = listener.accept(Duration::from_secs(30)).await?;
/// println!("{}", vm.execute(qemu_qmp::qmp::commands::QueryStatus::new()).await?.status);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: Address,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    /// The file, if it has one, is removed last.
    #[cfg(unix)]
    Unix(UnixListener, #[expect(dead_code, reason = "it acts when it is dropped")] Option<SocketFile>),
}

impl Listener {
    /// Listens at an address: on a new Unix socket, whose file is removed when the listener is dropped, or on a TCP port of
    /// this host. Port 0 is any that is free; [`address`](Self::address) tells which. Clients that were accepted stay when the
    /// listener is dropped.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), such as [`AddrInUse`](io::ErrorKind::AddrInUse) if somebody listens there, or there is a
    /// file already. It may be somebody else's socket, and is left alone.
    pub async fn bind(address: impl Into<Address>) -> Result<Self> {
        let address = address.into();
        Self::try_bind(&address).await.map_err(|cause| Error::listen(&address, cause))
    }

    /// The address that it listens at.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits so long for a monitor to connect, and negotiates with the deadlines of [`ConnectOptions::new`]. Without a
    /// timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// Those of [`accept_with`](Self::accept_with).
    pub async fn accept(&self, timeout: impl Timeout) -> Result<Client> {
        self.accept_with(&ConnectOptions::new().connect_timeout(timeout)).await
    }

    /// Waits for a peer to connect, within [`connect_timeout`](ConnectOptions::connect_timeout), and greets and negotiates, or
    /// synchronizes: with a guest agent for a QEMU whose `-chardev socket` for the agent is not a server.
    ///
    /// A future that is dropped takes no connection, or closes it if it took one already.
    ///
    /// # Errors
    ///
    /// Those of [connecting](crate::Client#connecting). The listener goes on listening, whatever the error.
    pub async fn accept_with<P: Peer>(&self, options: &ConnectOptions) -> Result<Client<P>> {
        Ok(Client::new(self.accept_peer(P::KIND, options).await?, options))
    }

    async fn accept_peer(&self, peer: PeerKind, options: &ConnectOptions) -> Result<Handle> {
        let deadline = Deadline::new(options.connect_timeout);
        let session = session(peer, options, Some(&self.address));
        let label = session.label().clone();
        let failed = |cause| Error::listen(&self.address, cause);
        match &self.socket {
            Socket::Tcp(socket) => {
                let accepting = async { first_to_stay(|| socket.accept()).await.map_err(failed) };
                let accepting = unless_ended(options, &label, accepting);
                let (stream, _) = deadline.limit(&label, Phase::Connect, None, accepting).await?;
                // Each command is one write, and must not wait for the reply to an earlier one.
                stream.set_nodelay(true).map_err(failed)?;
                greet(stream, session, options.greeting_timeout).await
            }
            #[cfg(unix)]
            Socket::Unix(socket, _) => {
                let accepting = async { first_to_stay(|| socket.accept()).await.map_err(failed) };
                let accepting = unless_ended(options, &label, accepting);
                let (stream, _) = deadline.limit(&label, Phase::Connect, None, accepting).await?;
                greet(stream, session, options.greeting_timeout).await
            }
        }
    }

    async fn try_bind(address: &Address) -> io::Result<Self> {
        match address {
            #[cfg(unix)]
            Address::Unix(path) => {
                check_path(path)?;
                // The path as it is: in a deep folder an absolute one does not fit into a socket's address.
                let socket = UnixListener::bind(path)?;
                let file = Some(SocketFile::new(std::path::absolute(path)?)?);
                Ok(Listener { socket: Socket::Unix(socket, file), address: address.clone() })
            }
            #[cfg(unix)]
            Address::Abstract(name) => {
                let socket = std::os::unix::net::UnixListener::bind_addr(&abstract_socket(name)?)?;
                socket.set_nonblocking(true)?;
                Ok(Listener { socket: Socket::Unix(socket.try_into()?, None), address: address.clone() })
            }
            #[cfg(not(unix))]
            Address::Unix(_) | Address::Abstract(_) => Err(io::ErrorKind::Unsupported.into()),
            Address::Tcp { host, port } => {
                let socket = TcpListener::bind((&**host, *port)).await?;
                let address = socket.local_addr()?.into();
                Ok(Listener { socket: Socket::Tcp(socket), address })
            }
        }
    }
}

/// Accepts until it is not somebody who has left already.
async fn first_to_stay<T, F: Future<Output = io::Result<T>>>(accept: impl Fn() -> F) -> io::Result<T> {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    loop {
        match accept().await {
            Err(error) if matches!(error.kind(), Interrupted | ConnectionAborted | ConnectionReset) => {}
            accepted => return accepted,
        }
    }
}

/// Waits for a future until the server's process has ended, which is an error.
async fn unless_ended<T>(
    options: &ConnectOptions,
    label: &Label,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    if !options.watches_server() {
        return future.await;
    }
    let mut future = pin!(future);
    loop {
        match timeout(ASK_AGAIN, &mut future).await {
            Ok(outcome) => return outcome,
            Err(_) => options.check_server(label)?,
        }
    }
}
