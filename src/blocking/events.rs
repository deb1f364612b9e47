//! Events of the client of one thread: what it keeps, and what it waits for.

use super::calls::{CallBuilder, Caller};
use super::client::Client;
use super::connection::Connection;
use super::transport::Wait;
use crate::api::{CommandFor, Event, EventSet, MonitorPeer};
use crate::error::{Error, Phase, Result};
use crate::label::Label;
use crate::message::{EventMessage, RawEvent, Request};
#[cfg(feature = "qmp")]
use crate::qmp::events::AnyEvent;
use crate::session::{accepted, decided, look_at, take_all};
use crate::session::{Entry, EventCursor, EventFilter, Session, SubscribeFrom, Subscriber};
use crate::timeout::Timeout;
use std::sync::Arc;
use std::time::Duration;

/// A client keeps events in order, from the moment of connection on, until they are taken; see
/// [`SessionOptions::max_events`](crate::session::SessionOptions::max_events) for the bound.
// What names `AnyEvent` is generic or inline, here and in the other clients: the codecs of all events would make up half of
// what the compiler generates for this crate, also for programs that never ask for them.
impl<P: MonitorPeer> Client<P> {
    /// Takes all events that have arrived: those that the client keeps, and what the transport already holds. Never waits.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). What ended the connection comes when there is no event left.
    #[cfg(feature = "qmp")]
    pub fn take_events(&mut self) -> Result<Vec<EventMessage<AnyEvent>>> {
        self.take_events_as()
    }

    /// Takes all events that have arrived, as events of the schema `K`: those that the client keeps, and what the transport
    /// already holds. Never waits.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). What ended the connection comes when there is no event left.
    pub fn take_events_as<K: EventSet>(&mut self) -> Result<Vec<EventMessage<K>>> {
        self.connection.drain();
        take_all(&mut self.connection.session)
    }

    /// Takes the oldest event, and waits for one if there is none; `None` if none arrives in time.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). What ended the connection comes when there is no event left.
    #[cfg(feature = "qmp")]
    pub fn next_event(&mut self, timeout: impl Timeout) -> Result<Option<EventMessage<AnyEvent>>> {
        self.next_event_as(timeout)
    }

    /// Takes the oldest event as one of the schema `K`, and waits for one if there is none; `None` if none arrives in time.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). What ended the connection comes when there is no event left.
    pub fn next_event_as<K: EventSet>(&mut self, timeout: impl Timeout) -> Result<Option<EventMessage<K>>> {
        let found = self.connection.wait_for(Wait::within(timeout.limit()), Session::take_event)?;
        found.map(|(_, event)| Ok(event?.decode_as())).transpose()
    }

