//! Transports of a client.

use ::tokio::io::{AsyncRead, AsyncWrite};

/// A transport of a client: a socket, a TLS stream, `tokio::io::join` of a child process's standard streams.
///
/// Implemented for everything that has these bounds. What is not [`Unpin`] can be boxed and pinned.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

/// Windows has these instead of Unix sockets. Does not compile if they cannot be spoken over.
#[cfg(windows)]
const _: () = {
    const fn is_stream<S: Stream>() {}
    is_stream::<::tokio::net::windows::named_pipe::NamedPipeClient>();
};

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}
