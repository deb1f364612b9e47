//! Any pair of reader and writer as a transport.
//!
//! A plain reader cannot be waited for with a deadline, so that a thread reads ahead.

use super::channel::{channel, Received, Receiver, Sender};
use super::transport::{Closer, Transport, Wait};
use std::io::{self, Read, Write};
use std::thread;

/// How much the thread reads at once, and how often before it waits to be taken from: it holds 1 MiB at most.
const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 16;

/// Any pair of reader and writer as a [`Transport`]: a stream that a crate for SSH makes, or the standard streams of a child
/// process.
///
/// For file descriptors `FdTransport` is better (feature `fd`, on Unix). It needs no thread, keeps deadlines of writing as
/// well, and leaves what it did not need. This one is for readers that are no descriptors, for Windows, and for programs
/// without the feature.
///
/// A thread of its own reads from the reader, so that a deadline can pass while the reader blocks. What the client
/// finds without waiting is what this thread has read by then. The thread ends at the end of the stream; if the client goes
/// first, the thread stays, with the reader, until its present read returns. On a terminal or device this is the beginning of
/// what the next client should have read. Both halves must block; an error of the kind
/// [`WouldBlock`](io::ErrorKind::WouldBlock) ends the connection.
///
/// Deadlines do not hold for writing: a writer that blocks makes the client block. Every command is written and flushed as
/// a whole.
///
/// # Windows
///
/// Two pipes of one direction each, as the standard streams of a child process are, work as they do elsewhere. A named pipe
/// (`\\.\pipe\NAME`) that is opened as a [`File`](std::fs::File) does not: it is one pipe for both directions, and Windows
/// lets reads and writes of one file wait for each other, those of clones included. The thread that reads would hold up each
/// command until the server says something. With `FILE_FLAG_OVERLAPPED` the pipe could do both at the same time, but then the
/// standard library's reading and writing is not made for it. Take the tokio client there, whose `connect_over` has an
/// example, or a `Transport` of your own that does overlapped input and output.
pub struct PipeTransport {
    received: Receiver<io::Result<Vec<u8>>>,
    /// The bytes received and not taken yet, last byte first.
    left: Vec<u8>,
    writer: Option<Box<dyn Write + Send>>,
}

impl PipeTransport {
    /// Starts to read from the reader.
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub fn new(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, received) = channel(CHUNKS);
        thread::Builder::new().name("qemu-qmp reader".to_owned()).spawn(move || read_all(reader, &sender))?;
        Ok(PipeTransport { received, left: Vec::new(), writer: Some(Box::new(writer)) })
    }

    fn next_chunk(&mut self, wait: Wait) -> io::Result<Vec<u8>> {
        match self.received.receive(wait) {
            Received::Value(chunk) => chunk,
            Received::Nothing => Err(io::ErrorKind::TimedOut.into()),
            // The thread ended, because the stream did.
            Received::End => Ok(Vec::new()),
        }
    }
}

impl Transport for PipeTransport {
    fn receive(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
        if self.left.is_empty() {
            self.left = self.next_chunk(wait)?;
            self.left.reverse();
        }
        let count = self.left.len().min(buffer.len());
        let taken = self.left.drain(self.left.len() - count..).rev();
        buffer.iter_mut().zip(taken).for_each(|(target, byte)| *target = byte);
        Ok(count)
    }

    fn send(&mut self, bytes: &[u8], _: Wait) -> io::Result<usize> {
        let writer = self.writer.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writer.write_all(bytes)?;
        writer.flush()?;
        Ok(bytes.len())
    }

    fn try_split(&mut self) -> io::Result<Box<dyn Transport>> {
        // Nothing will ever be received there.
        let (_, received) = channel(0);
        Ok(Box::new(PipeTransport { received, left: Vec::new(), writer: self.writer.take() }))
    }

    fn close(&mut self) {
        self.writer = None;
    }

    fn closer(&mut self) -> Option<Closer> {
        Some(self.received.closer())
    }
}

fn read_all(mut reader: impl Read, sender: &Sender<io::Result<Vec<u8>>>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let received = match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => Ok(buffer.get(..count).unwrap_or(&buffer).to_vec()),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => continue,
                // Nobody would take it for what it is: the end of this thread.
                io::ErrorKind::WouldBlock => Err(io::Error::other(error)),
                _ => Err(error),
            },
        };
        let failed = received.is_err();
        if sender.send(received).is_err() || failed {
            return;
        }
    }
}
