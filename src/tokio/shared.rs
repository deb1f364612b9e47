//! What handles, event streams and the driver share: the session, who waits for what, and how it ended.
//!
//! One lock, which is held for as long as it takes to put a line into the session, and never while waiting, reading, writing
//! or waking. It assumes that the driver is woken after each change that concerns it, and then
//! [attends](Shared::attend).

use super::audience::{Audience, Heard, Key, Wanted};
use super::wakes::Wakes;
use super::Stream;
use crate::error::{Error, Malformed, MalformedLine, Phase, Repr, Result};
use crate::fds::Fds;
use crate::message::{Greeting, Reply, Request};
use crate::session::{Counters, Id, Incoming, Output, Session, SessionOptions};
use crate::trace;
use ::tokio::sync::{oneshot, watch};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

/// The reply to a command; `None` if it has none and is written.
pub(super) type Answer = Result<Option<Reply>>;

pub(super) struct Shared {
    state: Mutex<State>,
    greeting: OnceLock<Greeting>,
    stream: TypeId,
    /// Ends when the driver, and with it the stream, is gone.
    gone: watch::Receiver<()>,
}

struct State {
    session: Session,
    /// Whoever waits for the session to become ready.
    ready: Option<oneshot::Sender<Result<()>>>,
    calls: HashMap<Id, Call>,
    audience: Audience,
    /// Why the connection has ended.
    end: Option<Error>,
    /// What the driver is to do, if it is not to go on.
    order: Option<Order>,
    driver: Option<Waker>,
}

pub(super) struct Call {
    pub(super) sender: oneshot::Sender<Answer>,
    /// Whether a successful execution is answered.
    answered: bool,
    /// What is to go with it, until it is written.
    fds: Fds,
}

/// What the handles want of the driver.
pub(super) enum Order {
    /// Say farewell, and close.
    Close,
    /// Give back the stream.
    Detach(oneshot::Sender<Box<dyn Any + Send>>),
    /// Close at once: nobody is left.
    Drop,
}

impl Shared {
    /// A new connection, whose `ready` is told once, and whose driver drops the other end of `gone` when it has dropped its
    /// `S`.
    pub(super) fn new<S: Stream>(
        session: Session,
        options: &SessionOptions,
        ready: oneshot::Sender<Result<()>>,
        gone: watch::Receiver<()>,
    ) -> Self {
        let (max_events, max_event_bytes) = options.event_bounds();
        let state = State {
            session,
            ready: Some(ready),
            calls: HashMap::new(),
            audience: Audience::new(max_events, max_event_bytes),
            end: None,
            order: None,
            driver: None,
        };
        Shared { state: Mutex::new(state), greeting: OnceLock::new(), stream: TypeId::of::<S>(), gone }
    }

    // For handles.

    pub(super) fn send(
        &self,
        request: Request,
        fds: Fds,
        call: &trace::Call,
    ) -> Result<(Id, oneshot::Receiver<Answer>)> {
        let answered = request.is_answered();
        let (sender, receiver) = oneshot::channel();
        let id = self.change(|state, wakes| {
            if let Some(why) = &state.end {
                return Err(why.clone());
            }
            let id = state.session.send(request)?;
            call.sent(|| state.session.wire_id(id));
            state.calls.insert(id, Call { sender, answered, fds });
            wakes.wake(state.driver.take());
            Ok(id)
        })?;
        Ok((id, receiver))
    }

    pub(super) fn cancel(&self, id: Id) {
        let call = self.change(|state, wakes| {
            state.session.cancel(id);
            wakes.wake(state.driver.take());
            state.calls.remove(&id)
        });
        drop(call);
    }

