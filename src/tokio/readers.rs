//! The tasks that read event streams: which of them wait for an event, and which keep up with the server. The task that connects is
//! one as well, until it has its turn: it will subscribe, or leave to the session what the session keeps.

use super::notifications::Notifications;
use crate::session::{Session, Subscriber};
use std::task::Waker;

#[derive(Default)]
pub(super) struct Readers(Vec<Reader>);

struct Reader {
    /// `None` for the task that connects.
    subscriber: Option<Subscriber>,
    /// Of the task that waits for an event.
    waker: Option<Waker>,
    /// Whether to wait for it when it is behind: not if that was in vain since it last took all that there was.
    keeps_up: bool,
}

impl Readers {
    pub(super) fn add(&mut self, subscriber: Option<Subscriber>) {
        self.0.push(Reader { subscriber, waker: None, keeps_up: true });
    }

    pub(super) fn remove(&mut self, subscriber: Option<Subscriber>) -> Option<Waker> {
        let index = self.0.iter().position(|reader| reader.subscriber == subscriber)?;
        let reader = self.0.swap_remove(index);
        if subscriber.is_none() {
            // Most connections have no other.
            self.0.shrink_to_fit();
        }
        reader.waker
    }

    /// The waker that the reader has waited with so far; `waker` is what it waits with now, if it has taken all that there was.
    pub(super) fn replace_waker(&mut self, subscriber: Subscriber, waker: Option<Waker>) -> Option<Waker> {
        let reader = self.0.iter_mut().find(|reader| reader.subscriber == Some(subscriber))?;
        reader.keeps_up |= waker.is_some();
        std::mem::replace(&mut reader.waker, waker)
    }

    /// Notifies those that have something to take.
    pub(super) fn notify(&mut self, session: &Session, notifications: &mut Notifications) {
        let has_ended = session.end().is_some();
        for reader in &mut self.0 {
            let has_event = || reader.subscriber.is_some_and(|subscriber| session.has_event_for(subscriber));
            if reader.waker.is_some() && (has_ended || has_event()) {
                notifications.wake(reader.waker.take());
            }
        }
    }

    /// Whether one that has kept up so far is behind by half of what is kept for it.
    pub(super) fn are_behind(&self, session: &Session) -> bool {
        self.0.iter().any(|reader| reader.is_behind(session))
    }

    /// Those that are behind are not waited for until they have taken all that there is.
    pub(super) fn give_up(&mut self, session: &Session) {
        for reader in &mut self.0 {
            reader.keeps_up &= !reader.is_behind(session);
        }
    }
}

impl Reader {
    fn is_behind(&self, session: &Session) -> bool {
        self.keeps_up && session.is_half_full_for(self.subscriber)
    }
}
