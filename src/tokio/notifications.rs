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
    wakers: Vec<Waker>,
    answers: Vec<(PendingCall, Answer)>,
    ready: Option<(oneshot::Sender<Result<()>>, Result<()>)>,
}

impl Notifications {
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    pub(super) fn answer(&mut self, call: PendingCall, answer: Answer) {
        self.answers.push((call, answer));
    }

    /// Only the first outcome is sent to what waits for the session.
    pub(super) fn ready(&mut self, waiter: Option<oneshot::Sender<Result<()>>>, outcome: Result<()>) {
        self.ready = waiter.map(|waiter| (waiter, outcome)).or(self.ready.take());
    }

    pub(super) fn run(self) {
        for (call, answer) in self.answers {
            // The caller may have left.
            let _ = call.sender.send(answer);
        }
        if let Some((waiter, outcome)) = self.ready {
            let _ = waiter.send(outcome);
        }
        self.wakers.into_iter().for_each(Waker::wake);
    }
}
