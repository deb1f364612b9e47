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
    /// Mostly one, which takes no memory of its own.
    waker: Option<Waker>,
    other_wakers: Vec<Waker>,
    answers: Vec<(PendingCall, Answer)>,
    ready: Option<(oneshot::Sender<Result<()>>, Result<()>)>,
}

impl Notifications {
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        match self.waker {
            None => self.waker = waker,
            Some(_) => self.other_wakers.extend(waker),
        }
    }

    pub(super) fn answer(&mut self, call: PendingCall, answer: Answer) {
        self.answers.push((call, answer));
    }

    /// Only the first outcome is sent to what waits for the session.
    pub(super) fn ready(&mut self, waiter: Option<oneshot::Sender<Result<()>>>, outcome: Result<()>) {
        self.ready = waiter.map(|waiter| (waiter, outcome)).or(self.ready.take());
    }

    pub(super) fn run(&mut self) {
        for (call, answer) in self.answers.drain(..) {
            // The caller may have left.
            let _ = call.sender.send(answer);
        }
        if let Some((waiter, outcome)) = self.ready.take() {
            let _ = waiter.send(outcome);
        }
        self.waker.take().into_iter().chain(self.other_wakers.drain(..)).for_each(Waker::wake);
    }
}
