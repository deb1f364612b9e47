//! The state that handles, event streams and the driver share: the session, and its waiters.
//!
//! One lock, which is held for as long as it takes to put bytes into the session, and never while waiting, reading, writing
//! or waking. It assumes that the driver is woken after each change that concerns it, and then [attends](Shared::attend).
//! How a call ends is the session's decision; this delivers it.

use super::notifications::Notifications;
use super::pending::{Answer, PendingCall};
use super::readers::Readers;
use super::stream::Stream;
use crate::error::{Error, Phase, Repr, Result};
use crate::fds::Fds;
use crate::label::Label;
use crate::message::Request;
use crate::session::{Entry, EventCursor, EventFilter, Id, Incoming, Output, Ring, Session, SubscribeFrom, Subscriber};
use crate::trace::CommandSpan;
use ::tokio::sync::{oneshot, Notify};
use std::any::{Any, TypeId};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long the driver waits for a reader of events that is behind.
const PATIENCE: Duration = Duration::from_millis(100);

/// The same while there are calls, whose replies may be behind the events.
const PATIENCE_IN_CALLS: Duration = Duration::from_millis(10);

pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) label: Label,
    stream: TypeId,
    /// The waiters for the driver, and with it the stream, to be gone.
    gone: Notify,
}

struct State {
    session: Session,
    /// The waiter for the session to become ready.
    ready: Option<oneshot::Sender<Result<()>>>,
    calls: Ring<PendingCall>,
    readers: Readers,
    /// Whether the driver waits for readers.
    waits_for_readers: bool,
    /// What the driver is to do, if it is not to go on.
    order: Option<Order>,
    driver: Option<Waker>,
    is_gone: bool,
}

/// The handles' order to the driver.
pub(super) enum Order {
    /// Say farewell, and close.
    Close,
    /// Give back the stream.
    Detach(oneshot::Sender<Box<dyn Any + Send>>),
    /// Close at once: nobody is left.
    Drop,
}

impl Shared {
    /// A new connection. `ready` gets one outcome.
    pub(super) fn new<S: Stream>(session: Session, ready: oneshot::Sender<Result<()>>) -> Self {
        let label = session.label().clone();
        let state = State {
            session,
            ready: Some(ready),
            calls: Ring::default(),
            readers: Readers::default(),
            waits_for_readers: false,
            order: None,
            driver: None,
            is_gone: false,
        };
        Shared { state: Mutex::new(state), label, stream: TypeId::of::<S>(), gone: Notify::new() }
    }

    /// The task that connects has its turn.
    pub(super) fn connected(&self) {
        self.change(|state, notifications| {
            state.readers.remove(None);
            state.go_on(notifications);
        });
    }

    // For handles.

    pub(super) fn send(
        &self,
        request: Request,
        fds: Fds,
        span: &CommandSpan,
    ) -> Result<(Id, oneshot::Receiver<Answer>)> {
        let (sender, receiver) = oneshot::channel();
        let id = self.change(|state, notifications| {
            let id = state.session.send(request)?;
            span.sent(|| state.session.wire_id(id));
            state.calls.push(id, PendingCall { sender, fds, waker: None });
            notifications.wake(state.driver.take());
            Ok::<_, Error>(id)
        })?;
        Ok((id, receiver))
    }

    pub(super) fn cancel(&self, id: Id) {
        let call = self.change(|state, notifications| {
            state.session.cancel(id);
            notifications.wake(state.driver.take());
            state.calls.remove(id)
        });
        drop(call);
    }

    /// Ready when a command is written whose success is not answered.
    pub(super) fn poll_written(&self, id: Id, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.session.awaits_refusal(id) {
            return Poll::Ready(());
        }
        let waker = state.calls.get_mut(id).and_then(|call| call.waker.replace(cx.waker().clone()));
        drop(state);
        drop(waker);
        Poll::Pending
    }

    /// A command whose success is not answered was not refused in time.
    pub(super) fn handle_silence(&self, id: Id) {
        self.change(|state, notifications| {
            state.session.handle_silence(id);
            state.deliver(notifications);
        });
    }

    pub(super) fn order(&self, order: Order) {
        let old = self.change(|state, notifications| {
            let ended = state.session.end().is_some();
            state.session.close();
            state.deliver(notifications);
            notifications.wake(state.driver.take());
            match (&state.order, &order) {
                // The driver may be gone, and the stream with it.
                (_, Order::Detach(_)) if ended => Some(order),
                // The last handle's end overrides what it wanted before; nothing else changes an order.
                (None, _) | (_, Order::Drop) => state.order.replace(order),
                _ => Some(order),
            }
        });
        drop(old);
    }

    /// Waits until the stream is gone.
    pub(super) async fn gone(&self) {
        // Waits from now on, so that it does not miss what happens after the look.
        let gone = self.gone.notified();
        if !self.lock().is_gone {
            gone.await;
        }
    }

    /// Why the connection has ended.
    pub(super) fn why(&self) -> Error {
        self.with_session(|session| session.end().cloned()).unwrap_or_else(|| Repr::NotConnected.into())
    }

    pub(super) fn waits_for(&self) -> Option<Phase> {
        self.with_session(|session| session.waits_for())
    }

    pub(super) fn is_over<S: Stream>(&self) -> bool {
        self.stream == TypeId::of::<S>()
    }

