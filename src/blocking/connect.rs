//! From an address or a transport to a connection in command mode: attempts, and what they may take of the time.

use super::connection::Connection;
use super::dial::dial;
use super::transport::{AnyTransport, Wait};
use crate::address::Address;
use crate::api::PeerKind;
use crate::connect::{attempt_limit, session, Retries};
use crate::error::Result;
use crate::options::ConnectOptions;
use crate::session::Session;
use std::thread;
use std::time::Duration;

/// Connects and greets, as often as the options say.
pub(super) fn connect(address: &Address, peer: PeerKind, options: &ConnectOptions) -> Result<Box<Connection>> {
    let Some(time) = options.retry_for else {
        let session = session(peer, options, Some(address));
        let transport = dial(address, session.label(), options.connect_timeout)?;
        return greet(transport, session, options.greeting_timeout);
    };
    let wait = Wait::within(Some(time));
    let mut retries = Retries::new();
    loop {
        // Each attempt is a connection of its own.
        let session = session(peer, options, Some(address));
        let label = session.label().clone();
        let failure = match attempt(address, session, peer, options, wait) {
            Ok(connection) => return Ok(connection),
            Err(failure) => failure,
        };
        let pause = retries.pause_after(failure)?;
        options.check_server(&label)?;
        let left = wait.remaining().unwrap_or(pause);
        thread::sleep(pause.min(left));
        if wait.is_over() {
            return Err(retries.give_up(&label, time));
        }
    }
}

/// Greets and negotiates, or synchronizes, over a transport that is connected already.
pub(super) fn connect_over(
    transport: Box<dyn AnyTransport>,
    address: Option<&Address>,
    peer: PeerKind,
    options: &ConnectOptions,
) -> Result<Box<Connection>> {
    greet(transport, session(peer, options, address), options.greeting_timeout)
}

/// Greets, with the transport closed if that fails.
fn greet(transport: Box<dyn AnyTransport>, session: Session, timeout: Option<Duration>) -> Result<Box<Connection>> {
    let mut connection = Box::new(Connection::new(session, transport));
    connection.shake_hands(timeout).inspect_err(|_| connection.transport().close())?;
    Ok(connection)
}

/// One attempt of several.
fn attempt(
    address: &Address,
    session: Session,
    peer: PeerKind,
    options: &ConnectOptions,
    wait: Wait,
) -> Result<Box<Connection>> {
    let transport = dial(address, session.label(), wait.remaining())?;
    greet(transport, session, attempt_limit(peer, options, wait.remaining()))
}
