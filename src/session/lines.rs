//! Splits what arrives into lines, of one message each.
//!
//! Assumes nothing about the pieces in which bytes arrive. Each byte is looked at once, however many pieces a line comes in, and
//! copied once, unless its whole line is in one piece. Holds at most one line of at most the bound, and the piece being handled.
//!
//! NUL bytes around a message are space, because a serial line may send some when it is opened. Inside of one they stay.

use memchr::memchr;
use std::borrow::Cow;
use std::ops::Range;

/// A byte that no JSON text contains. A guest agent's reply to synchronization starts with it.
pub(super) const DELIMITER: u8 = 0xff;

/// A buffer that a line made larger than this is given away with the line.
const KEPT_CAPACITY: usize = 1 << 20;

/// How much of a line over the bound is kept, to show it.
const KEPT_BEGINNING: usize = crate::error::MalformedLine::MAX_EXCERPT;

#[derive(Debug)]
pub(crate) struct Lines {
    partial: Vec<u8>,
    max_len: usize,
    state: State,
    /// The state of the present line of text.
    shape: Shape,
    /// True if the present line is a message over several lines of text.
    is_pretty: bool,
}

/// A line of text. QEMU's `pretty` begins a message with one that opens it, indents the others, and ends with one that closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Empty,
    Opens,
    Closes,
    Other,
}

impl Shape {
    /// With what follows on the line.
    fn with(self, bytes: &[u8]) -> Self {
        let mut shape = self;
        for byte in bytes {
            shape = match (shape, byte) {
                (Shape::Empty, 0) => Shape::Empty,
                (Shape::Empty, b'{') => Shape::Opens,
                (Shape::Empty, b'}') => Shape::Closes,
                (Shape::Opens | Shape::Closes, b'\r' | b' ' | 0) => shape,
                _ => return Shape::Other,
            };
        }
        shape
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `partial` is the beginning of a line, perhaps empty.
    Inside,
    /// `partial` is a line that was handed out.
    Finished,
    /// `partial` is the beginning of a line over the bound, of which so many bytes went by.
    Skipping(usize),
}

/// The kind of line that has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Whole(Cow<'a, [u8]>),
    /// A line over the bound: its beginning and its length.
    TooLong(&'a [u8], usize),
}

impl Lines {
    pub(crate) fn new(max_len: usize) -> Self {
        Lines { partial: Vec::new(), max_len, state: State::Inside, shape: Shape::Empty, is_pretty: false }
    }

    /// The next line, without its terminator and space around it; takes from `input` what belongs to it. `None`: more input is needed. A message
    /// over several lines of text, as of a monitor with `pretty=on`, is one line.
    pub(crate) fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Line<'a>> {
        self.forget_finished();
        loop {
            if self.is_pretty && self.shape == Shape::Empty && is_other_message(input) {
                // It was none, or it was cut off.
                return Some(self.finish());
            }
            let (taken, has_ended) = take_until_end(input);
            let shape = self.shape.with(taken);
            if has_ended && self.is_at_start() && shape != Shape::Opens && taken.len() <= self.max_len {
                return Some(Line::Whole(without_space(taken).into()));
            }
            self.partial.extend_from_slice(taken);
            self.shape = shape;
            self.apply_bound();
            if !has_ended {
                return None;
            }
            match (std::mem::replace(&mut self.shape, Shape::Empty), self.is_pretty) {
                (Shape::Opens, false) => self.is_pretty = true,
                (Shape::Closes, true) | (_, false) => return Some(self.finish()),
                (_, true) => {}
            }
            self.partial.push(b'\n');
        }
    }

    fn is_at_start(&self) -> bool {
        self.partial.is_empty() && self.state == State::Inside && !self.is_pretty
    }

