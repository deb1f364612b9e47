//! Where a server is, and how to get there in time.

use crate::blocking::transport::{AnyTransport, Wait};
use crate::error::{Error, Phase, Repr};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::time::Duration;
use std::{fmt, io, thread};

/// Where a monitor or guest agent listens.
///
/// Made from a path (`&str`, `String`, `&Path`, `PathBuf`) or from a host and a port (`(&str, u16)`, `(String, u16)`,
/// `(IpAddr, u16)`, `SocketAddr`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A Unix socket in the file system. Where there are none, connecting fails with
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// IPv4 or IPv6 address, or name. Of a name with several addresses, each is tried.
        host: String,
        /// Port number.
        port: u16,
    },
}

impl From<&str> for Address {
    fn from(path: &str) -> Self {
        Address::Unix(path.into())
    }
}

impl From<String> for Address {
    fn from(path: String) -> Self {
        Address::Unix(path.into())
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Address::Unix(path.into())
    }
}

impl From<&PathBuf> for Address {
    fn from(path: &PathBuf) -> Self {
        Address::Unix(path.into())
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Address::Unix(path)
    }
}

impl From<(&str, u16)> for Address {
    fn from((host, port): (&str, u16)) -> Self {
        Address::Tcp { host: host.into(), port }
    }
}

impl From<(String, u16)> for Address {
    fn from((host, port): (String, u16)) -> Self {
        Address::Tcp { host, port }
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from((address, port): (IpAddr, u16)) -> Self {
        Address::Tcp { host: address.to_string(), port }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        // A scope, which an IPv6 address may have, is part of how the host is written.
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            other => other.ip().to_string(),
        };
        Address::Tcp { host, port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => path.display().fmt(f),
            Address::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Connects. Neither a name service nor a Unix socket with a full backlog can be waited for with a deadline, so that a
/// thread does it; if the time is over, it is left to itself and drops the connection if it still gets one.
pub(super) fn dial(address: &Address, timeout: Option<Duration>) -> Result<Box<dyn AnyTransport>, Error> {
    let wait = Wait::within(timeout);
    let failed = |source| Error::from(Repr::Connect { address: address.to_string().into(), source });
    let Some(timeout) = timeout else { return connect(address, wait).map_err(failed) };
    let (sender, receiver) = channel();
    let target = address.clone();
    thread::Builder::new()
        .name("qemu-qmp connect".to_owned())
        .spawn(move || sender.send(connect(&target, wait)))
        .map_err(failed)?;
    match receiver.recv_timeout(timeout) {
        Ok(Err(_)) if wait.is_over() => Err(Error::timeout(Phase::Connect, timeout)),
        Ok(connected) => connected.map_err(failed),
        Err(RecvTimeoutError::Timeout) => Err(Error::timeout(Phase::Connect, timeout)),
        Err(RecvTimeoutError::Disconnected) => Err(failed(io::Error::other("the connecting thread ended"))),
    }
}

fn connect(address: &Address, wait: Wait) -> io::Result<Box<dyn AnyTransport>> {
    match address {
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(std::os::unix::net::UnixStream::connect(path)?)),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        Address::Tcp { host, port } => Ok(Box::new(connect_tcp(host, *port, wait)?)),
    }
}

fn connect_tcp(host: &str, port: u16, wait: Wait) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    let stream = connect_any(&addresses, wait)?;
    // Each command is one write, and must not wait for the reply to an earlier one.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Tries every address, each for its share of the time that is left, so that one which does not answer leaves time for the
/// others. If none can be reached, the last one's error tells why.
fn connect_any(addresses: &[SocketAddr], wait: Wait) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let share = |left: Duration| left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let connected = match wait.remaining().map(share) {
            Some(share) => TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))),
            None => TcpStream::connect(address),
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn every_address_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for wait in [Wait::Forever, Wait::within(Some(Duration::from_secs(60)))] {
            assert_eq!(connect_any(&[refused, refused, open], wait).unwrap().peer_addr().unwrap(), open);
            let failure = connect_any(&[refused, refused], wait).unwrap_err();
            assert_eq!(failure.kind(), io::ErrorKind::ConnectionRefused);
        }
        assert_eq!(connect_any(&[], Wait::Forever).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
