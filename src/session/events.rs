//! Queues of events: the session's own, and one for each subscriber.
//!
//! Each queue has bounds. At a bound its oldest entries are dropped, because the newest ones tell the present state, and its
//! reader gets an error with their number. A slow subscriber costs the others nothing. Never drops an entry without counting
//! it.

use super::queue::{Bounds, Entry, EventCursor, EventFilter, Queue};
use crate::error::{Error, Result};
use crate::message::RawEvent;
use std::sync::Arc;

/// Where a call lies in the order of a session's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CallSpan {
    /// Events before this arrived before the command was output, so that it did not cause them.
    pub sent: EventCursor,
    /// Events from here on arrived after the call had ended.
    pub ended: EventCursor,
}

/// A queue of events of its own within a [`Session`](super::Session).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subscriber(u64);

/// The events that a subscriber begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeFrom {
    /// With what arrives from now on.
    Now,
    /// With the events that the session keeps for [`take_event`](super::Session::take_event). They stay there as well.
    Kept,
    /// With the events that the session keeps, which it hands over. From then on subscribers keep events, and the session
    /// keeps none itself. Once that is so, this is the same as [`Now`](Self::Now).
    HandedOver,
}

#[derive(Debug)]
pub(super) struct Events {
    /// `None` once events were handed over to a subscriber.
    own: Option<Queue>,
    subscribers: Vec<(Subscriber, EventFilter, Queue)>,
    last_subscriber: u64,
    /// The cursor of what arrives next.
    arrived: u64,
    dropped: u64,
    bounds: Bounds,
}

/// How far the cursors of two entries are from each other: there is one for a gap between them.
const CURSOR_STEP: u64 = 2;

impl Events {
    pub(super) fn new(max_count: usize, max_size: usize) -> Self {
        Events {
            own: Some(Queue::default()),
            subscribers: Vec::new(),
            last_subscriber: 0,
            arrived: 0,
            dropped: 0,
            bounds: Bounds { count: max_count, size: max_size },
        }
    }

    /// Gives an event to all who want it.
    pub(super) fn publish(&mut self, event: RawEvent) {
        let event = Arc::new(event);
        self.publish_entry(&Ok(event));
    }

    /// Tells all readers of a line that could not be read, and may have been an event.
    pub(super) fn publish_malformed(&mut self, error: Error) {
        self.publish_entry(&Err(error));
    }

    pub(super) fn subscribe(&mut self, from: SubscribeFrom, filter: EventFilter) -> Subscriber {
        let queue = match (from, &mut self.own) {
            (SubscribeFrom::Now, _) | (_, None) => Queue::default(),
            (SubscribeFrom::Kept, Some(own)) => own.copy(filter),
            (SubscribeFrom::HandedOver, own) => own.take().map(|own| own.filtered(filter)).unwrap_or_default(),
        };
        self.last_subscriber += 1;
        let subscriber = Subscriber(self.last_subscriber);
        self.subscribers.push((subscriber, filter, queue));
        subscriber
    }

    pub(super) fn unsubscribe(&mut self, subscriber: Subscriber) {
        self.subscribers.retain(|(other, ..)| *other != subscriber);
    }

    /// The oldest entry that the subscriber has not taken.
    pub(super) fn take_for(&mut self, subscriber: Subscriber) -> Option<Entry> {
        let now = EventCursor(self.arrived);
        let (.., queue) = self.subscribers.iter_mut().find(|(other, ..)| *other == subscriber)?;
        if let Some(own) = &mut self.own {
            own.share_missed(queue);
        }
        queue.pop_or_missed(now)
    }

    pub(super) fn has_entry_for(&self, subscriber: Subscriber) -> bool {
        self.queue_of(subscriber).is_some_and(|queue| !queue.is_empty())
    }

    /// Whether a subscriber's queue is half full, or for `None` the session's own.
    #[cfg(feature = "tokio")]
    pub(super) fn is_half_full(&self, subscriber: Option<Subscriber>) -> bool {
        let queue = subscriber.map_or(self.own.as_ref(), |subscriber| self.queue_of(subscriber));
        queue.is_some_and(|queue| queue.is_half_full(self.bounds))
    }

    /// The oldest entry that the session keeps.
    pub(super) fn take(&mut self) -> Option<Entry> {
        let now = EventCursor(self.arrived);
        self.own.as_mut()?.pop_or_missed(now)
    }

