//! The stand-in for programs that use tokio: it lives in tasks of the test's own runtime.

use super::stand_in::{failed, Fake};
use super::stream;
use super::tasks::{self, Conversation, Listener};
use crate::api::{CommandFor, Peer};
use crate::error::Result;
use crate::options::ConnectOptions;
use crate::timeout::Timeout;
use crate::tokio::Client;
use ::tokio::net::TcpListener;
#[cfg(unix)]
use ::tokio::net::UnixListener;
use ::tokio::time::timeout;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

impl<P: Peer> Fake<P> {
    /// A client of tokio's that is connected to it, in memory. Each has a monitor of its own, and all get all events.
    ///
    /// Its connection is served by tasks of the present runtime, with tokio's clock: with a clock that stands still
    /// ([`start_paused`](https://docs.rs/tokio/latest/tokio/attr.test.html)) hours of waiting are over at once. Handlers
    /// run in these tasks and must not block.
    ///
    /// # Errors
    ///
    /// Those of connecting, if the conversation does not begin as it should.
    pub async fn tokio_client(&self) -> Result<Client<P>> {
        self.tokio_client_with(&ConnectOptions::new()).await
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// Those of [`tokio_client`](Self::tokio_client).
    pub async fn tokio_client_with(&self, options: &ConnectOptions) -> Result<Client<P>> {
        #[cfg(not(unix))]
        use ::tokio::net::TcpStream as TokioStream;
        #[cfg(unix)]
        use ::tokio::net::UnixStream as TokioStream;
        let (ours, theirs) = stream::pair().map_err(failed)?;
        let conversation = Conversation::new(self.core(), theirs).map_err(failed)?;
        drop(::tokio::spawn(conversation.hold()));
        let ours = ours.set_nonblocking(true).and_then(|()| TokioStream::from_std(ours));
        Client::connect_over(ours.map_err(failed)?, options).await
    }

    /// Listens at a path as [`listen_unix`](Self::listen_unix) does, in a task of the present runtime.
    ///
    /// # Errors
    ///
    /// Those of binding a socket.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[cfg(unix)]
    pub fn tokio_listen_unix(&self, path: impl AsRef<std::path::Path>) -> io::Result<()> {
        let path = path.as_ref();
        let listener = UnixListener::bind(path)?;
        self.keep(crate::socket_file::SocketFile::new(path.to_owned())?);
        tasks::listen(self.core(), Listener::Unix(listener));
        Ok(())
    }

    /// Listens at an address as [`listen_tcp`](Self::listen_tcp) does, in a task of the present runtime.
    ///
    /// # Errors
    ///
    /// Those of binding a socket.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    pub fn tokio_listen_tcp(&self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let (address, listener) = (listener.local_addr()?, TcpListener::from_std(listener)?);
        tasks::listen(self.core(), Listener::Tcp(listener));
        Ok(address)
    }

    /// Waits for a call as [`wait_for_call`](Self::wait_for_call) does, by tokio's clock, and lets other tasks go on.
    pub async fn tokio_wait_for_call<C: CommandFor<P>>(&self, limit: impl Timeout) -> Option<C> {
        let call = async {
            loop {
                if let Some(command) = self.core().call_comes(C::NAME).await?.decode() {
                    return Some(command);
                }
            }
        };
        match limit.limit() {
            Some(limit) => timeout(limit, call).await.ok().flatten(),
            None => call.await,
        }
    }
}
