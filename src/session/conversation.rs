//! Who may say what when: the phases of a session, its queues, and where replies go.

use super::events::EventBuffer;
use super::flight::{Fate, Flight, Flights};
use super::lines::{after_delimiter, is_blank, without_delimiter, Line, DELIMITER};
use super::{Counters, Id, Incoming, Output, SessionOptions};
use crate::error::{Error, Malformed, MalformedLine, Phase, Repr, ServerError};
use crate::message::{Capability, Greeting, Message, Reply, Request};
use crate::trace::{self, ReplyMask};
use std::collections::VecDeque;

/// How many in-band commands may be on their way if out-of-band commands are to be read at once. See "Out-of-band
/// execution" in the QEMU Machine Protocol Specification.
const WINDOW: usize = 8;

/// How many malformed lines wait to be reported at most.
const MAX_MALFORMED: usize = 64;

/// What the ids start with that are not the user's, as JSON text.
const OWN_ID: &str = "\"qmp#";

#[derive(Debug)]
pub(super) struct Conversation {
    state: State,
    enable_oob: bool,
    /// Whether a delimiter may precede a message: a user of a guest agent may synchronize again, like any other command.
    delimiters: bool,
    greeting: Option<Greeting>,
    /// Negotiation or synchronization, until it is taken.
    handshake: Option<Vec<u8>>,
    /// In-band commands that are not output yet.
    queued: VecDeque<Queued>,
    /// Out-of-band commands that are not output yet.
    queued_oob: VecDeque<Queued>,
    flights: Flights,
    incoming: VecDeque<Incoming>,
    malformed: usize,
    pub(super) events: EventBuffer,
    counters: Counters,
    last_id: u64,
    last_own_id: u64,
    /// Whether a user ever chose an id that looks like one of the session's.
    contested: bool,
}

#[derive(Debug, Clone)]
enum State {
    AwaitingGreeting,
    Negotiating { wire_id: String, oob: bool },
    Synchronizing { wire_id: String, sync_id: u64 },
    Ready { oob: bool },
    Ended,
}

#[derive(Debug)]
struct Queued {
    flight: Flight,
    line: String,
}

impl Conversation {
    pub(super) fn new(options: SessionOptions, sync_id: Option<u64>) -> Self {
        let mut conversation = Conversation {
            state: State::AwaitingGreeting,
            enable_oob: options.oob,
            delimiters: sync_id.is_some(),
            greeting: None,
            handshake: None,
            queued: VecDeque::new(),
            queued_oob: VecDeque::new(),
            flights: Flights::default(),
            incoming: VecDeque::new(),
            malformed: 0,
            events: EventBuffer::new(options.max_events, options.max_event_bytes),
            counters: Counters::default(),
            last_id: 0,
            last_own_id: 0,
            contested: false,
        };
        if let Some(sync_id) = sync_id {
            conversation.synchronize(sync_id);
        }
        conversation
    }

    pub(super) fn handle_line(&mut self, line: Line<'_>) {
        match line {
            _ if self.is_ended() => {}
            Line::Whole(line) if is_blank(line) => {}
            Line::Whole(line) if matches!(self.state, State::Synchronizing { .. }) => self.handle_stale(line),
            Line::TooLong(_, len) if matches!(self.state, State::Synchronizing { .. }) => self.count_stale(len),
            Line::TooLong(beginning, len) => self.report(MalformedLine::cut(Malformed::TooLong, beginning, len)),
            Line::Whole(line) => match Message::parse(if self.delimiters { without_delimiter(line) } else { line }) {
                Ok(message) => self.handle_message(message, line),
                Err(error) => self.report(error),
            },
        }
    }

    pub(super) fn handle_eof(&mut self, rest: Option<(&[u8], usize)>) {
        if self.is_ended() {
            return;
        }
        if let Some((rest, len)) = rest {
            self.report(MalformedLine::cut(Malformed::HalfLine, rest, len));
        }
        match self.state {
            // The half line was reported as a wrong greeting.
            State::Ended => {}
            State::AwaitingGreeting => self.fail(Error::no_greeting(None)),
            _ => {
                self.end();
                self.incoming.push_back(Incoming::Closed);
            }
        }
    }

