//! A channel between two threads, with a bound, whose receiver can wait with a deadline.
//!
//! Instead of the standard library's channels, which are generic through and through: they made up a tenth of the code that
//! the compiler generated for this crate.

use super::sync::{lock, wait_for_change, Condvar, Mutex, MutexGuard};
use super::transport::{Closer, Wait};
use std::sync::Arc;

/// The sending end. The channel ends when this is dropped.
pub(super) struct Sender<T>(Arc<Queue<T>>);

/// The receiving end. What is sent after it is dropped comes back.
pub(super) struct Receiver<T>(Arc<Queue<T>>);

/// The result of a [`Receiver`].
pub(super) enum Received<T> {
    /// The oldest value that was sent.
    Value(T),
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
    values: Vec<T>,
    bound: usize,
    ended: bool,
}

/// A channel that holds this many values before the sender has to wait.
pub(super) fn channel<T>(bound: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { values: Vec::new(), bound, ended: false };
    let queue = Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new() });
    (Sender(queue.clone()), Receiver(queue))
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }

    fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }
}

impl<T> Sender<T> {
    /// Sends one value, and waits while the channel is full. Gives it back if nobody will receive it.
    pub(super) fn send(&self, value: T) -> Result<(), T> {
        let mut state = self.0.lock();
        while !state.ended && state.values.len() >= state.bound {
            state = wait_for_change(&self.0.changed, state, Wait::Forever);
        }
        if state.ended {
            return Err(value);
        }
        state.values.push(value);
        self.0.changed.notify_all();
        Ok(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// Ends the channel from another thread. Bytes sent before can still be received.
    pub(super) fn closer(&self) -> Closer {
        let queue = self.0.clone();
        Box::new(move || queue.end())
    }
}

impl<T> Receiver<T> {
    /// Receives one value. Those that were sent before the end come before the end.
    pub(super) fn receive(&self, wait: Wait) -> Received<T> {
        let mut state = self.0.lock();
        loop {
            if !state.values.is_empty() {
                self.0.changed.notify_all();
                return Received::Value(state.values.remove(0));
            }
            if state.ended {
                return Received::End;
            }
            if wait.is_over() {
                return Received::Nothing;
            }
            state = wait_for_change(&self.0.changed, state, wait);
        }
    }
}

impl<T> Drop for Receiver<T> {
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
    fn what_was_sent_comes_before_the_end() {
        let (sender, receiver) = channel(2);
        assert!(matches!(receiver.receive(Wait::Never), Received::Nothing));
        assert!(matches!(receiver.receive(Wait::within(Some(Duration::from_millis(1)))), Received::Nothing));
        assert_eq!((sender.send(1), sender.send(2)), (Ok(()), Ok(())));
        drop(sender);
        assert!(matches!(receiver.receive(Wait::Forever), Received::Value(1)));
        assert!(matches!(receiver.receive(Wait::Never), Received::Value(2)));
        assert!(matches!(receiver.receive(Wait::Forever), Received::End));
    }

    #[test]
    fn a_full_queue_waits_for_its_receiver() {
        let (sender, receiver) = channel(1);
        let thread = thread::spawn(move || (0..100).try_for_each(|value| sender.send(value)));
        for value in 0..100 {
            assert!(matches!(receiver.receive(Wait::Forever), Received::Value(taken) if taken == value));
        }
        assert_eq!(thread.join().unwrap(), Ok(()));
        assert!(matches!(receiver.receive(Wait::Forever), Received::End));
    }

    #[test]
    fn nothing_is_sent_to_nobody() {
        let (sender, receiver) = channel(1);
        assert_eq!(sender.send(1), Ok(()));
        let thread = thread::spawn(move || sender.send(2));
        drop(receiver);
        assert_eq!(thread.join().unwrap(), Err(2));
    }
}
