//! From an address or a transport to a link in command mode: attempts, and what they may take of the time.

use super::address::dial;
use super::link::Link;
use super::transport::{AnyTransport, Wait};
use super::{Address, ConnectOptions};
use crate::error::Result;
use crate::retry::Retries;
use crate::server::Server;
use std::thread;
use std::time::Duration;

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
    let mut link = Box::new(Link::new(server.session(&options.session), transport));
    link.shake_hands(timeout).inspect_err(|_| link.transport.close())?;
    Ok(link)
}

/// One attempt of several.
fn attempt(address: &Address, server: Server, options: &ConnectOptions, wait: Wait) -> Result<Box<Link>> {
    let transport = dial(address, wait.remaining())?;
    let timeout = server.attempt_limit(options.greeting_timeout, wait.remaining());
    greet(transport, server, options, timeout)
}