    /// Takes the first event `E` that was not taken yet and that the filter accepts: of those that have arrived, then of those
    /// that arrive until the time is over. All other events stay, so that none is missed, whether it comes before this call or
    /// after it.
    ///
    /// Without a timeout it waits for ever. An older event of the same kind may be there still; if the filter cannot tell,
    /// [`execute_and_wait`](Self::execute_and_wait) does.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) if the time is over; [`Decode`](crate::ErrorKind::Decode) if an `E` does not
    /// decode, which takes it; and those of [every operation](Client#errors).
    pub fn wait_for<E: Event>(
        &mut self,
        timeout: impl Timeout,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<EventMessage<E>> {
        let watch = Watch::new(&mut self.connection, SubscribeFrom::Kept, EventFilter::Named(E::NAME), timeout.limit());
        watch.find(EventCursor::START, accepted(filter))
    }

    /// Takes the first event that was not taken yet and for which the function gives a value, and returns the value: for
    /// events of several kinds, otherwise like [`wait_for`](Self::wait_for). `K` is a schema's events, such as
    /// `qmp::events::AnyEvent`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) if the time is over; and those of [every operation](Client#errors).
    pub fn wait_until<K: EventSet, T>(
        &mut self,
        timeout: impl Timeout,
        outcome: impl FnMut(&EventMessage<K>) -> Option<T>,
    ) -> Result<T> {
        let watch = Watch::new(&mut self.connection, SubscribeFrom::Kept, EventFilter::All, timeout.limit());
        watch.find(EventCursor::START, decided(outcome))
    }

    /// Executes a command, and takes the first event `E` after it that the filter accepts, whether it comes before the reply
    /// or after it. Events that arrived before the command was written are not looked at, so that none of an earlier command
    /// is taken for this one's. All other events stay.
    ///
    /// The time is for reply and event together; without a timeout it waits for ever.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use qemu_qmp::qmp::{commands::*, events::*};
    /// # fn main() -> qemu_qmp::Result<()> {
    /// let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
    /// let is_net1 = |gone: &DeviceDeleted| gone.device.as_deref() == Some("net1");
    /// vm.execute_and_wait(DeviceDel::new("net1"), Duration::from_secs(30), is_net1)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), without waiting for the event then, and those of [`wait_for`](Self::wait_for). A
    /// [`Timeout`](crate::ErrorKind::Timeout) tells by its phase whether it was the reply or the event that did not come.
    pub fn execute_and_wait<C: CommandFor<P>, E: Event>(
        &mut self,
        command: C,
        timeout: impl Timeout,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<(C::Reply, EventMessage<E>)> {
        let request = Request::new(&command)?;
        let filter = accepted(filter);
        self.execute_and_find::<C, _>(request, timeout.limit(), EventFilter::Named(E::NAME), filter)
    }

    /// Executes a command, and waits for the first event after it for which the function gives a value: for commands that end
    /// in one of several ways, otherwise like [`execute_and_wait`](Self::execute_and_wait). `K` is a schema's events, such as
    /// `qmp::events::AnyEvent`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use qemu_qmp::qmp::{commands::*, events::*};
    /// # use qemu_qmp::EventMessage;
    /// # fn main() -> qemu_qmp::Result<()> {
    /// let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
    /// let unplugged = |event: &EventMessage<AnyEvent>| match &event.data {
    ///     AnyEvent::DeviceDeleted(gone) if gone.device.as_deref() == Some("net1") => Some(true),
    ///     AnyEvent::DeviceUnplugGuestError(refused) if refused.device.as_deref() == Some("net1") => Some(false),
    ///     _ => None,
    /// };
    /// let (_, is_gone) = vm.execute_until(DeviceDel::new("net1"), Duration::from_secs(30), unplugged)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`execute_and_wait`](Self::execute_and_wait).
    pub fn execute_until<C: CommandFor<P>, K: EventSet, T>(
        &mut self,
        command: C,
        timeout: impl Timeout,
        outcome: impl FnMut(&EventMessage<K>) -> Option<T>,
    ) -> Result<(C::Reply, T)> {
        let request = Request::new(&command)?;
        self.execute_and_find::<C, _>(request, timeout.limit(), EventFilter::All, decided(outcome))
    }

    /// All events that have arrived, which stay. Never waits.
    pub(crate) fn kept_events(&mut self) -> Result<Vec<Arc<RawEvent>>> {
        self.connection.drain();
        let session = &mut self.connection.session;
        if let Some(error) = session.take_event_error() {
            return Err(error);
        }
        let events: Vec<_> = session.events().cloned().collect();
        match session.end() {
            Some(why) if events.is_empty() => Err(why.clone()),
            _ => Ok(events),
        }
    }

    pub(crate) fn clear_kept_events(&mut self) {
        self.connection.session.clear_events();
    }

    fn execute_and_find<C: CommandFor<P>, T>(
        &mut self,
        request: Request,
        timeout: Option<Duration>,
        filter: EventFilter,
        wanted: impl FnMut(&RawEvent) -> Option<Result<T>>,
    ) -> Result<(C::Reply, T)> {
        // What is there already came before the command.
        self.connection.drain();
        let watch = Watch::new(&mut self.connection, SubscribeFrom::Now, filter, timeout);
        let call = CallBuilder::<P>::new(Caller::Connection(watch.connection), timeout);
        let (reply, span) = call.execute_typed::<C>(request)?;
        Ok((reply, watch.find(span.sent, wanted)?))
    }
}

/// A subscriber of one connection that looks for one event, until a time is over.
struct Watch<'a> {
    connection: &'a mut Connection,
    subscriber: Subscriber,
    filter: EventFilter,
    deadline: Deadline,
}

impl<'a> Watch<'a> {
    fn new(
        connection: &'a mut Connection,
        from: SubscribeFrom,
        filter: EventFilter,
        timeout: Option<Duration>,
    ) -> Self {
        let subscriber = connection.session.subscribe(from, filter);
        Watch { connection, subscriber, filter, deadline: Deadline::new(timeout) }
    }

    /// Takes the first wanted event that is not older than the cursor.
    fn find<T>(self, from: EventCursor, mut wanted: impl FnMut(&RawEvent) -> Option<Result<T>>) -> Result<T> {
        let (subscriber, wait) = (self.subscriber, self.deadline.wait);
        let mut look = |entry: &Entry| look_at(entry, from, &mut wanted);
        let found = self.connection.wait_for(wait, |session| find_in(session, subscriber, &mut look))?;
        let label = self.connection.session.label();
        found.unwrap_or_else(|| Err(self.deadline.passed(label, self.filter.event_name())))
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.connection.session.unsubscribe(self.subscriber);
    }
}

/// How long to wait for an event.
pub(super) struct Deadline {
    timeout: Option<Duration>,
    pub(super) wait: Wait,
}

impl Deadline {
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Deadline { timeout, wait: Wait::within(timeout) }
    }

    /// The error of not having come in time. `what` is the event, if it has a name.
    pub(super) fn passed(&self, label: &Label, what: Option<&str>) -> Error {
        Error::timeout(label, Phase::Event, what, self.timeout.unwrap_or_default())
    }
}

/// Looks through what a subscriber has, and takes what is found from the events that the session keeps as well.
pub(super) fn find_in<T>(
    session: &mut Session,
    subscriber: Subscriber,
    look: &mut impl FnMut(&Entry) -> Option<Result<T>>,
) -> Option<Result<T>> {
    while let Some(entry) = session.take_event_for(subscriber) {
        if let Some(found) = look(&entry) {
            session.remove_event(entry.0);
            return Some(found);
        }
    }
    None
}
