//! Transports between a stand-in and its clients: a Unix socket or TCP.

#[cfg(unix)]
use crate::address::abstract_socket;
use crate::address::Address;
use std::io::{self, Read, Write};
#[cfg(any(not(unix), test))]
use std::net::{Ipv4Addr, TcpListener};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

/// The stand-in's end of a connection.
#[derive(Debug)]
pub(super) enum Stream {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    /// Connects to a server.
    pub(super) fn connect(address: &Address) -> io::Result<Self> {
        match address {
            #[cfg(unix)]
            Address::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            #[cfg(unix)]
            Address::Abstract(name) => UnixStream::connect_addr(&abstract_socket(name)?).map(Stream::Unix),
            #[cfg(not(unix))]
            Address::Unix(_) | Address::Abstract(_) => Err(io::ErrorKind::Unsupported.into()),
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port))?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        match self {
            #[cfg(unix)]
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
        }
    }

    /// Never blocks from now on, and neither do its copies.
    #[cfg(feature = "tokio")]
    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Stream::Unix(stream) => stream.set_nonblocking(true),
            Stream::Tcp(stream) => stream.set_nonblocking(true),
        }
    }

    /// Ends both directions, for all copies.
    pub(super) fn shutdown(&self) {
        // It fails if the client was faster.
        let _ = match self {
            #[cfg(unix)]
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Stream::Unix(stream) => (&*stream).read(buffer),
            Stream::Tcp(stream) => (&*stream).read(buffer),
        }
    }

    pub(super) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Stream::Unix(stream) => (&*stream).write_all(bytes),
            Stream::Tcp(stream) => (&*stream).write_all(bytes),
        }
    }
}

/// The transport of a client in this process.
#[cfg(unix)]
pub(super) type ClientStream = UnixStream;
#[cfg(not(unix))]
pub(super) type ClientStream = TcpStream;

/// Two ends of a connection inside this process: the client's and the stand-in's.
#[cfg(unix)]
pub(super) fn pair() -> io::Result<(ClientStream, Stream)> {
    let (ours, theirs) = UnixStream::pair()?;
    Ok((ours, Stream::Unix(theirs)))
}

#[cfg(not(unix))]
pub(super) fn pair() -> io::Result<(ClientStream, Stream)> {
    let (ours, theirs) = tcp_pair()?;
    Ok((ours, Stream::Tcp(theirs)))
}

/// Where there are no other sockets.
#[cfg(any(not(unix), test))]
fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    loop {
        let (theirs, from) = listener.accept()?;
        // Anybody may connect to the port.
        if from == ours.local_addr()? {
            theirs.set_nodelay(true)?;
            ours.set_nodelay(true)?;
            return Ok((ours, theirs));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ends_are_connected() {
        let (ours, theirs) = tcp_pair().unwrap();
        Stream::Tcp(theirs).write_all(b"x").unwrap();
        let mut buffer = [0; 2];
        assert_eq!(Stream::Tcp(ours).read(&mut buffer).unwrap(), 1);
    }
}
