//! What bytes go over: sockets, or anything that implements [`Transport`].
//!
//! A transport knows how long it may wait, and nothing of the protocol. It must never lose bytes when the time is over.

use std::any::Any;
use std::io;
use std::net::{Shutdown, TcpStream};
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
/// If nothing can be had in time, both directions fail with [`WouldBlock`](io::ErrorKind::WouldBlock) or
/// [`TimedOut`](io::ErrorKind::TimedOut), and nothing is lost. [`Interrupted`](io::ErrorKind::Interrupted) is tried again.
pub trait Transport: Send + 'static {
    /// Reads what there is, at least one byte; 0 at the end.
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize>;

    /// Writes the beginning of `bytes`, at least one byte of it and at best all, and says how much.
    fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize>;

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
    ($socket:ty) => {
        impl Transport for $socket {
            fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
                while !wait.is_over() {
                    self.set_read_timeout(wait.remaining().map(|left| left.max(SHORTEST)))?;
                    match io::Read::read(self, buffer) {
                        // The time is not over: the socket does not block, which can only be its former owner's wish.
                        Err(error) if is_late(&error) && !wait.is_over() => self.set_nonblocking(false)?,
                        done => return done,
                    }
                }
                at_once(self, <$socket>::set_nonblocking, |mut socket| io::Read::read(&mut socket, buffer))
            }

            fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
                while !wait.is_over() {
                    self.set_write_timeout(wait.remaining().map(|left| left.max(SHORTEST)))?;
                    match io::Write::write(self, bytes) {
                        Err(error) if is_late(&error) && !wait.is_over() => self.set_nonblocking(false)?,
                        done => return done,
                    }
                }
                at_once(self, <$socket>::set_nonblocking, |mut socket| io::Write::write(&mut socket, bytes))
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
        }
    };
}

socket_transport!(TcpStream);
#[cfg(unix)]
socket_transport!(UnixStream);

/// Whether an operation did not end in time. A peer that cannot be reached any more ends a connection with
/// [`TimedOut`](io::ErrorKind::TimedOut), too, but on Unix this is not how a socket tells that a deadline passed.
pub(super) fn is_late(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::WouldBlock => true,
        io::ErrorKind::TimedOut => cfg!(not(unix)) || error.raw_os_error().is_none(),
        _ => false,
    }
}

/// Whether the peer closed or broke the connection.
pub(super) fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | ConnectionAborted | NotConnected | TimedOut | UnexpectedEof)
}

/// Runs one operation that fails instead of waiting.
fn at_once<S>(
    socket: &S,
    set_nonblocking: impl Fn(&S, bool) -> io::Result<()>,
    operation: impl FnOnce(&S) -> io::Result<usize>,
) -> io::Result<usize> {
    set_nonblocking(socket, true)?;
    let done = operation(socket);
    set_nonblocking(socket, false)?;
    done
}
