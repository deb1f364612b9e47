//! Common parts of operations: deadlines and pauses, and waiting that survives a lost event.

use crate::error::{Error, ErrorKind, Result};
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

/// Returns whether a call failed because the whole took too long.
pub(super) fn is_late<K: Connection>(connection: &K, deadline: Option<Instant>, error: &Error) -> bool {
    error.is_timeout() && is_over(connection, deadline)
}

/// The earlier of the two.
#[inline]
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// Waits, but not beyond the deadline.
pub(super) async fn pause<K: Connection>(connection: &mut K, pause: Duration, deadline: Option<Instant>) {
    if let Some(time) = earlier(deadline, after(connection, Some(pause))) {
        connection.sleep_until(time).await;
    }
}

/// An interval, but none so short that asking would be a busy loop.
#[inline]
pub(super) fn paced(interval: Duration) -> Duration {
    interval.max(Duration::from_millis(1))
}

/// A number that is never negative, though its type could be.
#[inline]
pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Looks for an event; `None` at the deadline, and also if events were missed: the state of things tells what they said.
pub(super) async fn next<K: Connection, T>(
    connection: &mut K,
    deadline: Option<Instant>,
    wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
) -> Result<Option<T>> {
    match connection.find_event(deadline, wanted).await {
        Err(error) if is_gap(&error) => Ok(None),
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
            Err(error) if is_gap(&error) => {}
            // What came before the end was looked at.
            Err(error) if error.is_disconnected() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Returns whether an event may have been among what could not be kept or read. A connection that ended in the middle of a line
/// has no more of them: waiting goes on for ever there.
#[inline]
fn is_gap(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Missed | ErrorKind::Malformed(_)) && !error.is_disconnected()
}
