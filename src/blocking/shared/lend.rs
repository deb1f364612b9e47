//! A shared client, lent to an operation.

use super::events::Watch;
use super::SharedClient;
use crate::api::{CommandFor, Peer};
use crate::blocking::transport::Wait;
use crate::error::Result;
use crate::message::{RawEvent, Request};
use crate::session::{located, EventCursor, EventFilter, SubscribeFrom};
use crate::verbs::{shorter, Answer, Blocking, Connection, Mode, PARTING};
use std::fmt;
use std::time::Instant;

/// A [`SharedClient`] that an operation uses, as other threads do meanwhile.
pub struct SharedClientConnection<'a, P> {
    client: &'a SharedClient<P>,
    watch: Watch,
}

impl<P: Peer> SharedClient<P> {
    /// Lends the client to an operation, which sees the events that arrive from now on.
    ///
    /// The methods that begin operations do this themselves; this is for operations of one's own.
    pub fn lend(&self) -> SharedClientConnection<'_, P> {
        self.lend_from(SubscribeFrom::Now)
    }

    /// Lends the client to an operation, which sees the events that the client keeps as well.
    pub fn lend_with_kept(&self) -> SharedClientConnection<'_, P> {
        self.lend_from(SubscribeFrom::Kept)
    }

    fn lend_from(&self, from: SubscribeFrom) -> SharedClientConnection<'_, P> {
        // What is there already is kept now, and came before the operation.
        self.leader.drain();
        SharedClientConnection { client: self, watch: self.watch(from, EventFilter::All) }
    }
}

impl<P: Peer> Connection for SharedClientConnection<'_, P> {
    type Peer = P;
    type Mode = Blocking;

    async fn execute<C: CommandFor<P>>(&mut self, command: C, deadline: Option<Instant>) -> Result<Answer<C::Reply>> {
        let timeout = shorter(self.client.call_timeout, deadline, self.now());
        let (reply, span) = self.client.within(timeout).execute_typed::<C>(Request::new(&command)?)?;
        Ok(Answer::new(reply, span))
    }

    async fn find_event<T>(
        &mut self,
        deadline: Option<Instant>,
        wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
    ) -> Result<Option<T>> {
        self.watch.look(deadline.map_or(Wait::Forever, Wait::Until), located(wanted))
    }

    async fn sleep_until(&mut self, time: Instant) {
        std::thread::sleep(time.saturating_duration_since(self.now()));
    }

    /// While a thread panics: within a short time, because it is to go on with that.
    fn execute_unawaited<C: CommandFor<P> + Send + 'static>(&mut self, command: C) {
        let soon = self.now() + PARTING;
        let _ = Blocking::run(self.execute(command, Some(soon)));
    }
}

impl<P: Peer> fmt::Debug for SharedClientConnection<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedClientConnection").field("client", self.client).finish_non_exhaustive()
    }
}
