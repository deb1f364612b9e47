//! Waiting for a QEMU that connects as a client: `-qmp unix:PATH` or `-qmp tcp:HOST:PORT` without `server=on`.
//!
//! Never closes a connection that it did not accept, and never waits longer than a deadline says.

use super::connect::greet;
use super::transport::{AnyTransport, Wait};
use super::{Client, ConnectOptions};
use crate::address::Address;
use crate::error::{Error, Phase, Result};
use crate::server::Server;
#[cfg(unix)]
use crate::socket_file::SocketFile;
use std::net::TcpListener;
use std::time::Duration;
use std::{io, thread};
#[cfg(unix)]
use std::{os::unix::net::UnixListener, path::Path};

/// How long to wait before asking again for a connection. The standard library's listeners know no deadline.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A socket to which a QEMU connects that was started with `-qmp unix:PATH` or `-qmp tcp:HOST:PORT`, without `server=on`.
///
/// QEMU connects once when it starts, and ends if nobody listens. On such a connection QEMU greets as on any other.
///
/// Whoever may connect is taken for QEMU: put a Unix socket in a directory that only QEMU's user can enter.
///
/// ```no_run
/// use qemu_qmp::blocking::Listener;
/// # use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Listener::bind_unix("/run/vm.qmp")?;
/// let mut process = std::process::Command::new("qemu-system-x86_64").args(["-qmp", "unix:/run/vm.qmp"]).spawn()?;
/// let mut vm = listener.accept(Duration::from_secs(30))?;
/// println!("{}", vm.execute(qemu_qmp::qmp::commands::QueryStatus::new())?.status);
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
            let file = SocketFile::new(path)?;
            socket.set_nonblocking(true)?;
            Ok(Socket::Unix(socket, file))
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
    pub fn bind_tcp(host_and_port: (impl Into<String>, u16)) -> Result<Self> {
        let (host, port) = host_and_port;
        let wanted = Address::Tcp { host: host.into(), port };
        let bind = |host: &str| {
            let socket = TcpListener::bind((host, port))?;
            socket.set_nonblocking(true)?;
            let address = socket.local_addr()?.into();
            Ok(Listener { socket: Socket::Tcp(socket), address })
        };
        match &wanted {
            Address::Tcp { host, .. } => bind(host).map_err(|source| Error::listen(&wanted, source)),
            Address::Unix(_) => Err(Error::listen(&wanted, io::ErrorKind::Unsupported.into())),
        }
    }

    /// Where it listens.
    #[inline]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits so long for a monitor to connect, and negotiates with the deadlines of [`ConnectOptions::new`]. Without a
    /// timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectOptions::accept`].
    pub fn accept(&self, timeout: impl Into<Option<Duration>>) -> Result<Client> {
        ConnectOptions::new().connect_timeout(timeout).accept(self)
    }

    #[inline]
    fn next(&self, timeout: Option<Duration>) -> Result<Box<dyn AnyTransport>> {
        let wait = Wait::within(timeout);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_next() {
                Ok(transport) => return Ok(transport),
                Err(error) if is_passing(&error) => {}
                Err(source) => return Err(Error::listen(&self.address, source)),
            }
            if wait.is_over() {
                return Err(Error::timeout(Phase::Connect, timeout.unwrap_or_default()));
            }
            thread::sleep(wait.remaining().map_or(pause, |left| left.min(pause)));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    #[inline]
    fn try_next(&self) -> io::Result<Box<dyn AnyTransport>> {
        Ok(match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                // Each command is one write, and must not wait for the reply to an earlier one.
                stream.set_nodelay(true)?;
                // On some systems it is as its listener.
                stream.set_nonblocking(false)?;
                Box::new(stream)
            }
            #[cfg(unix)]
            Socket::Unix(listener, _) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(false)?;
                Box::new(stream)
            }
        })
    }
}

impl ConnectOptions {
    /// Waits for a monitor to connect to the listener, and negotiates. [`connect_timeout`](Self::connect_timeout) is for the
    /// first of both; [`retry_for`](Self::retry_for) has no meaning here.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`]. The listener goes on listening, whatever the error. The client cannot connect again
    /// when it is closed.
    #[inline]
    pub fn accept(self, listener: &Listener) -> Result<Client> {
        self.accept_server(listener, Server::Monitor)
    }

    /// Waits for a guest agent's transport to connect to the listener, and synchronizes: for a QEMU whose `-chardev socket`
    /// for the agent is not a server.
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect_guest_agent`].
    #[inline]
    pub fn accept_guest_agent(self, listener: &Listener) -> Result<Client> {
        self.accept_server(listener, Server::GuestAgent)
    }

    #[inline]
    fn accept_server(self, listener: &Listener, server: Server) -> Result<Client> {
        let transport = listener.next(self.connect_timeout)?;
        let link = greet(transport, server, &self, self.greeting_timeout)?;
        Ok(Client::with_link(link, self))
    }
}

/// Whether accepting may work later: nobody came yet, or somebody came and left.
#[inline]
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted | ConnectionReset)
}
