//! Files in the guest: read and written in pieces, through a handle that is closed on every way out.

use super::base64::{decode, encode, misfit};
use super::{grace, shortly, AtLast};
use crate::api::GuestAgent;
use crate::error::{Error, Result};
use crate::ops::steps::after;
use crate::qga::commands::{GuestFileClose, GuestFileFlush, GuestFileOpen, GuestFileRead, GuestFileWrite};
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// The most that an agent reads at once.
const LARGEST_PIECE: usize = 48 << 20;

/// How much is read at once.
const READ_PIECE: usize = 1 << 20;

/// How much is written at once: an agent reads commands in small pieces, and does nothing else meanwhile.
const WRITE_PIECE: usize = 256 << 10;

/// How much is read into memory: the guest decides how long a file is.
const READ_LIMIT: u64 = 64 << 20;

/// A file in the guest that is to be read. Made by a client's `read_file`.
#[must_use = "a file is not read until this is run"]
pub struct ReadFile<K> {
    connection: K,
    path: String,
    chunk: usize,
    limit: Option<u64>,
    timeout: Option<Duration>,
}

/// A file in the guest that is to be written. Made by a client's `write_file` and `write_file_from`.
#[must_use = "a file is not written until this is run"]
pub struct WriteFile<K, R> {
    connection: K,
    path: String,
    mode: String,
    source: R,
    chunk: usize,
    timeout: Option<Duration>,
}

/// Why a file in the guest was not read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The agent refused, or the connection failed.
    Guest(Error),
    /// The writer or the reader on this side failed.
    Local(io::Error),
    /// The file is longer than [it may be](ReadFile::limit).
    TooLong {
        /// How many bytes it may have.
        limit: u64,
    },
}

impl fmt::Display for FileError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Guest(error) => error.fmt(f),
            FileError::Local(error) => write!(f, "the copy on this side: {error}"),
            FileError::TooLong { limit } => write!(f, "the file has more than {limit} bytes"),
        }
    }
}

impl std::error::Error for FileError {}

impl From<Error> for FileError {
    #[inline]
    fn from(error: Error) -> Self {
        FileError::Guest(error)
    }
}

impl<K: Connection<Peer = GuestAgent>> ReadFile<K> {
    /// On this connection: the file at this path.
    pub fn new(connection: K, path: impl Into<String>) -> Self {
        ReadFile { connection, path: path.into(), chunk: READ_PIECE, limit: None, timeout: None }
    }

    /// How many bytes to read at once: a mebibyte unless this says otherwise, and 48 MiB at most. A third more must fit into
    /// [a line](crate::session::SessionOptions::max_line_len).
    pub fn chunk(mut self, bytes: usize) -> Self {
        self.chunk = bytes.clamp(1, LARGEST_PIECE);
        self
    }

    /// How many bytes the file may have. 64 MiB unless this says otherwise for [`run`](Self::run), because it is the guest that
    /// decides how long a file is; any number for [`copy_to`](Self::copy_to).
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Gives up after so long.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Reads the file into memory.
    ///
    /// # Errors
    ///
    /// [`FileError::Guest`] if the agent cannot open or read the file, and for what else [every
    /// operation](crate::Client#errors) fails with; [`FileError::TooLong`].
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<Vec<u8>, FileError>> + use<K>> {
        K::Mode::run(async move {
            let mut bytes = Vec::new();
            self.limit.get_or_insert(READ_LIMIT);
            self.copy(&mut bytes).await?;
            Ok(bytes)
        })
    }

    /// Reads the file, and writes it to this writer as it comes. Returns how many bytes that were. The writer is not flushed.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run), and [`FileError::Local`] if writing fails.
    pub fn copy_to<W: Write>(
        mut self,
        mut writer: W,
    ) -> Running<K, impl Future<Output = Result<u64, FileError>> + use<K, W>> {
        K::Mode::run(async move { self.copy(&mut writer).await })
    }

    async fn copy(&mut self, writer: &mut impl Write) -> Result<u64, FileError> {
        let deadline = after(&self.connection, self.timeout);
        let open = GuestFileOpen::new(&*self.path).mode("r");
        let handle = self.connection.execute(open, deadline).await?.reply;
        let file = AtLast::execute(&mut self.connection, GuestFileClose::new(handle));
        let pieces = Pieces { handle, size: self.chunk, deadline };
        let copied = pieces.read(file.connection, self.limit, writer).await;
        // All that was read is there, whatever the agent says now.
        let _ = pieces.close(file.connection, &copied).await;
        file.done();
        copied
    }
}

impl<K: Connection<Peer = GuestAgent>, R: Read> WriteFile<K, R> {
    /// On this connection: the file at this path, with what this reader gives.
    pub fn new(connection: K, path: impl Into<String>, source: R) -> Self {
        WriteFile { connection, path: path.into(), mode: "w".to_owned(), source, chunk: WRITE_PIECE, timeout: None }
    }

