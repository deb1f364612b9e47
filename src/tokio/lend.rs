//! The client, lent to an operation.

use super::client::Client;
use super::events::Watch;
use crate::api::{CommandFor, Peer};
use crate::error::Result;
use crate::message::{RawEvent, Request};
use crate::session::{located, EventCursor, EventFilter, SubscribeFrom};
use crate::verbs::{shorter, Answer, Asynchronous, Connection};
use ::tokio::runtime::Handle;
use ::tokio::task::unconstrained;
use ::tokio::time::{sleep_until, timeout_at, Instant as TokioInstant};
use std::fmt;
use std::time::Instant;

/// A [`Client`] that an operation uses, as other tasks do meanwhile.
pub struct ClientConnection<'a, P> {
    client: &'a Client<P>,
    watch: Watch,
}

impl<P: Peer> Client<P> {
    /// Lends the client to an operation, which sees the events that arrive from now on.
    ///
    /// The methods that begin operations do this themselves; this is for operations of one's own.
    pub fn lend(&self) -> ClientConnection<'_, P> {
        self.lend_from(SubscribeFrom::Now)
    }

    /// Lends the client to an operation, which sees the events that the client keeps as well.
    pub fn lend_with_kept(&self) -> ClientConnection<'_, P> {
        self.lend_from(SubscribeFrom::Kept)
    }

    fn lend_from(&self, from: SubscribeFrom) -> ClientConnection<'_, P> {
        ClientConnection { client: self, watch: self.watch(from, EventFilter::All) }
    }
}

impl<P: Peer> Connection for ClientConnection<'_, P> {
    type Peer = P;
    type Mode = Asynchronous;

    async fn execute<C: CommandFor<P>>(&mut self, command: C, deadline: Option<Instant>) -> Result<Answer<C::Reply>> {
        let timeout = shorter(self.client.call_timeout(), deadline, self.now());
        let (reply, span) = self.client.within(timeout).execute_typed::<C>(Request::new(&command)).await?;
        Ok(Answer::new(reply, span))
    }

    async fn find_event<T>(
        &mut self,
        deadline: Option<Instant>,
        wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
    ) -> Result<Option<T>> {
        let finding = self.watch.look(located(wanted));
        let Some(deadline) = deadline else { return finding.await.map(Some) };
        let in_time = timeout_at(TokioInstant::from_std(deadline), finding);
        let found = match deadline <= self.now() {
            // What is there already is found, however much this task has done in its turn.
            true => unconstrained(in_time).await,
            false => in_time.await,
        };
        found.map_or(Ok(None), |found| found.map(Some))
    }

    async fn sleep_until(&mut self, time: Instant) {
        sleep_until(TokioInstant::from_std(time)).await;
    }

    /// In a task of its own, which keeps the connection until it is over.
    fn execute_unawaited<C: CommandFor<P> + Send + 'static>(&mut self, command: C) {
        let (client, request) = (self.client.clone(), Request::new(&command));
        if let Ok(runtime) = Handle::try_current() {
            let task = async move { client.within(client.call_timeout()).execute_typed::<C>(request).await.is_ok() };
            // Dropping the handle lets the task run.
            drop(runtime.spawn(task));
        }
    }

    /// By tokio's clock, which tests can stop.
    fn now(&self) -> Instant {
        TokioInstant::now().into_std()
    }
}

impl<P: Peer> fmt::Debug for ClientConnection<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConnection").field("client", self.client).finish_non_exhaustive()
    }
}