    pub(super) fn send(&mut self, mut request: Request) -> Result<Id, Error> {
        if self.is_ended() {
            return Err(Error::closed(None));
        }
        let oob = request.is_out_of_band();
        if oob && !self.is_oob() {
            return Err(Repr::OobUnavailable.into());
        }
        let (wire_id, own) = match request.take_id()? {
            Some(id) => {
                self.contested |= id.starts_with(OWN_ID);
                (id, false)
            }
            None => (self.own_id(), true),
        };
        self.last_id += 1;
        let id = Id(self.last_id);
        let fate = if request.is_answered() { Fate::Awaited } else { Fate::Unanswered };
        let line = request.into_line(&wire_id)?;
        let queue = if oob { &mut self.queued_oob } else { &mut self.queued };
        let flight = Flight { id, wire_id, own, oob, fate, lost: false, mask: ReplyMask::default() };
        queue.push_back(Queued { flight, line });
        Ok(id)
    }

    pub(super) fn cancel(&mut self, id: Id) {
        let is_other = |queued: &Queued| queued.flight.id != id;
        self.queued.retain(is_other);
        self.queued_oob.retain(is_other);
        self.flights.cancel(id);
        let before = self.incoming.len();
        self.incoming.retain(|incoming| !matches!(incoming, Incoming::Reply { id: answered, .. } if *answered == id));
        self.counters.late_replies += (before - self.incoming.len()) as u64;
    }

    pub(super) fn poll(&mut self) -> Option<Incoming> {
        let incoming = self.incoming.pop_front();
        if matches!(incoming, Some(Incoming::Malformed { .. })) {
            self.malformed -= 1;
        }
        incoming
    }

    pub(super) fn take_output(&mut self) -> Option<Output> {
        if let Some(bytes) = self.handshake.take() {
            trace::sent(&bytes);
            return Some(Output { id: None, bytes });
        }
        let next = match self.state {
            State::Ready { oob: true } if self.flights.in_band() < WINDOW => {
                self.queued_oob.pop_front().or_else(|| self.queued.pop_front())
            }
            State::Ready { oob: true } => self.queued_oob.pop_front(),
            State::Ready { oob: false } => self.queued.pop_front(),
            _ => None,
        };
        let Queued { mut flight, line } = next?;
        flight.mask = trace::sent(line.as_bytes());
        let id = Some(flight.id);
        self.flights.push(flight);
        Some(Output { id, bytes: line.into_bytes() })
    }

    /// The id on the wire, as JSON text, of a command under way.
    #[inline]
    pub(super) fn wire_id(&self, id: Id) -> Option<&str> {
        let queued = self.queued.iter().chain(&self.queued_oob).map(|queued| &queued.flight);
        queued.chain(self.flights.iter()).find(|flight| flight.id == id).map(|flight| &*flight.wire_id)
    }

