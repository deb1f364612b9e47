//! Order of messages: the phases of a session, and what each message means in it.

use super::book::{own_id, own_wire_id, push_own_id, Book, QueuedCommand, NEGOTIATION};
use super::events::{CallSpan, Events};
use super::lines::{after_delimiter, is_blank, without_delimiter, Line, DELIMITER};
use super::queue::EventCursor;
use super::{Counters, Id, Incoming, Output, SessionOptions};
use crate::error::{Error, ErrorKind, IoOperation, Malformed, MalformedLine, Phase, Repr, Result, ServerError};
use crate::label::Label;
use crate::message::{self, Capability, Greeting, Message, Reply, Request};
use crate::secrets::Secrets;
use crate::trace;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;

#[derive(Debug)]
pub(super) struct Conversation {
    state: State,
    label: Label,
    enable_oob: bool,
    /// True if a delimiter may precede a message: a user of a guest agent may synchronize again, like any other command.
    delimiters: bool,
    greeting: Option<Greeting>,
    /// Negotiation or synchronization, until it is taken.
    handshake: Option<Vec<u8>>,
    book: Book,
    incoming: VecDeque<Incoming>,
    pub(super) events: Events,
    counters: Counters,
    /// Why nothing can be written any more.
    write_error: Option<io::Error>,
    last_id: u64,
    /// True if a user ever chose an id that looks like one of the session's.
    contested: bool,
}

#[derive(Debug)]
enum State {
    AwaitingGreeting,
    Negotiating { wire_id: String, oob: bool },
    Synchronizing { wire_id: String, sync_id: u64 },
    Ready { oob: bool },
    Ended(Error),
}

impl Conversation {
    pub(super) fn new(options: SessionOptions, sync_id: Option<u64>) -> Self {
        let mut conversation = Conversation {
            state: State::AwaitingGreeting,
            label: Label { number: trace::connection_number(), ..options.label },
            enable_oob: options.oob,
            delimiters: sync_id.is_some(),
            greeting: None,
            handshake: None,
            book: Book::default(),
            incoming: VecDeque::new(),
            events: Events::new(options.max_events, options.max_event_bytes),
            counters: Counters::default(),
            write_error: None,
            last_id: 0,
            contested: false,
        };
        if let Some(sync_id) = sync_id {
            conversation.synchronize(sync_id);
        }
        conversation
    }

    pub(super) fn handle_line(&mut self, line: Line<'_>) {
        let synchronizing = matches!(self.state, State::Synchronizing { .. });
        match line {
            _ if self.end().is_some() => {}
            Line::Whole(line) if is_blank(&line) => {}
            Line::Whole(line) if synchronizing => self.handle_stale(&line),
            Line::TooLong(_, len) if synchronizing => self.count_stale(len),
            Line::TooLong(beginning, len) => self.report(MalformedLine::cut(Malformed::TooLong, beginning, len)),
            Line::Whole(line) => {
                let line = if self.delimiters { self.start_afresh(line) } else { line };
                match message::text(line).and_then(|mut line| Ok((Message::read(&mut line)?, line))) {
                    Ok((message, line)) => self.handle_message(message, line.as_bytes()),
                    Err(error) => {
                        if self.delimiters {
                            // Half a line of an agent that has restarted is joined with a line of the next one.
                            self.book.lose_given_up();
                        }
                        self.report(error);
                    }
                }
            }
        }
    }

    /// `rest` is the beginning of a line that has not ended, and the line's length so far.
    pub(super) fn handle_eof(&mut self, rest: Option<(&[u8], usize)>, cause: Option<io::Error>) {
        if self.end().is_some() {
            return;
        }
        let half = rest.map(|(rest, len)| MalformedLine::cut(Malformed::HalfLine, rest, len));
        let greeted = !matches!(self.state, State::AwaitingGreeting);
        let cause = match self.write_error.take() {
            Some(error) => Some((IoOperation::Write, error)),
            None => cause.map(|error| (IoOperation::Read, error)),
        };
        let why = match half {
            Some(line) => {
                trace::malformed(&self.label, line.kind(), line.line_len());
                self.counters.malformed_lines += 1;
                if greeted {
                    line.into()
                } else {
                    Error::wrong_greeting(&self.label, line)
                }
            }
            None => Error::disconnected(&self.label, cause, greeted),
        };
        self.finish(why);
    }

