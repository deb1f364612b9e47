//! A session on a transport: moves bytes between the two until something happens or the time is over.
//!
//! The session decides what becomes of calls. Bytes are never lost to a deadline: what arrived is in the session, and what
//! could not be written yet is written first by whichever operation comes next.

use super::transport::{receive, AnyTransport, Outcome, OutputLine, Transport, Wait};
use crate::error::{Error, Phase, Result};
use crate::fds::Fds;
use crate::message::{Reply, Request};
use crate::session::{CallSpan, Id, Incoming, Session};
use crate::trace::CommandSpan;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// How often to read without waiting before it is enough: more than a socket holds, so that only a server which writes
/// faster than this side reads gets there.
const MAX_READS: usize = 256;

pub(super) struct Connection {
    pub(super) session: Session,
    /// Never locked, because a connection is used by one thread at a time: transports need not be `Sync`, and clients are.
    transport: Mutex<Box<dyn AnyTransport>>,
    output: OutputLine,
    /// The descriptors that go with a command that is not `output` yet.
    attached: Option<(Id, Fds)>,
    chunk: Vec<u8>,
}

/// The parts that a shared client takes over.
pub(super) struct Parts {
    pub(super) session: Session,
    pub(super) transport: Box<dyn AnyTransport>,
    pub(super) output: OutputLine,
    pub(super) chunk: Vec<u8>,
}

impl Connection {
    pub(super) fn new(session: Session, transport: Box<dyn AnyTransport>) -> Self {
        Connection {
            session,
            transport: Mutex::new(transport),
            output: OutputLine::default(),
            attached: None,
            chunk: vec![0; CHUNK],
        }
    }

    pub(super) fn transport(&mut self) -> &mut dyn AnyTransport {
        &mut **self.transport.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transport. What goes over the connection from now on fails.
    pub(super) fn take_transport(&mut self) -> Box<dyn AnyTransport> {
        self.session.close();
        let transport = self.transport.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(transport, Box::new(Gone))
    }

    pub(super) fn into_parts(self) -> Parts {
        let transport = self.transport.into_inner().unwrap_or_else(PoisonError::into_inner);
        Parts { session: self.session, transport, output: self.output, chunk: self.chunk }
    }

    /// Greets and negotiates, or synchronizes.
    pub(super) fn shake_hands(&mut self, timeout: Option<Duration>) -> Result<()> {
        let wait = Wait::within(timeout);
        loop {
            let flushed = self.flush(wait);
            while let Some(incoming) = self.session.poll() {
                match incoming {
                    Incoming::Ready => return Ok(()),
                    Incoming::Ended(why) => return Err(why),
                    Incoming::Done { .. } => {}
                }
            }
            if !flushed || wait.is_over() || !self.receive(wait) {
                let phase = self.session.waits_for().unwrap_or(Phase::Greeting);
                return Err(Error::timeout(self.session.label(), phase, None, timeout.unwrap_or_default()));
            }
        }
    }

    /// Sends a command and waits until its call has ended. `None`: the time was over before, and it is cancelled.
    pub(super) fn call(
        &mut self,
        request: Request,
        fds: Fds,
        wait: Wait,
        trace: &CommandSpan,
    ) -> Result<Option<(Option<Reply>, CallSpan)>> {
        let id = self.session.send(request)?;
        trace.sent(|| self.session.wire_id(id));
        self.attached = Some((id, fds));
        let (mut late, mut refusal) = (!self.flush(wait), None);
        loop {
            while let Some(incoming) = self.session.poll() {
                match incoming {
                    Incoming::Done { id: done, outcome, span } if done == id => {
                        return outcome.map(|reply| Some((reply, span)));
                    }
                    _ => {}
                }
            }
            if late && self.session.awaits_refusal(id) {
                self.session.handle_silence(id);
                continue;
            }
            if late {
                self.attached = None;
                self.session.cancel(id);
                return Ok(None);
            }
            let wait = match self.session.awaits_refusal(id) {
                true => *refusal.get_or_insert_with(|| wait.at_most(self.session.refusal_timeout())),
                false => wait,
            };
            // If the time is over from the start, what can be had at once counts still.
            late = wait.is_over();
            late |= !self.receive(wait);
            late |= !self.flush(wait);
        }
    }

    /// Reads until `look` finds something; `None` if the time is over before.
    pub(super) fn wait_for<T>(
        &mut self,
        wait: Wait,
        mut look: impl FnMut(&mut Session) -> Option<T>,
    ) -> Result<Option<T>> {
        let mut late = false;
        loop {
            if let Some(found) = look(&mut self.session) {
                return Ok(Some(found));
            }
            if let Some(why) = self.session.end() {
                return Err(why.clone());
            }
            if late {
                return Ok(None);
            }
            late = wait.is_over();
            late |= !self.receive(wait);
        }
    }

    /// Takes in what is there without waiting.
    pub(super) fn drain(&mut self) {
        for _ in 0..MAX_READS {
            if self.session.end().is_some() || !self.receive(Wait::Never) {
                break;
            }
        }
    }

    /// Writes all output, each line with one write if the transport takes it. `false`: the time was over before.
    fn flush(&mut self, wait: Wait) -> bool {
        loop {
            if self.output.is_written() {
                if let Some(id) = self.output.take_written() {
                    self.session.handle_written(id);
                }
                let Some(output) = self.session.take_output() else { return true };
                let attached = self.attached.take_if(|(id, _)| output.id == Some(*id));
                self.output = OutputLine::new(output, attached.map(|(_, fds)| fds).unwrap_or_default());
            }
            let transport = &mut **self.transport.get_mut().unwrap_or_else(PoisonError::into_inner);
            match self.output.send(transport, wait) {
                Outcome::Moved(_) | Outcome::Interrupted => {}
                Outcome::Late => return false,
                Outcome::Failed(error) => {
                    self.output = OutputLine::default();
                    self.session.handle_write_error(error);
                    // What the server wrote before it left may still be there.
                    self.drain();
                    self.session.handle_eof(None);
                }
            }
        }
    }

    /// Reads once. `false`: the time was over before.
    fn receive(&mut self, wait: Wait) -> bool {
        loop {
            let transport = &mut **self.transport.get_mut().unwrap_or_else(PoisonError::into_inner);
            match receive(transport, &mut self.chunk, wait) {
                Outcome::Moved(0) => self.session.handle_eof(None),
                Outcome::Moved(count) => self.session.handle_input(self.chunk.get(..count).unwrap_or(&self.chunk)),
                Outcome::Late => return false,
                Outcome::Interrupted => continue,
                Outcome::Failed(error) => self.session.handle_eof(Some(error)),
            }
            return true;
        }
    }
}

/// The transport of a connection whose own was taken away.
struct Gone;

impl Transport for Gone {
    fn receive(&mut self, _: &mut [u8], _: Wait) -> io::Result<usize> {
        Ok(0)
    }

    fn send(&mut self, _: &[u8], _: Wait) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("ended", &self.session.end().is_some()).finish_non_exhaustive()
    }
}
