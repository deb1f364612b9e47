//! How to get to a server in time.

#[cfg(unix)]
use crate::address::abstract_socket;
use crate::address::Address;
use crate::blocking::channel::{channel, Received};
use crate::blocking::transport::{AnyTransport, Wait};
use crate::error::{Error, Phase, Result};
use crate::label::Label;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;
use std::{io, thread};

/// Connects. Neither a name service nor a Unix socket with a full backlog can be waited for with a deadline, so that a
/// thread does it; if the time is over, it is left to itself and drops the connection if it still gets one.
pub(super) fn dial(address: &Address, label: &Label, timeout: Option<Duration>) -> Result<Box<dyn AnyTransport>> {
    let wait = Wait::within(timeout);
    let Some(timeout) = timeout else { return connect(address, wait) };
    let (sender, receiver) = channel(1);
    let target = address.clone();
    thread::Builder::new()
        .name("qemu-qmp connect".to_owned())
        .spawn(move || drop(sender.send(connect(&target, wait))))
        .map_err(|cause| Error::connect(address, cause))?;
    match receiver.receive(wait) {
        Received::Value(Err(_)) if wait.is_over() => Err(Error::timeout(label, Phase::Connect, None, timeout)),
        Received::Value(connected) => connected,
        Received::Nothing => Err(Error::timeout(label, Phase::Connect, None, timeout)),
        // Only if the thread panicked.
        Received::End => Err(Error::connect(address, io::ErrorKind::Other.into())),
    }
}

fn connect(address: &Address, wait: Wait) -> Result<Box<dyn AnyTransport>> {
    let connected: io::Result<Box<dyn AnyTransport>> = match address {
        #[cfg(unix)]
        Address::Unix(path) => std::os::unix::net::UnixStream::connect(path).map(|stream| Box::new(stream) as _),
        #[cfg(unix)]
        Address::Abstract(name) => abstract_socket(name)
            .and_then(|address| std::os::unix::net::UnixStream::connect_addr(&address))
            .map(|stream| Box::new(stream) as _),
        #[cfg(not(unix))]
        Address::Unix(_) | Address::Abstract(_) => Err(io::ErrorKind::Unsupported.into()),
        Address::Tcp { host, port } => connect_tcp(host, *port, wait).map(|stream| Box::new(stream) as _),
    };
    connected.map_err(|cause| Error::connect(address, cause))
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