    pub(super) fn handle_write_error(&mut self, error: io::Error) {
        self.write_error.get_or_insert(error);
    }

    pub(super) fn close(&mut self) {
        if self.end().is_none() {
            self.finish(Repr::NotConnected.into());
        }
    }

    pub(super) fn handle_written(&mut self, id: Id) {
        self.book.written(id);
    }

    pub(super) fn awaits_refusal(&self, id: Id) -> bool {
        self.book.awaits_refusal(id)
    }

    pub(super) fn handle_silence(&mut self, id: Id) {
        if let Some(cursor) = self.book.not_refused(id) {
            self.done(id, Ok(None), cursor);
        }
    }

    pub(super) fn send(&mut self, mut request: Request) -> Result<Id> {
        if let Some(why) = self.end() {
            return Err(why.clone());
        }
        let oob = request.is_out_of_band();
        if oob && !self.oob_enabled() {
            return Err(Repr::OobUnavailable.into());
        }
        let chosen = request.take_id()?;
        self.contested |= chosen.as_deref().and_then(own_id).is_some();
        let id = self.next_id();
        let (answered, secrets) = (request.is_answered(), request.secrets());
        let line = request.into_line(&|line| match &chosen {
            Some(wire_id) => line.push_str(wire_id),
            None => push_own_id(line, id),
        })?;
        self.book.enqueue(QueuedCommand { id, chosen, oob, answered, secrets, line });
        Ok(id)
    }

    pub(super) fn cancel(&mut self, id: Id) {
        self.book.cancel(id);
        let is_it = |incoming: &Incoming| matches!(incoming, Incoming::Done { id: done, .. } if *done == id);
        if let Some(index) = self.incoming.iter().position(is_it) {
            if let Some(Incoming::Done { outcome: Ok(Some(_)), .. }) = self.incoming.remove(index) {
                self.counters.late_replies += 1;
            }
        }
    }

    pub(super) fn poll(&mut self) -> Option<Incoming> {
        self.incoming.pop_front()
    }

    pub(super) fn take_output(&mut self) -> Option<Output> {
        if self.write_error.is_some() {
            return None;
        }
        if let Some(bytes) = self.handshake.take() {
            trace::sent(&self.label, without_delimiter(&bytes), Secrets::NONE);
            return Some(Output { id: None, bytes });
        }
        let State::Ready { oob } = self.state else { return None };
        let command = self.book.next_queued(oob)?;
        let id = Some(command.id);
        let mask = trace::sent(&self.label, command.line.as_bytes(), command.secrets);
        let line = self.book.output(command, self.events.cursor(), mask);
        Some(Output { id, bytes: line.into_bytes() })
    }

    pub(super) fn has_output(&self) -> bool {
        let has_queued = match self.state {
            State::Ready { oob } => self.book.has_queued(oob),
            _ => false,
        };
        self.write_error.is_none() && (self.handshake.is_some() || has_queued)
    }

