//! Events: streams of them, and waiting for one.

use super::audience::{Heard, Key, Wanted};
use super::calls::in_time;
use super::shared::Shared;
use super::Client;
use crate::api::{Command, Event, EventSet};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{ErrorKind, Phase, Repr, Result};
use crate::message::{EventMessage, RawEvent};
#[cfg(feature = "qmp")]
use crate::qmp::events::AnyEvent;
use ::tokio::task::coop::poll_proceed;
use futures_core::Stream;
use std::fmt;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::Duration;

/// A stream of events from the moment of subscription, which ends with the connection. Made by [`Client::events`],
/// [`Client::events_as`] and [`Client::subscribe`].
///
/// It does not keep the connection open. It holds up neither commands nor other streams: if events come faster than they
/// are taken, the oldest are dropped at the bounds
/// ([`max_events`](crate::session::SessionOptions::max_events),
/// [`max_event_bytes`](crate::session::SessionOptions::max_event_bytes)), which each stream has for itself.
///
/// # Errors
///
/// Items are events, or one of these errors, after which the stream goes on:
/// - [`Missed`](ErrorKind::Missed): events were dropped here, [so many](Error::missed) of those that this stream is for.
/// - [`Decode`](ErrorKind::Decode): an event does not fit its type.
/// - [`Malformed`](ErrorKind::Malformed): a line that could not be read, and may have been an event.
///
/// If it was not this side which closed the connection, the last item is an error that tells why it ended.
#[must_use = "events are dropped with the stream"]
pub struct Events<T> {
    feed: Feed,
    decode: fn(&RawEvent) -> Option<Result<EventMessage<T>>>,
}

impl Client {
    /// All events from now on.
    #[cfg(feature = "qmp")]
    #[inline]
    pub fn events(&self) -> Events<AnyEvent> {
        self.events_as()
    }

    /// All events from now on, as events of the schema `K`.
    pub fn events_as<K: EventSet>(&self) -> Events<K> {
        Events { feed: self.feed(Wanted::All), decode: |event| Some(Ok(event.decode_as())) }
    }

    /// The events `E` from now on. Others do not count against its bounds.
    pub fn subscribe<E: Event>(&self) -> Events<E> {
        Events { feed: self.feed(Wanted::Named(E::NAME)), decode: RawEvent::decode }
    }

    /// Waits for an event `E` that the filter accepts. Without a timeout it waits for ever.
    ///
    /// It listens, and its time runs, from when this is called, and not from when the future is polled: called before the
    /// command that causes the event, it does not miss it.
    ///
    #[cfg_attr(feature = "qmp", doc = "```no_run")]
    #[cfg_attr(not(feature = "qmp"), doc = "```ignore")]
    /// # use qemu_qmp::qmp::{commands::*, events::*};
    /// # async fn example(vm: qemu_qmp::tokio::Client) -> qemu_qmp::Result<()> {
    /// # const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
    /// let deleted = vm.wait_for(PATIENCE, |event: &DeviceDeleted| event.device.as_deref() == Some("net0"));
    /// vm.execute(DeviceDel::new("net0")).await?;
    /// let deleted = deleted.await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout) if the time is over; [`Missed`](ErrorKind::Missed),
    /// [`Decode`](ErrorKind::Decode) and [`Malformed`](ErrorKind::Malformed) if the event may have been among what could
    /// not be kept or read; and those of [every operation](Client#errors).
    pub fn wait_for<E: Event>(
        &self,
        timeout: impl Into<Option<Duration>>,
        filter: impl FnMut(&E) -> bool,
    ) -> impl Future<Output = Result<EventMessage<E>>> {
        let mut events = self.subscribe::<E>();
        in_time(timeout.into(), Phase::Event, async move { events.find(filter).await })
    }

    /// Executes a command, and waits for an event `E` after it that the filter accepts, whether it comes before the reply or
    /// after it.
    ///
    /// The time is for reply and event together; without a timeout it waits for ever.
    ///
    #[cfg_attr(feature = "qmp", doc = "```no_run")]
    #[cfg_attr(not(feature = "qmp"), doc = "```ignore")]
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
    pub async fn execute_and_wait<C: Command, E: Event>(
        &self,
        command: C,
        timeout: impl Into<Option<Duration>>,
        filter: impl FnMut(&E) -> bool,
    ) -> Result<(C::Reply, EventMessage<E>)> {
        let timeout = timeout.into();
        let event = self.wait_for(timeout, filter);
        let reply = self.within(timeout).execute(command).await?;
        Ok((reply, event.await?))
    }

    fn feed(&self, wanted: Wanted) -> Feed {
        let shared = self.shared().clone();
        Feed { key: shared.join(wanted), shared, ended: false }
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
        timeout: impl Into<Option<Duration>>,
        filter: impl FnMut(&T) -> bool,
    ) -> Result<EventMessage<T>> {
        in_time(timeout.into(), Phase::Event, self.find(filter)).await
    }

    async fn find(&mut self, mut filter: impl FnMut(&T) -> bool) -> Result<EventMessage<T>> {
        loop {
            match self.next().await {
                Some(Ok(event)) if !filter(&event.data) => {}
                Some(found) => return found,
                None => return Err(self.feed.shared.why()),
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<EventMessage<T>>>> {
        // A flood of events must not keep the other tasks of this thread waiting.
        let turn = ready!(poll_proceed(cx));
        loop {
            let heard = ready!(self.feed.poll(cx));
            turn.made_progress();
            let decoded = match heard {
                Some(Ok(event)) => (self.decode)(&event),
                Some(Err(error)) => Some(Err(error)),
                None => return Poll::Ready(None),
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
        f.debug_struct("Events").field("ended", &self.feed.ended).finish_non_exhaustive()
    }
}

/// A place in the audience.
struct Feed {
    shared: Arc<Shared>,
    key: Key,
    ended: bool,
}

impl Feed {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Arc<RawEvent>>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.shared.poll_heard(self.key, cx)) {
            Ok(Heard::Event(event)) => Some(Ok(event)),
            Ok(Heard::Misread(error)) => Some(Err(error)),
            Ok(Heard::Missed(count)) => Some(Err(Repr::Missed { count }.into())),
            Err(why) => {
                self.ended = true;
                Some(Err(why)).filter(|why| !matches!(why, Err(why) if why.kind() == ErrorKind::NotConnected))
            }
        })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.leave(self.key);
    }
}
