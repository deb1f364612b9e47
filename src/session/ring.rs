//! A queue of what is kept by id, from which any entry can be taken at once.
//!
//! Assumes that ids come in ascending order. What is taken from the middle leaves an empty slot, and there are never more of
//! those than of entries, but for a few: each operation takes logarithmic time, on average, however many entries there are.

use super::Id;
use std::collections::VecDeque;

/// For how many entries a queue that is empty keeps memory.
const KEPT_CAPACITY: usize = 64;

#[derive(Debug)]
pub(crate) struct Ring<T> {
    /// Sorted by id. Neither the first nor the last is empty.
    slots: VecDeque<(Id, Option<T>)>,
    empty: usize,
}

impl<T> Ring<T> {
    /// The id must be greater than all before.
    pub(crate) fn push(&mut self, id: Id, entry: T) {
        if self.slots.capacity() == 0 {
            // Most connections have one call at a time.
            self.slots.reserve_exact(1);
        }
        self.slots.push_back((id, Some(entry)));
    }

    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        self.slots.get(self.index(id)?)?.1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let index = self.index(id)?;
        self.slots.get_mut(index)?.1.as_mut()
    }

    pub(crate) fn remove(&mut self, id: Id) -> Option<T> {
        let index = self.index(id)?;
        let entry = self.slots.get_mut(index)?.1.take()?;
        self.empty += 1;
        self.tidy();
        Some(entry)
    }

    pub(crate) fn pop_first(&mut self) -> Option<T> {
        let (_, entry) = self.slots.pop_front()?;
        self.tidy();
        entry
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|(_, entry)| entry.as_ref())
    }

    /// Oldest first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|(_, entry)| entry.as_mut())
    }

    fn index(&self, id: Id) -> Option<usize> {
        // Most are taken in order.
        if self.slots.front()?.0 == id {
            return Some(0);
        }
        self.slots.binary_search_by_key(&id, |(other, _)| *other).ok()
    }

    fn tidy(&mut self) {
        while self.slots.front().is_some_and(|(_, entry)| entry.is_none()) {
            self.slots.pop_front();
            self.empty -= 1;
        }
        while self.slots.back().is_some_and(|(_, entry)| entry.is_none()) {
            self.slots.pop_back();
            self.empty -= 1;
        }
        if self.empty > KEPT_CAPACITY && self.empty > self.slots.len() / 2 {
            self.slots.retain(|(_, entry)| entry.is_some());
            self.empty = 0;
        }
        if self.slots.is_empty() {
            self.slots.shrink_to(KEPT_CAPACITY);
        }
    }
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Ring { slots: VecDeque::new(), empty: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(count: u64) -> Ring<u64> {
        let mut ring = Ring::default();
        (0..count).for_each(|number| ring.push(Id(number), number));
        ring
    }

    #[test]
    fn entries_are_found_whatever_was_taken() {
        let mut some = ring(1000);
        for number in (0..1000).filter(|number| number % 10 != 3) {
            assert_eq!(some.remove(Id(number)), Some(number));
            assert_eq!(some.remove(Id(number)), None);
        }
        assert_eq!(some.iter().copied().collect::<Vec<_>>(), (3..1000).step_by(10).collect::<Vec<_>>());
        *some.get_mut(Id(13)).unwrap() = 0;
        assert_eq!((some.get(Id(13)), some.get(Id(14))), (Some(&0), None));
        assert_eq!((some.pop_first(), some.pop_first(), some.pop_first()), (Some(3), Some(0), Some(23)));
    }

    #[test]
    fn what_stays_for_ever_does_not_make_it_grow() {
        let mut some = ring(1);
        for number in 1..10_000 {
            some.push(Id(number), number);
            some.push(Id(10_000 + number), number);
            assert_eq!(some.remove(Id(number)), Some(number));
            some.remove(Id(10_000 + number));
        }
        assert!(some.slots.capacity() <= 4 * KEPT_CAPACITY, "{}", some.slots.capacity());
        let mut all = ring(10_000);
        (0..10_000).rev().for_each(|number| assert_eq!(all.remove(Id(number)), Some(number)));
        assert!(all.slots.capacity() <= KEPT_CAPACITY);
    }
}
