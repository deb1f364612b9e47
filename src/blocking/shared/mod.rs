//! A client that several threads use at a time.
//!
//! [`turns`] moves the bytes and knows who waits for what; this is what users see of it. All of it is generic or inline, so
//! that only programs which share a client compile it: they are few, and it would make up a tenth of the code that the
//! compiler generates for this crate.

mod turns;

use super::calls::{Caller, SharedCaller, Within};
use super::events::{take_all, wanted};
use super::transport::Wait;
use super::Client;
use crate::api::{Command, Event, EventSet, OobCommand};
use crate::error::{Doing, Error, Phase, Repr, Result};
use crate::fds::Fds;
use crate::message::{EventMessage, Greeting, RawEvent, Reply, Request};
#[cfg(feature = "qmp")]
use crate::qmp::events::AnyEvent;
use crate::session::Counters;
use crate::trace;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use turns::Turns;

/// A handle of one connection for several threads: some may wait for events, others execute commands. Made by
/// [`Client::share`].
///
/// Clones are handles of the same connection, which is closed when the last one is dropped.
///
/// # Threads
///
/// No thread runs in the background. Of the threads that wait for something, one reads for all, with its own deadline, and
/// hands over to another one when it is done; no lock is held meanwhile. Commands are written in the order of the calls, also
/// while others wait for their replies. Filters run under a lock, so that they have to be quick and must not use a handle of
/// the same connection.
///
/// # Events
///
/// An event goes to one handle: whoever takes it first. It stays buffered until somebody does, within
/// [bounds](crate::session::SessionOptions::max_events). Threads that wait with different filters do not take each
/// other's events.
///
/// # Errors
///
/// Each operation fails with [`NotConnected`](crate::ErrorKind::NotConnected) after [`close`](Self::close), and once the
/// connection has ended, with what ended it: [`Closed`](crate::ErrorKind::Closed), [`Io`](crate::ErrorKind::Io), or
/// [`Malformed`](crate::ErrorKind::Malformed) if its last line is half a line. Any other line that is no message fails the
/// call whose reply it most likely was, or, if no call waits, one operation on events.
#[derive(Clone)]
pub struct SharedClient {
    turns: Arc<Turns>,
    call_timeout: Option<Duration>,
}

impl Client {
    /// Makes of this client one that several threads can use. What is buffered goes along.
    ///
    /// ```no_run
    /// # use qemu_qmp::qmp::{commands::*, events::*};
    /// # fn main() -> qemu_qmp::Result<()> {
    /// let vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?.share()?;
    /// let watcher = vm.clone();
    /// std::thread::spawn(move || {
    ///     while let Ok(Some(event)) = watcher.next_event(None) {
    ///         println!("{:?}", event.data);
    ///     }
    /// });
    /// println!("{}", vm.execute(QueryStatus::new())?.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotConnected`](crate::ErrorKind::NotConnected); [`Io`](crate::ErrorKind::Io) if the
    /// [transport cannot be split](super::Transport::try_split). The connection is closed then.
    #[inline]
    pub fn share(mut self) -> Result<SharedClient> {
        let mut link = self.link.take().ok_or(Repr::NotConnected)?;
        let split = link.transport.try_split();
        let writer = split.map_err(|source| Repr::Io { doing: Doing::Writing, source })?;
        Ok(SharedClient { turns: Arc::new(Turns::new(*link, writer)), call_timeout: self.options.call_timeout })
    }
}

