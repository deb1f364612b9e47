//! Events: what the connection keeps, streams of them, and waiting for one.

use super::client::Client;
use super::deadline::Deadline;
use super::shared::Shared;
#[cfg(feature = "qmp")]
use crate::address::Address;
use crate::api::{CommandFor, Event, EventSet, MonitorPeer, Peer};
use crate::error::{ErrorKind, Phase, Result};
use crate::message::{EventMessage, RawEvent, Request};
#[cfg(feature = "qmp")]
use crate::options::ConnectOptions;
#[cfg(feature = "qmp")]
use crate::qmp::events::AnyEvent;
use crate::session::{accepted, decided, look_at, take_all_raw};
use crate::session::{Entry, EventCursor, EventFilter, SubscribeFrom, Subscriber};
use crate::timeout::Timeout;
use ::tokio::task::coop::poll_proceed;
use futures_core::Stream;
use std::fmt;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::Duration;

/// A stream of events, which ends with the connection. Made by [`Client::subscribe_to`] and its kin.
///
/// It does not keep the connection open. If events come faster than they are taken, the oldest are dropped at the bounds
/// ([`max_events`](crate::session::SessionOptions::max_events),
/// [`max_event_bytes`](crate::session::SessionOptions::max_event_bytes)), which each stream has for itself.
///
/// A stream that is read as fast as possible misses nothing, unless 16 kilobytes from the server hold more events than half of
/// a bound: the connection is not read while a stream is behind by half of its bound. This lasts for 100 ms at most, or 10 ms
/// while there are calls. A stream that is still behind then is not waited for again until all its events were taken, so that
/// it holds up neither commands nor other streams for longer.
///
/// # Errors
///
/// Items are events, or one of these errors, after which the stream goes on:
/// - [`Missed`](ErrorKind::Missed): events were dropped here, [so many](crate::Error::missed) of those that this stream is for.
/// - [`Decode`](ErrorKind::Decode): an event does not fit its type.
/// - [`Malformed`](ErrorKind::Malformed): a line that could not be read, and may have been an event.
///
/// If it was not this side which closed the connection, the last item is an error that tells why it ended.
#[must_use = "events are dropped with the stream"]
pub struct Events<T> {
    watch: Watch,
    decode: fn(&RawEvent) -> Option<Result<EventMessage<T>>>,
    ended: bool,
}

/// A connection keeps events in order, from the moment of connection on, until they are taken, or until somebody subscribes:
/// the first subscription begins with all that were not taken, and from then on each subscription keeps events for itself.
impl<P: MonitorPeer> Client<P> {
    /// Connects, and subscribes to all events from the very first on.
    ///
    /// # Errors
    ///
    /// Those of [connecting](crate::Client#connecting).
    #[cfg(feature = "qmp")]
    pub async fn connect_with_events(
        address: impl Into<Address>,
        options: &ConnectOptions,
    ) -> Result<(Self, Events<AnyEvent>)> {
        let client = Self::connect_with(address, options).await?;
        let events = client.subscribe();
        Ok((client, events))
    }

    /// Takes all events that the connection keeps. Never waits. Once somebody has [subscribed](Self::subscribe), it keeps
    /// none.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). What ended the connection comes when there is no event left.
    #[cfg(feature = "qmp")]
    pub fn take_events(&self) -> Result<Vec<EventMessage<AnyEvent>>> {
        self.take_events_as()
    }

    /// Takes all events that the connection keeps, as events of the schema `K`. Never waits. Once somebody has
    /// [subscribed](Self::subscribe_as), it keeps none.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors). What ended the connection comes when there is no event left.
    pub fn take_events_as<K: EventSet>(&self) -> Result<Vec<EventMessage<K>>> {
        let events = self.shared().with_session(take_all_raw)?;
        Ok(events.iter().map(|event| event.decode_as()).collect())
    }

    /// All events: those that the connection keeps, if this is the first subscription, and all from now on. None is lost
    /// between connecting and the first subscription.
    #[cfg(feature = "qmp")]
    pub fn subscribe(&self) -> Events<AnyEvent> {
        self.subscribe_as()
    }

    /// All events, as events of the schema `K`: those that the connection keeps, if this is the first subscription, and all
    /// from now on. None is lost between connecting and the first subscription.
    pub fn subscribe_as<K: EventSet>(&self) -> Events<K> {
        let watch = self.watch(SubscribeFrom::HandedOver, EventFilter::All);
        Events { watch, decode: |event| Some(Ok(event.decode_as())), ended: false }
    }

    /// The events `E`, like [`subscribe_as`](Self::subscribe_as). Others do not count against its bounds.
    pub fn subscribe_to<E: Event>(&self) -> Events<E> {
        let watch = self.watch(SubscribeFrom::HandedOver, EventFilter::Named(E::NAME));
        Events { watch, decode: RawEvent::decode, ended: false }
    }

