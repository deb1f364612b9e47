//! Waiting for a QEMU that connects as a client: `-qmp unix:PATH` or `-qmp tcp:HOST:PORT` without `server=on`.
//!
//! Never closes a connection that it did not accept, and never waits longer than a deadline says.

use super::client::Client;
use super::transport::{AnyTransport, Wait};
use crate::address::Address;
#[cfg(unix)]
use crate::address::{abstract_socket, check_path};
use crate::api::Peer;
use crate::error::{Error, Phase, Result};
use crate::label::Label;
use crate::options::ConnectOptions;
#[cfg(unix)]
use crate::socket_file::SocketFile;
use crate::timeout::Timeout;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::time::Duration;
use std::{io, thread};

/// How long to wait before asking again for a connection. The standard library's listeners know no deadline.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A socket to which a QEMU connects that was started with `-qmp unix:PATH` or `-qmp tcp:HOST:PORT`, without `server=on`.
///
/// QEMU connects once when it starts, and ends if nobody listens. On such a connection QEMU greets as on any other.
///
/// Any process that may connect is taken for QEMU: put a Unix socket in a directory that only QEMU's user can enter.
///
/// ```no_run
/// use qemu_qmp::blocking::Listener;
/// # use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Listener::bind("/run/vm.qmp")?;
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
    pub fn bind(address: impl Into<Address>) -> Result<Self> {
        let address = address.into();
        Self::try_bind(&address).map_err(|cause| Error::listen(&address, cause))
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
    pub fn accept(&self, timeout: impl Timeout) -> Result<Client> {
        self.accept_with(&ConnectOptions::new().connect_timeout(timeout))
    }

    /// Waits for a peer to connect, within [`connect_timeout`](ConnectOptions::connect_timeout), and greets and negotiates, or
    /// synchronizes: with a guest agent for a QEMU whose `-chardev socket` for the agent is not a server.
    ///
    /// # Errors
    ///
    /// Those of [connecting](Client#connecting). The listener goes on listening, whatever the error.
    pub fn accept_with<P: Peer>(&self, options: &ConnectOptions) -> Result<Client<P>> {
        let transport = self.next(options)?;
        Client::accepted(transport, &self.address, options)
    }

    fn try_bind(address: &Address) -> io::Result<Self> {
        match address {
            #[cfg(unix)]
            Address::Unix(path) => {
                check_path(path)?;
                // The path as it is: in a deep folder an absolute one does not fit into a socket's address.
                let socket = UnixListener::bind(path)?;
                let file = SocketFile::new(std::path::absolute(path)?)?;
                socket.set_nonblocking(true)?;
                Ok(Listener { socket: Socket::Unix(socket, Some(file)), address: address.clone() })
            }
            #[cfg(unix)]
            Address::Abstract(name) => {
                let socket = UnixListener::bind_addr(&abstract_socket(name)?)?;
                socket.set_nonblocking(true)?;
                Ok(Listener { socket: Socket::Unix(socket, None), address: address.clone() })
            }
            #[cfg(not(unix))]
            Address::Unix(_) | Address::Abstract(_) => Err(io::ErrorKind::Unsupported.into()),
            Address::Tcp { host, port } => {
                let socket = TcpListener::bind((&**host, *port))?;
                socket.set_nonblocking(true)?;
                let address = socket.local_addr()?.into();
                Ok(Listener { socket: Socket::Tcp(socket), address })
            }
        }
    }

    fn next(&self, options: &ConnectOptions) -> Result<Box<dyn AnyTransport>> {
        let timeout = options.connect_timeout;
        let label = || Label { address: Some(format!("{}", self.address).into()), ..Label::default() };
        let wait = Wait::within(timeout);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_next() {
                Ok(transport) => return Ok(transport),
                Err(error) if is_passing(&error) => {}
                Err(cause) => return Err(Error::listen(&self.address, cause)),
            }
            options.check_server(&label())?;
            if wait.is_over() {
                return Err(Error::timeout(&label(), Phase::Connect, None, timeout.unwrap_or_default()));
            }
            thread::sleep(wait.remaining().map_or(pause, |left| left.min(pause)));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

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

/// Returns whether accepting may work later: nobody came yet, or somebody came and left.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted | ConnectionReset)
}