    fn finish(&mut self) -> Line<'_> {
        self.is_pretty = false;
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Skipping(len) => Line::TooLong(&self.partial, len),
            _ if self.partial.capacity() > KEPT_CAPACITY => Line::Whole(owned_without_space(&mut self.partial).into()),
            _ => Line::Whole(without_space(&self.partial).into()),
        }
    }

    /// The line that has not ended: its beginning and its length. `None` if there is nothing but space.
    pub(crate) fn rest(&mut self) -> Option<(&[u8], usize)> {
        self.forget_finished();
        let len = match self.state {
            State::Skipping(len) => len,
            _ => self.partial.len(),
        };
        Some((&*self.partial, len)).filter(|(rest, _)| !is_blank(rest))
    }

    fn forget_finished(&mut self) {
        if self.state == State::Finished {
            self.state = State::Inside;
            self.partial.clear();
            if self.partial.capacity() > KEPT_CAPACITY {
                self.partial = Vec::new();
            }
        }
    }

    fn apply_bound(&mut self) {
        let len = match self.state {
            // What arrived was appended to the beginning that is kept.
            State::Skipping(len) => len + self.partial.len() - KEPT_BEGINNING.min(len),
            _ => self.partial.len(),
        };
        if len > self.max_len {
            self.state = State::Skipping(len);
            self.partial.truncate(KEPT_BEGINNING);
            if self.partial.capacity() > KEPT_CAPACITY {
                self.partial = self.partial.clone();
            }
        }
    }
}

/// Takes what is left of the line of text, without its end, and whether it has ended.
fn take_until_end<'a>(input: &mut &'a [u8]) -> (&'a [u8], bool) {
    let end = memchr(b'\n', input);
    let (taken, rest) = input.split_at(end.unwrap_or(input.len()));
    *input = rest.get(1..).unwrap_or_default();
    (taken, end.is_some())
}

/// Returns whether a line of text begins that is not part of a message over several.
fn is_other_message(line: &[u8]) -> bool {
    line.first().is_some_and(|first| !b" \t\r\n}".contains(first))
}

/// Returns whether a line has nothing on it.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(is_space)
}

fn is_space(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || *byte == 0
}

fn without_space(line: &[u8]) -> &[u8] {
    line.get(inside_space(line)).unwrap_or_default()
}

/// The same, for a line that is taken.
fn owned_without_space(line: &mut Vec<u8>) -> Vec<u8> {
    let inside = inside_space(line);
    let mut line = std::mem::take(line);
    line.truncate(inside.end);
    if inside.start > 0 {
        line.drain(..inside.start);
    }
    line
}

