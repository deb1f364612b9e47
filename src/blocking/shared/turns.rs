//! Who reads, who writes, and who waits.
//!
//! The session and the two ends of the transport are under one lock, and a thread takes an end out while it reads or writes,
//! so that nobody holds the lock while waiting. Whoever puts an end back wakes all others: each of them looks whether it has
//! what it waits for, and the first that has not takes the end next.
//!
//! A thread whose command is not written yet does not read while another thread writes. It could otherwise be stuck in the
//! transport when that thread's time is over, with its own command unwritten.

use crate::blocking::handover::wait_for_change;
use crate::blocking::link::Link;
use crate::blocking::transport::{receive, send, AnyTransport, Outcome, Transport, Wait};
use crate::error::{Error, Malformed, MalformedLine, Repr, Result};
use crate::fds::Fds;
use crate::message::{Reply, Request};
use crate::session::{Id, Incoming, Session};
use crate::trace;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How often to read without waiting before it is enough, as the lock is held meanwhile.
const MAX_READS: usize = 16;

/// How many lines that nobody was told of are kept.
const MAX_UNREPORTED: usize = 64;

pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
    #[cfg(all(unix, feature = "fd"))]
    pub(super) takes_fds: bool,
}

struct State {
    session: Session,
    /// `None` while a thread reads.
    reader: Option<Reader>,
    /// `None` while a thread writes.
    writer: Option<Writer>,
    /// What goes with the line that is being written belongs to the writer; all else is here.
    calls: Calls,
    /// Whether a command with file descriptors is under way.
    passes_fds: bool,
    /// Oldest first.
    unreported: Vec<MalformedLine>,
    /// Why the connection ended, if not because the peer closed it.
    failure: Option<Error>,
    /// Whether this side closed it.
    closed: bool,
}

struct Reader {
    transport: Box<dyn AnyTransport>,
    chunk: Vec<u8>,
}

struct Writer {
    transport: Box<dyn Transport>,
    id: Option<Id>,
    line: Vec<u8>,
    written: usize,
    fds: Fds,
}

/// A call that somebody waits for.
struct Call {
    id: Id,
    fds: Fds,
    is_answered: bool,
    is_written: bool,
    outcome: Option<Result<Reply>>,
}

/// Those under way: hardly more than there are threads.
struct Calls(Vec<Call>);

impl Calls {
    #[inline]
    fn get(&mut self, id: Id) -> Option<&mut Call> {
        self.0.iter_mut().find(|call| call.id == id)
    }
}

type Guard<'a> = MutexGuard<'a, State>;

impl Turns {
    #[inline]
    pub(super) fn new(link: Link, transport: Box<dyn Transport>) -> Self {
        #[cfg(all(unix, feature = "fd"))]
        let takes_fds = transport.takes_fds();
        let rest = link.output.get(link.written..).unwrap_or_default().to_vec();
        let writer = Writer { transport, id: None, line: rest, written: 0, fds: link.fds };
        let state = State {
            session: link.session,
            reader: Some(Reader { transport: link.transport, chunk: link.chunk }),
            writer: Some(writer),
            calls: Calls(Vec::new()),
            passes_fds: false,
            unreported: Vec::new(),
            failure: link.broken,
            closed: false,
        };
        Turns {
            state: Mutex::new(state),
            changed: Condvar::new(),
            #[cfg(all(unix, feature = "fd"))]
            takes_fds,
        }
    }

    /// Sends a command and waits for its reply, unless it has none. `None`: the time was over before.
    #[inline]
    pub(super) fn call(
        &self,
        request: Request,
        fds: Fds,
        wait: Wait,
        call: &trace::Call,
    ) -> Result<Option<Option<Reply>>> {
        let passes_fds = !fds.is_empty();
        if passes_fds {
            let mine = self.wait_until(wait, None, |state| (!state.passes_fds).then(|| state.passes_fds = true))?;
            if mine.is_none() {
                return Ok(None);
            }
        }
        let outcome = self.send(request, fds, call).and_then(|id| {
            let outcome = self.wait_until(wait, Some(id), |state| state.outcome(id));
            let mut state = self.lock();
            state.calls.0.retain(|call| call.id != id);
            if !matches!(outcome, Ok(Some(Ok(_)))) {
                state.session.cancel(id);
            }
            outcome
        });
        if passes_fds {
            self.lock().passes_fds = false;
        }
        // A command that was given up may have made room for another one's.
        self.changed.notify_all();
        outcome?.transpose()
    }

