//! What bytes go over: sockets, or anything that implements [`Transport`].
//!
//! A transport knows how long it may wait, and nothing of the protocol. It must never lose bytes when the time is over.

use crate::error::{is_closed, Doing, Error, Repr};
use crate::fds::Fds;
use std::any::Any;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(all(unix, feature = "fd"))]
use std::os::fd::BorrowedFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long an operation of a [`Transport`] may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Take what can be had at once.
    Never,
    /// Wait until then. If that is in the past, take what can be had at once.
    Until(Instant),
    /// Wait as long as it takes.
    Forever,
}

impl Wait {
    /// Waits for so long from now on; without a time for ever.
    pub fn within(timeout: Option<Duration>) -> Wait {
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        end.map_or(Wait::Forever, Wait::Until)
    }

    /// What is left of the time: none, some, or `None` for ever.
    pub fn remaining(self) -> Option<Duration> {
        match self {
            Wait::Never => Some(Duration::ZERO),
            Wait::Until(end) => Some(end.saturating_duration_since(Instant::now())),
            Wait::Forever => None,
        }
    }

    /// Whether the time is over.
    pub fn is_over(self) -> bool {
        self.remaining() == Some(Duration::ZERO)
    }
}

/// Two streams of bytes, one each way, that can be waited for with a deadline.
///
/// Implemented for [`TcpStream`], for `UnixStream`, and for any pair of reader and writer by [`Parts`](super::Parts).
/// A stream on top of one of these, such as TLS, can lend its waiting from it: `examples/tls.rs` does.
///
/// If nothing can be had in time, both directions fail with [`WouldBlock`](io::ErrorKind::WouldBlock) or
/// [`TimedOut`](io::ErrorKind::TimedOut), and nothing is lost. [`Interrupted`](io::ErrorKind::Interrupted) is tried again.
pub trait Transport: Send + 'static {
    /// Reads what there is, at least one byte; 0 at the end.
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize>;

    /// Writes the beginning of `bytes`, at least one byte of it and at best all, and says how much.
    fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize>;

    /// Whether [`send_with_fds`](Self::send_with_fds) works.
    #[cfg(all(unix, feature = "fd"))]
    fn takes_fds(&self) -> bool {
        false
    }

    /// Writes like [`send`](Self::send), and passes copies of these file descriptors together with the first byte.
    #[cfg(all(unix, feature = "fd"))]
    fn send_with_fds(&mut self, bytes: &[u8], fds: &[BorrowedFd<'_>], wait: Wait) -> io::Result<usize> {
        let _ = (bytes, fds, wait);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// A second handle of the same stream, to write to, for a client that is [shared](super::Client::share): one thread
    /// writes to it while another one reads from this one. Closing either closes both, as far as that is possible.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) unless the transport says otherwise.
    fn try_split(&mut self) -> io::Result<Box<dyn Transport>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Ends both directions, so that the peer notices although somebody else may hold a copy.
    fn close(&mut self) {}

    /// Undoes what `receive` and `send` changed, before the transport goes [back](super::Client::into_inner) to its owner.
    fn release(&mut self) {}
}

/// A transport that can be had back as what it was.
pub(super) trait AnyTransport: Transport {
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: Transport> AnyTransport for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Sockets take only timeouts above zero.
const SHORTEST: Duration = Duration::from_millis(1);

/// What sockets have in common. As a trait object, one copy of [`in_time`] does for all of them.
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
    WriteWithFds(&'a UnixStream, &'a [u8], &'a [BorrowedFd<'a>]),
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

            fn release(&mut self) {
                // Likewise: whoever gets a broken socket back will find out.
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
    fn send_with_fds(&mut self, bytes: &[u8], fds: &[BorrowedFd<'_>], wait: Wait) -> io::Result<usize> {
        in_time(self, Operation::WriteWithFds(self, bytes, fds), wait)
    }
});

/// Whether an operation did not end in time. A peer that cannot be reached any more ends a connection with
/// [`TimedOut`](io::ErrorKind::TimedOut), too, but on Unix this is not how a socket tells that a deadline passed.
pub(super) fn is_late(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::WouldBlock => true,
        io::ErrorKind::TimedOut => cfg!(not(unix)) || error.raw_os_error().is_none(),
        _ => false,
    }
}

/// What an operation of a [`Transport`] came to.
pub(super) enum Outcome {
    /// So many bytes went over; of a read, 0 is the end.
    Moved(usize),
    /// Nothing in time.
    Late,
    /// Nothing yet, and it is to be tried again.
    Interrupted,
    /// The peer is gone.
    Closed(Error),
    /// The connection is in doubt.
    Failed(Error),
}

impl Outcome {
    /// Not inlined: telling an [`io::Error`]'s kind, and dropping one, is much code.
    #[inline(never)]
    fn new(doing: Doing, result: io::Result<usize>) -> Self {
        match result {
            Ok(count) => Outcome::Moved(count),
            Err(error) if is_late(&error) => Outcome::Late,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Outcome::Interrupted,
            Err(error) if is_closed(&error) => Outcome::Closed(Error::closed(Some(error))),
            Err(source) => Outcome::Failed(Repr::Io { doing, source }.into()),
        }
    }

    /// Who takes nothing will not take more later.
    fn sent(result: io::Result<usize>) -> Self {
        match Self::new(Doing::Writing, result) {
            Outcome::Moved(0) => Outcome::Closed(Error::closed(Some(io::ErrorKind::WriteZero.into()))),
            outcome => outcome,
        }
    }
}

/// Reads what there is.
pub(super) fn receive(transport: &mut dyn AnyTransport, buffer: &mut [u8], wait: Wait) -> Outcome {
    Outcome::new(Doing::Reading, transport.receive(buffer, wait))
}

/// Writes the beginning of a line, at least one byte of it, together with the file descriptors that go with it, if there are
/// any.
pub(super) fn send<T: Transport + ?Sized>(transport: &mut T, bytes: &[u8], fds: &Fds, wait: Wait) -> Outcome {
    let _ = fds;
    #[cfg(all(unix, feature = "fd"))]
    if !fds.is_empty() {
        return Outcome::sent(transport.send_with_fds(bytes, &fds.borrow(), wait));
    }
    Outcome::sent(transport.send(bytes, wait))
}

/// Runs one operation of a socket, which may wait so long.
fn in_time(socket: &dyn Socket, mut operation: Operation<'_>, wait: Wait) -> io::Result<usize> {
    while !wait.is_over() {
        operation.set_timeout(socket, wait.remaining().map(|left| left.max(SHORTEST)))?;
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
