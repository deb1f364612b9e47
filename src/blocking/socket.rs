//! TCP and Unix sockets as transports.
//!
//! A socket's own timeouts do the waiting, and what can be had at once is had without blocking.

use super::transport::{is_late, Closer, Transport, Wait};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Sockets take only timeouts above zero.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);

/// The common part of sockets. As a trait object, one copy of [`in_time`] does for all of them.
trait Socket {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;
    fn set_nonblocking(&self, on: bool) -> io::Result<()>;
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// One operation of a socket.
enum Operation<'a> {
    Read(&'a mut [u8]),
    Write(&'a [u8]),
    #[cfg(all(unix, feature = "fd"))]
    WriteWithFds(&'a UnixStream, &'a [u8], &'a [std::os::fd::BorrowedFd<'a>]),
}

macro_rules! socket_transport {
    ($socket:ident { $($more:tt)* }) => {
        impl Socket for $socket {
            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                $socket::set_read_timeout(self, timeout)
            }

            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                $socket::set_write_timeout(self, timeout)
            }

            fn set_nonblocking(&self, on: bool) -> io::Result<()> {
                $socket::set_nonblocking(self, on)
            }

            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::read(&mut &*self, buffer)
            }

            fn write(&self, bytes: &[u8]) -> io::Result<usize> {
                Write::write(&mut &*self, bytes)
            }
        }

        impl Transport for $socket {
            fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
                in_time(self, Operation::Read(buffer), wait)
            }

            fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
                in_time(self, Operation::Write(bytes), wait)
            }

            fn try_split(&mut self) -> io::Result<Box<dyn Transport>> {
                Ok(Box::new(self.try_clone()?))
            }

            fn close(&mut self) {
                // It fails if the peer was faster, and there is nothing to do about it.
                let _ = self.shutdown(Shutdown::Both);
            }

            fn closer(&mut self) -> Option<Closer> {
                let mut socket = self.try_clone().ok()?;
                Some(Box::new(move || Transport::close(&mut socket)))
            }

            fn release(&mut self) {
                // Likewise: the next owner of a broken socket will find out.
                let _ = $socket::set_read_timeout(self, None);
                let _ = $socket::set_write_timeout(self, None);
            }

            $($more)*
        }
    };
}

socket_transport!(TcpStream {});
#[cfg(unix)]
socket_transport!(UnixStream {
    #[cfg(feature = "fd")]
    fn takes_fds(&self) -> bool {
        true
    }

    #[cfg(feature = "fd")]
    fn send_with_fds(&mut self, bytes: &[u8], fds: &[std::os::fd::BorrowedFd<'_>], wait: Wait) -> io::Result<usize> {
        in_time(self, Operation::WriteWithFds(self, bytes, fds), wait)
    }
});

/// Runs one operation of a socket, which may wait so long.
fn in_time(socket: &dyn Socket, mut operation: Operation<'_>, wait: Wait) -> io::Result<usize> {
    loop {
        let left = wait.remaining();
        if left == Some(Duration::ZERO) {
            break;
        }
        operation.set_timeout(socket, left.map(|left| left.max(SHORTEST)))?;
        match operation.run(socket) {
            // The time is not over: the socket does not block, which can only be its former owner's wish.
            Err(error) if is_late(&error) && !wait.is_over() => socket.set_nonblocking(false)?,
            done => return done,
        }
    }
    // Another thread may make a copy of the socket block again in the middle of this.
    operation.set_timeout(socket, Some(SHORTEST))?;
    socket.set_nonblocking(true)?;
    let done = operation.run(socket);
    socket.set_nonblocking(false)?;
    done
}

impl Operation<'_> {
    fn set_timeout(&self, socket: &dyn Socket, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Operation::Read(_) => socket.set_read_timeout(timeout),
            _ => socket.set_write_timeout(timeout),
        }
    }

    fn run(&mut self, socket: &dyn Socket) -> io::Result<usize> {
        match self {
            Operation::Read(buffer) => socket.read(buffer),
            Operation::Write(bytes) => socket.write(bytes),
            #[cfg(all(unix, feature = "fd"))]
            Operation::WriteWithFds(socket, bytes, fds) => crate::fds::send(socket, bytes, fds),
        }
    }
}
