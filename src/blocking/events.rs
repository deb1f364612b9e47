//! Events: what is buffered, what is waited for.

use super::link::Link;
use super::Client;
use crate::api::{Event, EventSet};
use crate::error::{Error, Phase, Result};
use crate::message::{EventMessage, RawEvent};
#[cfg(feature = "qmp")]
use crate::qmp::events::EventKind;
use std::time::Duration;

/// Events arrive at any time, are buffered in order, and stay until they are taken; see
/// [`SessionOptions::max_events`](crate::session::SessionOptions::max_events) for the bound.
impl Client {
    /// All events that have arrived: buffered ones and what the transport already holds, oldest first. Never waits. The
    /// events stay buffered.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    pub fn get_events(&mut self) -> Result<&[RawEvent]> {
        Ok(self.arrived()?.session.events())
    }

    /// Forgets all buffered events. Those that the transport holds are not among them.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](crate::ErrorKind::NotConnected).
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
        let session = &mut self.arrived()?.session;
        Ok(std::iter::from_fn(|| session.take_event()).map(|event| event.decode_as()).collect())
    }

    /// Takes all events that have arrived, buffered ones and what the transport already holds. Never waits.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    #[cfg(feature = "qmp")]
    #[inline]
    pub fn events(&mut self) -> Result<Vec<EventMessage<EventKind>>> {
        self.events_as()
    }

    /// Takes the oldest event, and waits for one if there is none; `None` if none arrives in time.
    ///
    /// # Errors
    ///
    /// Those of [every operation](Client#errors). [`Closed`](crate::ErrorKind::Closed) comes when there is no event.
    #[cfg(feature = "qmp")]
    #[inline]
    pub fn next_event(&mut self, timeout: impl Into<Option<Duration>>) -> Result<Option<EventMessage<EventKind>>> {
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
        let event = self.link()?.wait_for(timeout.into(), |session| session.take_event())?;
        Ok(event.map(|event| event.decode_as()))
    }

    /// Takes the first event `E` that the filter accepts: of the buffered events, then of those that arrive until the time
    /// is over. All other events stay buffered, so that none is missed, whether it comes before this call or after it.
    ///
    /// Without a timeout it waits for ever. An older event of the same kind may be buffered still; the filter tells, or
    /// [`clear_events`](Self::clear_events) before the command that causes the event.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) if the time is over; [`Decode`](crate::ErrorKind::Decode) if an `E` does not
    /// decode, which takes it from the buffer; and those of [every operation](Client#errors).
    pub fn wait_for<E: Event>(
        &mut self,
        timeout: impl Into<Option<Duration>>,
        mut filter: impl FnMut(&E) -> bool,
    ) -> Result<EventMessage<E>> {
        self.wait_until(timeout.into(), |event| match event.decode::<E>()? {
            Ok(message) => filter(&message.kind).then_some(Ok(message)),
            Err(error) => Some(Err(error)),
        })?
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
        self.wait_until(timeout.into(), |event| Some(event.decode_as()).filter(&mut filter))
    }

    fn wait_until<T>(
        &mut self,
        timeout: Option<Duration>,
        mut wanted: impl FnMut(&RawEvent) -> Option<T>,
    ) -> Result<T> {
        let mut place = 0;
        let found = self.link()?.wait_for(timeout, |session| session.take_event_if(&mut place, &mut wanted))?;
        found.ok_or_else(|| Error::timeout(Phase::Event, timeout.unwrap_or_default()))
    }

    /// The link with all that has arrived taken in.
    fn arrived(&mut self) -> Result<&mut Link> {
        let link = self.link()?;
        link.drain()?;
        if link.session.is_ended() && link.session.event_count() == 0 {
            return Err(link.closed());
        }
        Ok(link)
    }
}
