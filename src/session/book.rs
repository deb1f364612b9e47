//! The book of calls: every command under way, in which state it is, and which of them a reply answers.
//!
//! Assumes what the protocol promises: a server answers in-band commands in the order in which they were output. Never gives a
//! reply to a command whose id it does not carry, and closes each call once.

use super::events::EventCursor;
use super::Id;
use crate::json::same;
use crate::secrets::Secrets;
use crate::trace::ReplyMask;
use std::collections::VecDeque;

/// How many in-band commands may be with the server if out-of-band commands are to be read at once. See "Out-of-band
/// execution" in the QEMU Machine Protocol Specification.
const WINDOW: usize = 8;

/// A command that is not output yet.
#[derive(Debug)]
pub(super) struct QueuedCommand {
    pub(super) id: Id,
    /// The id on the wire, as JSON text.
    pub(super) wire_id: String,
    /// Whether the session chose `wire_id`.
    pub(super) own: bool,
    pub(super) oob: bool,
    /// Whether success is answered.
    pub(super) answered: bool,
    /// What is not to be shown of it.
    pub(super) secrets: Secrets,
    pub(super) line: String,
}

/// A command that was output, and may still be answered.
#[derive(Debug)]
pub(super) struct SentCommand {
    pub(super) id: Id,
    wire_id: String,
    pub(super) own: bool,
    oob: bool,
    answered: bool,
    /// Whether the call has not ended.
    pub(super) open: bool,
    /// Whether the whole line is with the transport.
    written: bool,
    /// Whether the reply may have been lost in a line that could not be read. Such a command does not count in the
    /// window, or lost replies could fill it for ever.
    lost: bool,
    /// Events from here on came after the command was output.
    pub(super) cursor: EventCursor,
    /// What is not to be shown of the reply.
    pub(super) mask: ReplyMask,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    /// In-band commands that are not output yet, oldest first.
    queued: VecDeque<QueuedCommand>,
    /// Out-of-band commands that are not output yet, oldest first.
    queued_oob: VecDeque<QueuedCommand>,
    /// Oldest first. Those whose call has ended stay until their reply has come, or cannot come any more.
    sent: VecDeque<SentCommand>,
}

impl SentCommand {
    fn awaits_refusal(&self) -> bool {
        self.open && self.written && !self.answered
    }
}

impl Book {
    pub(super) fn enqueue(&mut self, command: QueuedCommand) {
        let queue = if command.oob { &mut self.queued_oob } else { &mut self.queued };
        queue.push_back(command);
    }

    /// The command to output next. With `window`, so few in-band commands are with the server that it reads on.
    pub(super) fn next_queued(&mut self, window: bool) -> Option<QueuedCommand> {
        match window {
            true if self.in_band() >= WINDOW => self.queued_oob.pop_front(),
            true => self.queued_oob.pop_front().or_else(|| self.queued.pop_front()),
            false => self.queued.pop_front(),
        }
    }

    /// Takes in that a command is output. Returns its line.
    pub(super) fn output(&mut self, command: QueuedCommand, cursor: EventCursor, mask: ReplyMask) -> String {
        let QueuedCommand { id, wire_id, own, oob, answered, line, .. } = command;
        self.sent.push_back(SentCommand {
            id,
            wire_id,
            own,
            oob,
            answered,
            open: true,
            written: false,
            lost: false,
            cursor,
            mask,
        });
        line
    }

    /// Takes in that a command's line was written.
    pub(super) fn written(&mut self, id: Id) {
        let index = self.index(&|command| command.id == id);
        if let Some(command) = index.and_then(|index| self.sent.get_mut(index)) {
            command.written = true;
        }
    }

    /// Whether a command was written whose success is not answered, and its call has not ended.
    pub(super) fn awaits_refusal(&self, id: Id) -> bool {
        self.refusable(id).is_some()
    }

    /// Takes in that such a command was not refused in time, which closes its call: returns its cursor.
    pub(super) fn not_refused(&mut self, id: Id) -> Option<EventCursor> {
        let command = self.sent.get_mut(self.refusable(id)?)?;
        command.open = false;
        Some(command.cursor)
    }

    fn refusable(&self, id: Id) -> Option<usize> {
        self.index(&|command| command.id == id && command.awaits_refusal())
    }

    /// Closes a call that nobody waits for any more.
    pub(super) fn cancel(&mut self, id: Id) {
        let is_other = |command: &QueuedCommand| command.id != id;
        self.queued.retain(is_other);
        self.queued_oob.retain(is_other);
        let index = self.index(&|command| command.id == id);
        if let Some(command) = index.and_then(|index| self.sent.get_mut(index)) {
            command.open = false;
        }
    }

