//! From an address or a transport to a link in command mode: attempts, and what they may take of the time.

use super::address::dial;
use super::link::Link;
use super::transport::{AnyTransport, Wait};
use super::{Address, ConnectOptions};
use crate::error::Result;
use crate::retry::Retries;
use crate::session::Session;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::thread;
use std::time::Duration;

/// What is expected at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Monitor,
    GuestAgent,
}

/// Connects and greets, as often as the options say.
pub(super) fn connect(address: &Address, server: Server, options: &ConnectOptions) -> Result<Box<Link>> {
    let Some(time) = options.retry_for else {
        let transport = dial(address, options.connect_timeout)?;
        return greet(transport, server, options, options.greeting_timeout);
    };
    let wait = Wait::within(Some(time));
    let mut retries = Retries::new();
    loop {
        let failure = match attempt(address, server, options, wait) {
            Ok(link) => return Ok(link),
            Err(failure) => failure,
        };
        let pause = retries.pause_after(failure)?;
        let left = wait.remaining().unwrap_or(pause);
        thread::sleep(pause.min(left));
        if wait.is_over() {
            return Err(retries.give_up(time));
        }
    }
}

/// Greets, with the transport closed if that fails.
pub(super) fn greet(
    transport: Box<dyn AnyTransport>,
    server: Server,
    options: &ConnectOptions,
    timeout: Option<Duration>,
) -> Result<Box<Link>> {
    let session = match server {
        Server::Monitor => Session::new(options.session.clone()),
        Server::GuestAgent => Session::guest_agent(options.session.clone(), random()),
    };
    let mut link = Box::new(Link::new(session, transport));
    link.shake_hands(timeout).inspect_err(|_| link.transport.close())?;
    Ok(link)
}

/// One attempt of several. A queue at the server keeps its order, so that waiting longer in it is better than to leave it
/// and come back.
fn attempt(address: &Address, server: Server, options: &ConnectOptions, wait: Wait) -> Result<Box<Link>> {
    let transport = dial(address, wait.remaining())?;
    let left = wait.remaining();
    let timeout = match (server, options.greeting_timeout, left) {
        (Server::GuestAgent, Some(timeout), Some(left)) => Some(timeout.min(left)),
        _ => left,
    };
    greet(transport, server, options, timeout)
}

/// A number that no other session is likely to have: the standard library seeds its hash maps at random.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
