//! The client of one thread, lent to an operation.

use super::calls::{CallBuilder, Caller};
use super::client::Client;
use super::connection::Connection;
use super::events::find_in;
use super::transport::Wait;
use crate::api::{CommandFor, Peer};
use crate::error::Result;
use crate::message::{RawEvent, Request};
use crate::session::{located, EventCursor, EventFilter, SubscribeFrom, Subscriber};
use crate::verbs::{self, shorter, Answer, Blocking, Mode, PARTING};
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// A [`Client`] that an operation borrows.
pub struct ClientConnection<'a, P> {
    connection: &'a mut Connection,
    call_timeout: Option<Duration>,
    subscriber: Subscriber,
    peer: PhantomData<fn() -> P>,
}

impl<P: Peer> Client<P> {
    /// Lends the client to an operation, which sees the events that arrive from now on.
    ///
    /// The methods that begin operations do this themselves; this is for operations of one's own.
    pub fn lend(&mut self) -> ClientConnection<'_, P> {
        self.lend_from(SubscribeFrom::Now)
    }

    /// Lends the client to an operation, which sees the events that the client keeps as well.
    pub fn lend_with_kept(&mut self) -> ClientConnection<'_, P> {
        self.lend_from(SubscribeFrom::Kept)
    }

    fn lend_from(&mut self, from: SubscribeFrom) -> ClientConnection<'_, P> {
        // What is there already is kept now, and came before the operation.
        self.connection.drain();
        let subscriber = self.connection.session.subscribe(from, EventFilter::All);
        let (connection, call_timeout) = (&mut *self.connection, self.call_timeout);
        ClientConnection { connection, call_timeout, subscriber, peer: PhantomData }
    }
}

impl<P: Peer> verbs::Connection for ClientConnection<'_, P> {
    type Peer = P;
    type Mode = Blocking;

    async fn execute<C: CommandFor<P>>(&mut self, command: C, deadline: Option<Instant>) -> Result<Answer<C::Reply>> {
        let timeout = shorter(self.call_timeout, deadline, self.now());
        let call = CallBuilder::<P>::new(Caller::Connection(self.connection), timeout);
        let (reply, span) = call.execute_typed::<C>(Request::new(&command)?)?;
        Ok(Answer::new(reply, span))
    }

    async fn find_event<T>(
        &mut self,
        deadline: Option<Instant>,
        wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
    ) -> Result<Option<T>> {
        let (subscriber, wait) = (self.subscriber, deadline.map_or(Wait::Forever, Wait::Until));
        let mut look = located(wanted);
        self.connection.wait_for(wait, |session| find_in(session, subscriber, &mut look))?.transpose()
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

impl<P> Drop for ClientConnection<'_, P> {
    fn drop(&mut self) {
        self.connection.session.unsubscribe(self.subscriber);
    }
}

impl<P: Peer> fmt::Debug for ClientConnection<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConnection").field("peer", &P::NAME).finish_non_exhaustive()
    }
}
