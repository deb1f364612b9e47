//! One JSON text, read value by value from its beginning to its end.
//!
//! What nearly every message consists of is read here: names, plain strings, integers, brackets. The rest, which is
//! escapes, fractions and the words of errors, is left to `serde_json`, so that both always agree. Nothing in here knows the types
//! that are decoded, so that it is not compiled for each of them.

mod any;
mod skip;

use super::builtin::Any;
use super::members::Names;
use super::path::path_and_reason;
use crate::json::whole_number;
use serde::de::{Error, Expected, IgnoredAny, Unexpected};
use serde_json::{Error as JsonError, Number};
use std::borrow::Cow;

/// How many arrays and objects may be open at a time, as in `serde_json`.
const MAX_DEPTH: u32 = 127;

/// A text, and how far it has been read.
#[doc(hidden)]
#[derive(Debug)]
pub struct Text<'de> {
    text: &'de str,
    at: usize,
    /// How many arrays and objects are open.
    depth: u32,
}

/// A number as JSON tells them apart.
#[derive(Clone, Copy)]
pub(super) enum Digits {
    Unsigned(u64),
    Signed(i64),
    Double(f64),
}

impl<'de> Text<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The byte that comes next, if one does. Moves to it over spaces.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Moves behind an opening bracket; `expected` is for the error where something else is next.
    #[inline]
    pub(super) fn open(&mut self, bracket: u8, expected: &dyn Expected) -> Result<(), JsonError> {
        if self.peek() != Some(bracket) {
            return Err(self.mismatch(expected));
        }
        if self.depth == MAX_DEPTH {
            return Err(self.fault());
        }
        self.at += 1;
        self.depth += 1;
        Ok(())
    }

    /// Moves to the next element or name, or else behind the closing bracket. Returns whether there is one. `first` is true until
    /// there was one.
    #[inline]
    pub(super) fn next(&mut self, first: &mut bool, closing: u8) -> Result<bool, JsonError> {
        let mut byte = self.peek();
        if byte == Some(closing) {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            if byte != Some(b',') {
                return Err(self.fault());
            }
            self.at += 1;
            byte = self.peek();
        }
        // The names of an object are strings.
        match byte {
            Some(byte) if byte == b'"' || closing == b']' => Ok(true),
            _ => Err(self.fault()),
        }
    }

    /// Moves over the colon behind a name.
    #[inline]
    fn colon(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.fault()),
        }
    }

    /// Moves to the value of the next member if that is, in QEMU's own notation, one of those that are most likely: the first few
    /// that QEMU sends after the one of the index `before`. Returns its index.
    #[inline]
    pub(super) fn likely(&mut self, names: &Names, before: usize, first: &mut bool) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let next = if *first { rest.strip_prefix(b"\"") } else { rest.strip_prefix(b", \"") }?;
        let mut at = before;
        for _ in 0..4 {
            let (index, name) = names.after(at)?;
            if let Some((sent, value)) = next.split_at_checked(name.len()) {
                if value.starts_with(b"\": ") && sent == name.as_bytes() {
                    self.at = self.text.len() - value.len() + 3;
                    *first = false;
                    return Some(index);
                }
            }
            at = index;
        }
        None
    }

    /// Takes the name that is next, and the colon behind it.
    #[inline]
    pub(super) fn name(&mut self) -> Result<Cow<'de, str>, JsonError> {
        let name = match self.plain() {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(self.escaped()?),
        };
        self.colon().map(|()| name)
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault()),
        }
    }

    /// Takes a string.
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.mismatch(&"a string"));
        }
        match self.plain() {
            Some(string) => Ok(Cow::Borrowed(string)),
            None => self.escaped().map(Cow::Owned),
        }
    }

    /// Takes the string whose quote is next, unless it has escapes.
    #[inline]
    fn plain(&mut self) -> Option<&'de str> {
        let start = self.at + 1;
        let len = plain_len(self.text.as_bytes().get(start..)?);
        let (plain, rest) = self.text.get(start..)?.split_at_checked(len)?;
        if rest.as_bytes().first() != Some(&b'"') {
            return None;
        }
        self.at = start + len + 1;
        Some(plain)
    }

    /// Takes the string whose quote is next, with what its escapes stand for.
    fn escaped(&mut self) -> Result<String, JsonError> {
        let start = self.at;
        let mut string = String::with_capacity(self.string_len());
        // What is not in the string yet, and where what is plain for sure ends.
        let (mut from, mut plain) = (start + 1, start + 1);
        loop {
            let rest = self.text.as_bytes().get(plain..).unwrap_or_default();
            let end = plain + plain_len(rest);
            string.push_str(self.text.get(from..end).unwrap_or_default());
            let escape = match self.text.as_bytes().get(end..end + 2) {
                Some([b'\\', escape]) => *escape,
                _ if self.text.as_bytes().get(end) == Some(&b'"') => {
                    self.at = end + 1;
                    return Ok(string);
                }
                _ => return Err(self.fault()),
            };
            (from, plain) = (end + 2, end + 2);
            match escape {
                // Stands for itself.
                b'"' | b'\\' | b'/' => from -= 1,
                b'n' => string.push('\n'),
                b'r' => string.push('\r'),
                b't' => string.push('\t'),
                b'b' => string.push('\u{8}'),
                b'f' => string.push('\u{c}'),
                b'u' => return self.escaped_by_number(),
                _ => return Err(self.fault()),
            }
        }
    }

    /// How many bytes the string takes whose quote is next, as far as it is valid.
    fn string_len(&self) -> usize {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        let mut len = 0;
        loop {
            len += plain_len(rest.get(len..).unwrap_or_default());
            match rest.get(len) {
                Some(b'\\') => len += 2,
                _ => return len.min(rest.len()),
            }
        }
    }

    /// The same for a string with escapes of four digits.
    #[cold]
    fn escaped_by_number(&mut self) -> Result<String, JsonError> {
        // What `serde_json` parses itself, it does not have this crate compile.
        let end = self.at + 1 + self.string_len() + 1;
        match self.text.get(self.at..end).map(str::parse) {
            Some(Ok(Any::String(string))) => {
                self.at = end;
                Ok(string)
            }
            _ => Err(self.fault()),
        }
    }

    /// Takes a number; `expected` is for the error where something else is next.
    pub(super) fn number(&mut self, expected: &dyn Expected) -> Result<Digits, JsonError> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch(expected));
        }
        // Nearly all are integers without a sign.
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if let Some((number, len)) = whole_number(rest) {
            if !matches!(rest.get(len), Some(b'.' | b'e' | b'E')) {
                self.at += len;
                return Ok(Digits::Unsigned(number));
            }
        }
        self.any_number()
    }

    #[cold]
    fn any_number(&mut self) -> Result<Digits, JsonError> {
        let token = self.skip()?;
        if let Ok(value) = token.parse() {
            return Ok(Digits::Unsigned(value));
        }
        match (token.parse(), token.parse::<f64>()) {
            (Ok(value), _) if value != 0 => Ok(Digits::Signed(value)),
            (_, Ok(value)) if value.is_finite() => Ok(Digits::Double(value)),
            _ => Err(self.fault()),
        }
    }

    /// Takes a number as `serde_json` keeps it.
    fn precise_number(&mut self) -> Result<Number, JsonError> {
        match self.skip()?.parse() {
            Ok(Any::Number(number)) => Ok(number),
            Ok(_) => Err(self.fault()),
            Err(error) => Err(without_position(&error)),
        }
    }

    /// Takes `true` or `false`.
    pub(super) fn boolean(&mut self) -> Result<bool, JsonError> {
        match self.peek() {
            Some(b't') => self.word("true").map(|()| true),
            Some(b'f') => self.word("false").map(|()| false),
            _ => Err(self.mismatch(&"a boolean")),
        }
    }

    /// Takes `null`; `expected` is for the error where something else is next.
    pub(super) fn null(&mut self, expected: &dyn Expected) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'n') => self.word("null"),
            _ => Err(self.mismatch(expected)),
        }
    }

    #[inline]
    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        if !self.text.as_bytes().get(self.at..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(self.fault());
        }
        self.at += word.len();
        Ok(())
    }

    /// The error about a value of another kind than the one that is expected.
    #[cold]
    fn mismatch(&mut self, expected: &dyn Expected) -> JsonError {
        let token = match self.skip() {
            Ok(token) => token,
            Err(error) => return error,
        };
        let mut text = Text::new(token);
        let string;
        let unexpected = match token.as_bytes().first() {
            Some(b'n') => Unexpected::Unit,
            Some(b't') => Unexpected::Bool(true),
            Some(b'f') => Unexpected::Bool(false),
            Some(b'{') => Unexpected::Map,
            Some(b'[') => Unexpected::Seq,
            Some(b'"') => {
                string = text.escaped().unwrap_or_default();
                Unexpected::Str(&string)
            }
            _ => match text.number(expected) {
                Ok(Digits::Unsigned(value)) => Unexpected::Unsigned(value),
                Ok(Digits::Signed(value)) => Unexpected::Signed(value),
                Ok(Digits::Double(value)) => Unexpected::Float(value),
                Err(_) => return self.fault(),
            },
        };
        JsonError::invalid_type(unexpected, expected)
    }

    /// The error about a text that is not valid JSON from here on, or is nested too deeply.
    #[cold]
    fn fault(&self) -> JsonError {
        let error = serde_json::from_str::<IgnoredAny>(self.text).err();
        let error = error.or_else(|| self.text.parse::<Any>().err());
        error.unwrap_or_else(|| JsonError::custom("recursion limit exceeded"))
    }
}

/// The error without its position in the text, which means nothing to those who see it.
#[cold]
pub(super) fn without_position(error: &JsonError) -> JsonError {
    let (path, reason) = path_and_reason(error);
    let separator = if path.is_empty() { "" } else { ": " };
    JsonError::custom(format_args!("{path}{separator}{reason}"))
}

/// How many bytes there are before a quote, a backslash or a control character.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut rest = bytes;
    while let Some((eight, after)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*eight);
        // The high bit of the first byte that is meant is set, and no high bit below it. With its second bit turned, the quote
        // is next to the control characters, and no other character is among them.
        let low = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
        let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
        let found = (low | backslash) & !word & (ONES << 7);
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    bytes.len() - rest.len() + plain_rest(rest)
}

/// The same for less than eight bytes, which only the end of a text is.
#[cold]
#[inline(never)]
fn plain_rest(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}
