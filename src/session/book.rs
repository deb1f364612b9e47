//! The book of calls: every command under way, in which state it is, and which of them a reply answers.
//!
//! Assumes what the protocol promises: a server answers in-band commands in the order in which they were output. Never gives a
//! reply to a command whose id it does not carry, and closes each call once.

use super::events::EventCursor;
use super::ring::Ring;
use super::Id;
use crate::json::same;
use crate::secrets::Secrets;
use crate::trace::ReplyMask;
use std::collections::BTreeSet;

/// How many in-band commands may be with the server if out-of-band commands are to be read at once. See "Out-of-band
/// execution" in the QEMU Machine Protocol Specification.
const WINDOW: usize = 8;

/// What the ids start with that are not the user's, as JSON text.
pub(super) const OWN_ID: &str = "\"qmp#";

/// A command that is not output yet.
#[derive(Debug)]
pub(super) struct QueuedCommand {
    pub(super) id: Id,
    /// The id on the wire, as JSON text.
    pub(super) wire_id: String,
    /// The number in `wire_id`, if the session chose that. It is greater than all before.
    pub(super) own: Option<u64>,
    pub(super) oob: bool,
    /// True if success is answered.
    pub(super) answered: bool,
    /// Its secrets.
    pub(super) secrets: Secrets,
    pub(super) line: String,
}

/// A command that was output, and may still be answered.
#[derive(Debug)]
pub(super) struct SentCommand {
    pub(super) id: Id,
    wire_id: String,
    pub(super) own: Option<u64>,
    /// How many commands were output before, and this one.
    order: u64,
    oob: bool,
    answered: bool,
    /// True if the call has not ended.
    pub(super) open: bool,
    /// True if the whole line is with the transport.
    written: bool,
    /// True if the reply may have been lost in a line that could not be read. Such a command does not count in the
    /// window, or lost replies could fill it for ever.
    lost: bool,
    /// Events from here on came after the command was output.
    pub(super) cursor: EventCursor,
    /// The secrets of the reply.
    pub(super) mask: ReplyMask,
}

/// The commands of one kind, in-band or out-of-band. A server answers those of a kind in the order in which they were output.
#[derive(Debug, Default)]
struct Lane {
    /// Not output yet.
    queued: Ring<QueuedCommand>,
    /// Those whose call has ended stay until their reply has come, or cannot come any more.
    sent: Ring<SentCommand>,
    /// Of those that were sent, the ones whose call has ended.
    ended: BTreeSet<Id>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    in_band: Lane,
    oob: Lane,
    /// The commands whose ids the session chose, by the numbers in these.
    own: Ring<(Id, bool)>,
    /// How many commands were output.
    output: u64,
    /// How many in-band commands the server may still have in its queue.
    window: usize,
    /// How many commands that were output have an id that the session did not choose.
    chosen: usize,
}

impl SentCommand {
    fn awaits_refusal(&self) -> bool {
        self.open && self.written && !self.answered
    }

    /// Whether its reply is still expected, so that it may be the one that was lost.
    fn is_due(&self) -> bool {
        self.answered && !self.lost
    }

    /// Whether it counts in the window.
    fn takes_room(&self) -> bool {
        !self.oob && self.is_due()
    }
}

impl Lane {
    fn find(&self, is_wanted: &dyn Fn(&SentCommand) -> bool) -> Option<&SentCommand> {
        self.sent.iter().find(|command| is_wanted(command))
    }

    /// Closes a call whose command was output.
    fn end(&mut self, id: Id) -> Option<EventCursor> {
        let command = self.sent.get_mut(id)?;
        if std::mem::take(&mut command.open) {
            self.ended.insert(id);
        }
        Some(command.cursor)
    }
}

impl Book {
    pub(super) fn enqueue(&mut self, command: QueuedCommand) {
        if let Some(number) = command.own {
            self.own.push(Id(number), (command.id, command.oob));
        }
        self.lane(command.oob).queued.push(command.id, command);
    }

    /// The command to output next. With `window`, so few in-band commands are with the server that it reads on.
    pub(super) fn next_queued(&mut self, window: bool) -> Option<QueuedCommand> {
        let oob = self.next_is_oob(window)?;
        self.lane(oob).queued.pop_first()
    }

    /// Returns whether there is one.
    pub(super) fn has_queued(&self, window: bool) -> bool {
        self.next_is_oob(window).is_some()
    }