    /// Writes behind what the file has already, instead of in its place.
    pub fn append(self) -> Self {
        self.mode("a")
    }

    /// How to open the file, as for C's `fopen`: `w` unless this says otherwise, which empties a file that is there.
    pub fn mode(mut self, mode: impl Into<String>) -> Self {
        self.mode = mode.into();
        self
    }

    /// How many bytes to write at once: 256 KiB unless this says otherwise, and 48 MiB at most.
    pub fn chunk(mut self, bytes: usize) -> Self {
        self.chunk = bytes.clamp(1, LARGEST_PIECE);
        self
    }

    /// Gives up after so long.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Writes the file, and returns how many bytes that were. They are with the guest's operating system then, and not yet on
    /// its disk perhaps. After an error, the file has what was written until then.
    ///
    /// # Errors
    ///
    /// [`FileError::Guest`] if the agent cannot open, write or close the file, and for what else [every
    /// operation](crate::Client#errors) fails with; [`FileError::Local`] if the reader fails.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<u64, FileError>> + use<K, R>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            let open = GuestFileOpen::new(&*self.path).mode(&*self.mode);
            let handle = self.connection.execute(open, deadline).await?.reply;
            let file = AtLast::execute(&mut self.connection, GuestFileClose::new(handle));
            let pieces = Pieces { handle, size: self.chunk, deadline };
            let written = pieces.write(file.connection, &mut self.source).await;
            let closed = pieces.close(file.connection, &written).await;
            file.done();
            let written = written?;
            closed?;
            Ok(written)
        })
    }
}

/// An open file, what is moved at once, and until when.
struct Pieces {
    handle: i64,
    size: usize,
    deadline: Option<Instant>,
}

impl Pieces {
    async fn read<K: Connection<Peer = GuestAgent>>(
        &self,
        connection: &mut K,
        limit: Option<u64>,
        writer: &mut impl Write,
    ) -> Result<u64, FileError> {
        let mut total = 0;
        loop {
            let read = GuestFileRead::new(self.handle).count(number(self.size));
            let reply = connection.execute(read, self.deadline).await?.reply;
            let bytes = decode::<GuestFileRead>(&reply, "buf-b64", &reply.buf_b64)?;
            if reply.count != number(bytes.len()) {
                return Err(misfit::<GuestFileRead>(&reply, "count", "not how many bytes there are").into());
            }
            total += bytes.len() as u64;
            if let Some(limit) = limit.filter(|limit| total > *limit) {
                return Err(FileError::TooLong { limit });
            }
            writer.write_all(&bytes).map_err(FileError::Local)?;
            // Not every agent says that it is the end together with the last bytes.
            if reply.eof || bytes.is_empty() {
                return Ok(total);
            }
        }
    }

    async fn write<K: Connection<Peer = GuestAgent>>(
        &self,
        connection: &mut K,
        reader: &mut impl Read,
    ) -> Result<u64, FileError> {
        let (mut piece, mut total) = (Vec::new(), 0);
        loop {
            piece.clear();
            reader.by_ref().take(self.size as u64).read_to_end(&mut piece).map_err(FileError::Local)?;
            if piece.is_empty() {
                break;
            }
            self.write_piece(connection, &piece).await?;
            total += piece.len() as u64;
        }
        connection.execute(GuestFileFlush::new(self.handle), self.deadline).await?;
        Ok(total)
    }

    /// Writes all of a piece, however little of it the guest takes at once.
    async fn write_piece<K: Connection<Peer = GuestAgent>>(&self, connection: &mut K, mut piece: &[u8]) -> Result<()> {
        while !piece.is_empty() {
            let write = GuestFileWrite::new(self.handle, encode(piece));
            let reply = connection.execute(write, self.deadline).await?.reply;
            let taken = usize::try_from(reply.count).ok().filter(|count| *count > 0);
            piece = taken
                .and_then(|count| piece.get(count..))
                .ok_or_else(|| misfit::<GuestFileWrite>(&reply, "count", "not how many bytes can have been written"))?;
        }
        Ok(())
    }

    /// Closes the file, also after a failure and after the deadline.
    async fn close<K: Connection<Peer = GuestAgent>, T>(
        &self,
        connection: &mut K,
        before: &Result<T, FileError>,
    ) -> Result<()> {
        let deadline = match before {
            // An agent that is silent is not waited for as long once more.
            Err(FileError::Guest(error)) if error.is_timeout() => shortly(connection),
            _ => grace(connection, self.deadline),
        };
        connection.execute(GuestFileClose::new(self.handle), deadline).await.map(drop)
    }
}

/// How many bytes, as the agent has numbers.
#[inline]
fn number(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl<K> fmt::Debug for ReadFile<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<K, R> fmt::Debug for WriteFile<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteFile").field("path", &self.path).field("mode", &self.mode).finish_non_exhaustive()
    }
}
