//! A stream, and the line that is being written to it.
//!
//! Each line goes out with one write if the stream takes it, and is flushed, because a stream that buffers would keep it.

use super::stream::Stream;
use crate::fds::Fds;
use crate::session::{Id, Output};
use ::tokio::io::ReadBuf;
#[cfg(all(unix, feature = "fd"))]
use ::tokio::{io::Interest, net::UnixStream};
#[cfg(all(unix, feature = "fd"))]
use std::any::Any;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{ready, Context, Poll};

/// How much is read at once. It is on the stack, so that a connection which waits takes no memory for it.
const CHUNK: usize = 16 << 10;

pub(super) struct FramedStream<S> {
    stream: S,
    line: Vec<u8>,
    written: usize,
    /// Which command the line is.
    command: Option<Id>,
    /// The descriptors that go with the next byte of it.
    fds: Fds,
}

impl<S: Stream> FramedStream<S> {
    pub(super) fn new(stream: S) -> Self {
        FramedStream { stream, line: Vec::new(), written: 0, command: None, fds: Fds::default() }
    }

    /// Writes the present line to its end, and then one after the other that `next` gives; its argument is the
    /// command that was written last.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut(Option<Id>) -> Option<(Output, Fds)>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_line(cx))?;
            let Some((output, fds)) = next(self.command.take()) else { return Poll::Ready(Ok(())) };
            (self.line, self.command, self.fds) = (output.bytes, output.id, fds);
        }
    }

    /// Writes the present line to its end.
    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.line.len() {
            match ready!(self.poll_rest(cx))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
            self.fds = Fds::default();
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        (self.line, self.written) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    /// Reads once. `None` at the end.
    pub(super) fn poll_read<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Poll<io::Result<Option<T>>> {
        let mut chunk = [MaybeUninit::uninit(); CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut chunk))?;
        Poll::Ready(Ok(Some(chunk.filled()).filter(|bytes| !bytes.is_empty()).map(take)))
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Writes once.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let rest = self.line.get(self.written..).unwrap_or_default();
        #[cfg(all(unix, feature = "fd"))]
        if !self.fds.is_empty() {
            return poll_send(&self.stream, cx, rest, &self.fds);
        }
        Pin::new(&mut self.stream).poll_write(cx, rest)
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }
}

/// Writes once to a Unix socket, with file descriptors.
#[cfg(all(unix, feature = "fd"))]
fn poll_send(stream: &dyn Any, cx: &mut Context<'_>, bytes: &[u8], fds: &Fds) -> Poll<io::Result<usize>> {
    let Some(socket) = stream.downcast_ref::<UnixStream>() else {
        return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
    };
    loop {
        ready!(socket.poll_write_ready(cx))?;
        match socket.try_io(Interest::WRITABLE, || crate::fds::send(socket, bytes, &fds.borrow())) {
            // It only seemed to be ready.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return Poll::Ready(sent),
        }
    }
}
