//! The commands that were sent and may still be answered, and how replies find them.
//!
//! Assumes what the protocol promises: a server answers in-band commands in the order in which they were sent. Never gives a
//! reply to a command whose id it does not carry.

use super::Id;
use crate::json::same;
use crate::trace::ReplyMask;

/// A command that was sent.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) id: Id,
    /// The id on the wire, as JSON text.
    pub(super) wire_id: String,
    /// Whether the session chose `wire_id`.
    pub(super) own: bool,
    pub(super) oob: bool,
    pub(super) fate: Fate,
    /// Whether the reply may have been lost in a line that could not be read. Such a command takes no place in the window,
    /// or lost replies could fill it for ever.
    pub(super) lost: bool,
    /// What is not to be shown of the reply.
    pub(super) mask: ReplyMask,
}

/// What is to be done with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Somebody waits for it.
    Awaited,
    /// Nobody waits any more.
    Cancelled,
    /// Success is not answered, and so nobody waits.
    Unanswered,
}

/// The commands that were sent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Flights(Vec<Flight>);

impl Flights {
    pub(super) fn push(&mut self, flight: Flight) {
        self.0.push(flight);
    }

    /// The in-band commands that the server may still have in its queue.
    pub(super) fn in_band(&self) -> usize {
        self.0.iter().filter(|flight| !flight.oob && flight.fate != Fate::Unanswered && !flight.lost).count()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Flight> {
        self.0.iter()
    }

    pub(super) fn cancel(&mut self, id: Id) {
        let place = self.place(&|flight| flight.id == id && flight.fate == Fate::Awaited);
        if let Some(flight) = place.and_then(|place| self.0.get_mut(place)) {
            flight.fate = Fate::Cancelled;
        }
    }

    pub(super) fn uses_wire_id(&self, wire_id: &str) -> bool {
        self.place(&|flight| *flight.wire_id == *wire_id).is_some()
    }

    /// The oldest command that a reply with this id answers.
    ///
    /// A server parses ids and writes them anew, so that spaces, the order of members, escapes and the notation of numbers
    /// may differ from what was sent.
    pub(super) fn take(&mut self, wire_id: &str) -> Option<Flight> {
        let exact = self.place(&|flight| *flight.wire_id == *wire_id);
        self.take_at(exact.or_else(|| self.place(&|flight| same(&flight.wire_id, wire_id)))?)
    }

    /// The oldest in-band command that is to be answered: the one whose id the server could not read.
    pub(super) fn take_oldest(&mut self) -> Option<Flight> {
        self.take_at(self.place(&|flight| !flight.oob && flight.fate != Fate::Unanswered)?)
    }

    /// Takes in that a line could not be read, which may have been a reply: most likely that to the oldest in-band command,
    /// or, if there is none, to the oldest out-of-band command. It takes no place in the window any more.
    pub(super) fn lose_oldest(&mut self) -> Option<Id> {
        let waits = |flight: &Flight| flight.fate != Fate::Unanswered && !flight.lost;
        let in_band = self.place(&|flight| !flight.oob && waits(flight));
        let place = in_band.or_else(|| self.place(&waits))?;
        let flight = self.0.get_mut(place)?;
        flight.lost = true;
        Some(flight.id)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Where the oldest such command is. Not generic: one copy of the search does for all.
    fn place(&self, is_wanted: &dyn Fn(&Flight) -> bool) -> Option<usize> {
        self.0.iter().position(is_wanted)
    }

    /// Older commands that nobody waits for are forgotten, too: as replies come in order, theirs will not come any more.
    /// Out-of-band replies may overtake others, but not each other.
    fn take_at(&mut self, index: usize) -> Option<Flight> {
        let taken = (index < self.0.len()).then(|| self.0.remove(index))?;
        for place in (0..index).rev() {
            let stays = |flight: &Flight| flight.fate == Fate::Awaited || (taken.oob && !flight.oob);
            if !self.0.get(place).is_some_and(stays) {
                self.0.remove(place);
            }
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flights(sent: &[(&str, bool, Fate)]) -> Flights {
        let mut flights = Flights::default();
        for (number, (wire_id, oob, fate)) in (1..).zip(sent) {
            flights.push(Flight {
                id: Id(number),
                wire_id: (*wire_id).into(),
                own: false,
                oob: *oob,
                fate: *fate,
                lost: false,
                mask: ReplyMask::default(),
            });
        }
        flights
    }

    fn left(flights: &Flights) -> Vec<u64> {
        flights.0.iter().map(|flight| flight.id.0).collect()
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
            assert!(flights(&[(sent, false, Fate::Awaited)]).take(echoed).is_some(), "{sent} {echoed}");
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
            assert!(flights(&[(sent, false, Fate::Awaited)]).take(echoed).is_none(), "{sent} {echoed}");
        }
    }

    #[test]
    fn equal_ids_are_answered_in_order() {
        let mut flights = flights(&[("7", false, Fate::Cancelled), ("7", false, Fate::Awaited)]);
        assert_eq!(flights.take("7").unwrap().fate, Fate::Cancelled);
        assert_eq!(flights.take("7").unwrap().fate, Fate::Awaited);
        assert!(flights.take("7").is_none());
    }

    #[test]
    fn what_nobody_waits_for_is_forgotten_in_time() {
        let sent = [
            ("1", false, Fate::Cancelled),
            ("2", true, Fate::Cancelled),
            ("3", false, Fate::Awaited),
            ("4", false, Fate::Unanswered),
            ("5", true, Fate::Awaited),
            ("6", false, Fate::Awaited),
            ("7", false, Fate::Cancelled),
        ];
        let mut out_of_band = flights(&sent);
        out_of_band.take("5").unwrap();
        assert_eq!(left(&out_of_band), [1, 3, 4, 6, 7]);
        let mut in_band = flights(&sent);
        in_band.take("6").unwrap();
        assert_eq!(left(&in_band), [3, 5, 7]);
    }

    #[test]
    fn window() {
        let mut flights = flights(&[
            ("1", false, Fate::Cancelled),
            ("2", true, Fate::Awaited),
            ("3", false, Fate::Unanswered),
            ("4", false, Fate::Awaited),
        ]);
        assert_eq!(flights.in_band(), 2);
        flights.lose_oldest();
        assert_eq!(flights.in_band(), 1);
        assert_eq!(flights.take_oldest().unwrap().id, Id(1));
        assert_eq!(flights.take_oldest().unwrap().id, Id(4));
        assert!(flights.take_oldest().is_none());
    }
}