    /// Looks at the session, or takes events from it.
    pub(super) fn with_session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        look(&mut self.lock().session)
    }

    // For event streams.

    pub(super) fn subscribe(&self, from: SubscribeFrom, filter: EventFilter) -> Subscriber {
        let mut state = self.lock();
        let subscriber = state.session.subscribe(from, filter);
        state.readers.add(Some(subscriber));
        subscriber
    }

    pub(super) fn unsubscribe(&self, subscriber: Subscriber) {
        let waker = self.change(|state, notifications| {
            state.session.unsubscribe(subscriber);
            let waker = state.readers.remove(Some(subscriber));
            state.go_on(notifications);
            waker
        });
        drop(waker);
    }

    pub(super) fn remove_event(&self, cursor: EventCursor) {
        self.with_session(|session| session.remove_event(cursor));
    }

    /// A subscriber's next event, or the reason why none will come any more.
    pub(super) fn poll_entry(&self, subscriber: Subscriber, cx: &Context<'_>) -> Poll<Result<Entry>> {
        let (entry, old) = self.change(|state, notifications| {
            let entry = match (state.session.take_event_for(subscriber), state.session.end()) {
                (Some(entry), _) => Poll::Ready(Ok(entry)),
                (None, Some(why)) => Poll::Ready(Err(why.clone())),
                (None, None) => Poll::Pending,
            };
            let old = state.readers.replace_waker(subscriber, entry.is_pending().then(|| cx.waker().clone()));
            state.go_on(notifications);
            (entry, old)
        });
        drop(old);
        entry
    }

    // For the driver.

    /// Takes note of the driver's waker, and tells what else it is to do than to go on.
    pub(super) fn attend(&self, waker: &Waker) -> Option<Order> {
        let waker = waker.clone();
        let (old, order) = self.lock().attend(waker);
        drop(old);
        order
    }

    /// The same, and tells how long to wait for readers of events that are behind before more is read, if there are any. The
    /// driver is woken when they have caught up.
    pub(super) fn attend_readers(&self, waker: &Waker) -> (Option<Order>, Option<Duration>) {
        let waker = waker.clone();
        let mut guard = self.lock();
        let state = &mut *guard;
        state.waits_for_readers = state.session.end().is_none() && state.readers.are_behind(&state.session);
        let patience = if state.calls.is_empty() { PATIENCE } else { PATIENCE_IN_CALLS };
        let patience = state.waits_for_readers.then_some(patience);
        let (old, order) = state.attend(waker);
        drop(guard);
        drop(old);
        (order, patience)
    }

    /// Readers were waited for in vain.
    pub(super) fn give_up_readers(&self) {
        let state = &mut *self.lock();
        state.readers.give_up(&state.session);
    }

    /// The next line to write. The one before was that of this command, and is written.
    pub(super) fn next_output(&self, written: Option<Id>) -> Option<(Output, Fds)> {
        self.change(|state, notifications| {
            if let Some(id) = written {
                state.session.handle_written(id);
                notifications.wake(state.calls.get_mut(id).and_then(|call| call.waker.take()));
            }
            let output = state.session.take_output()?;
            let call = output.id.and_then(|id| state.calls.get_mut(id));
            let fds = call.map(|call| std::mem::take(&mut call.fds)).unwrap_or_default();
            Some((output, fds))
        })
    }

    /// Takes in bytes that arrived. `false`: the connection has ended.
    pub(super) fn handle_input(&self, bytes: &[u8]) -> bool {
        self.change(|state, notifications| {
            state.session.handle_input(bytes);
            state.deliver(notifications);
            state.session.end().is_none()
        })
    }

    /// The peer has closed the connection, or it broke for this cause.
    pub(super) fn handle_eof(&self, cause: Option<io::Error>) {
        self.change(|state, notifications| {
            state.session.handle_eof(cause);
            state.deliver(notifications);
        });
    }

    pub(super) fn handle_write_error(&self, error: io::Error) {
        self.with_session(|session| session.handle_write_error(error));
    }

    /// Ends the connection from this side, if it has not ended. The driver has dropped its stream, and goes.
    pub(super) fn leave(&self) {
        self.change(|state, notifications| {
            state.session.close();
            state.deliver(notifications);
            state.is_gone = true;
        });
        self.gone.notify_waiters();
    }

    /// Runs a change under the lock, and what it leaves to be done outside.
    fn change<T>(&self, change: impl FnOnce(&mut State, &mut Notifications) -> T) -> T {
        let mut notifications = Notifications::default();
        let result = change(&mut self.lock(), &mut notifications);
        notifications.run();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock; and if it did, the state would still be one that a session can be in.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the driver's waker, and gives the one before, which is not to be dropped under the lock, and the order.
    fn attend(&mut self, waker: Waker) -> (Option<Waker>, Option<Order>) {
        (self.driver.replace(waker), self.order.take())
    }

    /// Sends each outcome to the call that waits for it, and notifies the subscribers that have something to take.
    fn deliver(&mut self, notifications: &mut Notifications) {
        while let Some(incoming) = self.session.poll() {
            match incoming {
                Incoming::Ready => {
                    self.readers.add(None);
                    notifications.ready(self.ready.take(), Ok(()));
                }
                Incoming::Done { id, outcome, span } => {
                    if let Some(call) = self.calls.remove(id) {
                        notifications.answer(call, (outcome, span));
                    }
                }
                Incoming::Ended(why) => notifications.ready(self.ready.take(), Err(why)),
            }
        }
        self.readers.notify(&self.session, notifications);
    }

    /// Wakes the driver if it waits for readers, and they have caught up.
    fn go_on(&mut self, notifications: &mut Notifications) {
        if self.waits_for_readers && !self.readers.are_behind(&self.session) {
            self.waits_for_readers = false;
            notifications.wake(self.driver.take());
        }
    }
}
