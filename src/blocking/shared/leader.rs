//! Leader and follower: which thread reads, which writes, and which wait.
//!
//! The session and the two ends of the transport are under one lock, and a thread takes an end out while it reads or writes,
//! so that no thread holds the lock while it waits. The thread that puts an end back notifies all others: each of them
//! looks whether it has what it waits for, and the first that has not takes the end next.
//!
//! A thread whose command is not written yet does not read while another thread writes. It could otherwise be stuck in the
//! transport when that thread's time is over, with its own command unwritten.
//!
//! Which way a call ends is the session's decision. No code of the program runs under the lock.

use crate::blocking::calls::CallOutcome;
use crate::blocking::connection::Parts;
use crate::blocking::sync::{lock, wait_for_change, Condvar, Mutex, MutexGuard};
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
    changed: Condvar,
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
    fn get(&mut self, id: Id) -> Option<&mut PendingCall> {
        self.0.iter_mut().find(|call| call.id == id)
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
                passes_fds: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Sends a command and waits until its call has ended. `None`: the time was over before, and it is cancelled.
    #[inline]
    pub(super) fn call(&self, request: Request, fds: Fds, wait: Wait, span: &CommandSpan) -> CallOutcome {
        let passes_fds = !fds.is_empty();
        if passes_fds {
            let mine = self.wait_until(wait, None, |state| (!state.passes_fds).then(|| state.passes_fds = true))?;
            if mine.is_none() {
                return Ok(None);
            }
        }
        let outcome = self.send(request, fds, span).and_then(|id| {
            let mut outcome = self.wait_until(wait, Some(id), |state| match state.session.awaits_refusal(id) {
                true => Some(None),
                false => state.take_outcome(id).map(Some),
            });
            if let Ok(Some(None)) = outcome {
                let wait = wait.at_most(self.with_session(|session| session.refusal_timeout()));
                outcome = self.wait_until(wait, None, |state| state.take_outcome(id).map(Some));
            }
            let mut outcome = outcome.map(Option::flatten);
            let mut state = self.lock();
            if let Ok(None) = outcome {
                state.session.handle_silence(id);
                state.deliver();
                // Another thread may have read the reply since. The session would not count it as late any more.
                outcome = Ok(state.take_outcome(id));
            }
            state.calls.0.retain(|call| call.id != id);
            if !matches!(outcome, Ok(Some(_))) {
                state.session.cancel(id);
            }
            outcome
        });
        if passes_fds {
            self.lock().passes_fds = false;
        }
        // A command that was given up may have made room for another one's.
        self.changed.notify_all();
        match outcome? {
            Some((outcome, span)) => outcome.map(|reply| Some((reply, span))),
            None => Ok(None),
        }
    }

    /// Waits until `look` finds something in the session; `None` if the time is over before.
    pub(super) fn wait_for<T>(&self, wait: Wait, mut look: impl FnMut(&mut Session) -> Option<T>) -> Result<Option<T>> {
        self.wait_until(wait, None, |state| look(&mut state.session))
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
            self.changed.notify_all();
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
        self.changed.notify_all();
    }

    #[inline]
    fn send(&self, request: Request, fds: Fds, span: &CommandSpan) -> Result<Id> {
        let mut state = self.lock();
        let id = state.session.send(request)?;
        span.sent(|| state.session.wire_id(id));
        state.calls.0.push(PendingCall { id, fds, is_written: false, outcome: None });
        Ok(id)
    }

    /// `id` is the call that waits, if it is one.
    fn wait_until<T>(
        &self,
        wait: Wait,
        id: Option<Id>,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<Option<T>> {
        let mut state = self.lock();
        let mut over = false;
        loop {
            if let Some(found) = look(&mut state) {
                return Ok(Some(found));
            }
            if let Some(why) = state.session.end() {
                return Err(why.clone());
            }
            if over {
                return Ok(None);
            }
            // If the time is over from the start, what can be had at once counts still.
            over = wait.is_over();
            let moved;
            (state, moved) = self.lead_or_follow(state, wait, id);
            over |= !moved;
        }
    }

    /// Writes, reads, or waits for another thread to do so, once. `false`: the transport says that the time is over.
    #[inline]
    fn lead_or_follow<'a>(&'a self, mut state: Guard<'a>, wait: Wait, id: Option<Id>) -> (Guard<'a>, bool) {
        let moved;
        let is_unwritten = id.and_then(|id| state.calls.get(id)).is_some_and(|call| !call.is_written);
        if let Some(mut writer) = state.take_writer() {
            drop(state);
            let sent = writer.line.send(&mut *writer.transport, wait);
            state = self.lock();
            moved = !matches!(sent, Outcome::Late);
            state.handle_sent(writer, sent);
        } else if let Some(mut reader) = state.take_reader(is_unwritten) {
            // After an error of writing there is nothing to wait for but what is there already.
            let wait = if state.session.is_broken() { Wait::Never } else { wait };
            drop(state);
            let received = reader.receive(wait);
            state = self.lock();
            moved = !matches!(received, Outcome::Late);
            state.handle_received(&reader, received);
            state.reader = Some(reader);
        } else {
            return (wait_for_change(&self.changed, state, wait), true);
        }
        if state.session.end().is_some() {
            state.close_ends();
        }
        self.changed.notify_all();
        (state, moved)
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
    /// The writer, if it is there and has something to write.
    #[inline]
    fn take_writer(&mut self) -> Option<Writer> {
        let writer = self.writer.as_mut()?;
        if writer.line.is_written() {
            let output = self.session.take_output()?;
            let call = output.id.and_then(|id| self.calls.get(id));
            let fds = call.map(|call| std::mem::take(&mut call.fds)).unwrap_or_default();
            writer.line = OutputLine::new(output, fds);
        }
        self.writer.take()
    }

    #[inline]
    fn take_reader(&mut self, is_unwritten: bool) -> Option<Reader> {
        if is_unwritten && self.writer.is_none() {
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
                    if let Some(call) = self.calls.get(id) {
                        call.is_written = true;
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
        match received {
            Outcome::Moved(0) => self.session.handle_eof(None),
            Outcome::Moved(count) => {
                self.session.handle_input(reader.chunk.get(..count).unwrap_or(&reader.chunk));
            }
            Outcome::Late if self.session.is_broken() => self.session.handle_eof(None),
            Outcome::Late | Outcome::Interrupted => {}
            Outcome::Failed(error) => self.session.handle_eof(Some(error)),
        }
        self.deliver();
    }

    fn take_outcome(&mut self, id: Id) -> Option<Ended> {
        self.calls.get(id)?.outcome.take()
    }

    /// Hands each outcome to the call that waits for it.
    #[inline]
    fn deliver(&mut self) {
        while let Some(incoming) = self.session.poll() {
            if let Incoming::Done { id, outcome, span } = incoming {
                if let Some(call) = self.calls.get(id) {
                    call.outcome = Some((outcome, span));
                }
            }
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