    /// Returns whether the next one is out-of-band, if there is one.
    fn next_is_oob(&self, window: bool) -> Option<bool> {
        let has_room = !window || self.window < WINDOW;
        match window && !self.oob.queued.is_empty() {
            true => Some(true),
            false => (has_room && !self.in_band.queued.is_empty()).then_some(false),
        }
    }

    /// Takes in that a command is output. Returns its line.
    pub(super) fn output(&mut self, command: QueuedCommand, cursor: EventCursor, mask: ReplyMask) -> String {
        let QueuedCommand { id, wire_id, own, oob, answered, line, .. } = command;
        self.output += 1;
        let order = self.output;
        let (open, written, lost) = (true, false, false);
        let sent = SentCommand { id, wire_id, own, order, oob, answered, open, written, lost, cursor, mask };
        self.window += usize::from(sent.takes_room());
        self.chosen += usize::from(own.is_none());
        self.lane(oob).sent.push(id, sent);
        line
    }

    /// Takes in that a command's line was written.
    pub(super) fn written(&mut self, id: Id) {
        let command = self.in_band.sent.get_mut(id).or_else(|| self.oob.sent.get_mut(id));
        if let Some(command) = command {
            command.written = true;
        }
    }

    /// Returns whether a command was written whose success is not answered, and its call has not ended.
    pub(super) fn awaits_refusal(&self, id: Id) -> bool {
        let command = self.in_band.sent.get(id).or_else(|| self.oob.sent.get(id));
        command.is_some_and(SentCommand::awaits_refusal)
    }

    /// Takes in that such a command was not refused in time, which closes its call: returns its cursor.
    pub(super) fn not_refused(&mut self, id: Id) -> Option<EventCursor> {
        match self.awaits_refusal(id) {
            true => self.in_band.end(id).or_else(|| self.oob.end(id)),
            false => None,
        }
    }

    /// Closes a call that nobody waits for any more.
    pub(super) fn cancel(&mut self, id: Id) {
        for lane in [&mut self.in_band, &mut self.oob] {
            match lane.queued.remove(id) {
                Some(command) => drop(command.own.and_then(|number| self.own.remove(Id(number)))),
                None => drop(lane.end(id)),
            }
        }
    }

    /// The oldest command that a reply with this id answers.
    ///
    /// A server parses ids and writes them anew, so that spaces, the order of members, escapes and the notation of numbers
    /// may differ from what was sent.
    pub(super) fn take(&mut self, wire_id: &str) -> Option<SentCommand> {
        let number = own_number(wire_id);
        if let Some((id, oob)) = number.and_then(|number| self.own.get(Id(number)).copied()) {
            if let Some(command) = self.take_sent(id, oob) {
                return Some(command);
            }
        }
        // The session's own ids have one notation each.
        let all = number.is_none();
        if !all && self.chosen == 0 {
            return None;
        }
        let is_one = |command: &SentCommand| all || command.own.is_none();
        let exact = || self.oldest(&|lane| lane.find(&|command| is_one(command) && *command.wire_id == *wire_id));
        let alike = || self.oldest(&|lane| lane.find(&|command| is_one(command) && same(&command.wire_id, wire_id)));
        let (id, oob) = exact().or_else(alike)?;
        self.take_sent(id, oob)
    }

    /// The oldest in-band command that is to be answered: the one whose id the server could not read.
    pub(super) fn take_oldest(&mut self) -> Option<SentCommand> {
        let id = self.in_band.find(&|command| command.answered)?.id;
        self.take_sent(id, false)
    }

    /// Takes in that a line could not be read, which may have been a reply: most likely that to the oldest in-band command,
    /// or, if there is none, to the oldest out-of-band command. Returns the call that this closes, if it was open.
    pub(super) fn lose_oldest(&mut self) -> Option<(Id, EventCursor)> {
        let is_due = SentCommand::is_due;
        let oldest = self.in_band.find(&is_due).or_else(|| self.oob.find(&is_due))?;
        let (id, oob, open) = (oldest.id, oldest.oob, oldest.open);
        self.window -= usize::from(oldest.takes_room());
        let lane = self.lane(oob);
        lane.sent.get_mut(id)?.lost = true;
        let cursor = lane.end(id)?;
        open.then_some((id, cursor))
    }

