//! Looking for events: what every client does with the entries that a session or a subscriber has.

use super::queue::{Entry, EventCursor};
use super::Session;
use crate::api::{Event, EventSet};
use crate::error::Result;
use crate::message::{EventMessage, RawEvent};
use std::sync::Arc;

/// Takes all events that the session keeps. An error that stands among them comes first, once, and leaves them.
pub(crate) fn take_all<K: EventSet>(session: &mut Session) -> Result<Vec<EventMessage<K>>> {
    Ok(take_all_raw(session)?.iter().map(|event| event.decode_as()).collect())
}

/// The same, without decoding them: that is a program's own code if the schema is, and may use the client. Therefore it is
/// not to run under a lock.
pub(crate) fn take_all_raw(session: &mut Session) -> Result<Vec<Arc<RawEvent>>> {
    if let Some(error) = session.take_event_error() {
        return Err(error);
    }
    let mut events = Vec::new();
    while let Some((_, event)) = session.take_event() {
        events.push(event?);
    }
    match session.end() {
        Some(why) if events.is_empty() => Err(why.clone()),
        _ => Ok(events),
    }
}

/// Places an entry for a search from that cursor on.
pub(crate) fn look_at<T>(
    (cursor, content): &Entry,
    from: EventCursor,
    wanted: impl FnOnce(&RawEvent) -> Option<Result<T>>,
) -> Option<Result<T>> {
    match content {
        _ if *cursor < from => None,
        Ok(event) => wanted(event),
        // The event may have been among what could not be kept or read.
        Err(error) => Some(Err(error.clone())),
    }
}

/// Places an entry for a search that begins at once, and is told where in the order of events each of them lies.
pub(crate) fn located<T>(
    mut wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
) -> impl FnMut(&Entry) -> Option<Result<T>> {
    move |entry| look_at(entry, EventCursor::START, |event| wanted(event, entry.0).map(Ok))
}

/// Finds an `E` that the filter accepts. One that does not decode ends the search.
pub(crate) fn accepted<E: Event>(
    mut filter: impl FnMut(&E) -> bool,
) -> impl FnMut(&RawEvent) -> Option<Result<EventMessage<E>>> {
    move |event| match event.decode::<E>()? {
        Ok(message) => filter(&message.data).then_some(Ok(message)),
        Err(error) => Some(Err(error)),
    }
}

/// Finds an event of the schema `K` for which the function gives a value.
pub(crate) fn decided<K: EventSet, T>(
    mut outcome: impl FnMut(&EventMessage<K>) -> Option<T>,
) -> impl FnMut(&RawEvent) -> Option<Result<T>> {
    move |event| outcome(&event.decode_as()).map(Ok)
}
