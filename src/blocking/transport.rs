//! Transports of bytes: anything that implements [`Transport`].
//!
//! A transport knows how long it may wait, and nothing of the protocol. It must never lose bytes when the time is over.

use crate::fds::Fds;
use crate::session::{Id, Output};
use std::any::Any;
use std::io;
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

    /// The rest of the time: none, some, or `None` for ever.
    pub fn remaining(self) -> Option<Duration> {
        match self {
            Wait::Never => Some(Duration::ZERO),
            Wait::Until(end) => Some(end.saturating_duration_since(Instant::now())),
            Wait::Forever => None,
        }
    }

    /// The same, but no longer than this from now on.
    pub(super) fn at_most(self, timeout: Duration) -> Wait {
        match (self, Wait::within(Some(timeout))) {
            (Wait::Until(end), Wait::Until(other)) => Wait::Until(end.min(other)),
            (Wait::Forever, other) => other,
            (wait, _) => wait,
        }
    }

    /// Returns whether the time is over.
    pub fn is_over(self) -> bool {
        self.remaining() == Some(Duration::ZERO)
    }
}

/// Closes a [`Transport`] that other threads use.
pub type Closer = Box<dyn FnMut() + Send>;

/// Two streams of bytes, one each way, that can be waited for with a deadline.
///
/// Implemented for [`TcpStream`](std::net::TcpStream), for `UnixStream`, for file descriptors by `FdTransport` (feature `fd`, on
/// Unix), and for any pair of reader and writer by [`PipeTransport`](super::PipeTransport).
/// A stream on top of one of these, such as TLS, can lend its waiting from it: `examples/tls.rs` does.
///
/// If nothing can be had in time, both directions fail with [`WouldBlock`](io::ErrorKind::WouldBlock) or
/// [`TimedOut`](io::ErrorKind::TimedOut), and nothing is lost. [`Interrupted`](io::ErrorKind::Interrupted) is tried again.
pub trait Transport: Send + 'static {
    /// Reads what there is, at least one byte; 0 at the end.
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize>;

    /// Writes the beginning of `bytes`, at least one byte of it and at best all, and says how much.
    fn send(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize>;

    /// Returns whether [`send_with_fds`](Self::send_with_fds) works.
    #[cfg(all(unix, feature = "fd"))]
    fn takes_fds(&self) -> bool {
        false
    }

    /// Writes like [`send`](Self::send), and passes copies of these file descriptors together with the first byte.
    #[cfg(all(unix, feature = "fd"))]
    fn send_with_fds(&mut self, bytes: &[u8], fds: &[std::os::fd::BorrowedFd<'_>], wait: Wait) -> io::Result<usize> {
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

    /// Returns a handle that [closes](Self::close) the stream from another thread, while one waits in `receive` and one in
    /// `send`. A client that is [shared](super::Client::share) asks for it once.
    ///
    /// `None`, unless the transport says otherwise: both threads go on until they get on.
    fn closer(&mut self) -> Option<Closer> {
        None
    }

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

/// Returns whether an operation did not end in time. A peer that cannot be reached any more ends a connection with
/// [`TimedOut`](io::ErrorKind::TimedOut), too, but on Unix this is not how a socket tells that a deadline passed.
pub(super) fn is_late(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::WouldBlock => true,
        io::ErrorKind::TimedOut => cfg!(not(unix)) || error.raw_os_error().is_none(),
        _ => false,
    }
}

/// The result of an operation of a [`Transport`].
pub(super) enum Outcome {
    /// So many bytes went over; of a read, 0 is the end.
    Moved(usize),
    /// Nothing in time.
    Late,
    /// Nothing yet, and it is to be tried again.
    Interrupted,
    /// The connection is broken.
    Failed(io::Error),
}

impl Outcome {
    /// Not inlined: telling an [`io::Error`]'s kind, and dropping one, is much code.
    #[inline(never)]
    fn new(result: io::Result<usize>) -> Self {
        match result {
            Ok(count) => Outcome::Moved(count),
            Err(error) if is_late(&error) => Outcome::Late,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Outcome::Interrupted,
            Err(error) => Outcome::Failed(error),
        }
    }
}

/// Reads what there is.
pub(super) fn receive(transport: &mut dyn AnyTransport, buffer: &mut [u8], wait: Wait) -> Outcome {
    Outcome::new(transport.receive(buffer, wait))
}

/// A line that is being written, or was.
#[derive(Debug, Default)]
pub(super) struct OutputLine {
    /// The command that it is, if it is one.
    id: Option<Id>,
    bytes: Vec<u8>,
    written: usize,
    /// The descriptors that go with the next byte of it.
    fds: Fds,
}

impl OutputLine {
    pub(super) fn new(output: Output, fds: Fds) -> Self {
        OutputLine { id: output.id, bytes: output.bytes, written: 0, fds }
    }

    pub(super) fn is_written(&self) -> bool {
        self.written >= self.bytes.len()
    }

    /// The command, if it is written to its end. Given once.
    pub(super) fn take_written(&mut self) -> Option<Id> {
        if self.is_written() {
            self.id.take()
        } else {
            None
        }
    }

    /// Writes what is left of it, at least one byte, together with the file descriptors that go with it, if there are any.
    pub(super) fn send<T: Transport + ?Sized>(&mut self, transport: &mut T, wait: Wait) -> Outcome {
        let rest = self.bytes.get(self.written..).unwrap_or_default();
        let sent = match self.fds.is_empty() {
            true => transport.send(rest, wait),
            false => send_with_fds(transport, rest, &self.fds, wait),
        };
        match Outcome::new(sent) {
            // A transport that takes nothing will not take more later.
            Outcome::Moved(0) => Outcome::Failed(io::ErrorKind::WriteZero.into()),
            Outcome::Moved(count) => {
                self.written += count;
                self.fds = Fds::default();
                Outcome::Moved(count)
            }
            outcome => outcome,
        }
    }
}

/// Returns whether file descriptors can go over a transport.
#[cfg(all(unix, feature = "fd"))]
pub(super) fn takes_fds<T: Transport + ?Sized>(transport: &T) -> bool {
    transport.takes_fds()
}

#[cfg(not(all(unix, feature = "fd")))]
pub(super) fn takes_fds<T: Transport + ?Sized>(_: &T) -> bool {
    false
}

#[cfg(all(unix, feature = "fd"))]
fn send_with_fds<T: Transport + ?Sized>(transport: &mut T, bytes: &[u8], fds: &Fds, wait: Wait) -> io::Result<usize> {
    transport.send_with_fds(bytes, &fds.borrow(), wait)
}

/// There are none.
#[cfg(not(all(unix, feature = "fd")))]
fn send_with_fds<T: Transport + ?Sized>(transport: &mut T, bytes: &[u8], _: &Fds, wait: Wait) -> io::Result<usize> {
    transport.send(bytes, wait)
}