    /// Takes in that no reply will come to calls that were given up before the oldest that is open.
    pub(super) fn lose_given_up(&mut self) {
        let Some((id, oob)) = self.oldest(&|lane| lane.find(&|command| command.open && command.answered)) else {
            return;
        };
        let Some(open) = self.lane(oob).sent.get(id).map(|command| command.order) else { return };
        for lane in [&mut self.in_band, &mut self.oob] {
            for command in lane.sent.iter_mut().take_while(|command| command.order < open) {
                self.window -= usize::from(command.takes_room());
                command.lost = true;
            }
        }
    }

    /// Closes all calls, in the order in which they were made as far as they were output, and then the others. `true` goes with
    /// a command that was written and would not be answered: a machine that shuts down takes its agent with it.
    pub(super) fn close(&mut self, mut closed: impl FnMut(Id, bool)) {
        let Book { in_band, oob, .. } = std::mem::take(self);
        let open = in_band.sent.iter().chain(oob.sent.iter()).filter(|command| command.open);
        let mut open: Vec<_> = open.map(|command| (command.order, command.id, command.awaits_refusal())).collect();
        open.sort_unstable_by_key(|(order, ..)| *order);
        open.iter().for_each(|(_, id, awaits_refusal)| closed(*id, *awaits_refusal));
        oob.queued.iter().chain(in_band.queued.iter()).for_each(|command| closed(command.id, false));
    }

    /// The id on the wire, as JSON text, of a command under way.
    pub(super) fn wire_id(&self, id: Id) -> Option<&str> {
        let lanes = [&self.in_band, &self.oob];
        let sent = || lanes.iter().find_map(|lane| lane.sent.get(id)).map(|command| &*command.wire_id);
        let queued = lanes.iter().find_map(|lane| lane.queued.get(id)).map(|command| &*command.wire_id);
        queued.or_else(sent)
    }

    pub(super) fn uses_wire_id(&self, wire_id: &str) -> bool {
        [&self.in_band, &self.oob].iter().any(|lane| {
            lane.find(&|command| *command.wire_id == *wire_id).is_some()
                || lane.queued.iter().any(|command| *command.wire_id == *wire_id)
        })
    }

    fn lane(&mut self, oob: bool) -> &mut Lane {
        if oob {
            &mut self.oob
        } else {
            &mut self.in_band
        }
    }

    /// Which of what is found in each lane was output first.
    fn oldest(&self, find: &dyn Fn(&Lane) -> Option<&SentCommand>) -> Option<(Id, bool)> {
        let found = [find(&self.in_band), find(&self.oob)].into_iter().flatten();
        found.min_by_key(|command| command.order).map(|command| (command.id, command.oob))
    }

    /// Older commands whose calls have ended are forgotten, too: as replies come in order, theirs will not come any more.
    /// Out-of-band replies may overtake others, but not each other.
    fn take_sent(&mut self, id: Id, oob: bool) -> Option<SentCommand> {
        let taken = self.remove(id, oob)?;
        for older_oob in [true, false] {
            while let Some(older) = self.lane(older_oob).ended.first().copied() {
                let order = self.lane(older_oob).sent.get(older).map(|command| command.order);
                if (oob && !older_oob) || order > Some(taken.order) {
                    break;
                }
                self.remove(older, older_oob);
            }
        }
        Some(taken)
    }

    fn remove(&mut self, id: Id, oob: bool) -> Option<SentCommand> {
        let lane = self.lane(oob);
        lane.ended.remove(&id);
        let removed = lane.sent.remove(id)?;
        self.window -= usize::from(removed.takes_room());
        match removed.own {
            Some(number) => drop(self.own.remove(Id(number))),
            None => self.chosen -= 1,
        }
        Some(removed)
    }
}

