//! What operations have in common: deadlines, and waiting that survives a lost event.

use crate::error::{ErrorKind, Result};
use crate::message::RawEvent;
use crate::session::EventCursor;
use crate::verbs::Connection;
use std::time::{Duration, Instant};

/// The point in time at which so much time is over; `None` for never, also if it is out of a clock's range.
pub(super) fn after<K: Connection>(connection: &K, timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| connection.now().checked_add(timeout))
}

pub(super) fn is_over<K: Connection>(connection: &K, deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= connection.now())
}

/// The earlier of the two.
#[inline]
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// Looks for an event; `None` at the deadline, and also if events were missed: the state of things tells what they said.
pub(super) async fn next<K: Connection, T>(
    connection: &mut K,
    deadline: Option<Instant>,
    wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
) -> Result<Option<T>> {
    match connection.find_event(deadline, wanted).await {
        // A connection that has ended fails again with the next command.
        Err(error) if matches!(error.kind(), ErrorKind::Missed | ErrorKind::Malformed(_)) => Ok(None),
        found => found,
    }
}

/// Takes all wanted events that are there.
pub(super) async fn sweep<K: Connection>(
    connection: &mut K,
    mut wanted: impl FnMut(&RawEvent, EventCursor) -> bool,
) -> Result<()> {
    let now = connection.now();
    loop {
        match connection.find_event(Some(now), |event, cursor| wanted(event, cursor).then_some(())).await {
            Ok(None) => return Ok(()),
            Ok(Some(())) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Missed | ErrorKind::Malformed(_)) => {}
            // What came before the end was looked at.
            Err(error) if error.is_disconnected() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