    /// Takes the first event `E` that was not taken yet and that the filter accepts: of those that the connection keeps, then
    /// of those that arrive until the time is over. Without a timeout it waits for ever.
    ///
    /// It looks, and its time runs, from when this is called, and not from when the future is polled: called before the
    /// command that causes the event, it does not miss it. An older event of the same kind may be there still; if the filter
    /// cannot tell, [`execute_and_wait`](Self::execute_and_wait) does.
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout) if the time is over; [`Missed`](ErrorKind::Missed),
    /// [`Decode`](ErrorKind::Decode) and [`Malformed`](ErrorKind::Malformed) if the event may have been among what could
    /// not be kept or read; and those of [every operation](crate::Client#errors).
    pub fn wait_for<E: Event>(
        &self,
        timeout: impl Timeout,
        filter: impl FnMut(&E) -> bool,
    ) -> impl Future<Output = Result<EventMessage<E>>> {
        let deadline = Deadline::new(timeout.limit());
        let watch = self.watch(SubscribeFrom::Kept, EventFilter::Named(E::NAME));
        async move { watch.find(EventCursor::START, deadline, accepted(filter)).await }
    }

    /// Takes the first event that was not taken yet and for which the function gives a value, and returns the value: for
    /// events of several kinds, otherwise like [`wait_for`](Self::wait_for). `K` is a schema's events, such as
    /// `qmp::events::AnyEvent`.
    ///
    /// # Errors
    ///
    /// Those of [`wait_for`](Self::wait_for), without `Decode`.
    pub fn wait_until<K: EventSet, T>(
        &self,
        timeout: impl Timeout,
        outcome: impl FnMut(&EventMessage<K>) -> Option<T>,
    ) -> impl Future<Output = Result<T>> {
        let deadline = Deadline::new(timeout.limit());
        let watch = self.watch(SubscribeFrom::Kept, EventFilter::All);
        async move { watch.find(EventCursor::START, deadline, decided(outcome)).await }
    }

    /// Executes a command, and waits for an event `E` after it that the filter accepts, whether it comes before the reply or
    /// after it. Events that arrived before the command was written are not looked at, so that none of an earlier command is
    /// taken for this one's.
    ///
    /// The time is for reply and event together; without a timeout it waits for ever.
    ///
    /// ```no_run
    /// # use qemu_qmp::qmp::{commands::*, events::*};
    /// # async fn example(vm: qemu_qmp::tokio::Client) -> qemu_qmp::Result<()> {
    /// # const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
    /// let is_net1 = |gone: &DeviceDeleted| gone.device.as_deref() == Some("net1");
    /// vm.execute_and_wait(DeviceDel::new("net1"), PATIENCE, is_net1).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), without waiting for the event then, and those of [`wait_for`](Self::wait_for). A
    /// [`Timeout`](ErrorKind::Timeout) tells by its phase whether it was the reply or the event that did not come.
    pub async fn execute_and_wait<C: CommandFor<P>, E: Event>(
        &self,
        command: C,
        timeout: impl Timeout,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<(C::Reply, EventMessage<E>)> {
        let watch = self.watch(SubscribeFrom::Now, EventFilter::Named(E::NAME));
        let (request, timeout) = (Request::new(&command), timeout.limit());
        self.execute_and_find::<C, _>(request, timeout, watch, accepted(filter)).await
    }

    /// Executes a command, and waits for the first event after it for which the function gives a value: for commands that end
    /// in one of several ways, otherwise like [`execute_and_wait`](Self::execute_and_wait). `K` is a schema's events, such as
    /// `qmp::events::AnyEvent`.
    ///
    /// ```no_run
    /// # use qemu_qmp::qmp::{commands::*, events::*};
    /// # use qemu_qmp::EventMessage;
    /// # async fn example(vm: qemu_qmp::tokio::Client) -> qemu_qmp::Result<()> {
    /// # const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
    /// let unplugged = |event: &EventMessage<AnyEvent>| match &event.data {
    ///     AnyEvent::DeviceDeleted(gone) if gone.device.as_deref() == Some("net1") => Some(true),
    ///     AnyEvent::DeviceUnplugGuestError(refused) if refused.device.as_deref() == Some("net1") => Some(false),
    ///     _ => None,
    /// };
    /// let (_, is_gone) = vm.execute_until(DeviceDel::new("net1"), PATIENCE, unplugged).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`execute_and_wait`](Self::execute_and_wait).
    pub async fn execute_until<C: CommandFor<P>, K: EventSet, T>(
        &self,
        command: C,
        timeout: impl Timeout,
        outcome: impl FnMut(&EventMessage<K>) -> Option<T>,
    ) -> Result<(C::Reply, T)> {
        let watch = self.watch(SubscribeFrom::Now, EventFilter::All);
        let (request, timeout) = (Request::new(&command), timeout.limit());
        self.execute_and_find::<C, _>(request, timeout, watch, decided(outcome)).await
    }

    async fn execute_and_find<C: CommandFor<P>, T>(
        &self,
        request: Result<Request>,
        timeout: Option<Duration>,
        watch: Watch,
        wanted: impl FnMut(&RawEvent) -> Option<Result<T>>,
    ) -> Result<(C::Reply, T)> {
        let deadline = Deadline::new(timeout);
        let (reply, span) = self.within(timeout).execute_typed::<C>(request).await?;
        Ok((reply, watch.find(span.sent, deadline, wanted).await?))
    }
}

