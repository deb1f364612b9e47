//! A session on a transport: moves bytes between the two until something happens or the time is over.
//!
//! Bytes are never lost to a deadline: what arrived is in the session, and what could not be written yet is written first
//! by whichever operation comes next.

use super::transport::{receive, send, AnyTransport, Outcome, Wait};
use crate::error::{Error, Phase, Result};
use crate::fds::Fds;
use crate::message::{Reply, Request};
use crate::session::{Id, Incoming, Session};
use crate::trace;
use std::time::Duration;

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// How often to read without waiting before it is enough: more than a socket holds, so that only a server which writes
/// faster than this side reads gets there.
const MAX_READS: usize = 256;

pub(super) struct Link {
    pub(super) session: Session,
    pub(super) transport: Box<dyn AnyTransport>,
    /// The line that is being written, and how much of it was.
    pub(super) output: Vec<u8>,
    pub(super) written: usize,
    /// What goes with the next byte of it.
    pub(super) fds: Fds,
    /// What goes with a command that is not `output` yet.
    attached: Option<(Id, Fds)>,
    pub(super) chunk: Vec<u8>,
    /// How the connection broke, until somebody was told.
    pub(super) broken: Option<Error>,
}

impl Link {
    pub(super) fn new(session: Session, transport: Box<dyn AnyTransport>) -> Self {
        Link {
            session,
            transport,
            output: Vec::new(),
            written: 0,
            fds: Fds::default(),
            attached: None,
            chunk: vec![0; CHUNK],
            broken: None,
        }
    }

    /// Greets and negotiates, or synchronizes.
    pub(super) fn shake_hands(&mut self, timeout: Option<Duration>) -> Result<()> {
        let wait = Wait::within(timeout);
        loop {
            let flushed = self.flush(wait)?;
            while let Some(incoming) = self.session.poll() {
                match incoming {
                    Incoming::Ready => return Ok(()),
                    Incoming::Failed(error) => return Err(self.explain(error)),
                    Incoming::Malformed { line, .. } => return Err(line.into()),
                    Incoming::Closed => return Err(self.closed()),
                    Incoming::Reply { .. } => {}
                }
            }
            if !flushed || wait.is_over() || !self.receive(wait)? {
                let phase = self.session.waits_for().unwrap_or(Phase::Greeting);
                return Err(Error::timeout(phase, timeout.unwrap_or_default()));
            }
        }
    }

    /// Sends a command and waits for its reply, unless it has none.
    pub(super) fn call(
        &mut self,
        request: Request,
        fds: Fds,
        timeout: Option<Duration>,
        call: &trace::Call,
    ) -> Result<Option<Reply>> {
        self.report()?;
        let answered = request.is_answered();
        let wait = Wait::within(timeout);
        if self.session.is_ended() {
            return Err(self.closed());
        }
        let id = self.session.send(request)?;
        call.sent(|| self.session.wire_id(id));
        self.attached = Some((id, fds));
        let late = || Error::timeout(Phase::Call, timeout.unwrap_or_default());
        let outcome = match self.flush(wait) {
            Ok(true) if answered => self.wait_for_reply(id, wait).and_then(|reply| reply.ok_or_else(late)).map(Some),
            Ok(true) if self.session.is_ended() => Err(self.closed()),
            Ok(true) => Ok(None),
            Ok(false) => Err(late()),
            Err(error) => Err(error),
        };
        self.attached = None;
        if outcome.is_err() {
            self.session.cancel(id);
        }
        outcome
    }

    /// Reads until `look` finds something; `None` if the time is over before.
    pub(super) fn wait_for<T>(
        &mut self,
        wait: Wait,
        mut look: impl FnMut(&mut Session) -> Option<T>,
    ) -> Result<Option<T>> {
        let mut over = false;
        loop {
            if let Some(found) = look(&mut self.session) {
                return Ok(Some(found));
            }
            self.report()?;
            if self.session.is_ended() {
                return Err(self.closed());
            }
            if over {
                return Ok(None);
            }
            over = wait.is_over();
            over |= !self.receive(wait)?;
        }
    }

