//! A client that several threads use at a time.
//!
//! [`leader`] moves the bytes and knows which thread waits for what; this is what users see of it. All of it is generic or
//! inline, so that only programs which share a client compile it: they are few, and it would make up a tenth of the code that
//! the compiler generates for this crate.

mod events;
mod leader;
mod lend;
#[cfg(all(test, qemu_qmp_loom))]
mod model;
mod waiters;

pub use events::Events;
pub use lend::SharedClientConnection;

use super::calls::{CallBuilder, CallOutcome, Caller, SharedCaller};
use super::client::Client;
use super::transport::Wait;
use crate::api::{CommandFor, Monitor, MonitorPeer, OobCommand, Peer};
use crate::error::{Error, Result};
use crate::fds::Fds;
use crate::label::Label;
use crate::message::{Greeting, Reply, Request};
use crate::session::Counters;
use crate::timeout::Timeout;
use crate::trace::CommandSpan;
use leader::Leader;
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A handle of one connection for several threads: some may wait for events, others execute commands. Made by
/// [`Client::share`].
///
/// Clones are handles of the same connection, which is closed when the last one is dropped, [event streams](Events) included.
///
/// # Threads
///
/// No thread runs in the background. Of the threads that wait for something, one reads for all, with its own deadline, and
/// hands over to another one when it is done; no lock is held meanwhile. Commands are written in the order of the calls, also
/// while others wait for their replies. Filters run without a lock, and may use the connection.
///
/// # Events
///
/// The connection keeps events until they are taken, or until somebody subscribes: the first
/// [subscription](Self::subscribe_as) begins with all that were not taken, and from then on each subscription keeps events for
/// itself, within [bounds](crate::session::SessionOptions::max_events). Of the threads that take events from the connection
/// itself, one gets each; threads that wait with filters do not take each other's events, and if several wait for the same one
/// at the same time, each gets it.
///
/// # Errors
///
/// Those that [`Client`](Client#errors) tells of.
pub struct SharedClient<P = Monitor> {
    leader: Arc<Leader>,
    call_timeout: Option<Duration>,
    peer: PhantomData<fn() -> P>,
}

impl<P: Peer> Client<P> {
    /// Makes of this client one that several threads can use. Events that were kept go along.
    ///
    /// ```no_run
    /// # use qemu_qmp::qmp::{commands::*, events::*};
    /// # fn main() -> qemu_qmp::Result<()> {
    /// let vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?.share()?;
    /// let events = vm.subscribe();
    /// std::thread::spawn(move || {
    ///     for event in events {
    ///         println!("{event:?}");
    ///     }
    /// });
    /// println!("{}", vm.execute(QueryStatus::new())?.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if the [transport cannot be split](super::Transport::try_split). The connection is closed
    /// then.
    pub fn share(self) -> Result<SharedClient<P>> {
        let mut parts = self.connection.into_parts();
        let writer = match parts.transport.try_split() {
            Ok(writer) => writer,
            Err(cause) => return Err(Error::unshared(parts.session.label(), cause)),
        };
        let leader = Arc::new(Leader::new(parts, writer));
        Ok(SharedClient { leader, call_timeout: self.call_timeout, peer: PhantomData })
    }
}

impl<P: Peer> SharedClient<P> {
    /// Executes a command and waits for what it returns, like [`Client::execute`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute<C: CommandFor<P>>(&self, command: C) -> Result<C::Reply> {
        self.call_builder().execute(command)
    }

    /// Executes a command by name, like [`Client::cmd`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn cmd(&self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.call_builder().cmd(name, arguments, id)
    }

    /// Sends a request that is an object already, like [`Client::cmd_obj`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn cmd_obj(&self, request: Map<String, Value>) -> Result<Reply> {
        self.call_builder().cmd_obj(request)
    }

    /// For a call that takes longer, or may take less long, than others, like [`Client::within`].
    pub fn within(&self, timeout: impl Timeout) -> CallBuilder<'_, P> {
        self.call_builder().within(timeout)
    }

    /// For a command that needs file descriptors, like [`Client::with_fds`]. Such commands wait for one another, because
    /// QEMU keeps only those that came last.
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds<'a>(&'a self, fds: &'a [std::os::fd::BorrowedFd<'a>]) -> CallBuilder<'a, P> {
        self.call_builder().with_fds(fds)
    }

    /// Closes the connection, for all handles. Threads that wait fail with
    /// [`NotConnected`](crate::ErrorKind::NotConnected); what the connection kept is gone.
    ///
    /// Threads that use the transport at this moment end at once if it has a [closer](super::Transport::closer), as sockets
    /// have. What no closer can end is writing to a [`PipeTransport`](super::PipeTransport).
    pub fn close(&self) {
        self.leader.close();
    }

    /// Returns whether there is a connection, as far as is known without asking the peer.
    pub fn is_connected(&self) -> bool {
        self.leader.with_session(|session| session.end().is_none())
    }

    /// Counts what this connection dropped so far.
    pub fn counters(&self) -> Counters {
        self.leader.with_session(|session| session.counters())
    }

    /// Changes how long calls by this handle, and its future clones, may take, unless [`within`](Self::within) says otherwise;
    /// `None` waits for ever.
    pub fn set_call_timeout(&mut self, timeout: impl Timeout) {
        self.call_timeout = timeout.limit();
    }

    fn call_builder(&self) -> CallBuilder<'_, P> {
        CallBuilder::new(Caller::Shared(&*self.leader), self.call_timeout)
    }
}

impl<P: MonitorPeer> SharedClient<P> {
    /// Executes a command at once, like [`Client::execute_oob`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute_oob<C: OobCommand + CommandFor<P>>(&self, command: C) -> Result<C::Reply> {
        self.call_builder().execute_oob(command)
    }

    /// The server's greeting.
    pub fn greeting(&self) -> Greeting {
        self.leader.with_session(|session| session.greeting().unwrap_or(Greeting::NONE).clone())
    }

    /// Returns whether commands may be executed out-of-band on this connection.
    pub fn oob_enabled(&self) -> bool {
        self.leader.with_session(|session| session.oob_enabled())
    }
}

impl SharedCaller for Leader {
    #[inline]
    fn label(&self) -> &Label {
        &self.label
    }

    #[inline]
    fn takes_fds(&self) -> bool {
        self.takes_fds
    }

    #[inline]
    fn call(&self, request: Request, fds: Fds, wait: Wait, span: &CommandSpan) -> CallOutcome {
        Leader::call(self, request, fds, wait, span)
    }
}

impl<P> Clone for SharedClient<P> {
    fn clone(&self) -> Self {
        SharedClient { leader: self.leader.clone(), call_timeout: self.call_timeout, peer: PhantomData }
    }
}

impl<P: Peer> fmt::Debug for SharedClient<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SharedClient");
        shown.field("peer", &P::NAME);
        if let Some(label) = self.leader.label.shown() {
            shown.field("connection", &label);
        }
        shown.field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Leader {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader").field("connection", &self.label.shown()).finish_non_exhaustive()
    }
}
