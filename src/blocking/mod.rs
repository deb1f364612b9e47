//! The blocking clients, over the standard library's sockets, file descriptors, or any reader and writer.
//!
//! [`Client`] is a [`Session`](crate::session::Session) on a [`Transport`]. One thread at a time uses it; [`SharedClient`] is
//! for several. Neither starts a thread, waits longer than a deadline says (but for a name service), or loses a byte when a
//! deadline passes. Among the transports only [`PipeTransport`] starts a thread, and takes as long to write as its writer does;
//! for file descriptors there is `FdTransport` (feature `fd`, on Unix), which does neither.

// Functions that many programs never call are generic or inline, so that only those which call them compile them.

mod calls;
mod channel;
mod client;
mod connect;
mod connection;
mod dial;
mod events;
#[cfg(all(unix, feature = "fd"))]
mod fd;
mod lend;
mod listener;
mod pipe;
mod shared;
mod socket;
mod sync;
mod transport;

pub use calls::CallBuilder;
pub use client::Client;
#[cfg(all(unix, feature = "fd"))]
pub use fd::FdTransport;
pub use lend::ClientConnection;
pub use listener::Listener;
pub use pipe::PipeTransport;
pub use shared::{Events, SharedClient, SharedClientConnection};
pub use transport::{Closer, Transport, Wait};
