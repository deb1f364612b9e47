//! The threads that wait for another one to read or write for them.
//!
//! Each has a condition variable of its own, so that a thread is woken when something has happened for it, and no other one
//! is. Assumes that all of this is under the one lock, and that those which are woken are [notified](notify) soon after.

use crate::blocking::sync::Condvar;
use crate::session::Id;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Waiters {
    /// Those that nobody has woken.
    waiting: Vec<Waiter>,
    /// Of the thread that was woken to lead, until it is there.
    heir: Option<Arc<Condvar>>,
    /// Of those that were woken, and are to be notified.
    woken: Vec<Arc<Condvar>>,
}

struct Waiter {
    /// The call that it waits for; `None` if it waits for events, or for its turn to call.
    call: Option<Id>,
    condvar: Arc<Condvar>,
}

impl Waiters {
    #[inline]
    pub(super) fn add(&mut self, call: Option<Id>) -> Arc<Condvar> {
        let condvar = Arc::new(Condvar::new());
        self.waiting.push(Waiter { call, condvar: condvar.clone() });
        condvar
    }

    /// It waits no longer, for whichever reason.
    #[inline]
    pub(super) fn remove(&mut self, condvar: &Arc<Condvar>) {
        self.waiting.retain(|waiter| !Arc::ptr_eq(&waiter.condvar, condvar));
        if self.heir.as_ref().is_some_and(|heir| Arc::ptr_eq(heir, condvar)) {
            self.heir = None;
        }
    }

    #[inline]
    pub(super) fn wake_call(&mut self, id: Id) {
        if let Some(index) = self.waiting.iter().position(|waiter| waiter.call == Some(id)) {
            self.woken.push(self.waiting.swap_remove(index).condvar);
        }
    }

    /// Wakes those that wait for no call.
    #[inline]
    pub(super) fn wake_others(&mut self) {
        let woken = &mut self.woken;
        self.waiting.retain(|waiter| {
            let is_woken = waiter.call.is_none();
            woken.extend(is_woken.then(|| waiter.condvar.clone()));
            !is_woken
        });
    }

    #[inline]
    pub(super) fn wake_all(&mut self) {
        self.woken.extend(self.waiting.drain(..).map(|waiter| waiter.condvar));
    }

    /// Wakes one thread to lead, of those that may: the one whose call is the oldest, as its reply is the next to come. While
    /// one that was woken before is on its way, none.
    #[inline]
    pub(super) fn hand_over(&mut self, may_lead: impl Fn(Option<Id>) -> bool) {
        if self.has_heir() {
            return;
        }
        let waiting = self.waiting.iter().enumerate().filter(|(_, waiter)| may_lead(waiter.call));
        if let Some((index, _)) = waiting.min_by_key(|(_, waiter)| (waiter.call.is_none(), waiter.call)) {
            let condvar = self.waiting.swap_remove(index).condvar;
            self.heir = Some(condvar.clone());
            self.woken.push(condvar);
        }
    }

    /// Returns whether a thread was woken to lead, and is not there yet.
    #[inline]
    pub(super) fn has_heir(&self) -> bool {
        self.heir.is_some()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those that are to be notified now.
    #[inline]
    pub(super) fn take_woken(&mut self) -> Vec<Arc<Condvar>> {
        std::mem::take(&mut self.woken)
    }
}

/// Notifies those that were woken: better without the lock, which they take first.
#[inline]
pub(super) fn notify(woken: Vec<Arc<Condvar>>) {
    for condvar in woken {
        condvar.notify_one();
    }
}
