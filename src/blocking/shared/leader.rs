//! Leader and follower: which thread reads, which writes, and which wait.
//!
//! The session and the two ends of the transport are under one lock, and a thread takes an end out while it reads or writes,
//! so that no thread holds the lock while it waits. The thread that reads wakes those whose calls have ended, or that wait for
//! events. It goes on for the others until it has what it waits for itself, and then wakes one of them to lead.
//!
//! Whenever a thread lets go of the lock it [hands over](State::hand_over) what it will not do itself, so that no end is left
//! alone which a thread that waits could use. A thread that was woken to lead has the right of way to the reader, or it would have been
//! woken for nothing.
//!
//! A thread whose command is not written yet does not read while another thread writes. It could otherwise be stuck in the
//! transport when that thread's time is over, with its own command unwritten.
//!
//! Which way a call ends is the session's decision. No code of the program runs under the lock.

use super::waiters::{notify, Waiters};
use crate::blocking::calls::CallOutcome;
use crate::blocking::connection::Parts;
use crate::blocking::sync::{lock, wait_for_change, Mutex, MutexGuard};
use crate::blocking::transport::{receive, takes_fds, AnyTransport, Closer, Outcome, OutputLine, Transport, Wait};
use crate::error::Result;
use crate::fds::Fds;
use crate::label::Label;
use crate::message::{Reply, Request};
use crate::session::{CallSpan, Id, Incoming, Session};
use crate::trace::CommandSpan;

/// How often to read without waiting before it is enough, as the lock is held meanwhile.
const MAX_READS: usize = 16;

pub(super) struct Leader {
    state: Mutex<State>,
    pub(super) label: Label,
    pub(super) takes_fds: bool,
}

struct State {
    session: Session,
    /// `None` while a thread reads.
    reader: Option<Reader>,
    /// `None` while a thread writes.
    writer: Option<Writer>,
    /// Closes the transport while both of its ends are taken out.
    closer: Option<Closer>,
    calls: PendingCalls,
    waiters: Waiters,
    /// True if a command with file descriptors is under way.
    passes_fds: bool,
}

struct Reader {
    transport: Box<dyn AnyTransport>,
    chunk: Vec<u8>,
}

struct Writer {
    transport: Box<dyn Transport>,
    line: OutputLine,
}

/// A call that a thread waits for.
struct PendingCall {
    id: Id,
    /// The descriptors that go with its line, until that is being written.
    fds: Fds,
    is_written: bool,
    outcome: Option<Ended>,
}

/// How a call ended, and which events arrived meanwhile.
type Ended = (Result<Option<Reply>>, CallSpan);

/// Those under way: hardly more than there are threads.
struct PendingCalls(Vec<PendingCall>);

impl PendingCalls {
    #[inline]
    fn get_mut(&mut self, id: Id) -> Option<&mut PendingCall> {
        self.0.iter_mut().find(|call| call.id == id)
    }

    /// Returns whether this is a call whose command is not written yet.
    #[inline]
    fn is_unwritten(&self, id: Option<Id>) -> bool {
        id.and_then(|id| self.0.iter().find(|call| call.id == id)).is_some_and(|call| !call.is_written)
    }
}

type Guard<'a> = MutexGuard<'a, State>;

impl Leader {
    #[inline]
    pub(super) fn new(mut parts: Parts, transport: Box<dyn Transport>) -> Self {
        Leader {
            label: parts.session.label().clone(),
            takes_fds: takes_fds(&*transport),
            state: Mutex::new(State {
                session: parts.session,
                closer: parts.transport.closer(),
                reader: Some(Reader { transport: parts.transport, chunk: parts.chunk }),
                writer: Some(Writer { transport, line: parts.output }),
                calls: PendingCalls(Vec::new()),
                waiters: Waiters::default(),
                passes_fds: false,
            }),
        }
    }

    /// Sends a command and waits until its call has ended. `None`: the time was over before, and it is cancelled.
    #[inline]
    pub(super) fn call(&self, request: Request, fds: Fds, wait: Wait, span: &CommandSpan) -> CallOutcome {
        let passes_fds = !fds.is_empty();
        let mut state = self.lock();
        if passes_fds {
            let mine;
            (state, mine) =
                self.wait_until(state, wait, None, |state| (!state.passes_fds).then(|| state.passes_fds = true));
            if !matches!(mine, Ok(Some(()))) {
                self.leave(state);
                return mine.map(|_| None);
            }
        }
        let outcome;
        (state, outcome) = match state.send(request, fds, span) {
            Ok(id) => self.wait_for_end(state, id, wait),
            Err(error) => (state, Err(error)),
        };
        if passes_fds {
            state.passes_fds = false;
            state.waiters.wake_others();
        }
        self.leave(state);
        match outcome? {
            Some((outcome, span)) => outcome.map(|reply| Some((reply, span))),
            None => Ok(None),
        }
    }