    /// Waits until `look` finds something; `None` if the time is over before.
    pub(super) fn wait_for_event<T>(
        &self,
        wait: Wait,
        mut look: impl FnMut(&mut Session) -> Option<T>,
    ) -> Result<Option<T>> {
        let look = |state: &mut State| match look(&mut state.session) {
            Some(found) => Some(Ok(found)),
            None => state.unreported().map(Err),
        };
        self.wait_until(wait, None, look)?.transpose()
    }

    /// Takes in what is there without waiting, and gives what `look` makes of it. While another thread reads, this has been
    /// done already.
    pub(super) fn arrived<T>(&self, look: impl FnOnce(&mut Session) -> T) -> Result<T> {
        let mut state = self.lock();
        if let Some(mut reader) = state.reader.take() {
            for _ in 0..MAX_READS {
                let received = reader.receive(Wait::Never);
                if state.session.is_ended() || !state.handle_received(&reader, received) {
                    break;
                }
            }
            state.reader = Some(reader);
            self.changed.notify_all();
        }
        if let Some(error) = state.unreported() {
            return Err(error);
        }
        if state.closed || state.session.event_count() == 0 {
            state.check()?;
        }
        Ok(look(&mut state.session))
    }

    pub(super) fn with_session<T>(&self, look: impl FnOnce(&Session) -> T) -> T {
        look(&self.lock().session)
    }

    #[inline]
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.session.handle_eof();
        state.session.clear_events();
        state.close_ends();
        self.changed.notify_all();
    }

    #[inline]
    fn send(&self, request: Request, fds: Fds, call: &trace::Call) -> Result<Id> {
        let mut state = self.lock();
        state.check()?;
        let is_answered = request.is_answered();
        let id = state.session.send(request)?;
        call.sent(|| state.session.wire_id(id));
        state.calls.0.push(Call { id, fds, is_answered, is_written: false, outcome: None });
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
            let found = if state.closed { None } else { look(&mut state) };
            if found.is_some() {
                return Ok(found);
            }
            state.check()?;
            if over {
                return Ok(None);
            }
            // If the time is over from the start, what can be had at once counts still.
            over = wait.is_over();
            state = self.take_turn(state, wait, id);
        }
    }

    /// Writes, reads, or waits for another thread to do so, once.
    #[inline]
    fn take_turn<'a>(&'a self, mut state: Guard<'a>, wait: Wait, id: Option<Id>) -> Guard<'a> {
        let is_unwritten = id.and_then(|id| state.calls.get(id)).is_some_and(|call| !call.is_written);
        if let Some(mut writer) = state.take_writer() {
            drop(state);
            let sent = writer.send(wait);
            state = self.lock();
            state.handle_sent(writer, sent);
        } else if let Some(mut reader) = state.take_reader(is_unwritten) {
            drop(state);
            let received = reader.receive(wait);
            state = self.lock();
            state.handle_received(&reader, received);
            state.reader = Some(reader);
        } else {
            return wait_for_change(&self.changed, state, wait);
        }
        if state.closed {
            state.close_ends();
        }
        self.changed.notify_all();
        state
    }

    /// A filter that panicked has harmed nothing that is under the lock.
    #[inline]
    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turns {
    #[inline]
    fn drop(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).close_ends();
    }
}

impl State {
    /// The oldest line that nobody was told of, as an error.
    #[inline]
    fn unreported(&mut self) -> Option<Error> {
        (!self.unreported.is_empty()).then(|| self.unreported.remove(0).into())
    }

