//! From an address or a stream to a client in command mode: attempts, and what they may take of the time.

use super::calls::in_time;
use super::driver::Driver;
use super::shared::Shared;
use super::{Client, ConnectOptions, Handle, Stream};
use crate::address::Address;
use crate::error::{Error, Phase, Result};
use crate::retry::Retries;
use crate::server::Server;
use ::tokio::net::{lookup_host, TcpStream};
use ::tokio::sync::{oneshot, watch};
use ::tokio::time::{sleep, timeout, Instant};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for a place in a listener's queue before asking again. A socket does not tell when there is one.
#[cfg(unix)]
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);

/// Connects and greets, as often as the options say.
pub(super) async fn connect(address: &Address, server: Server, options: &ConnectOptions) -> Result<Client> {
    let mut attempt = Attempt { address, server, options, end: None };
    let Some(time) = options.retry_for else { return attempt.run().await };
    attempt.end = Instant::now().checked_add(time);
    let mut retries = Retries::new();
    loop {
        let failure = match attempt.run().await {
            Ok(client) => return Ok(client),
            Err(failure) => failure,
        };
        let pause = retries.pause_after(failure)?;
        sleep(attempt.left().map_or(pause, |left| left.min(pause))).await;
        if attempt.left() == Some(Duration::ZERO) {
            return Err(retries.give_up(time));
        }
    }
}

/// Greets and negotiates, or synchronizes. Dropped, it drops the stream.
pub(super) async fn greet<S: Stream>(
    stream: S,
    server: Server,
    options: &ConnectOptions,
    limit: Option<Duration>,
) -> Result<Client> {
    let session = server.session(&options.session);
    let (ready_sender, ready) = oneshot::channel();
    let (gone_sender, gone) = watch::channel(());
    let shared = Arc::new(Shared::new::<S>(session, &options.session, ready_sender, gone));
    let client = Client { handle: Arc::new(Handle { shared: shared.clone() }), call_timeout: options.call_timeout };
    ::tokio::spawn(Driver::new(stream, shared.clone(), gone_sender).run());
    let ready = async { ready.await.unwrap_or_else(|_| Err(shared.why())) };
    match in_time(limit, Phase::Greeting, ready).await {
        Ok(()) => Ok(client),
        Err(error) if error.is_timeout() => {
            let phase = shared.waits_for().unwrap_or(Phase::Greeting);
            Err(Error::timeout(phase, limit.unwrap_or_default()))
        }
        Err(error) => Err(error),
    }
}

/// One attempt to connect, perhaps of several, which end at some time.
struct Attempt<'a> {
    address: &'a Address,
    server: Server,
    options: &'a ConnectOptions,
    end: Option<Instant>,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Client> {
        let failed = |source| Error::connect(self.address, source);
        let limit = self.left().or(self.options.connect_timeout);
        match self.address {
            #[cfg(unix)]
            Address::Unix(path) => {
                let connecting = async { connect_unix(path).await.map_err(failed) };
                let stream = in_time(limit, Phase::Connect, connecting).await?;
                greet(stream, self.server, self.options, self.greeting_limit()).await
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(failed(io::ErrorKind::Unsupported.into())),
            Address::Tcp { host, port } => {
                let connecting = async { connect_tcp(host, *port, limit).await.map_err(failed) };
                let stream = in_time(limit, Phase::Connect, connecting).await?;
                greet(stream, self.server, self.options, self.greeting_limit()).await
            }
        }
    }

    /// What is left of the time for all attempts.
    fn left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    fn greeting_limit(&self) -> Option<Duration> {
        let limit = self.options.greeting_timeout;
        match self.left() {
            None => limit,
            left => self.server.attempt_limit(limit, left),
        }
    }
}

/// A Unix socket whose listener has a full queue refuses at once instead of waiting.
#[cfg(unix)]
async fn connect_unix(path: &std::path::Path) -> io::Result<::tokio::net::UnixStream> {
    loop {
        match ::tokio::net::UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(BACKLOG_PAUSE).await,
            connected => return connected,
        }
    }
}

/// Tries every address, each for its share of the time that is left, so that one which does not answer leaves time for the
/// others. If none can be reached, the last one's error tells why.
async fn connect_tcp(host: &str, port: u16, limit: Option<Duration>) -> io::Result<TcpStream> {
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect(address);
        let others = u32::try_from(addresses.len() - tried - 1).unwrap_or(u32::MAX);
        let connected = match end.map(|end| end.saturating_duration_since(Instant::now())) {
            Some(left) if others > 0 => {
                let share = left / others.saturating_add(1);
                timeout(share, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            }
            // The last one may take all the time that is left, and then it is the caller who says that it is over.
            _ => connecting.await,
        };
        match connected {
            Ok(stream) => {
                // Each command is one write, and must not wait for the reply to an earlier one.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
