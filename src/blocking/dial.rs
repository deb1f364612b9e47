//! How to get to a server in time.

use crate::address::Address;
#[cfg(unix)]
use crate::address::{abstract_socket, check_path};
use crate::blocking::socket::SHORTEST;
use crate::blocking::transport::{AnyTransport, Wait};
use crate::connect::FULL_QUEUE;
#[cfg(unix)]
use crate::connect::FULL_QUEUE_PAUSE;
use crate::error::{Error, Phase, Result};
use crate::label::Label;
#[cfg(unix)]
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::{fd::OwnedFd, unix::net::UnixStream};
use std::time::Duration;

/// Connects. No thread does it, so that nothing outlives the call. What the deadline does not end is a name service, which has
/// deadlines of its own.
pub(super) fn dial(address: &Address, label: &Label, timeout: Option<Duration>) -> Result<Box<dyn AnyTransport>> {
    connect(address, Wait::within(timeout)).map_err(|cause| match timeout {
        Some(timeout) if is_over(&cause) => {
            let what = (!matches!(address, Address::Tcp { .. })).then_some(FULL_QUEUE);
            Error::timeout(label, Phase::Connect, what, timeout)
        }
        _ => Error::connect(address, cause),
    })
}

/// Returns whether the time was over before there was a connection. Unlike a read's, on every system an error with a number is
/// the system's own.
fn is_over(cause: &io::Error) -> bool {
    match cause.kind() {
        io::ErrorKind::WouldBlock => true,
        // The system says so of a host that does not answer, with a number.
        io::ErrorKind::TimedOut => cause.raw_os_error().is_none(),
        _ => false,
    }
}

fn connect(address: &Address, wait: Wait) -> io::Result<Box<dyn AnyTransport>> {
    match address {
        #[cfg(unix)]
        Address::Unix(path) => {
            check_path(path)?;
            Ok(Box::new(connect_unix(&SockAddr::unix(path)?, wait)?))
        }
        #[cfg(unix)]
        Address::Abstract(name) => {
            abstract_socket(name)?;
            Ok(Box::new(connect_unix(&SockAddr::unix(format!("\0{name}"))?, wait)?))
        }
        #[cfg(not(unix))]
        Address::Unix(_) | Address::Abstract(_) => Err(io::ErrorKind::Unsupported.into()),
        Address::Tcp { host, port } => Ok(Box::new(connect_tcp(host, *port, wait)?)),
    }
}

/// A listener whose queue is full refuses at once if it is asked without waiting, and does not tell when there is room.
#[cfg(unix)]
fn connect_unix(address: &SockAddr, wait: Wait) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(wait != Wait::Forever)?;
    loop {
        match socket.connect(address) {
            Ok(()) => {
                socket.set_nonblocking(false)?;
                return Ok(OwnedFd::from(socket).into());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !wait.is_over() => {
                std::thread::sleep(wait.remaining().map_or(FULL_QUEUE_PAUSE, |left| left.min(FULL_QUEUE_PAUSE)));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn connect_tcp(host: &str, port: u16, wait: Wait) -> io::Result<TcpStream> {
    let addresses = (host, port).to_socket_addrs()?;
    let stream = connect_any(addresses.as_slice(), wait)?;
    // Each command is one write, and must not wait for the reply to an earlier one.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Tries every address, each for its share of the time that is left, so that one which does not answer leaves time for the
/// others. If none can be reached, the last one's error tells why.
fn connect_any(addresses: &[std::net::SocketAddr], wait: Wait) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let share = |left: Duration| left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let connected = match wait.remaining().map(share) {
            Some(share) => TcpStream::connect_timeout(address, share.max(SHORTEST)),
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

    #[cfg(unix)]
    #[test]
    fn a_path_is_not_cut_at_a_nul() {
        let folder = std::env::temp_dir().join(format!("qemu-qmp-dial-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(folder.join("vm")).unwrap();
        for (path, reachable) in [("vm", true), ("vm\0other", false), ("\0vm", false)] {
            let path = if path.starts_with('\0') { path.into() } else { folder.join(path) };
            let connected = connect(&Address::Unix(path), Wait::Forever);
            assert_eq!(
                connected.map_err(|error| error.kind()).err(),
                (!reachable).then_some(io::ErrorKind::InvalidInput)
            );
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

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