    #[inline]
    fn check(&self) -> Result<()> {
        match &self.failure {
            _ if self.closed => Err(Repr::NotConnected.into()),
            _ if !self.session.is_ended() => Ok(()),
            Some(failure) => Err(failure.clone()),
            None => Err(Error::closed(None)),
        }
    }

    /// What became of a call: `Ok(None)` if it was written, and is not answered.
    #[inline]
    fn outcome(&mut self, id: Id) -> Option<Result<Option<Reply>>> {
        let call = self.calls.get(id)?;
        match call.outcome.take() {
            Some(outcome) => Some(outcome.map(Some)),
            None => (call.is_written && !call.is_answered).then_some(Ok(None)),
        }
    }

    /// The writer, if it is there and has something to write.
    #[inline]
    fn take_writer(&mut self) -> Option<Writer> {
        let writer = self.writer.as_mut()?;
        if writer.line.is_empty() {
            let output = self.session.take_output()?;
            (writer.id, writer.line, writer.written) = (output.id, output.bytes, 0);
            let call = output.id.and_then(|id| self.calls.get(id));
            writer.fds = call.map(|call| std::mem::take(&mut call.fds)).unwrap_or_default();
        }
        self.writer.take()
    }

    #[inline]
    fn take_reader(&mut self, is_unwritten: bool) -> Option<Reader> {
        let others_write = self.writer.is_none() && !self.session.is_ended() && !self.closed;
        if is_unwritten && others_write {
            return None;
        }
        self.reader.take()
    }

    #[inline]
    fn handle_sent(&mut self, mut writer: Writer, sent: Outcome) {
        if let Outcome::Moved(count) = sent {
            writer.fds = Fds::default();
            writer.written += count;
            if writer.written >= writer.line.len() {
                writer.line = Vec::new();
                if let Some(call) = writer.id.and_then(|id| self.calls.get(id)) {
                    call.is_written = true;
                }
            }
        } else if let Outcome::Closed(failure) | Outcome::Failed(failure) = sent {
            // Nothing can be written any more. What the server wrote before it left may still be read, up to the end that
            // this makes.
            writer.transport.close();
            self.failure.get_or_insert(failure);
            (writer.line, writer.id) = (Vec::new(), None);
        }
        self.writer = Some(writer);
    }

    /// `false`: there is nothing more for now.
    #[inline]
    fn handle_received(&mut self, reader: &Reader, received: Outcome) -> bool {
        let more = matches!(received, Outcome::Moved(1..) | Outcome::Interrupted);
        match received {
            Outcome::Moved(0) => self.session.handle_eof(),
            Outcome::Moved(count) => {
                self.session.handle_input(reader.chunk.get(..count).unwrap_or(&reader.chunk));
            }
            Outcome::Late | Outcome::Interrupted => {}
            Outcome::Closed(failure) | Outcome::Failed(failure) => {
                self.failure.get_or_insert(failure);
                self.session.handle_eof();
            }
        }
        while let Some(incoming) = self.session.poll() {
            self.dispatch(incoming);
        }
        more
    }

    #[inline]
    fn dispatch(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Reply { id, reply } => {
                if let Some(call) = self.calls.get(id) {
                    // A line that may have been the reply has failed the call already, if there was one.
                    call.outcome.get_or_insert(Ok(reply));
                }
            }
            Incoming::Malformed { line, suspect } => match suspect.and_then(|id| self.calls.get(id)) {
                Some(call) => call.outcome = Some(Err(line.into())),
                None if line.kind() == Malformed::HalfLine => {
                    self.failure.get_or_insert(line.into());
                }
                None if self.unreported.len() < MAX_UNREPORTED => self.unreported.push(line),
                None => {}
            },
            Incoming::Failed(error) => {
                self.failure.get_or_insert(error);
            }
            Incoming::Ready | Incoming::Closed => {}
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

impl Writer {
    #[inline]
    fn send(&mut self, wait: Wait) -> Outcome {
        let rest = self.line.get(self.written..).unwrap_or_default();
        send(&mut *self.transport, rest, &self.fds, wait)
    }
}