impl SharedClient {
    /// Executes a command and waits for what it returns, like [`Client::execute`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute<C: Command>(&self, command: C) -> Result<C::Reply> {
        self.with_default_timeout().execute(command)
    }

    /// Executes a command at once, like [`Client::execute_oob`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute_oob<C: OobCommand>(&self, command: C) -> Result<C::Reply> {
        self.with_default_timeout().execute_oob(command)
    }

    /// Executes a command by name, like [`Client::cmd`].
    ///
    /// # Errors
    ///
    /// The same.
    #[inline]
    pub fn cmd(&self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.with_default_timeout().cmd(name, arguments, id)
    }

    /// For a call that takes longer, or may take less long, than others, like [`Client::within`].
    pub fn within(&self, timeout: impl Into<Option<Duration>>) -> Within<'_> {
        Within::new(Caller::Shared(self), timeout.into())
    }

    /// For a command that needs file descriptors, like [`Client::with_fds`]. Such commands wait for one another, because
    /// QEMU keeps only those that came last.
    #[cfg(all(unix, feature = "fd"))]
    #[inline]
    pub fn with_fds<'a>(&'a self, fds: &'a [std::os::fd::BorrowedFd<'a>]) -> Within<'a> {
        self.with_default_timeout().with_fds(fds)
    }

    /// Executes a command, and takes the first event `E` after it that the filter accepts, like
    /// [`Client::execute_and_wait`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute_and_wait<C: Command, E: Event>(
        &self,
        command: C,
        timeout: impl Into<Option<Duration>>,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<(C::Reply, EventMessage<E>)> {
        let timeout = timeout.into();
        let wait = Wait::within(timeout);
        let place = self.turns.arrived(|session| session.event_place())?;
        let reply = self.within(timeout).execute(command)?;
        Ok((reply, self.wait_until(place, timeout, wait, wanted(filter))??))
    }

    /// Takes the first event `E` that the filter accepts, like [`Client::wait_for`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn wait_for<E: Event>(
        &self,
        timeout: impl Into<Option<Duration>>,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<EventMessage<E>> {
        let timeout = timeout.into();
        self.wait_until(0, timeout, Wait::within(timeout), wanted(filter))?
    }

    /// Takes the first event of the schema `K` that the filter accepts, like [`Client::wait_for_any`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn wait_for_any<K: EventSet>(
        &self,
        timeout: impl Into<Option<Duration>>,
        mut filter: impl FnMut(&EventMessage<K>) -> bool,
    ) -> Result<EventMessage<K>> {
        let timeout = timeout.into();
        self.wait_until(0, timeout, Wait::within(timeout), |event| Some(event.decode_as()).filter(&mut filter))
    }

    /// Takes the oldest event, like [`Client::next_event`].
    ///
    /// # Errors
    ///
    /// The same.
    #[cfg(feature = "qmp")]
    #[inline]
    pub fn next_event(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<EventMessage<AnyEvent>>> {
        self.next_event_as(timeout)
    }

    /// Takes the oldest event as one of the schema `K`, like [`Client::next_event_as`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn next_event_as<K: EventSet>(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<EventMessage<K>>> {
        let event = self.turns.wait_for_event(Wait::within(timeout.into()), |session| session.take_event())?;
        Ok(event.map(|event| event.decode_as()))
    }

    /// Takes all events that have arrived, as events of the schema `K`, like [`Client::events_as`]. Never waits.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn events_as<K: EventSet>(&self) -> Result<Vec<EventMessage<K>>> {
        self.turns.arrived(take_all)
    }

    /// Takes all events that have arrived, like [`Client::events`]. Never waits.
    ///
    /// # Errors
    ///
    /// The same.
    #[cfg(feature = "qmp")]
    #[inline]
    pub fn events(&self) -> Result<Vec<EventMessage<AnyEvent>>> {
        self.events_as()
    }

    /// Closes the connection, for all handles. Threads that wait fail with
    /// [`NotConnected`](crate::ErrorKind::NotConnected); what was buffered is gone.
    ///
    /// A thread that is inside the transport at this moment notices when the transport does: sockets at once, the
    /// standard streams of a child process when it closes them.
    #[inline]
    pub fn close(&self) {
        self.turns.close();
    }

    /// Whether there is a connection, as far as is known without asking the peer.
    #[inline]
    pub fn is_connected(&self) -> bool {
        self.turns.with_session(|session| !session.is_ended())
    }

    /// The server's greeting. Guest agents do not greet.
    #[inline]
    pub fn greeting(&self) -> Option<Greeting> {
        self.turns.with_session(|session| session.greeting().cloned())
    }

    /// Whether commands may be executed out-of-band on this connection.
    #[inline]
    pub fn is_oob(&self) -> bool {
        self.turns.with_session(|session| session.is_oob())
    }

    /// What this connection dropped so far.
    #[inline]
    pub fn counters(&self) -> Counters {
        self.turns.with_session(|session| session.counters())
    }

    #[inline]
    fn with_default_timeout(&self) -> Within<'_> {
        self.within(self.call_timeout)
    }

    fn wait_until<T>(
        &self,
        mut place: u64,
        timeout: Option<Duration>,
        wait: Wait,
        mut wanted: impl FnMut(&RawEvent) -> Option<T>,
    ) -> Result<T> {
        let found = self.turns.wait_for_event(wait, |session| session.take_event_if(&mut place, &mut wanted))?;
        found.ok_or_else(|| Error::timeout(Phase::Event, timeout.unwrap_or_default()))
    }
}

impl SharedCaller for SharedClient {
    #[cfg(all(unix, feature = "fd"))]
    #[inline]
    fn takes_fds(&self) -> bool {
        self.turns.takes_fds
    }

    #[inline]
    fn call(&self, request: Request, fds: Fds, timeout: Option<Duration>, call: &trace::Call) -> Result<Option<Reply>> {
        let late = || Error::timeout(Phase::Call, timeout.unwrap_or_default());
        self.turns.call(request, fds, Wait::within(timeout), call)?.ok_or_else(late)
    }
}

impl fmt::Debug for SharedClient {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedClient").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}
