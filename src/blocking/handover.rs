//! From one thread to another: a queue with a bound, whose end can be waited for with a deadline.
//!
//! Instead of the standard library's channels, which are generic through and through: they made up a tenth of the code that
//! the compiler generated for this crate.

use super::transport::Wait;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The giving end. The queue ends when this is dropped.
pub(super) struct Giver<T>(Arc<Queue<T>>);

/// The taking end. What is given after it is dropped comes back.
pub(super) struct Taker<T>(Arc<Queue<T>>);

/// What a [`Taker`] finds.
pub(super) enum Taken<T> {
    /// The oldest thing that was given.
    Thing(T),
    /// Nothing in time.
    Nothing,
    /// Nothing ever again.
    End,
}

struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// Oldest first. So few that it does not matter how they move up.
    things: Vec<T>,
    bound: usize,
    ended: bool,
}

/// A queue that holds this many things before the giver has to wait.
pub(super) fn handover<T>(bound: usize) -> (Giver<T>, Taker<T>) {
    let state = State { things: Vec::new(), bound, ended: false };
    let queue = Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new() });
    (Giver(queue.clone()), Taker(queue))
}

/// Waits for whoever changes what is under the lock, or until the time is over.
pub(super) fn wait_for_change<'a, T>(changed: &Condvar, state: MutexGuard<'a, T>, wait: Wait) -> MutexGuard<'a, T> {
    match wait.remaining() {
        None => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        Some(left) => changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
    }
}

impl<T> Queue<T> {
    /// No code that could panic runs under the lock, so that nobody finds it poisoned.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }
}

impl<T> Giver<T> {
    /// Gives one thing, and waits while the queue is full. Gives it back if nobody will take it.
    pub fn give(&self, thing: T) -> Result<(), T> {
        let mut state = self.0.lock();
        while !state.ended && state.things.len() >= state.bound {
            state = wait_for_change(&self.0.changed, state, Wait::Forever);
        }
        if state.ended {
            return Err(thing);
        }
        state.things.push(thing);
        self.0.changed.notify_all();
        Ok(())
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T> Taker<T> {
    /// Takes one thing. Those that were given before the end come before the end.
    pub fn take(&self, wait: Wait) -> Taken<T> {
        let mut state = self.0.lock();
        loop {
            if !state.things.is_empty() {
                self.0.changed.notify_all();
                return Taken::Thing(state.things.remove(0));
            }
            if state.ended {
                return Taken::End;
            }
            if wait.is_over() {
                return Taken::Nothing;
            }
            state = wait_for_change(&self.0.changed, state, wait);
        }
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn what_was_given_comes_before_the_end() {
        let (giver, taker) = handover(2);
        assert!(matches!(taker.take(Wait::Never), Taken::Nothing));
        assert!(matches!(taker.take(Wait::within(Some(Duration::from_millis(1)))), Taken::Nothing));
        assert_eq!((giver.give(1), giver.give(2)), (Ok(()), Ok(())));
        drop(giver);
        assert!(matches!(taker.take(Wait::Forever), Taken::Thing(1)));
        assert!(matches!(taker.take(Wait::Never), Taken::Thing(2)));
        assert!(matches!(taker.take(Wait::Forever), Taken::End));
    }

    #[test]
    fn a_full_queue_waits_for_its_taker() {
        let (giver, taker) = handover(1);
        let thread = thread::spawn(move || (0..100).try_for_each(|thing| giver.give(thing)));
        for thing in 0..100 {
            assert!(matches!(taker.take(Wait::Forever), Taken::Thing(taken) if taken == thing));
        }
        assert_eq!(thread.join().unwrap(), Ok(()));
        assert!(matches!(taker.take(Wait::Forever), Taken::End));
    }

    #[test]
    fn nothing_is_given_to_nobody() {
        let (giver, taker) = handover(1);
        assert_eq!(giver.give(1), Ok(()));
        let thread = thread::spawn(move || giver.give(2));
        drop(taker);
        assert_eq!(thread.join().unwrap(), Err(2));
    }
}
