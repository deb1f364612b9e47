//! Events: what is buffered, what is waited for.

use super::link::Link;
use super::transport::Wait;
use super::Client;
use crate::api::{Command, Event, EventSet};
use crate::error::{Error, Phase, Result};
use crate::message::{EventMessage, RawEvent};
#[cfg(feature = "qmp")]
use crate::qmp::events::AnyEvent;
use crate::session::Session;
use std::time::Duration;

/// Events arrive at any time, are buffered in order, and stay until they are taken; see
/// [`SessionOptions::max_events`](crate::session::SessionOptions::max_events) for the bound.
// What names `AnyEvent` is inline, here and in the other clients: the codecs of all events would make up half of what the
// compiler generates for this crate, also for programs that never ask for them.
impl Client {
    /// All events that have arrived: buffered ones and what the transport already holds, oldest first. Never waits. The
    /// events stay buffered.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    #[inline]
    pub fn get_events(&mut self) -> Result<&[RawEvent]> {
        Ok(self.arrived()?.session.events())
    }

    /// Forgets all buffered events. Those that the transport holds are not among them.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](crate::ErrorKind::NotConnected).
    #[inline]
    pub fn clear_events(&mut self) -> Result<()> {
        self.link()?.session.clear_events();
        Ok(())
    }

    /// Takes all events that have arrived, buffered ones and what the transport already holds, as events of the schema `K`.
    /// Never waits.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    pub fn events_as<K: EventSet>(&mut self) -> Result<Vec<EventMessage<K>>> {
        Ok(take_all(&mut self.arrived()?.session))
    }

    /// Takes all events that have arrived, buffered ones and what the transport already holds. Never waits.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    #[cfg(feature = "qmp")]
    #[inline]
    pub fn events(&mut self) -> Result<Vec<EventMessage<AnyEvent>>> {
        self.events_as()
    }

    /// Takes the oldest event, and waits for one if there is none; `None` if none arrives in time.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    #[cfg(feature = "qmp")]
    #[inline]
    pub fn next_event(&mut self, timeout: impl Into<Option<Duration>>) -> Result<Option<EventMessage<AnyEvent>>> {
        self.next_event_as(timeout)
    }

    /// Takes the oldest event as one of the schema `K`, and waits for one if there is none; `None` if none arrives in time.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    pub fn next_event_as<K: EventSet>(
        &mut self,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Option<EventMessage<K>>> {
        let event = self.link()?.wait_for(Wait::within(timeout.into()), |session| session.take_event())?;
        Ok(event.map(|event| event.decode_as()))
    }

    /// Takes the first event `E` that the filter accepts: of the buffered events, then of those that arrive until the time
    /// is over. All other events stay buffered, so that none is missed, whether it comes before this call or after it.
    ///
    /// Without a timeout it waits for ever. An older event of the same kind may be buffered still; if the filter cannot tell,
    /// [`execute_and_wait`](Self::execute_and_wait) does.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) if the time is over; [`Decode`](crate::ErrorKind::Decode) if an `E` does not
    /// decode, which takes it from the buffer; and those of [every operation](Client#errors).
    pub fn wait_for<E: Event>(
        &mut self,
        timeout: impl Into<Option<Duration>>,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<EventMessage<E>> {
        let timeout = timeout.into();
        self.wait_until(0, timeout, Wait::within(timeout), wanted(filter))?
    }

    /// Executes a command, and takes the first event `E` after it that the filter accepts, whether it comes before the reply
    /// or after it. Events that arrived before are not looked at, so that none of an earlier command is taken for this one's.
    /// All other events stay buffered.
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
    pub fn execute_and_wait<C: Command, E: Event>(
        &mut self,
        command: C,
        timeout: impl Into<Option<Duration>>,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<(C::Reply, EventMessage<E>)> {
        let timeout = timeout.into();
        let wait = Wait::within(timeout);
        let link = self.link()?;
        link.drain()?;
        let place = link.session.event_place();
        let reply = self.within(timeout).execute(command)?;
        Ok((reply, self.wait_until(place, timeout, wait, wanted(filter))??))
    }

    /// Takes the first event of the schema `K` that the filter accepts, like [`wait_for`](Self::wait_for): for events of
    /// several kinds.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) if the time is over; and those of [every operation](Client#errors).
    pub fn wait_for_any<K: EventSet>(
        &mut self,
        timeout: impl Into<Option<Duration>>,
        mut filter: impl FnMut(&EventMessage<K>) -> bool,
    ) -> Result<EventMessage<K>> {
        let timeout = timeout.into();
        self.wait_until(0, timeout, Wait::within(timeout), |event| Some(event.decode_as()).filter(&mut filter))
    }

    fn wait_until<T>(
        &mut self,
        mut place: u64,
        timeout: Option<Duration>,
        wait: Wait,
        mut wanted: impl FnMut(&RawEvent) -> Option<T>,
    ) -> Result<T> {
        let found = self.link()?.wait_for(wait, |session| session.take_event_if(&mut place, &mut wanted))?;
        found.ok_or_else(|| Error::timeout(Phase::Event, timeout.unwrap_or_default()))
    }

    /// The link with all that has arrived taken in.
    #[inline]
    fn arrived(&mut self) -> Result<&mut Link> {
        let link = self.link()?;
        link.drain()?;
        if link.session.is_ended() && link.session.event_count() == 0 {
            return Err(link.closed());
        }
        Ok(link)
    }
}

/// Takes all events, as events of the schema `K`.
pub(super) fn take_all<K: EventSet>(session: &mut Session) -> Vec<EventMessage<K>> {
    std::iter::from_fn(|| session.take_event()).map(|event| event.decode_as()).collect()
}

/// Looks for an `E` that the filter accepts. One that does not decode ends the search.
pub(super) fn wanted<E: Event>(
    mut filter: impl FnMut(&E) -> bool,
) -> impl FnMut(&RawEvent) -> Option<Result<EventMessage<E>>> {
    move |event| match event.decode::<E>()? {
        Ok(message) => filter(&message.data).then_some(Ok(message)),
        Err(error) => Some(Err(error)),
    }
}