impl<P: Peer> Client<P> {
    pub(super) fn watch(&self, from: SubscribeFrom, filter: EventFilter) -> Watch {
        let shared = self.shared().clone();
        Watch { subscriber: shared.subscribe(from, filter), filter, shared }
    }
}

impl<T> Events<T> {
    /// The next event; `None` if the connection is closed. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<EventMessage<T>>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Waits for an event that the filter accepts, and passes over others. Without a timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// Those of [`Client::wait_for`]. The stream goes on.
    pub async fn wait_for(
        &mut self,
        timeout: impl Timeout,
        mut filter: impl FnMut(&T) -> bool,
    ) -> Result<EventMessage<T>> {
        self.find(timeout.limit(), |event| if filter(&event.data) { Ok(event) } else { Err(event) }).await
    }

    /// Waits for an event for which the function gives a value, and passes over others, like [`wait_for`](Self::wait_for).
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn wait_until<R>(
        &mut self,
        timeout: impl Timeout,
        mut outcome: impl FnMut(&EventMessage<T>) -> Option<R>,
    ) -> Result<R> {
        self.find(timeout.limit(), |event| outcome(&event).ok_or(event)).await
    }

    async fn find<R>(
        &mut self,
        timeout: Option<Duration>,
        mut look: impl FnMut(EventMessage<T>) -> Result<R, EventMessage<T>>,
    ) -> Result<R> {
        let (deadline, shared, what) =
            (Deadline::new(timeout), self.watch.shared.clone(), self.watch.filter.event_name());
        let finding = async {
            while let Some(event) = self.next().await {
                if let Ok(found) = look(event?) {
                    return Ok(found);
                }
            }
            Err(self.watch.shared.why())
        };
        deadline.limit(&shared.label, Phase::Event, what, finding).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<EventMessage<T>>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            let entry = ready!(self.watch.poll_entry(cx));
            let decoded = match entry {
                Ok((_, Ok(event))) => (self.decode)(&event),
                Ok((_, Err(error))) => Some(Err(error)),
                Err(why) => {
                    self.ended = true;
                    (why.kind() != ErrorKind::NotConnected).then_some(Err(why))
                }
            };
            if decoded.is_some() {
                return Poll::Ready(decoded);
            }
        }
    }
}

impl<T> Stream for Events<T> {
    type Item = Result<EventMessage<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// A subscriber of the connection.
pub(super) struct Watch {
    shared: Arc<Shared>,
    subscriber: Subscriber,
    filter: EventFilter,
}

impl Watch {
    fn poll_entry(&self, cx: &mut Context<'_>) -> Poll<Result<Entry>> {
        // A flood of events must not keep the other tasks of this thread waiting, nor a deadline from passing.
        let budget = ready!(poll_proceed(cx));
        let entry = ready!(self.shared.poll_entry(self.subscriber, cx));
        budget.made_progress();
        Poll::Ready(entry)
    }

    /// Takes the first entry in which something is found.
    pub(super) async fn look<T>(&self, mut look: impl FnMut(&Entry) -> Option<Result<T>>) -> Result<T> {
        loop {
            let entry = poll_fn(|cx| self.poll_entry(cx)).await?;
            if let Some(found) = look(&entry) {
                self.shared.remove_event(entry.0);
                return found;
            }
        }
    }

    /// Takes the first wanted event that is not older than the cursor.
    async fn find<T>(
        self,
        from: EventCursor,
        deadline: Deadline,
        mut wanted: impl FnMut(&RawEvent) -> Option<Result<T>>,
    ) -> Result<T> {
        let finding = self.look(|entry| look_at(entry, from, &mut wanted));
        deadline.limit(&self.shared.label, Phase::Event, self.filter.event_name(), finding).await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.unsubscribe(self.subscriber);
    }
}