    pub(super) fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref()
    }

    pub(super) fn waits_for(&self) -> Option<Phase> {
        match self.state {
            State::AwaitingGreeting => Some(Phase::Greeting),
            State::Negotiating { .. } => Some(Phase::Negotiation),
            State::Synchronizing { .. } => Some(Phase::Sync),
            State::Ready { .. } | State::Ended => None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready { .. })
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    pub(super) fn is_oob(&self) -> bool {
        matches!(self.state, State::Ready { oob: true })
    }

    pub(super) fn counters(&self) -> Counters {
        Counters { dropped_events: self.events.dropped(), ..self.counters }
    }

    fn handle_message(&mut self, message: Message, line: &[u8]) {
        let not_expected = |kind| MalformedLine::new(kind, line);
        match (message, &self.state) {
            (Message::Event(event), _) => {
                trace::received(line);
                self.events.push(event);
            }
            (Message::Greeting(greeting), State::AwaitingGreeting) => {
                trace::received(line);
                self.negotiate(greeting);
            }
            (_, State::AwaitingGreeting) | (Message::Greeting(_), _) => self.report(not_expected(Malformed::NotQmp)),
            // Nothing else was sent, so that a reply without an id can only be this one.
            (Message::Reply(reply), State::Negotiating { wire_id, oob })
                if reply.id().is_none_or(|id| *id == **wire_id) =>
            {
                trace::received(line);
                match reply.result() {
                    Ok(_) => self.become_ready(*oob),
                    Err(error) => self.refuse("qmp_capabilities", error.clone()),
                }
            }
            (Message::Reply(reply), _) => self.handle_reply(reply, not_expected),
        }
    }

    fn handle_reply(&mut self, mut reply: Reply, not_expected: impl FnOnce(Malformed) -> MalformedLine) {
        let flight = match (reply.id(), reply.result()) {
            (Some(id), _) => self.flights.take(id),
            (None, Err(_)) => match self.flights.take_oldest() {
                None => return self.report(not_expected(Malformed::UnidentifiedError)),
                flight => flight,
            },
            (None, Ok(_)) => return self.report(not_expected(Malformed::UnidentifiedReply)),
        };
        trace::replied(&reply, flight.as_ref().map(|flight| flight.mask));
        match flight {
            None => self.counters.unknown_replies += 1,
            Some(flight) if flight.fate == Fate::Awaited => {
                if flight.own {
                    reply.hide_id();
                }
                self.incoming.push_back(Incoming::Reply { id: flight.id, reply });
            }
            Some(_) => self.counters.late_replies += 1,
        }
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
                    trace::received(message);
                    return self.become_ready(false);
                }
                Err(error) if reply.id() == Some(wire_id) => {
                    trace::received(message);
                    return self.refuse("guest-sync-delimited", error.clone());
                }
                _ => {}
            }
        }
        self.count_stale(line.len());
    }

    fn count_stale(&mut self, len: usize) {
        trace::stale(len);
        self.counters.stale_lines += 1;
    }

    fn negotiate(&mut self, greeting: Greeting) {
        let oob = self.enable_oob && greeting.offers(&Capability::Oob);
        let wire_id = self.own_id();
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

    fn refuse(&mut self, command: &'static str, source: ServerError) {
        self.fail(Repr::Negotiation { command, source }.into());
    }

    fn report(&mut self, line: MalformedLine) {
        trace::malformed(&line);
        if matches!(self.state, State::AwaitingGreeting) {
            return self.fail(Repr::WrongGreeting { source: line }.into());
        }
        let suspect = match line.kind() {
            Malformed::UnidentifiedError => None,
            _ => self.flights.lose_oldest(),
        };
        // The end of the connection is not to be missed, however many lines came before it.
        if self.malformed < MAX_MALFORMED || line.kind() == Malformed::HalfLine {
            self.malformed += 1;
            self.incoming.push_back(Incoming::Malformed { line, suspect });
        } else {
            self.counters.unreported_lines += 1;
        }
    }

    fn fail(&mut self, error: Error) {
        self.end();
        self.incoming.push_back(Incoming::Failed(error));
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.handshake = None;
        (self.queued, self.queued_oob) = Default::default();
        self.flights.clear();
    }

    fn own_id(&mut self) -> String {
        loop {
            self.last_own_id += 1;
            let wire_id = format!("{OWN_ID}{}\"", self.last_own_id);
            if !self.contested || !self.uses_wire_id(&wire_id) {
                return wire_id;
            }
        }
    }

    fn uses_wire_id(&self, wire_id: &str) -> bool {
        let uses = |queued: &Queued| *queued.flight.wire_id == *wire_id;
        self.flights.uses_wire_id(wire_id) || self.queued.iter().any(uses) || self.queued_oob.iter().any(uses)
    }
}