    /// The oldest command that a reply with this id answers.
    ///
    /// A server parses ids and writes them anew, so that spaces, the order of members, escapes and the notation of numbers
    /// may differ from what was sent.
    pub(super) fn take(&mut self, wire_id: &str) -> Option<SentCommand> {
        let exact = self.index(&|command| *command.wire_id == *wire_id);
        self.take_at(exact.or_else(|| self.index(&|command| same(&command.wire_id, wire_id)))?)
    }

    /// The oldest in-band command that is to be answered: the one whose id the server could not read.
    pub(super) fn take_oldest(&mut self) -> Option<SentCommand> {
        self.take_at(self.index(&|command| !command.oob && command.answered)?)
    }

    /// Takes in that a line could not be read, which may have been a reply: most likely that to the oldest in-band command,
    /// or, if there is none, to the oldest out-of-band command. Returns the call that this closes, if it was open.
    pub(super) fn lose_oldest(&mut self) -> Option<(Id, EventCursor)> {
        let waits = |command: &SentCommand| command.answered && !command.lost;
        let in_band = self.index(&|command| !command.oob && waits(command));
        let index = in_band.or_else(|| self.index(&waits))?;
        let command = self.sent.get_mut(index)?;
        command.lost = true;
        std::mem::take(&mut command.open).then_some((command.id, command.cursor))
    }

    /// Takes in that no reply will come to calls that were given up before the oldest that is open.
    pub(super) fn lose_given_up(&mut self) {
        let open = self.index(&|command| command.open && command.answered).unwrap_or(0);
        self.sent.iter_mut().take(open).for_each(|command| command.lost = true);
    }

    /// Closes all calls, in the order in which they were made as far as they were output, and then the others. `true` goes with
    /// a command that was written and would not be answered: a machine that shuts down takes its agent with it.
    pub(super) fn close(&mut self, mut closed: impl FnMut(Id, bool)) {
        let Book { queued, queued_oob, sent } = std::mem::take(self);
        sent.iter().filter(|command| command.open).for_each(|command| closed(command.id, command.awaits_refusal()));
        queued_oob.iter().chain(&queued).for_each(|command| closed(command.id, false));
    }

    /// The id on the wire, as JSON text, of a command under way.
    pub(super) fn wire_id(&self, id: Id) -> Option<&str> {
        let queued = self.queued.iter().chain(&self.queued_oob).map(|command| (command.id, &*command.wire_id));
        let mut all = queued.chain(self.sent.iter().map(|command| (command.id, &*command.wire_id)));
        all.find(|(other, _)| *other == id).map(|(_, wire_id)| wire_id)
    }

    pub(super) fn uses_wire_id(&self, wire_id: &str) -> bool {
        let uses = |command: &QueuedCommand| *command.wire_id == *wire_id;
        self.index(&|command| *command.wire_id == *wire_id).is_some()
            || self.queued.iter().any(uses)
            || self.queued_oob.iter().any(uses)
    }

    /// The in-band commands that the server may still have in its queue.
    fn in_band(&self) -> usize {
        self.sent.iter().filter(|command| !command.oob && command.answered && !command.lost).count()
    }

    /// Where the oldest such command is. Not generic: one copy of the search does for all.
    fn index(&self, is_wanted: &dyn Fn(&SentCommand) -> bool) -> Option<usize> {
        self.sent.iter().position(is_wanted)
    }

    /// Older commands whose calls have ended are forgotten, too: as replies come in order, theirs will not come any more.
    /// Out-of-band replies may overtake others, but not each other.
    fn take_at(&mut self, index: usize) -> Option<SentCommand> {
        let taken = self.sent.remove(index)?;
        for older in (0..index).rev() {
            let stays = |command: &SentCommand| command.open || (taken.oob && !command.oob);
            if !self.sent.get(older).is_some_and(stays) {
                self.sent.remove(older);
            }
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What became of a command in these tests.
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
                own: false,
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
        book.sent.iter().map(|command| command.id.0).collect()
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
        assert_eq!(book.in_band(), 2);
        // Nobody waits for the reply that was lost.
        assert_eq!(book.lose_oldest(), None);
        assert_eq!(book.in_band(), 1);
        assert_eq!(book.lose_oldest().map(|(id, _)| id), Some(Id(4)));
        assert_eq!(book.lose_oldest().map(|(id, _)| id), Some(Id(2)));
        assert_eq!(book.in_band(), 0);
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
                own: false,
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