    /// Waits until `look` finds something in the session; `None` if the time is over before.
    pub(super) fn wait_for<T>(&self, wait: Wait, mut look: impl FnMut(&mut Session) -> Option<T>) -> Result<Option<T>> {
        let (state, found) = self.wait_until(self.lock(), wait, None, |state| look(&mut state.session));
        self.leave(state);
        found
    }

    /// Takes in what is there without waiting. While another thread reads, this has been done already.
    #[inline]
    pub(super) fn drain(&self) {
        let mut state = self.lock();
        if let Some(mut reader) = state.reader.take() {
            for _ in 0..MAX_READS {
                let received = reader.receive(Wait::Never);
                let more = matches!(received, Outcome::Moved(1..) | Outcome::Interrupted);
                state.handle_received(&reader, received);
                if !more || state.session.end().is_some() {
                    break;
                }
            }
            state.reader = Some(reader);
            self.leave(state);
        }
    }

    pub(super) fn with_session<T>(&self, look: impl FnOnce(&mut Session) -> T) -> T {
        look(&mut self.lock().session)
    }

    #[inline]
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.session.close();
        state.session.clear_events();
        state.deliver();
        if let Some(mut close) = state.closer.take() {
            close();
        }
        state.close_ends();
        self.leave(state);
    }

    #[inline]
    fn wait_for_end<'a>(&'a self, state: Guard<'a>, id: Id, wait: Wait) -> (Guard<'a>, Result<Option<Ended>>) {
        let (mut state, mut outcome) =
            self.wait_until(state, wait, Some(id), |state| match state.session.awaits_refusal(id) {
                true => Some(None),
                false => state.take_outcome(id).map(Some),
            });
        if let Ok(Some(None)) = outcome {
            let wait = wait.at_most(state.session.refusal_timeout());
            (state, outcome) = self.wait_until(state, wait, Some(id), |state| state.take_outcome(id).map(Some));
        }
        let mut outcome = outcome.map(Option::flatten);
        if let Ok(None) = outcome {
            state.session.handle_silence(id);
            state.deliver();
            outcome = Ok(state.take_outcome(id));
        }
        state.calls.0.retain(|call| call.id != id);
        if !matches!(outcome, Ok(Some(_))) {
            state.session.cancel(id);
        }
        (state, outcome)
    }

    /// `call` is what waits, if it is one.
    fn wait_until<'a, T>(
        &'a self,
        mut state: Guard<'a>,
        wait: Wait,
        call: Option<Id>,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> (Guard<'a>, Result<Option<T>>) {
        let mut over = false;
        let found = loop {
            if let Some(found) = look(&mut state) {
                break Ok(Some(found));
            }
            if let Some(why) = state.session.end() {
                break Err(why.clone());
            }
            if over {
                break Ok(None);
            }
            // If the time is over from the start, what can be had at once counts still.
            over = wait.is_over();
            let moved;
            (state, moved) = self.lead_or_follow(state, wait, over, call);
            over |= !moved;
        };
        (state, found)
    }

    /// Writes, reads, or waits for another thread to do so, once. `false`: the transport says that the time is over.
    #[inline]
    fn lead_or_follow<'a>(
        &'a self,
        mut state: Guard<'a>,
        wait: Wait,
        over: bool,
        call: Option<Id>,
    ) -> (Guard<'a>, bool) {
        let moved;
        if let Some(mut writer) = state.take_writer() {
            self.leave(state);
            let sent = writer.line.send(&mut *writer.transport, wait);
            state = self.lock();
            moved = !matches!(sent, Outcome::Late);
            state.handle_sent(writer, sent);
        } else if let Some(mut reader) = state.take_reader(call, over) {
            // After an error of writing there is nothing to wait for but what is there already.
            let wait = if state.session.is_broken() { Wait::Never } else { wait };
            self.leave(state);
            let received = reader.receive(wait);
            state = self.lock();
            moved = !matches!(received, Outcome::Late);
            state.handle_received(&reader, received);
            state.reader = Some(reader);
        } else {
            state.hand_over();
            let condvar = state.waiters.add(call);
            notify(state.waiters.take_woken());
            state = wait_for_change(&condvar, state, wait);
            state.waiters.remove(&condvar);
            return (state, true);
        }
        if state.session.end().is_some() {
            state.close_ends();
        }
        (state, moved)
    }

    /// Lets go of the lock, and notifies those that are woken.
    #[inline]
    fn leave(&self, mut state: Guard<'_>) {
        state.hand_over();
        let woken = state.waiters.take_woken();
        drop(state);
        notify(woken);
    }

    #[inline]
    fn lock(&self) -> Guard<'_> {
        lock(&self.state)
    }
}

