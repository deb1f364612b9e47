//! Waiting for a QEMU that connects as a client: `-qmp unix:PATH` or `-qmp tcp:HOST:PORT` without `server=on`.
//!
//! Never closes a connection that it did not accept, and never waits longer than a deadline says.

use super::calls::in_time;
use super::connect::greet;
use super::{Client, ConnectOptions};
use crate::address::Address;
use crate::error::{Error, Phase, Result};
use crate::server::Server;
#[cfg(unix)]
use crate::socket_file::SocketFile;
use ::tokio::net::TcpListener;
#[cfg(unix)]
use ::tokio::net::UnixListener;
use std::future::Future;
use std::io;
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

/// A socket to which a QEMU connects that was started with `-qmp unix:PATH` or `-qmp tcp:HOST:PORT`, without `server=on`.
///
/// QEMU connects once when it starts, and ends if nobody listens. On such a connection QEMU greets as on any other.
///
/// Whoever may connect is taken for QEMU: put a Unix socket in a directory that only QEMU's user can enter.
///
#[cfg_attr(feature = "qmp", doc = "```no_run")]
#[cfg_attr(not(feature = "qmp"), doc = "```ignore")]
/// use qemu_qmp::tokio::Listener;
/// # use std::time::Duration;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Listener::bind_unix("/run/vm.qmp")?;
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
    /// The file is removed last.
    #[cfg(unix)]
    Unix(UnixListener, #[expect(dead_code, reason = "it acts when it is dropped")] SocketFile),
}

impl Listener {
    /// Listens on a new Unix socket, whose file is removed when the listener is dropped. Clients that were accepted stay.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), such as [`AddrInUse`](io::ErrorKind::AddrInUse) if there is a file already. It may be
    /// somebody else's socket, and is left alone.
    #[cfg(unix)]
    pub fn bind_unix(path: impl AsRef<Path>) -> Result<Self> {
        let address = Address::from(path.as_ref());
        let bind = || {
            let path = std::path::absolute(path.as_ref())?;
            let socket = UnixListener::bind(&path)?;
            Ok(Socket::Unix(socket, SocketFile::new(path)?))
        };
        match bind() {
            Ok(socket) => Ok(Listener { socket, address }),
            Err(source) => Err(Error::listen(&address, source)),
        }
    }

    /// Listens on a TCP port of this host; port 0 is any that is free. [`address`](Self::address) tells which.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), such as [`AddrInUse`](io::ErrorKind::AddrInUse).
    pub async fn bind_tcp(host_and_port: (impl Into<String>, u16)) -> Result<Self> {
        let (host, port) = host_and_port;
        let host = host.into();
        let bound = async {
            let socket = TcpListener::bind((&*host, port)).await?;
            let address = socket.local_addr()?.into();
            Ok(Listener { socket: Socket::Tcp(socket), address })
        };
        bound.await.map_err(|source| Error::listen(&Address::Tcp { host: host.clone(), port }, source))
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits so long for a monitor to connect, and negotiates with the deadlines of [`ConnectOptions::new`]. Without a
    /// timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectOptions::accept`].
    pub async fn accept(&self, timeout: impl Into<Option<Duration>>) -> Result<Client> {
        ConnectOptions::new().connect_timeout(timeout).accept(self).await
    }
}

impl ConnectOptions {
    /// Waits for a monitor to connect to the listener, and negotiates. [`connect_timeout`](Self::connect_timeout) is for the
    /// first of both; [`retry_for`](Self::retry_for) has no meaning here.
    ///
    /// A future that is dropped takes no connection, or closes it if it took one already.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect). The listener goes on listening, whatever the error.
    pub async fn accept(self, listener: &Listener) -> Result<Client> {
        self.accept_server(listener, Server::Monitor).await
    }

    /// Waits for a guest agent's transport to connect to the listener, and synchronizes: for a QEMU whose `-chardev socket`
    /// for the agent is not a server.
    ///
    /// # Errors
    ///
    /// Those of [`connect_guest_agent`](Self::connect_guest_agent).
    pub async fn accept_guest_agent(self, listener: &Listener) -> Result<Client> {
        self.accept_server(listener, Server::GuestAgent).await
    }

    async fn accept_server(self, listener: &Listener, server: Server) -> Result<Client> {
        let limit = self.connect_timeout;
        let failed = |source| Error::listen(&listener.address, source);
        match &listener.socket {
            Socket::Tcp(socket) => {
                let accepting = async { first_to_stay(|| socket.accept()).await.map_err(failed) };
                let (stream, _) = in_time(limit, Phase::Connect, accepting).await?;
                // Each command is one write, and must not wait for the reply to an earlier one.
                stream.set_nodelay(true).map_err(failed)?;
                greet(stream, server, &self, self.greeting_timeout).await
            }
            #[cfg(unix)]
            Socket::Unix(socket, _) => {
                let accepting = async { first_to_stay(|| socket.accept()).await.map_err(failed) };
                let (stream, _) = in_time(limit, Phase::Connect, accepting).await?;
                greet(stream, server, &self, self.greeting_timeout).await
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