    /// The id on the wire, as JSON text, of a command under way.
    pub(super) fn wire_id(&self, id: Id) -> Option<Cow<'_, str>> {
        self.book.wire_id(id)
    }

    pub(super) fn label(&self) -> &Label {
        &self.label
    }

    pub(super) fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref()
    }

    pub(super) fn waits_for(&self) -> Option<Phase> {
        match self.state {
            State::AwaitingGreeting => Some(Phase::Greeting),
            State::Negotiating { .. } => Some(Phase::Negotiation),
            State::Synchronizing { .. } => Some(Phase::Sync),
            State::Ready { .. } | State::Ended(_) => None,
        }
    }

    /// Why the session has ended.
    pub(super) fn end(&self) -> Option<&Error> {
        match &self.state {
            State::Ended(why) => Some(why),
            _ => None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready { .. })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.write_error.is_some()
    }

    pub(super) fn oob_enabled(&self) -> bool {
        matches!(self.state, State::Ready { oob: true })
    }

    pub(super) fn counters(&self) -> Counters {
        Counters { dropped_events: self.events.dropped(), ..self.counters }
    }

    /// `line` is the message's, unless it is a reply, which has its own.
    fn handle_message(&mut self, message: Message, line: &[u8]) {
        match (message, &self.state) {
            (Message::Event(event), _) => {
                trace::received(&self.label, line);
                self.events.publish(event);
            }
            (Message::Greeting(greeting), State::AwaitingGreeting) => {
                trace::received(&self.label, line);
                self.negotiate(greeting);
            }
            // On a pseudo-terminal QEMU greets before and after it is opened, and reads commands after that.
            (Message::Greeting(greeting), State::Negotiating { .. }) => {
                trace::received(&self.label, line);
                self.greeting = Some(greeting);
            }
            (Message::Greeting(_), _) => self.report(MalformedLine::new(Malformed::Restarted, line)),
            (Message::Reply(reply), State::AwaitingGreeting) => self.report_reply(&reply, Malformed::NotQmp),
            // Nothing else was sent, so that a reply without an id can only be this one.
            (Message::Reply(reply), State::Negotiating { wire_id, oob })
                if reply.id().is_none_or(|id| *id == **wire_id) =>
            {
                trace::received(&self.label, reply.as_json().as_bytes());
                match reply.result() {
                    Ok(_) => self.become_ready(*oob),
                    Err(error) => self.refuse("qmp_capabilities", error.clone()),
                }
            }
            (Message::Reply(reply), _) => self.handle_reply(reply),
        }
    }

    fn handle_reply(&mut self, mut reply: Reply) {
        let command = match (reply.id(), reply.result()) {
            (Some(id), _) => self.book.take(id),
            (None, Err(_)) => match self.book.take_oldest() {
                None => return self.report_reply(&reply, Malformed::UnidentifiedError),
                command => command,
            },
            (None, Ok(_)) => return self.report_reply(&reply, Malformed::UnidentifiedReply),
        };
        trace::replied(&self.label, reply.as_json(), command.as_ref().map(|command| command.mask));
        match command {
            None => self.counters.unknown_replies += 1,
            Some(command) if command.open => {
                if command.chosen.is_none() {
                    reply.hide_id();
                }
                self.done(command.id, Ok(Some(reply)), command.cursor);
            }
            Some(_) => self.counters.late_replies += 1,
        }
    }

    fn report_reply(&mut self, reply: &Reply, kind: Malformed) {
        self.report(MalformedLine::new(kind, reply.as_json().as_bytes()));
    }

    /// The text after the last delimiter of an agent's line. What is before it, an agent that has restarted began to say: it is
    /// reported by itself.
    fn start_afresh<'a>(&mut self, line: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        // Finds out faster that there is none.
        let message = Some(&*line).filter(|line| line.contains(&DELIMITER)).and_then(after_delimiter);
        let Some(message) = message else { return line };
        let before = line.get(..line.len() - message.len()).map(without_delimiter).unwrap_or_default();
        if !before.is_empty() {
            self.report(MalformedLine::new(Malformed::NotJson, before));
        }
        message.to_vec().into()
    }

    /// While synchronizing, all lines are stale but the reply, which a delimiter introduces. A stale half line may
    /// precede the delimiter. An agent that refuses the command says so without a delimiter.
    fn handle_stale(&mut self, line: &[u8]) {
        let State::Synchronizing { wire_id, sync_id } = &self.state else { return };
        let delimited = after_delimiter(line);
        let message = delimited.unwrap_or(line);
        if let Ok(Message::Reply(reply)) = Message::parse(message) {
            match reply.result() {
                Ok(value) if delimited.is_some() && *value == *sync_id.to_string() => {
                    trace::received(&self.label, message);
                    return self.become_ready(false);
                }
                Err(error) if reply.id() == Some(wire_id) => {
                    trace::received(&self.label, message);
                    return self.refuse("guest-sync-delimited", error.clone());
                }
                _ => {}
            }
        }
        self.count_stale(line.len());
    }

    fn count_stale(&mut self, len: usize) {
        trace::stale(&self.label, len);
        self.counters.stale_lines += 1;
    }

    fn negotiate(&mut self, greeting: Greeting) {
        let oob = self.enable_oob && greeting.offers(&Capability::Oob);
        let wire_id = own_wire_id(NEGOTIATION);
        let arguments = if oob { ",\"arguments\":{\"enable\":[\"oob\"]}" } else { "" };
        let line = format!("{{\"execute\":\"qmp_capabilities\"{arguments},\"id\":{wire_id}}}\n");
        self.handshake = Some(line.into_bytes());
        self.greeting = Some(greeting);
        self.state = State::Negotiating { wire_id, oob };
    }

    fn synchronize(&mut self, sync_id: u64) {
        // An earlier client's session counted its ids just like this one.
        let wire_id = format!("\"qmp#sync-{sync_id}\"");
        let command = "\"execute\":\"guest-sync-delimited\"";
        let line = format!("{{{command},\"arguments\":{{\"id\":{sync_id}}},\"id\":{wire_id}}}\n");
        let mut bytes = vec![DELIMITER];
        bytes.extend_from_slice(line.as_bytes());
        self.handshake = Some(bytes);
        self.state = State::Synchronizing { wire_id, sync_id };
    }

    fn become_ready(&mut self, oob: bool) {
        self.state = State::Ready { oob };
        self.incoming.push_back(Incoming::Ready);
    }

    fn refuse(&mut self, command: &'static str, cause: ServerError) {
        self.finish(Repr::Negotiation { peer: self.label.shown(), command, cause }.into());
    }

    /// Decides whom a line concerns that is no message, or answers nothing: before command mode, the session as a whole;
    /// then the call whose reply it most likely was; or else those who take events, because it may have been one.
    fn report(&mut self, line: MalformedLine) {
        trace::malformed(&self.label, line.kind(), line.line_len());
        self.counters.malformed_lines += 1;
        if matches!(self.state, State::AwaitingGreeting) {
            return self.finish(Error::wrong_greeting(&self.label, line));
        }
        let kind = line.kind();
        let error = Error::from(line);
        if kind == Malformed::Restarted || !self.is_ready() {
            return self.finish(error);
        }
        let lost = if kind == Malformed::UnidentifiedError { None } else { self.book.lose_oldest() };
        match lost {
            Some((id, cursor)) => self.done(id, Err(error), cursor),
            None => self.events.publish_malformed(error),
        }
    }

    fn done(&mut self, id: Id, outcome: Result<Option<Reply>>, sent: EventCursor) {
        let span = CallSpan { sent, ended: self.events.cursor() };
        self.incoming.push_back(Incoming::Done { id, outcome, span });
    }

    /// Ends the session and every call in it.
    fn finish(&mut self, why: Error) {
        self.handshake = None;
        let (incoming, now) = (&mut self.incoming, self.events.cursor());
        let span = CallSpan { sent: now, ended: now };
        let is_gone = why.kind() == ErrorKind::Closed;
        self.book.close(|id, awaits_refusal| {
            let outcome = if awaits_refusal && is_gone { Ok(None) } else { Err(why.clone()) };
            incoming.push_back(Incoming::Done { id, outcome, span });
        });
        incoming.push_back(Incoming::Ended(why.clone()));
        self.state = State::Ended(why);
    }

    /// The next call's, which no user's command has on the wire.
    fn next_id(&mut self) -> Id {
        loop {
            self.last_id += 1;
            let id = Id(self.last_id);
            if !self.contested || !self.book.is_chosen(id) {
                return id;
            }
        }
    }
}