/// The number in an id as the session chooses it.
fn own_number(wire_id: &str) -> Option<u64> {
    let digits = wire_id.strip_prefix(OWN_ID)?.strip_suffix('"')?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome of a command in these tests.
    #[derive(Clone, Copy, PartialEq)]
    enum Call {
        Open,
        Cancelled,
        Unanswered,
    }

    fn book(sent: &[(&str, bool, Call)]) -> Book {
        let mut book = Book::default();
        for (number, (wire_id, oob, call)) in (1..).zip(sent) {
            let (wire_id, answered) = ((*wire_id).into(), *call != Call::Unanswered);
            let command = QueuedCommand {
                id: Id(number),
                wire_id,
                own: None,
                oob: *oob,
                answered,
                secrets: Secrets::NONE,
                line: String::new(),
            };
            book.output(command, EventCursor::START, ReplyMask::default());
            match call {
                Call::Open => {}
                Call::Cancelled => book.cancel(Id(number)),
                Call::Unanswered => {
                    book.written(Id(number));
                    assert!(book.not_refused(Id(number)).is_some());
                }
            }
        }
        book
    }

    fn left(book: &Book) -> Vec<u64> {
        let mut left: Vec<_> =
            book.in_band.sent.iter().chain(book.oob.sent.iter()).map(|command| command.id.0).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn ids_are_compared_by_value() {
        let same = [
            (r#"{"a":1,"b":[true,null]}"#, r#"{"b": [true, null], "a": 1}"#),
            ("1.0", "1"),
            ("1e2", "100"),
            ("18446744073709551615", "18446744073709551615"),
            (r#""é""#, r#""\u00e9""#),
            ("null", "null"),
        ];
        for (sent, echoed) in same {
            assert!(book(&[(sent, false, Call::Open)]).take(echoed).is_some(), "{sent} {echoed}");
        }
        let different = [
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "18446744073709551614"),
            ("1", "\"1\""),
            ("1", "2"),
            ("[1]", "[1, 2]"),
            (r#"{"a":1}"#, r#"{"a": 1, "b": 1}"#),
            (r#"{"a":1}"#, r#"{"b": 1}"#),
            (r#"{"a":1,"b":2}"#, r#"{"a": 2, "b": 1}"#),
            ("null", "false"),
        ];
        for (sent, echoed) in different {
            assert!(book(&[(sent, false, Call::Open)]).take(echoed).is_none(), "{sent} {echoed}");
        }
    }

    #[test]
    fn equal_ids_are_answered_in_order() {
        let mut book = book(&[("7", false, Call::Cancelled), ("7", false, Call::Open)]);
        assert!(!book.take("7").unwrap().open);
        assert!(book.take("7").unwrap().open);
        assert!(book.take("7").is_none());
    }

    #[test]
    fn what_nobody_waits_for_is_forgotten_in_time() {
        let sent = [
            ("1", false, Call::Cancelled),
            ("2", true, Call::Cancelled),
            ("3", false, Call::Open),
            ("4", false, Call::Unanswered),
            ("5", true, Call::Open),
            ("6", false, Call::Open),
            ("7", false, Call::Cancelled),
        ];
        let mut out_of_band = book(&sent);
        out_of_band.take("5").unwrap();
        assert_eq!(left(&out_of_band), [1, 3, 4, 6, 7]);
        let mut in_band = book(&sent);
        in_band.take("6").unwrap();
        assert_eq!(left(&in_band), [3, 5, 7]);
    }

    #[test]
    fn window() {
        let mut book = book(&[
            ("1", false, Call::Cancelled),
            ("2", true, Call::Open),
            ("3", false, Call::Unanswered),
            ("4", false, Call::Open),
        ]);
        assert_eq!(book.window, 2);
        // Nobody waits for the reply that was lost.
        assert_eq!(book.lose_oldest(), None);
        assert_eq!(book.window, 1);
        assert_eq!(book.lose_oldest().map(|(id, _)| id), Some(Id(4)));
        assert_eq!(book.lose_oldest().map(|(id, _)| id), Some(Id(2)));
        assert_eq!(book.window, 0);
        assert_eq!(book.take_oldest().unwrap().id, Id(1));
        assert_eq!(book.take_oldest().unwrap().id, Id(4));
        assert!(book.take_oldest().is_none());
    }

    #[test]
    fn each_call_is_closed_once() {
        let mut book = book(&[("1", false, Call::Open), ("2", false, Call::Cancelled), ("3", true, Call::Open)]);
        for (number, oob) in [(4, false), (5, true)] {
            let (wire_id, line) = (number.to_string(), String::new());
            book.enqueue(QueuedCommand {
                id: Id(number),
                wire_id,
                own: None,
                oob,
                answered: true,
                secrets: Secrets::NONE,
                line,
            });
        }
        let mut closed = Vec::new();
        book.close(|id, _| closed.push(id.0));
        book.close(|id, _| closed.push(id.0));
        assert_eq!(closed, [1, 3, 5, 4]);
    }
}