impl Drop for Leader {
    #[inline]
    fn drop(&mut self) {
        self.lock().close_ends();
    }
}

impl State {
    #[inline]
    fn send(&mut self, request: Request, fds: Fds, span: &CommandSpan) -> Result<Id> {
        let id = self.session.send(request)?;
        span.sent(|| self.session.wire_id(id));
        self.calls.0.push(PendingCall { id, fds, is_written: false, outcome: None });
        Ok(id)
    }

    /// Wakes one of the threads that wait, if there is an end that it can use.
    #[inline]
    fn hand_over(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let has_output = |writer: &Writer| !writer.line.is_written() || self.session.has_output();
        let can_write = self.writer.as_ref().is_some_and(has_output);
        let (has_reader, has_writer, calls) = (self.reader.is_some(), self.writer.is_some(), &self.calls);
        self.waiters.hand_over(|call| can_write || has_reader && (has_writer || !calls.is_unwritten(call)));
    }

    /// The writer, if it is there and has something to write.
    #[inline]
    fn take_writer(&mut self) -> Option<Writer> {
        let writer = self.writer.as_mut()?;
        if writer.line.is_written() {
            let output = self.session.take_output()?;
            let call = output.id.and_then(|id| self.calls.get_mut(id));
            let fds = call.map(|call| std::mem::take(&mut call.fds)).unwrap_or_default();
            writer.line = OutputLine::new(output, fds);
        }
        self.writer.take()
    }

    /// The reader, if it is there for this thread. One whose time is over takes what there is, and is gone.
    #[inline]
    fn take_reader(&mut self, call: Option<Id>, over: bool) -> Option<Reader> {
        let is_led = self.waiters.has_heir() && !over;
        if is_led || self.writer.is_none() && self.calls.is_unwritten(call) {
            return None;
        }
        self.reader.take()
    }

    #[inline]
    fn handle_sent(&mut self, mut writer: Writer, sent: Outcome) {
        match sent {
            Outcome::Moved(_) => {
                if let Some(id) = writer.line.take_written() {
                    self.session.handle_written(id);
                    if let Some(call) = self.calls.get_mut(id) {
                        call.is_written = true;
                    }
                    if self.session.awaits_refusal(id) {
                        self.waiters.wake_call(id);
                    }
                }
            }
            Outcome::Late | Outcome::Interrupted => {}
            Outcome::Failed(error) => {
                // What the server wrote before it left may still be read, up to the end that this makes.
                writer.transport.close();
                writer.line = OutputLine::default();
                self.session.handle_write_error(error);
            }
        }
        self.writer = Some(writer);
        self.deliver();
    }

    #[inline]
    fn handle_received(&mut self, reader: &Reader, received: Outcome) {
        let before = self.session.event_cursor();
        match received {
            Outcome::Moved(0) => self.session.handle_eof(None),
            Outcome::Moved(count) => {
                self.session.handle_input(reader.chunk.get(..count).unwrap_or(&reader.chunk));
            }
            Outcome::Late if self.session.is_broken() => self.session.handle_eof(None),
            Outcome::Late | Outcome::Interrupted => {}
            Outcome::Failed(error) => self.session.handle_eof(Some(error)),
        }
        if self.session.event_cursor() != before {
            self.waiters.wake_others();
        }
        self.deliver();
    }

    fn take_outcome(&mut self, id: Id) -> Option<Ended> {
        self.calls.get_mut(id)?.outcome.take()
    }

    /// Hands each outcome to the call that waits for it. The end of the session concerns all that wait.
    #[inline]
    fn deliver(&mut self) {
        while let Some(incoming) = self.session.poll() {
            if let Incoming::Done { id, outcome, span } = incoming {
                if let Some(call) = self.calls.get_mut(id) {
                    call.outcome = Some((outcome, span));
                    self.waiters.wake_call(id);
                }
            }
        }
        if self.session.end().is_some() {
            self.waiters.wake_all();
        }
    }

    /// Closes what no thread has in use at this moment.
    #[inline]
    fn close_ends(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.transport.close();
        }
        if let Some(reader) = &mut self.reader {
            reader.transport.close();
        }
    }
}

impl Reader {
    #[inline]
    fn receive(&mut self, wait: Wait) -> Outcome {
        receive(&mut *self.transport, &mut self.chunk, wait)
    }
}