    /// Takes in what is there without waiting.
    pub(super) fn drain(&mut self) -> Result<()> {
        for _ in 0..MAX_READS {
            if self.session.is_ended() || !self.receive(Wait::Never)? {
                break;
            }
        }
        self.report()
    }

    /// Reports a line that could not be read, and that nobody was told of.
    fn report(&mut self) -> Result<()> {
        while let Some(incoming) = self.session.poll() {
            if let Incoming::Malformed { line, .. } = incoming {
                return Err(line.into());
            }
        }
        Ok(())
    }

    /// The error of a connection that ended.
    pub(super) fn closed(&mut self) -> Error {
        self.broken.take().unwrap_or_else(|| Error::closed(None))
    }

    /// `None` if the time is over before the reply arrives. Lines that cannot be read end the wait, because any of them may
    /// have been the reply.
    fn wait_for_reply(&mut self, id: Id, wait: Wait) -> Result<Option<Reply>> {
        let mut over = false;
        loop {
            while let Some(incoming) = self.session.poll() {
                match incoming {
                    Incoming::Reply { id: answered, reply } if answered == id => return Ok(Some(reply)),
                    Incoming::Malformed { line, .. } => return Err(line.into()),
                    Incoming::Failed(error) => return Err(error),
                    Incoming::Closed => return Err(self.closed()),
                    Incoming::Ready | Incoming::Reply { .. } => {}
                }
            }
            if over {
                return Ok(None);
            }
            over = wait.is_over();
            over |= !self.receive(wait)?;
            over |= !self.flush(wait)?;
        }
    }

    /// Writes all output, each line with one write if the transport takes it. `false`: the time was over before.
    fn flush(&mut self, wait: Wait) -> Result<bool> {
        loop {
            let rest = self.output.get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                let Some(output) = self.session.take_output() else { return Ok(true) };
                let attached = self.attached.take_if(|(id, _)| output.id == Some(*id));
                self.fds = attached.map(|(_, fds)| fds).unwrap_or_default();
                (self.output, self.written) = (output.bytes, 0);
                continue;
            }
            match send(&mut *self.transport, rest, &self.fds, wait) {
                Outcome::Moved(count) => {
                    self.written += count;
                    self.fds = Fds::default();
                }
                Outcome::Late => return Ok(false),
                Outcome::Interrupted => {}
                Outcome::Closed(error) => self.lose(error),
                Outcome::Failed(error) => return Err(error),
            }
        }
    }

    /// Reads once. `false`: the time was over before.
    fn receive(&mut self, wait: Wait) -> Result<bool> {
        loop {
            match receive(&mut *self.transport, &mut self.chunk, wait) {
                Outcome::Moved(0) => self.session.handle_eof(),
                Outcome::Moved(count) => self.session.handle_input(self.chunk.get(..count).unwrap_or(&self.chunk)),
                Outcome::Late => return Ok(false),
                Outcome::Interrupted => continue,
                Outcome::Closed(error) => {
                    self.broken = Some(error);
                    self.session.handle_eof();
                }
                Outcome::Failed(error) => return Err(error),
            }
            return Ok(true);
        }
    }

    /// Nothing can be written any more. What the server wrote before it left may still be there.
    fn lose(&mut self, error: Error) {
        (self.output, self.written, self.fds) = (Vec::new(), 0, Fds::default());
        for _ in 0..MAX_READS {
            if self.session.is_ended() || !matches!(self.receive(Wait::Never), Ok(true)) {
                break;
            }
        }
        self.broken.get_or_insert(error);
        self.session.handle_eof();
    }

    /// Adds how the connection broke.
    fn explain(&mut self, error: Error) -> Error {
        match self.broken.take() {
            Some(broken) if error.is_closed() && error.io_error().is_none() => Error::no_greeting(Some(broken)),
            _ => error,
        }
    }
}
