//! The book of calls: every command under way, in which state it is, and which of them a reply answers.
//!
//! Assumes what the protocol promises: a server answers in-band commands in the order in which they were output. Never gives a
//! reply to a command whose id it does not carry, and closes each call once.

use super::queue::EventCursor;
use super::ring::Ring;
use super::Id;
use crate::json::{same, string};
use crate::secrets::Secrets;
use crate::trace::ReplyMask;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How many in-band commands may be with the server if out-of-band commands are to be read at once. See "Out-of-band
/// execution" in the QEMU Machine Protocol Specification.
const WINDOW: usize = 8;

/// What the ids on the wire start with that are not the user's.
const OWN_ID: &str = "qmp#";

/// Negotiation, which is no call.
pub(super) const NEGOTIATION: Id = Id(0);

/// A command that is not output yet.
#[derive(Debug)]
pub(super) struct QueuedCommand {
    pub(super) id: Id,
    /// The id on the wire that the user chose, as JSON text.
    pub(super) chosen: Option<String>,
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
    /// The id on the wire that the user chose, as JSON text.
    pub(super) chosen: Option<String>,
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
    /// Of those that were sent, the ones whose call has ended, the oldest first. One that was answered since goes when it is that.
    ended: BinaryHeap<Reverse<Id>>,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    in_band: Lane,
    oob: Lane,
    /// How many commands were output.
    output: u64,
    /// How many in-band commands the server may still have in its queue.
    window: usize,
    /// How many commands that were output have an id that the user chose.
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
            self.ended.push(Reverse(id));
        }
        Some(command.cursor)
    }

    /// The oldest of those that were sent and whose call has ended, and its order.
    fn oldest_ended(&mut self) -> Option<(Id, u64)> {
        loop {
            let Reverse(id) = *self.ended.peek()?;
            if let Some(command) = self.sent.get(id) {
                return Some((id, command.order));
            }
            self.ended.pop();
        }
    }
}

impl Book {
    pub(super) fn enqueue(&mut self, command: QueuedCommand) {
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
        let QueuedCommand { id, chosen, oob, answered, line, .. } = command;
        self.output += 1;
        let order = self.output;
        let (open, written, lost) = (true, false, false);
        let sent = SentCommand { id, chosen, order, oob, answered, open, written, lost, cursor, mask };
        self.window += usize::from(sent.takes_room());
        self.chosen += usize::from(sent.chosen.is_some());
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
            if lane.queued.remove(id).is_none() {
                lane.end(id);
            }
        }
    }

    /// The oldest command that a reply with this id answers.
    ///
    /// A server parses ids and writes them anew, so that spaces, the order of members, escapes and the notation of numbers
    /// may differ from what was sent.
    pub(super) fn take(&mut self, wire_id: &str) -> Option<SentCommand> {
        if let Some((id, oob)) = own_id(wire_id).and_then(|id| self.find_own(id)) {
            return self.take_sent(id, oob);
        }
        if self.chosen == 0 {
            return None;
        }
        let find = |is_it: &dyn Fn(&str) -> bool| {
            self.oldest(&|lane| lane.find(&|command| command.chosen.as_deref().is_some_and(is_it)))
        };
        let (id, oob) = find(&|chosen| *chosen == *wire_id).or_else(|| find(&|chosen| same(chosen, wire_id)))?;
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
        let (mut in_band_sent, mut oob_sent) = (in_band.sent.iter().peekable(), oob.sent.iter().peekable());
        loop {
            let is_oob_next = match (in_band_sent.peek(), oob_sent.peek()) {
                (Some(in_band), Some(oob)) => oob.order < in_band.order,
                (in_band, _) => in_band.is_none(),
            };
            let Some(command) = (if is_oob_next { oob_sent.next() } else { in_band_sent.next() }) else { break };
            if command.open {
                closed(command.id, command.awaits_refusal());
            }
        }
        oob.queued.iter().chain(in_band.queued.iter()).for_each(|command| closed(command.id, false));
    }

    /// The id on the wire, as JSON text, of a command under way.
    pub(super) fn wire_id(&self, id: Id) -> Option<Cow<'_, str>> {
        let lanes = [&self.in_band, &self.oob];
        let sent = || lanes.iter().find_map(|lane| lane.sent.get(id)).map(|command| &command.chosen);
        let queued = lanes.iter().find_map(|lane| lane.queued.get(id)).map(|command| &command.chosen);
        let chosen = queued.or_else(sent)?;
        Some(chosen.as_deref().map_or_else(|| own_wire_id(id).into(), Cow::Borrowed))
    }

    /// Returns whether a user chose the id that this call's command would have on the wire.
    pub(super) fn is_chosen(&self, own: Id) -> bool {
        [&self.in_band, &self.oob].into_iter().any(|lane| {
            let queued = lane.queued.iter().map(|command| &command.chosen);
            let sent = lane.sent.iter().map(|command| &command.chosen);
            queued.chain(sent).flatten().any(|chosen| own_id(chosen) == Some(own))
        })
    }

    fn lane(&mut self, oob: bool) -> &mut Lane {
        if oob {
            &mut self.oob
        } else {
            &mut self.in_band
        }
    }

    /// The command that was output with this id of the session's choice.
    fn find_own(&self, id: Id) -> Option<(Id, bool)> {
        let command = self.in_band.sent.get(id).or_else(|| self.oob.sent.get(id))?;
        command.chosen.is_none().then_some((id, command.oob))
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
            while let Some((older, order)) = self.lane(older_oob).oldest_ended() {
                if (oob && !older_oob) || order > taken.order {
                    break;
                }
                self.remove(older, older_oob);
            }
        }
        Some(taken)
    }

    fn remove(&mut self, id: Id, oob: bool) -> Option<SentCommand> {
        let removed = self.lane(oob).sent.remove(id)?;
        self.window -= usize::from(removed.takes_room());
        self.chosen -= usize::from(removed.chosen.is_some());
        Some(removed)
    }
}

/// The id on the wire, as JSON text, of a command that its user gave none.
pub(super) fn own_wire_id(id: Id) -> String {
    let mut wire_id = String::new();
    push_own_id(&mut wire_id, id);
    wire_id
}

/// Writes the id on the wire, as JSON text, of a command that its user gave none. The numbers in these are one more than the calls',
/// so that negotiation has one, too.
pub(super) fn push_own_id(out: &mut String, Id(number): Id) {
    out.push('"');
    out.push_str(OWN_ID);
    out.push_str(&number.wrapping_add(1).to_string());
    out.push('"');
}

/// The call whose command has this id on the wire, in whatever notation, if the session chose it.
pub(super) fn own_id(wire_id: &str) -> Option<Id> {
    let inside = wire_id.strip_prefix('"')?.strip_suffix('"')?;
    let id = if inside.contains('\\') { string(wire_id)? } else { inside.into() };
    let digits = id.strip_prefix(OWN_ID)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number: u64 = digits.parse().ok().filter(|_| is_number)?;
    number.checked_sub(1).map(Id)
}

#[cfg(test)]
mod tests;
