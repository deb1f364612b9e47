//! Steps that a change of the shared state leaves to be done once its lock is released.
//!
//! A waker or an answer may run code of another executor, which may drop a call, which takes the lock. Therefore nothing is
//! woken, answered or dropped while the lock is held.

use super::pending::{Answer, PendingCall};
use crate::error::Result;
use ::tokio::sync::oneshot;
use std::task::Waker;

#[derive(Default)]
pub(super) struct Notifications {
    wakers: Several<Waker>,
    answers: Several<(PendingCall, Answer)>,
    ready: Option<(oneshot::Sender<Result<()>>, Result<()>)>,
}

/// Mostly one, which takes no memory of its own.
struct Several<T> {
    first: Option<T>,
    others: Vec<T>,
}

impl Notifications {
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.wakers.push(waker);
        }
    }

    pub(super) fn answer(&mut self, call: PendingCall, answer: Answer) {
        self.answers.push((call, answer));
    }

    /// Only the first outcome is sent to what waits for the session.
    pub(super) fn ready(&mut self, waiter: Option<oneshot::Sender<Result<()>>>, outcome: Result<()>) {
        self.ready = waiter.map(|waiter| (waiter, outcome)).or(self.ready.take());
    }

    pub(super) fn run(self) {
        self.answers.for_each(|(call, answer)| {
            // The caller may have left.
            let _ = call.sender.send(answer);
        });
        if let Some((waiter, outcome)) = self.ready {
            let _ = waiter.send(outcome);
        }
        self.wakers.for_each(Waker::wake);
    }
}

impl<T> Several<T> {
    fn push(&mut self, item: T) {
        match self.first {
            None => self.first = Some(item),
            Some(_) => self.others.push(item),
        }
    }

    fn for_each(self, take: impl FnMut(T)) {
        self.first.into_iter().chain(self.others).for_each(take);
    }
}

impl<T> Default for Several<T> {
    fn default() -> Self {
        Several { first: None, others: Vec::new() }
    }
}
