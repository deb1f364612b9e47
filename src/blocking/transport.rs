//! What bytes go over: sockets, or anything that implements [`Transport`].
//!
//! A transport knows how long it may wait, and nothing of the protocol. It must never lose bytes when the time is over.

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

macro_rules! socket_transport {
    ($socket:ty { $($more:tt)* }) => {
        impl Transport for $socket {
            fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
                let socket = &*self;
                let set_timeout = |timeout| socket.set_read_timeout(timeout);
                in_time(wait, &set_timeout, &|on| socket.set_nonblocking(on), &mut || (&*socket).read(buffer))
            }

            fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
                let socket = &*self;
                let set_timeout = |timeout| socket.set_write_timeout(timeout);
                in_time(wait, &set_timeout, &|on| socket.set_nonblocking(on), &mut || (&*socket).write(bytes))
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
                let _ = self.set_read_timeout(None);
                let _ = self.set_write_timeout(None);
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
        let socket = &*self;
        let set_timeout = |timeout| socket.set_write_timeout(timeout);
        in_time(wait, &set_timeout, &|on| socket.set_nonblocking(on), &mut || crate::fds::send(socket, bytes, fds))
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

/// Writes the beginning of a line, together with the file descriptors that go with it, if there are any.
pub(super) fn send<T: Transport + ?Sized>(transport: &mut T, bytes: &[u8], fds: &Fds, wait: Wait) -> io::Result<usize> {
    #[cfg(all(unix, feature = "fd"))]
    if !fds.is_empty() {
        return transport.send_with_fds(bytes, &fds.borrow(), wait);
    }
    let _ = fds;
    transport.send(bytes, wait)
}

/// Runs one operation of a socket, which may wait so long. Not generic: one copy of it does for all.
fn in_time(
    wait: Wait,
    set_timeout: &dyn Fn(Option<Duration>) -> io::Result<()>,
    set_nonblocking: &dyn Fn(bool) -> io::Result<()>,
    operation: &mut dyn FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    while !wait.is_over() {
        set_timeout(wait.remaining().map(|left| left.max(SHORTEST)))?;
        match operation() {
            // The time is not over: the socket does not block, which can only be its former owner's wish.
            Err(error) if is_late(&error) && !wait.is_over() => set_nonblocking(false)?,
            done => return done,
        }
    }
    // Another thread may make a copy of the socket block again in the middle of this.
    set_timeout(Some(SHORTEST))?;
    set_nonblocking(true)?;
    let done = operation();
    set_nonblocking(false)?;
    done
}
