//! Events of a shared client: what the connection keeps, streams, and waiting for one event.

use super::leader::Leader;
use super::SharedClient;
use crate::api::{CommandFor, Event, EventSet, MonitorPeer, Peer};
use crate::blocking::events::Deadline;
use crate::blocking::transport::Wait;
use crate::error::{ErrorKind, Result};
use crate::message::{EventMessage, RawEvent, Request};
#[cfg(feature = "qmp")]
use crate::qmp::events::AnyEvent;
use crate::session::{accepted, decided, look_at, take_all_raw};
use crate::session::{Entry, EventCursor, EventFilter, Session, SubscribeFrom, Subscriber};
use crate::timeout::Timeout;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

impl<P: MonitorPeer> SharedClient<P> {
    /// Takes all events that have arrived, like [`Client::take_events`](super::Client::take_events). Never waits.
    ///
    /// Once somebody has [subscribed](Self::subscribe_as), the connection keeps none.
    ///
    /// # Errors
    ///
    /// The same.
    #[cfg(feature = "qmp")]
    pub fn take_events(&self) -> Result<Vec<EventMessage<AnyEvent>>> {
        self.take_events_as()
    }

    /// Takes all events that have arrived, as events of the schema `K`, like
    /// [`Client::take_events_as`](super::Client::take_events_as). Never waits.
    ///
    /// Once somebody has [subscribed](Self::subscribe_as), the connection keeps none.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn take_events_as<K: EventSet>(&self) -> Result<Vec<EventMessage<K>>> {
        self.leader.drain();
        let events = self.leader.with_session(take_all_raw)?;
        // Decoding is the program's own code if the schema is, and may use the client: it runs without the lock.
        Ok(events.iter().map(|event| event.decode_as()).collect())
    }

    /// Takes the oldest event, like [`Client::next_event`](super::Client::next_event).
    ///
    /// # Errors
    ///
    /// The same.
    #[cfg(feature = "qmp")]
    pub fn next_event(&self, timeout: impl Timeout) -> Result<Option<EventMessage<AnyEvent>>> {
        self.next_event_as(timeout)
    }

    /// Takes the oldest event as one of the schema `K`, like [`Client::next_event_as`](super::Client::next_event_as).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn next_event_as<K: EventSet>(&self, timeout: impl Timeout) -> Result<Option<EventMessage<K>>> {
        let wait = Wait::within(timeout.limit());
        let found = match self.leader.with_session(|session| session.keeps_events()) {
            true => self.leader.wait_for(wait, Session::take_event)?,
            false => self.watch(SubscribeFrom::Now, EventFilter::All).next_entry(wait)?,
        };
        found.map(|(_, event)| Ok(event?.decode_as())).transpose()
    }

    /// All events as a stream: those that the connection keeps, if this is the first subscription, and all from now on. None
    /// is lost between connecting and the first subscription.
    #[cfg(feature = "qmp")]
    pub fn subscribe(&self) -> Events<AnyEvent> {
        self.subscribe_as()
    }

    /// All events as a stream of events of the schema `K`: those that the connection keeps, if this is the first subscription,
    /// and all from now on. None is lost between connecting and the first subscription.
    pub fn subscribe_as<K: EventSet>(&self) -> Events<K> {
        let watch = self.watch(SubscribeFrom::HandedOver, EventFilter::All);
        Events { watch, decode: |event| Some(Ok(event.decode_as())), ended: false }
    }

    /// The events `E` as a stream, like [`subscribe_as`](Self::subscribe_as). Others do not count against its bounds.
    pub fn subscribe_to<E: Event>(&self) -> Events<E> {
        let watch = self.watch(SubscribeFrom::HandedOver, EventFilter::Named(E::NAME));
        Events { watch, decode: RawEvent::decode, ended: false }
    }

    /// Takes the first event `E` that the filter accepts, like [`Client::wait_for`](super::Client::wait_for).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn wait_for<E: Event>(&self, timeout: impl Timeout, filter: impl FnMut(&E) -> bool) -> Result<EventMessage<E>> {
        let watch = self.watch(SubscribeFrom::Kept, EventFilter::Named(E::NAME));
        watch.find(EventCursor::START, Deadline::new(timeout.limit()), accepted(filter))
    }

    /// Takes the first event for which the function gives a value, like [`Client::wait_until`](super::Client::wait_until).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn wait_until<K: EventSet, T>(
        &self,
        timeout: impl Timeout,
        outcome: impl FnMut(&EventMessage<K>) -> Option<T>,
    ) -> Result<T> {
        let watch = self.watch(SubscribeFrom::Kept, EventFilter::All);
        watch.find(EventCursor::START, Deadline::new(timeout.limit()), decided(outcome))
    }

    /// Executes a command, and takes the first event `E` after it that the filter accepts, like
    /// [`Client::execute_and_wait`](super::Client::execute_and_wait).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute_and_wait<C: CommandFor<P>, E: Event>(
        &self,
        command: C,
        timeout: impl Timeout,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<(C::Reply, EventMessage<E>)> {
        let (request, filter) = (Request::new(&command)?, accepted(filter));
        self.execute_and_find::<C, _>(request, timeout.limit(), EventFilter::Named(E::NAME), filter)
    }

    /// Executes a command, and waits for the first event after it for which the function gives a value, like
    /// [`Client::execute_until`](super::Client::execute_until).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute_until<C: CommandFor<P>, K: EventSet, T>(
        &self,
        command: C,
        timeout: impl Timeout,
        outcome: impl FnMut(&EventMessage<K>) -> Option<T>,
    ) -> Result<(C::Reply, T)> {
        let request = Request::new(&command)?;
        self.execute_and_find::<C, _>(request, timeout.limit(), EventFilter::All, decided(outcome))
    }

    fn execute_and_find<C: CommandFor<P>, T>(
        &self,
        request: Request,
        timeout: Option<Duration>,
        filter: EventFilter,
        wanted: impl FnMut(&RawEvent) -> Option<Result<T>>,
    ) -> Result<(C::Reply, T)> {
        let deadline = Deadline::new(timeout);
        // What is there already came before the command.
        self.leader.drain();
        let watch = self.watch(SubscribeFrom::Now, filter);
        let (reply, span) = self.within(timeout).execute_typed::<C>(request)?;
        Ok((reply, watch.find(span.sent, deadline, wanted)?))
    }
}

