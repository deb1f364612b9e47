//! One queue of events: their order, its bounds, and what its reader is told of that was dropped.

use crate::error::{Error, Repr, Result};
use crate::message::RawEvent;
use std::collections::VecDeque;
use std::sync::Arc;

/// A point in the order of a session's events: before all that arrive after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventCursor(pub(super) u64);

/// The events that a subscriber wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventFilter {
    /// All.
    All,
    /// Those of this name.
    Named(&'static str),
}

/// An event, or why there is a gap in the events, with its cursor in their order.
pub type Entry = (EventCursor, Result<Arc<RawEvent>>);

/// For how many entries an empty queue keeps memory.
const KEPT_CAPACITY: usize = 64;

#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) count: usize,
    pub(super) size: usize,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    /// Sum of the sizes of `entries`.
    pub(super) size: usize,
    /// How many were dropped.
    dropped: u64,
    /// Up to how many of them the reader knows.
    told: u64,
    /// Up to how many of those of the session's own queue the reader of this copy gets to know with its next error.
    copied: u64,
}

impl EventCursor {
    /// Before all events of a session.
    pub const START: EventCursor = EventCursor(0);
}

impl EventFilter {
    /// The event that is wanted, if it is one.
    pub(crate) fn event_name(self) -> Option<&'static str> {
        match self {
            EventFilter::Named(name) => Some(name),
            EventFilter::All => None,
        }
    }

    /// A line that could not be read may have been any event.
    pub(super) fn takes(self, content: &Result<Arc<RawEvent>>) -> bool {
        match (self, content) {
            (EventFilter::Named(name), Ok(event)) => *event.name == *name,
            _ => true,
        }
    }
}

impl Queue {
    /// Keeps at least the newest entry, whatever the bounds. Returns how many went.
    pub(super) fn push(&mut self, entry: Entry, bounds: Bounds) -> u64 {
        let before = self.dropped;
        self.size += size(&entry);
        self.entries.push_back(entry);
        while self.entries.len() > 1 && (self.entries.len() > bounds.count || self.size > bounds.size) {
            self.pop();
            self.dropped += 1;
        }
        self.dropped - before
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.size -= size(&entry);
        if self.entries.is_empty() {
            // A queue that a flood made large is not kept large for ever.
            self.entries.shrink_to(KEPT_CAPACITY);
        }
        Some(entry)
    }

    pub(super) fn pop_or_missed(&mut self, now: EventCursor) -> Option<Entry> {
        match self.take_missed() {
            Some(missed) => {
                // The newest that was dropped came before what is left. A gap is no entry of any queue, so that its cursor
                // is that of none: removed by it, an event that another queue still has would be lost.
                let EventCursor(next) = self.entries.front().map_or(now, |(cursor, _)| *cursor);
                Some((EventCursor(next.saturating_sub(1)), Err(missed)))
            }
            None => self.pop(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.missed() == 0 && self.entries.is_empty()
    }

    #[cfg(feature = "tokio")]
    pub(super) fn is_half_full(&self, bounds: Bounds) -> bool {
        self.entries.len() > bounds.count / 2 || self.size > bounds.size / 2
    }

    /// Oldest first.
    pub(super) fn events(&self) -> impl Iterator<Item = &Arc<RawEvent>> {
        self.entries.iter().filter_map(|(_, content)| content.as_ref().ok())
    }

    /// Takes out the entry of this cursor, if it is there.
    pub(super) fn remove(&mut self, cursor: EventCursor) {
        let index = self.entries.partition_point(|(other, _)| *other < cursor);
        if self.entries.get(index).is_some_and(|(other, _)| *other == cursor) {
            self.take_at(index);
        }
    }

    /// The oldest gap, before any event is taken.
    pub(super) fn take_gap(&mut self) -> Option<Error> {
        if let Some(missed) = self.take_missed() {
            return Some(missed);
        }
        let index = self.entries.iter().position(|(_, content)| content.is_err())?;
        self.take_at(index)?.1.err()
    }

    /// Forgets all, and what was dropped before.
    pub(super) fn clear(&mut self) {
        *self = Queue { dropped: self.dropped, told: self.dropped, ..Queue::default() };
    }

    /// The reader of that copy is about to be told what was missed, if anything was: both know then.
    pub(super) fn share_missed(&mut self, copy: &Queue) {
        if copy.missed() > 0 {
            self.told = self.told.max(copy.copied);
        }
    }

    fn take_at(&mut self, index: usize) -> Option<Entry> {
        let entry = self.entries.remove(index)?;
        self.size -= size(&entry);
        Some(entry)
    }

    fn missed(&self) -> u64 {
        self.dropped - self.told
    }

    fn take_missed(&mut self) -> Option<Error> {
        let count = self.missed();
        self.told = self.dropped;
        (count > 0).then(|| Repr::Missed { count }.into())
    }

    /// The same entries for another reader, which gets the error about what this one missed as well: for both, if it is first.
    pub(super) fn copy(&self, filter: EventFilter) -> Queue {
        let mut copy = Queue { dropped: self.dropped, told: self.told, copied: self.dropped, ..Queue::default() };
        for entry in &self.entries {
            copy.take_in(entry.clone(), filter);
        }
        copy
    }

    pub(super) fn filtered(self, filter: EventFilter) -> Queue {
        let mut filtered = Queue { dropped: self.dropped, told: self.told, ..Queue::default() };
        for entry in self.entries {
            filtered.take_in(entry, filter);
        }
        filtered
    }

    fn take_in(&mut self, entry: Entry, filter: EventFilter) {
        if filter.takes(&entry.1) {
            self.size += size(&entry);
            self.entries.push_back(entry);
        }
    }
}

/// Roughly how much memory an entry takes.
fn size((_, content): &Entry) -> usize {
    match content {
        Ok(event) => event.size(),
        Err(error) => size_of::<Entry>() + error.malformed_line().map_or(0, |line| line.excerpt().len()),
    }
}
