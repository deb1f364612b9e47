//! From an address or a stream to a connection in command mode: attempts, and what they may take of the time.

use super::deadline::Deadline;
use super::driver::Driver;
use super::handle::Handle;
use super::shared::Shared;
use super::stream::Stream;
use crate::address::Address;
#[cfg(unix)]
use crate::address::{abstract_socket, check_path};
use crate::api::PeerKind;
use crate::connect::{attempt_limit, session, Retries};
use crate::error::{Error, Phase, Result};
use crate::options::ConnectOptions;
use crate::session::Session;
use ::tokio::net::{lookup_host, TcpStream};
use ::tokio::sync::oneshot;
use ::tokio::time::{sleep, timeout, Instant};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Connects and greets, as often as the options say.
pub(super) async fn connect(address: &Address, peer: PeerKind, options: &ConnectOptions) -> Result<Handle> {
    let new_session = || session(peer, options, Some(address));
    let Some(time) = options.retry_for else {
        let connect_deadline = Deadline::new(options.connect_timeout);
        return attempt(address, new_session(), connect_deadline, || options.greeting_timeout).await;
    };
    let deadline = Deadline::new(Some(time));
    let greeting_limit = || attempt_limit(peer, options, deadline.left());
    let mut retries = Retries::new();
    loop {
        // Each attempt is a connection of its own.
        let failure = match attempt(address, new_session(), deadline, greeting_limit).await {
            Ok(handle) => return Ok(handle),
            Err(failure) => failure,
        };
        let pause = retries.pause_after(failure)?;
        options.check_server(new_session().label())?;
        sleep(deadline.left().map_or(pause, |left| left.min(pause))).await;
        if deadline.left() == Some(Duration::ZERO) {
            return Err(retries.give_up(new_session().label(), time));
        }
    }
}

/// Greets and negotiates, or synchronizes. Dropped, it drops the stream.
pub(super) async fn greet<S: Stream>(stream: S, session: Session, limit: Option<Duration>) -> Result<Handle> {
    let deadline = Deadline::new(limit);
    let (ready_sender, ready) = oneshot::channel();
    let shared = Arc::new(Shared::new::<S>(session, ready_sender));
    let mut handle = Handle { shared: shared.clone(), greeting: None };
    ::tokio::spawn(Driver::new(stream, shared.clone()).run());
    match deadline.run(ready).await {
        Some(outcome) => outcome.unwrap_or_else(|_| Err(shared.why()))?,
        None => {
            let phase = shared.waits_for().unwrap_or(Phase::Greeting);
            return Err(deadline.passed(&shared.label, phase, None));
        }
    }
    shared.connected();
    handle.greeting = shared.with_session(|session| session.greeting().cloned());
    Ok(handle)
}

/// One attempt to connect, perhaps of several.
async fn attempt(
    address: &Address,
    session: Session,
    deadline: Deadline,
    greeting_limit: impl Fn() -> Option<Duration>,
) -> Result<Handle> {
    let failed = |cause| Error::connect(address, cause);
    let label = session.label().clone();
    match address {
        #[cfg(unix)]
        Address::Unix(path) => {
            check_path(path).map_err(failed)?;
            let connecting = async { connect_unix(path).await.map_err(failed) };
            let stream = deadline.limit(&label, Phase::Connect, Some(crate::connect::FULL_QUEUE), connecting).await?;
            greet(stream, session, greeting_limit()).await
        }
        #[cfg(unix)]
        Address::Abstract(name) => {
            abstract_socket(name).map_err(failed)?;
            // How tokio takes such a name.
            let path = std::path::PathBuf::from(format!("\0{name}"));
            let connecting = async { connect_unix(&path).await.map_err(failed) };
            let stream = deadline.limit(&label, Phase::Connect, Some(crate::connect::FULL_QUEUE), connecting).await?;
            greet(stream, session, greeting_limit()).await
        }
        #[cfg(not(unix))]
        Address::Unix(_) | Address::Abstract(_) => Err(failed(io::ErrorKind::Unsupported.into())),
        Address::Tcp { host, port } => {
            let connecting = async { connect_tcp(host, *port, deadline.left()).await.map_err(failed) };
            let stream = deadline.limit(&label, Phase::Connect, None, connecting).await?;
            greet(stream, session, greeting_limit()).await
        }
    }
}

/// A Unix socket whose listener has a full queue refuses at once instead of waiting.
#[cfg(unix)]
async fn connect_unix(path: &std::path::Path) -> io::Result<::tokio::net::UnixStream> {
    loop {
        match ::tokio::net::UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(crate::connect::FULL_QUEUE_PAUSE).await,
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