impl<P: Peer> SharedClient<P> {
    pub(super) fn watch(&self, from: SubscribeFrom, filter: EventFilter) -> Watch {
        let subscriber = self.leader.with_session(|session| session.subscribe(from, filter));
        Watch { leader: self.leader.clone(), subscriber, filter }
    }
}

/// A stream of events of a [`SharedClient`]. Made by [`SharedClient::subscribe_to`] and its kin.
///
/// It keeps what was not taken, within [bounds](crate::session::SessionOptions::max_events) that each stream has for itself;
/// at the bounds the oldest events are dropped, and the stream tells [how many](crate::ErrorKind::Missed). It is a handle of
/// the connection, like a client, and reads from it while it waits.
///
/// As an iterator it waits without a deadline, and ends with the connection: with an error that tells why, unless this side
/// closed it. Errors of other kinds stand for events that were missed or could not be read, and it goes on.
pub struct Events<T> {
    watch: Watch,
    decode: fn(&RawEvent) -> Option<Result<EventMessage<T>>>,
    ended: bool,
}

impl<T> Events<T> {
    /// The next event; `None` if none arrives in time. Without a timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// [`Missed`](ErrorKind::Missed), [`Malformed`](ErrorKind::Malformed) and [`Decode`](ErrorKind::Decode) instead of an
    /// event, after which the stream goes on; and what [ended the connection](super::Client#errors).
    pub fn next_event(&mut self, timeout: impl Timeout) -> Result<Option<EventMessage<T>>> {
        let wait = Wait::within(timeout.limit());
        while let Some((_, content)) = self.watch.next_entry(wait)? {
            if let Some(decoded) = (self.decode)(&*content?) {
                return decoded.map(Some);
            }
        }
        Ok(None)
    }

    /// Waits for an event that the filter accepts, and passes over others. Without a timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout) if the time is over; and those of [`next_event`](Self::next_event). The stream goes on.
    pub fn wait_for(&mut self, timeout: impl Timeout, mut filter: impl FnMut(&T) -> bool) -> Result<EventMessage<T>> {
        self.find(timeout.limit(), |event| if filter(&event.data) { Ok(event) } else { Err(event) })
    }

    /// Waits for an event for which the function gives a value, and passes over others, like [`wait_for`](Self::wait_for).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn wait_until<R>(
        &mut self,
        timeout: impl Timeout,
        mut outcome: impl FnMut(&EventMessage<T>) -> Option<R>,
    ) -> Result<R> {
        self.find(timeout.limit(), |event| outcome(&event).ok_or(event))
    }

    fn find<R>(
        &mut self,
        timeout: Option<Duration>,
        mut look: impl FnMut(EventMessage<T>) -> Result<R, EventMessage<T>>,
    ) -> Result<R> {
        let deadline = Deadline::new(timeout);
        while let Some((_, content)) = self.watch.next_entry(deadline.wait)? {
            if let Some(decoded) = (self.decode)(&*content?) {
                if let Ok(found) = look(decoded?) {
                    return Ok(found);
                }
            }
        }
        Err(deadline.passed(&self.watch.leader.label, self.watch.filter.event_name()))
    }
}

impl<T> Iterator for Events<T> {
    type Item = Result<EventMessage<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.next_event(None) {
            Err(error) if error.is_disconnected() => {
                self.ended = true;
                Some(Err(error)).filter(|error| !matches!(error, Err(error) if error.kind() == ErrorKind::NotConnected))
            }
            next => next.transpose(),
        }
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// A subscriber of the connection.
pub(super) struct Watch {
    leader: Arc<Leader>,
    subscriber: Subscriber,
    filter: EventFilter,
}

impl Watch {
    /// The next of what the subscriber has; `None` if there is nothing in time.
    fn next_entry(&self, wait: Wait) -> Result<Option<Entry>> {
        self.leader.wait_for(wait, |session| session.take_event_for(self.subscriber))
    }

    /// Takes the first entry in which something is found; `None` if there is none in time. Looking is done without the lock.
    pub(super) fn look<T>(&self, wait: Wait, mut look: impl FnMut(&Entry) -> Option<Result<T>>) -> Result<Option<T>> {
        while let Some(entry) = self.next_entry(wait)? {
            if let Some(found) = look(&entry) {
                self.leader.with_session(|session| session.remove_event(entry.0));
                return found.map(Some);
            }
        }
        Ok(None)
    }

    /// Takes the first wanted event that is not older than the cursor.
    fn find<T>(
        self,
        from: EventCursor,
        deadline: Deadline,
        mut wanted: impl FnMut(&RawEvent) -> Option<Result<T>>,
    ) -> Result<T> {
        let found = self.look(deadline.wait, |entry| look_at(entry, from, &mut wanted))?;
        found.ok_or_else(|| deadline.passed(&self.leader.label, self.filter.event_name()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.leader.with_session(|session| session.unsubscribe(self.subscriber));
    }
}
