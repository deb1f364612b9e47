//! The bounded buffer of events that nobody has taken yet.
//!
//! At the bound the oldest events go, because the newest ones tell the present state; how many went is counted.

use crate::message::RawEvent;
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct EventBuffer {
    events: VecDeque<RawEvent>,
    arrived: u64,
    /// Sum of the sizes of `events`.
    size: usize,
    max_count: usize,
    max_size: usize,
    dropped: u64,
}

impl EventBuffer {
    pub(super) fn new(max_count: usize, max_size: usize) -> Self {
        EventBuffer { events: VecDeque::new(), arrived: 0, size: 0, max_count, max_size, dropped: 0 }
    }

    /// Keeps at least the newest event, whatever the bounds.
    pub(super) fn push(&mut self, mut event: RawEvent) {
        event.number = self.arrived;
        self.arrived += 1;
        self.size += event.size();
        self.events.push_back(event);
        while self.events.len() > 1 && (self.events.len() > self.max_count || self.size > self.max_size) {
            self.pop();
            self.dropped += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<RawEvent> {
        let event = self.events.pop_front()?;
        self.size -= event.size();
        Some(event)
    }

    /// The first event from `*place` on that `wanted` takes. `*place` counts all events since the beginning, so that it
    /// stays right while others leave; it is moved on past what was looked at.
    pub(super) fn take_first<T>(
        &mut self,
        place: &mut u64,
        mut wanted: impl FnMut(&RawEvent) -> Option<T>,
    ) -> Option<T> {
        let mut index = self.events.partition_point(|event| event.number < *place);
        while let Some(event) = self.events.get(index) {
            *place = event.number + 1;
            let found = wanted(event);
            if found.is_some() {
                self.size -= event.size();
                self.events.remove(index);
                return found;
            }
            index += 1;
        }
        None
    }

    /// The place of the event that arrives next.
    pub(super) fn end(&self) -> u64 {
        self.arrived
    }

    pub(super) fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    #[inline]
    pub(super) fn as_slice(&mut self) -> &[RawEvent] {
        self.events.make_contiguous()
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn event(name: &str) -> RawEvent {
        match Message::parse(format!(r#"{{"event": "{name}"}}"#).as_bytes()) {
            Ok(Message::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    fn names(buffer: &mut EventBuffer) -> String {
        buffer.as_slice().iter().map(|event| &*event.name).collect()
    }

    fn filled(max_count: usize, max_size: usize, all: &[&str]) -> EventBuffer {
        let mut buffer = EventBuffer::new(max_count, max_size);
        all.iter().for_each(|name| buffer.push(event(name)));
        buffer
    }

    #[test]
    fn oldest_go_first() {
        let mut buffer = filled(3, usize::MAX, &["A", "B", "C", "D", "E"]);
        assert_eq!((names(&mut buffer).as_str(), buffer.dropped()), ("CDE", 2));
        let mut buffer = filled(usize::MAX, 2 * event("A").size(), &["A", "B", "C"]);
        assert_eq!((names(&mut buffer).as_str(), buffer.dropped()), ("BC", 1));
        let mut buffer = filled(0, 0, &["A", "B"]);
        assert_eq!((names(&mut buffer).as_str(), buffer.dropped()), ("B", 1));
        buffer.clear();
        assert_eq!((buffer.size, buffer.len(), buffer.dropped()), (0, 0, 1));
    }

    #[test]
    fn place_survives_departures() {
        let mut buffer = filled(3, usize::MAX, &["A", "B"]);
        let mut place = 0;
        let mut seen = String::new();
        let mut look = |buffer: &mut EventBuffer, wanted: &str| {
            buffer.take_first(&mut place, |event| {
                seen.push_str(&event.name);
                (*event.name == *wanted).then(|| event.name.clone())
            })
        };
        assert_eq!(look(&mut buffer, "F"), None);
        ["C", "D", "E", "F"].iter().for_each(|name| buffer.push(event(name)));
        assert_eq!(look(&mut buffer, "F").as_deref(), Some("F"));
        // C went before it was looked at, and nothing was looked at twice.
        assert_eq!(seen, "ABDEF");
        assert_eq!(names(&mut buffer), "DE");
        assert_eq!(buffer.size, event("D").size() * 2);
    }

    #[test]
    fn so_it_does_departures_from_the_middle() {
        let mut buffer = filled(9, usize::MAX, &["A", "B", "C"]);
        let mut place = buffer.end();
        assert_eq!(buffer.take_first(&mut 1, |event| Some(event.name.clone())).as_deref(), Some("B"));
        ["D", "E"].iter().for_each(|name| buffer.push(event(name)));
        assert_eq!(buffer.take_first(&mut place, |event| Some(event.name.clone())).as_deref(), Some("D"));
        assert_eq!(buffer.take_first(&mut place, |event| Some(event.name.clone())).as_deref(), Some("E"));
        assert_eq!(buffer.take_first(&mut place, |_| Some(())), None);
        assert_eq!((names(&mut buffer).as_str(), buffer.len()), ("AC", 2));
    }
}