    /// Takes out of the session's own queue an entry that a subscriber has taken.
    pub(super) fn remove(&mut self, cursor: EventCursor) {
        if let Some(own) = &mut self.own {
            own.remove(cursor);
        }
    }

    /// The oldest gap that the session's own queue has, before any of its events is taken.
    pub(super) fn take_gap(&mut self) -> Option<Error> {
        self.own.as_mut()?.take_gap()
    }

    pub(super) fn keeps(&self) -> bool {
        self.own.is_some()
    }

    /// All events that the session keeps, oldest first.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Arc<RawEvent>> {
        self.own.iter().flat_map(Queue::events)
    }

    pub(super) fn clear(&mut self) {
        if let Some(own) = &mut self.own {
            own.clear();
        }
    }

    /// Before the event that arrives next.
    pub(super) fn cursor(&self) -> EventCursor {
        EventCursor(self.arrived)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn queue_of(&self, subscriber: Subscriber) -> Option<&Queue> {
        self.subscribers.iter().find(|(other, ..)| *other == subscriber).map(|(.., queue)| queue)
    }

    fn publish_entry(&mut self, content: &Result<Arc<RawEvent>>) {
        let cursor = EventCursor(self.arrived);
        self.arrived += CURSOR_STEP;
        let bounds = self.bounds;
        if let Some(own) = &mut self.own {
            self.dropped += own.push((cursor, content.clone()), bounds);
        }
        for (_, filter, queue) in &mut self.subscribers {
            if filter.takes(content) {
                self.dropped += queue.push((cursor, content.clone()), bounds);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Malformed, MalformedLine};
    use crate::message::Message;

    fn event(name: &str) -> RawEvent {
        match Message::parse(format!(r#"{{"event": "{name}"}}"#).as_bytes()) {
            Ok(Message::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    fn publish(events: &mut Events, names: &str) {
        for name in names.chars() {
            match name {
                '?' => events.publish_malformed(MalformedLine::new(Malformed::NotJson, b"?").into()),
                name => events.publish(event(&name.to_string())),
            }
        }
    }

    /// Names of events, `?` for a malformed line, the number of what was missed in parentheses.
    fn shown(entry: Entry) -> String {
        match entry.1 {
            Ok(event) => event.name.to_string(),
            Err(error) => error.missed().map_or("?".to_owned(), |count| format!("({count})")),
        }
    }

    fn taken(events: &mut Events, subscriber: Subscriber) -> String {
        std::iter::from_fn(|| events.take_for(subscriber)).map(shown).collect()
    }

    fn kept(events: &mut Events) -> String {
        std::iter::from_fn(|| events.take()).map(shown).collect()
    }

    #[test]
    fn each_subscriber_has_what_it_wants_from_when_it_came() {
        let mut events = Events::new(10, usize::MAX);
        let all = events.subscribe(SubscribeFrom::Now, EventFilter::All);
        publish(&mut events, "AB");
        let some = events.subscribe(SubscribeFrom::Now, EventFilter::Named("A"));
        publish(&mut events, "BA?C");
        assert_eq!((taken(&mut events, all), taken(&mut events, some)), ("ABBA?C".into(), "A?".into()));
        events.unsubscribe(all);
        publish(&mut events, "A");
        assert_eq!((taken(&mut events, all), taken(&mut events, some)), (String::new(), "A".into()));
        assert_eq!(kept(&mut events), "ABBA?CA");
    }

    #[test]
    fn slow_readers_miss_the_oldest_and_are_told() {
        let mut events = Events::new(2, usize::MAX);
        let slow = events.subscribe(SubscribeFrom::Now, EventFilter::All);
        let calm = events.subscribe(SubscribeFrom::Now, EventFilter::Named("D"));
        publish(&mut events, "DABC");
        assert_eq!((taken(&mut events, slow), taken(&mut events, calm)), ("(2)BC".into(), "D".into()));
        assert_eq!((kept(&mut events), events.dropped()), ("(2)BC".into(), 4));
        publish(&mut events, "A");
        assert_eq!((taken(&mut events, slow), kept(&mut events)), ("A".into(), "A".into()));
    }

    #[test]
    fn bytes_are_bounded_but_the_newest_stays() {
        let mut events = Events::new(usize::MAX, 2 * event("A").size());
        publish(&mut events, "ABC");
        assert_eq!(kept(&mut events), "(1)BC");
        assert_eq!(events.own.as_ref().unwrap().size, 0);
        let mut events = Events::new(0, 0);
        publish(&mut events, "AB");
        assert_eq!(kept(&mut events), "(1)B");
        publish(&mut events, "A");
        events.clear();
        assert_eq!(kept(&mut events), "");
    }

    #[test]
    fn kept_events_are_copied_or_handed_over() {
        let mut events = Events::new(3, usize::MAX);
        publish(&mut events, "ABCA");
        let copy = events.subscribe(SubscribeFrom::Kept, EventFilter::Named("A"));
        publish(&mut events, "A");
        assert_eq!(taken(&mut events, copy), "(1)AA");
        let owner = events.subscribe(SubscribeFrom::HandedOver, EventFilter::All);
        publish(&mut events, "D");
        assert_eq!((taken(&mut events, owner), kept(&mut events)), ("(2)AAD".into(), String::new()));
        // There is nothing to hand over any more.
        let late = events.subscribe(SubscribeFrom::HandedOver, EventFilter::All);
        publish(&mut events, "E");
        assert_eq!((taken(&mut events, owner), taken(&mut events, late)), ("E".into(), "E".into()));
    }

    #[test]
    fn a_copy_takes_the_error_about_what_was_missed_only_if_it_gives_it() {
        let mut events = Events::new(1, usize::MAX);
        publish(&mut events, "AB");
        let unused = events.subscribe(SubscribeFrom::Kept, EventFilter::All);
        events.unsubscribe(unused);
        let copy = events.subscribe(SubscribeFrom::Kept, EventFilter::All);
        publish(&mut events, "C");
        assert_eq!((taken(&mut events, copy), kept(&mut events)), ("(2)C".into(), "(1)C".into()));
        publish(&mut events, "AB");
        let copy = events.subscribe(SubscribeFrom::Kept, EventFilter::All);
        assert_eq!(kept(&mut events), "(1)B");
        publish(&mut events, "CD");
        assert_eq!((taken(&mut events, copy), kept(&mut events)), ("(3)D".into(), "(1)D".into()));
        publish(&mut events, "AB");
        events.subscribe(SubscribeFrom::Kept, EventFilter::All);
        events.clear();
        publish(&mut events, "CD");
        assert_eq!(kept(&mut events), "(1)D");
    }

    #[test]
    fn what_a_subscriber_took_can_be_removed() {
        let mut events = Events::new(9, usize::MAX);
        publish(&mut events, "A?BC");
        let view = events.subscribe(SubscribeFrom::Kept, EventFilter::Named("B"));
        let after = events.cursor();
        for expected in ["?", "B"] {
            let entry = events.take_for(view).unwrap();
            assert!(entry.0 < after);
            events.remove(entry.0);
            events.remove(entry.0);
            assert_eq!(shown(entry), expected);
        }
        assert_eq!(events.own.as_ref().unwrap().size, event("A").size() * 2);
        assert_eq!(events.kept().map(|event| &*event.name).collect::<String>(), "AC");
        assert_eq!(kept(&mut events), "AC");
    }

    #[test]
    fn a_gap_that_a_subscriber_was_told_of_removes_nothing() {
        let mut events = Events::new(3, usize::MAX);
        publish(&mut events, "DABC");
        for wanted in ["C", "D"] {
            let view = events.subscribe(SubscribeFrom::Kept, EventFilter::Named(wanted));
            if let Some((cursor, Err(_))) = events.take_for(view) {
                events.remove(cursor);
            }
            publish(&mut events, "E");
        }
        assert_eq!(events.kept().map(|event| &*event.name).collect::<String>(), "CEE");
        assert_eq!(events.dropped(), 3);
    }

    #[test]
    fn gaps_come_first_if_they_are_asked_for() {
        let mut events = Events::new(2, usize::MAX);
        publish(&mut events, "AB?");
        assert_eq!(events.take_gap().and_then(|error| error.missed()), Some(1));
        assert!(events.take_gap().is_some_and(|error| error.is_malformed()));
        assert!(events.take_gap().is_none());
        assert_eq!(kept(&mut events), "B");
    }
}