    pub(super) fn order(&self, order: Order) {
        let old = self.change(|state, wakes| {
            let ended = state.end.is_some();
            state.end(Repr::NotConnected.into(), wakes);
            wakes.wake(state.driver.take());
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
        let mut gone = self.gone.clone();
        while gone.changed().await.is_ok() {}
    }

    pub(super) fn why(&self) -> Error {
        self.change(|state, _| state.end.clone()).unwrap_or_else(|| Repr::NotConnected.into())
    }

    pub(super) fn waits_for(&self) -> Option<Phase> {
        self.change(|state, _| state.session.waits_for())
    }

    pub(super) fn is_over<S: Stream>(&self) -> bool {
        self.stream == TypeId::of::<S>()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.change(|state, _| state.end.is_none())
    }

    pub(super) fn greeting(&self) -> Option<&Greeting> {
        if self.greeting.get().is_none() {
            let greeting = self.change(|state, _| state.session.greeting().cloned())?;
            return Some(self.greeting.get_or_init(|| greeting));
        }
        self.greeting.get()
    }

    pub(super) fn is_oob(&self) -> bool {
        self.change(|state, _| state.session.is_oob())
    }

    pub(super) fn counters(&self) -> Counters {
        self.change(|state, _| {
            let mut counters = state.session.counters();
            counters.dropped_events += state.audience.missed();
            counters
        })
    }

    // For event streams.

    pub(super) fn join(&self, wanted: Wanted) -> Key {
        self.change(|state, _| state.audience.join(wanted))
    }

    pub(super) fn leave(&self, key: Key) {
        let listener = self.change(|state, _| state.audience.leave(key));
        drop(listener);
    }

    /// What a listener hears next, or why it hears nothing any more.
    pub(super) fn poll_heard(&self, key: Key, cx: &Context<'_>) -> Poll<Result<Heard>> {
        let (heard, old) = self.change(|state, _| match (state.audience.take(key, cx.waker()), &state.end) {
            ((Some(heard), old), _) => (Poll::Ready(Ok(heard)), old),
            ((None, old), Some(why)) => (Poll::Ready(Err(why.clone())), old),
            ((None, old), None) => (Poll::Pending, old),
        });
        drop(old);
        heard
    }

    // For the driver.

    /// Takes note of the driver's waker, and tells what else it is to do than to go on.
    pub(super) fn attend(&self, waker: &Waker) -> Option<Order> {
        let waker = waker.clone();
        let (old, order) = self.change(|state, _| (state.driver.replace(waker), state.order.take()));
        drop(old);
        order
    }

    /// The next line to write. The one before was that of this command, and is written.
    pub(super) fn next_output(&self, written: Option<Id>) -> Option<(Output, Fds)> {
        self.change(|state, wakes| {
            if let Some(id) = written.filter(|id| state.calls.get(id).is_some_and(|call| !call.answered)) {
                state.answer(id, Ok(None), wakes);
            }
            let output = state.session.take_output()?;
            let call = output.id.and_then(|id| state.calls.get_mut(&id));
            let fds = call.map(|call| std::mem::take(&mut call.fds)).unwrap_or_default();
            Some((output, fds))
        })
    }

    /// Takes in bytes that arrived. `false`: the connection has ended.
    pub(super) fn handle_input(&self, bytes: &[u8]) -> bool {
        self.change(|state, wakes| {
            // Line by line, because the session has room for one event at least, and not for more.
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                state.session.handle_input(line);
                state.dispatch(wakes);
            }
            state.end.is_none()
        })
    }

    /// The peer has closed the connection, or broken it.
    pub(super) fn handle_eof(&self, broken: Option<io::Error>) {
        self.change(|state, wakes| {
            if broken.is_some() && state.session.waits_for() == Some(Phase::Greeting) {
                return state.end(Repr::NoGreeting { source: broken }.into(), wakes);
            }
            state.session.handle_eof();
            state.dispatch(wakes);
            state.end(Error::closed(broken), wakes);
        });
    }

    pub(super) fn fail(&self, why: Error) {
        self.change(|state, wakes| state.end(why, wakes));
    }

    /// Runs a change under the lock, and what it leaves to be done outside.
    fn change<T>(&self, change: impl FnOnce(&mut State, &mut Wakes) -> T) -> T {
        let mut wakes = Wakes::default();
        // Nothing panics under the lock; and if it did, the state would still be one that a session can be in.
        let result = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), &mut wakes);
        wakes.run();
        result
    }
}

impl State {
    /// Passes on what the session made of a line.
    fn dispatch(&mut self, wakes: &mut Wakes) {
        while let Some(event) = self.session.take_event() {
            self.audience.tell(event, wakes);
        }
        while let Some(incoming) = self.session.poll() {
            match incoming {
                Incoming::Ready => wakes.ready(self.ready.take(), Ok(())),
                Incoming::Reply { id, reply } => self.answer(id, Ok(Some(reply)), wakes),
                Incoming::Malformed { line, suspect } => self.misread(line, suspect, wakes),
                Incoming::Failed(why) => self.end(why, wakes),
                // Whoever says so to the session says so to all others.
                Incoming::Closed => {}
            }
        }
    }

    /// Tells of a line that is no message the one whom it concerns: everybody if it is the last, or the caller whose reply
    /// it probably was, or else all who listen to events.
    fn misread(&mut self, line: MalformedLine, suspect: Option<Id>, wakes: &mut Wakes) {
        let last = line.kind() == Malformed::HalfLine || self.session.waits_for().is_some();
        let error = Error::from(line);
        match suspect {
            _ if last => self.end(error, wakes),
            Some(id) => {
                self.session.cancel(id);
                self.answer(id, Err(error), wakes);
            }
            None => self.audience.tell_misread(&error, wakes),
        }
    }

    fn answer(&mut self, id: Id, answer: Answer, wakes: &mut Wakes) {
        if let Some(call) = self.calls.remove(&id) {
            wakes.answer(call, answer);
        }
    }

    /// Tells everybody who waits why there is nothing to wait for. The first reason stays.
    fn end(&mut self, why: Error, wakes: &mut Wakes) {
        if self.end.is_some() {
            return;
        }
        self.session.handle_eof();
        while self.session.poll().is_some() {}
        wakes.ready(self.ready.take(), Err(why.clone()));
        for (_, call) in self.calls.drain() {
            wakes.answer(call, Err(why.clone()));
        }
        self.audience.end(wakes);
        self.end = Some(why);
    }
}
