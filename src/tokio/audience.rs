//! Who listens to events, and what each has not taken yet.
//!
//! Every listener has a queue of its own, so that a slow one harms nobody else and a flood of events that it does not want
//! does not harm it. At the bound its oldest events go, because the newest ones tell the present state.

use super::wakes::Wakes;
use crate::error::Error;
use crate::message::RawEvent;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

pub(super) struct Audience {
    listeners: HashMap<Key, Listener>,
    last_key: u64,
    max_count: usize,
    max_size: usize,
    /// How many events all listeners missed, those that have left included.
    missed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(u64);

/// Which events a listener wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    All,
    Named(&'static str),
}

/// What a listener hears.
pub(super) enum Heard {
    Event(Arc<RawEvent>),
    /// A line that could not be read, and may have been an event.
    Misread(Error),
    /// So many were dropped from the listener's queue.
    Missed(u64),
}

struct Listener {
    wanted: Wanted,
    queue: VecDeque<Heard>,
    /// Sum of the sizes in `queue`.
    size: usize,
    /// How many were dropped since the last that was taken.
    missed: u64,
    waker: Option<Waker>,
}

impl Audience {
    pub(super) fn new(max_count: usize, max_size: usize) -> Self {
        Audience { listeners: HashMap::new(), last_key: 0, max_count, max_size, missed: 0 }
    }

    pub(super) fn join(&mut self, wanted: Wanted) -> Key {
        self.last_key += 1;
        let listener = Listener { wanted, queue: VecDeque::new(), size: 0, missed: 0, waker: None };
        self.listeners.insert(Key(self.last_key), listener);
        Key(self.last_key)
    }

    /// What is returned is to be dropped outside the lock.
    #[must_use]
    pub(super) fn leave(&mut self, key: Key) -> impl Sized + 'static {
        self.listeners.remove(&key)
    }

    pub(super) fn tell(&mut self, event: RawEvent, wakes: &mut Wakes) {
        let event = Arc::new(event);
        for listener in self.listeners.values_mut().filter(|listener| listener.wanted.includes(&event)) {
            self.missed += listener.push(Heard::Event(event.clone()), self.max_count, self.max_size);
            wakes.wake(listener.waker.take());
        }
    }

    pub(super) fn tell_misread(&mut self, error: &Error, wakes: &mut Wakes) {
        for listener in self.listeners.values_mut() {
            self.missed += listener.push(Heard::Misread(error.clone()), self.max_count, self.max_size);
            wakes.wake(listener.waker.take());
        }
    }

    /// What a listener hears next. If there is nothing, it is woken by this waker; the second value is a waker to drop
    /// outside the lock.
    pub(super) fn take(&mut self, key: Key, waker: &Waker) -> (Option<Heard>, Option<Waker>) {
        let Some(listener) = self.listeners.get_mut(&key) else { return (None, None) };
        let heard = listener.take();
        let old = match heard {
            Some(_) => listener.waker.take(),
            None => listener.waker.replace(waker.clone()),
        };
        (heard, old)
    }

    /// Nothing more will be told, and whoever waits should know.
    pub(super) fn end(&mut self, wakes: &mut Wakes) {
        self.listeners.values_mut().for_each(|listener| wakes.wake(listener.waker.take()));
    }

    pub(super) fn missed(&self) -> u64 {
        self.missed
    }
}

impl Listener {
    /// Keeps at least the newest, whatever the bounds. Returns how many had to go.
    fn push(&mut self, heard: Heard, max_count: usize, max_size: usize) -> u64 {
        let before = self.missed;
        self.size += heard.size();
        self.queue.push_back(heard);
        while self.queue.len() > 1 && (self.queue.len() > max_count || self.size > max_size) {
            if let Some(oldest) = self.queue.pop_front() {
                self.size -= oldest.size();
                self.missed += 1;
            }
        }
        self.missed - before
    }

    fn take(&mut self) -> Option<Heard> {
        if self.missed > 0 {
            return Some(Heard::Missed(std::mem::take(&mut self.missed)));
        }
        let heard = self.queue.pop_front()?;
        self.size -= heard.size();
        if self.queue.is_empty() {
            // A queue that a flood made large is not kept large for ever.
            self.queue.shrink_to(KEPT_CAPACITY);
        }
        Some(heard)
    }
}

/// For how many events an empty queue keeps memory.
const KEPT_CAPACITY: usize = 64;

impl Wanted {
    fn includes(self, event: &RawEvent) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Named(name) => *event.name == *name,
        }
    }
}

impl Heard {
    /// Roughly how much memory this takes.
    fn size(&self) -> usize {
        match self {
            Heard::Event(event) => event.size(),
            Heard::Misread(error) => size_of::<Self>() + error.malformed_line().map_or(0, |line| line.excerpt().len()),
            Heard::Missed(_) => size_of::<Self>(),
        }
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

    fn tell(audience: &mut Audience, names: &[&str]) {
        names.iter().for_each(|name| audience.tell(event(name), &mut Wakes::default()));
    }

    fn heard(audience: &mut Audience, key: Key) -> String {
        let next = || match audience.take(key, Waker::noop()).0? {
            Heard::Event(event) => Some(event.name.to_string()),
            Heard::Missed(count) => Some(format!("({count})")),
            Heard::Misread(_) => Some("?".to_owned()),
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn each_hears_what_it_wants_from_when_it_came() {
        let mut audience = Audience::new(10, usize::MAX);
        let all = audience.join(Wanted::All);
        tell(&mut audience, &["A", "B"]);
        let some = audience.join(Wanted::Named("A"));
        tell(&mut audience, &["B", "A", "C"]);
        assert_eq!((heard(&mut audience, all), heard(&mut audience, some)), ("ABBAC".into(), "A".into()));
        drop(audience.leave(all));
        tell(&mut audience, &["A"]);
        assert_eq!((heard(&mut audience, all), heard(&mut audience, some)), (String::new(), "A".into()));
    }

    #[test]
    fn slow_one_misses_the_oldest_and_is_told() {
        let mut audience = Audience::new(2, usize::MAX);
        let (slow, calm) = (audience.join(Wanted::All), audience.join(Wanted::Named("D")));
        tell(&mut audience, &["D", "A", "B", "C"]);
        assert_eq!(heard(&mut audience, slow), "(2)BC");
        assert_eq!(heard(&mut audience, calm), "D");
        assert_eq!(audience.missed(), 2);
        tell(&mut audience, &["A"]);
        assert_eq!(heard(&mut audience, slow), "A");
    }

    #[test]
    fn bytes_are_bounded_but_the_newest_stays() {
        let mut audience = Audience::new(usize::MAX, 2 * event("A").size());
        let key = audience.join(Wanted::All);
        tell(&mut audience, &["A", "B", "C"]);
        assert_eq!(heard(&mut audience, key), "(1)BC");
        assert_eq!(audience.listeners[&key].size, 0);
        let mut audience = Audience::new(0, 0);
        let key = audience.join(Wanted::All);
        tell(&mut audience, &["A", "B"]);
        assert_eq!(heard(&mut audience, key), "(1)B");
    }
}