/// Where a line is that may have space around it.
fn inside_space(line: &[u8]) -> Range<usize> {
    let start = line.iter().position(|byte| !is_space(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    start..end
}

/// The text after the last delimiter on the line, if there is one.
pub(super) fn after_delimiter(line: &[u8]) -> Option<&[u8]> {
    let index = line.iter().rposition(|&byte| byte == DELIMITER)?;
    line.get(index + 1..)
}

/// The line without delimiters in front of it.
pub(super) fn without_delimiter(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|&byte| byte != DELIMITER).unwrap_or(line.len());
    line.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(lines: &mut Lines, pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, usize>> {
        let mut found = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(line) = lines.next(&mut input) {
                found.push(match line {
                    Line::Whole(line) => Ok(line.into_owned()),
                    Line::TooLong(_, len) => Err(len),
                });
            }
            assert!(input.is_empty());
        }
        found
    }

    #[test]
    fn pieces_do_not_matter() {
        let text = b"one\r\n\ntwo\nthree";
        let expected = vec![Ok(b"one".to_vec()), Ok(vec![]), Ok(b"two".to_vec())];
        for at in 0..text.len() {
            let mut lines = Lines::new(100);
            assert_eq!(split(&mut lines, &[&text[..at], &text[at..]]), expected);
            assert_eq!(lines.rest(), Some((&b"three"[..], 5)));
        }
        let mut lines = Lines::new(100);
        assert_eq!(split(&mut lines, &text.chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn a_message_over_several_lines_is_one() {
        let pretty = b"{\r\n    \"return\": {\r\n    }\r\n}\r\n{\"event\": 1}\n{\n}\n";
        let expected =
            ["{\r\n    \"return\": {\r\n    }\r\n}", "{\"event\": 1}", "{\n}"].map(|line| Ok(line.as_bytes().to_vec()));
        for at in 0..pretty.len() {
            assert_eq!(split(&mut Lines::new(100), &[&pretty[..at], &pretty[at..]]), expected, "{at}");
        }
        assert_eq!(split(&mut Lines::new(100), &pretty.chunks(1).collect::<Vec<_>>()), expected);
        // Over the bound as well, and the next one is whole.
        let long = [b"{\n  \"x\":\n  ".as_slice(), &[b'1'; 9000], b"\n}\n{\n}\n"].concat();
        for size in [1, 7, 4096, 10_000] {
            let found = split(&mut Lines::new(5000), &long.chunks(size).collect::<Vec<_>>());
            assert_eq!(found, [Err(long.len() - 5), Ok(b"{\n}".to_vec())], "in pieces of {size}");
        }
    }

    #[test]
    fn nuls_are_space_around_messages_and_stay_inside() {
        let text = b"\0\0{1}\0\r\n\0\n \0\r\n\0\xff{2}\n{\0}\n\0{\r\n  \"x\": 3\r\n}\0\r\0\n \0\r\0";
        let expected =
            [&b"{1}"[..], b"", b"", b"\xff{2}", b"{\0}", b"{\r\n  \"x\": 3\r\n}"].map(|line| Ok(line.to_vec()));
        for at in 0..text.len() {
            let mut lines = Lines::new(100);
            assert_eq!(split(&mut lines, &[&text[..at], &text[at..]]), expected, "{at}");
            assert_eq!(lines.rest(), None);
        }
        assert_eq!(split(&mut Lines::new(100), &text.chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn a_brace_that_begins_no_message_takes_no_other_line_with_it() {
        for text in ["{\n{\"return\": 1}\n", "{\n\n  x\n{\"return\": 1}\n"] {
            for at in 0..text.len() {
                let (before, after) = text.as_bytes().split_at(at);
                let found = split(&mut Lines::new(100), &[before, after]);
                assert_eq!(found.last(), Some(&Ok(b"{\"return\": 1}".to_vec())), "{at}");
                assert_eq!(found.len(), 2);
            }
        }
    }

    #[test]
    fn bound_is_exact_and_the_next_line_is_whole() {
        let fits = [vec![b'x'; 5000], b"\n".to_vec()].concat();
        let exceeds = [vec![b'x'; 9001], b"\nnext\n".to_vec()].concat();
        for size in [1, 7, 4096, 5000, 5001, 20_000] {
            let mut lines = Lines::new(5000);
            assert_eq!(split(&mut lines, &fits.chunks(size).collect::<Vec<_>>()), [Ok(vec![b'x'; 5000])]);
            let found = split(&mut lines, &exceeds.chunks(size).collect::<Vec<_>>());
            assert_eq!(found, [Err(9001), Ok(b"next".to_vec())], "in pieces of {size}");
        }
    }

    #[test]
    fn skipped_line_takes_no_memory() {
        let mut lines = Lines::new(2 << 20);
        for mebibyte in 1..=64 {
            assert_eq!(split(&mut lines, &[&[b'x'; 1 << 20]]), []);
            let bound = if mebibyte > 2 { KEPT_CAPACITY } else { 5 << 20 };
            assert!(lines.partial.capacity() <= bound, "{mebibyte} MiB");
        }
        assert_eq!(split(&mut lines, &[b"\n"]), [Err(64 << 20)]);
        assert!(lines.partial.capacity() <= KEPT_CAPACITY);
    }

    #[test]
    fn memory_of_a_long_line_is_given_back() {
        let mut lines = Lines::new(8 << 20);
        let line = vec![b'x'; 4 << 20];
        assert_eq!(split(&mut lines, &[&line, b"\n"]), [Ok(line)]);
        assert_eq!(split(&mut lines, &[b"next\n"]), [Ok(b"next".to_vec())]);
        assert!(lines.partial.capacity() <= KEPT_CAPACITY);
    }

    #[test]
    fn rest_of_nothing() {
        let mut lines = Lines::new(100);
        assert_eq!(lines.rest(), None);
        split(&mut lines, &[b"line\n \r"]);
        assert_eq!(lines.rest(), None);
    }

    #[test]
    fn delimiter_starts_afresh() {
        assert_eq!(after_delimiter(b"half a li\xffha\xff{}"), Some(&b"{}"[..]));
        assert_eq!(after_delimiter(b"{}\xff"), Some(&b""[..]));
        assert_eq!(after_delimiter(b"{}"), None);
        assert_eq!(without_delimiter(b"\xff\xff{}\xff"), b"{}\xff");
        assert_eq!(without_delimiter(b"\xff"), b"");
    }
}
