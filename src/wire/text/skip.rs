//! Moving over values that are not decoded, or not yet.

use super::{plain_len, Text, MAX_DEPTH};
use crate::json::container_len;
use crate::wire::macros::apart;
use serde::de::IgnoredAny;
use serde_json::Error as JsonError;

impl<'de> Text<'de> {
    /// Takes a value of any kind as text. It is valid, and what is open in it counts for the depth that is allowed.
    pub(in crate::wire) fn skip(&mut self) -> Result<&'de str, JsonError> {
        self.peek();
        let start = self.at;
        let mut depth = self.depth;
        // A bit for each array or object that is open, the innermost lowest: 1 for an object.
        let mut open = 0_u128;
        loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(bracket @ (b'{' | b'[')) if depth < MAX_DEPTH => {
                    self.at += 1;
                    depth += 1;
                    open = open << 1 | u128::from(bracket == b'{');
                    match (bracket, self.peek()) {
                        (b'{', Some(b'}')) | (b'[', Some(b']')) => {}
                        (b'{', _) => {
                            self.skip_name()?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.skip_number()?,
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                _ => return Err(self.fault()),
            }
            // A value has ended, and perhaps what it is in.
            loop {
                if depth == self.depth {
                    return self.text.get(start..self.at).ok_or_else(|| self.fault());
                }
                match (self.peek(), open & 1) {
                    (Some(b'}'), 1) | (Some(b']'), 0) => {
                        self.at += 1;
                        depth -= 1;
                        open >>= 1;
                    }
                    (Some(b','), is_object) => {
                        self.at += 1;
                        if is_object == 1 {
                            self.skip_name()?;
                        }
                        break;
                    }
                    _ => return Err(self.fault()),
                }
            }
        }
    }

    /// Takes a value as text that is decoded later: of an array or object, only the end is looked for, so that it may turn out
    /// not to be valid. What is open in it counts for the depth that is allowed.
    pub(in crate::wire) fn keep(&mut self) -> Result<&'de str, JsonError> {
        if !matches!(self.peek(), Some(b'{' | b'[')) {
            return self.skip();
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = container_len(rest.as_bytes(), (MAX_DEPTH - self.depth) as usize);
        let kept = len.and_then(|len| rest.get(..len)).ok_or_else(|| self.fault())?;
        self.at += kept.len();
        Ok(kept)
    }

    /// Moves over a value that nobody wants. As `serde_json` sees it, that may be nested as deeply as it likes, and the
    /// escapes in its strings need not stand for characters.
    pub fn ignore(&mut self) -> Result<(), JsonError> {
        apart!(Text::pass(self))
    }

    fn pass(&mut self) -> Result<(), JsonError> {
        self.peek();
        let start = self.at;
        if self.skip().is_err() {
            self.at = start;
            self.ignore_slowly()?;
        }
        Ok(())
    }

    #[cold]
    fn ignore_slowly(&mut self) -> Result<(), JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        match values.next() {
            Some(Ok(IgnoredAny)) => {
                self.at += values.byte_offset();
                Ok(())
            }
            _ => Err(self.fault()),
        }
    }

    /// Moves over the string whose quote is next.
    pub(super) fn skip_string(&mut self) -> Result<(), JsonError> {
        let end = self.at + 1 + plain_len(self.text.as_bytes().get(self.at + 1..).unwrap_or_default());
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return self.escaped().map(drop);
        }
        self.at = end + 1;
        Ok(())
    }

    fn skip_name(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.fault());
        }
        self.skip_string()?;
        self.colon()
    }

    fn skip_number(&mut self) -> Result<(), JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let digits = |from: usize| rest.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let mut len = usize::from(rest.first() == Some(&b'-'));
        let (first, whole) = (rest.get(len), digits(len));
        let mut is_valid = whole == 1 || (whole > 1 && first != Some(&b'0'));
        len += whole;
        if rest.get(len) == Some(&b'.') {
            let fraction = digits(len + 1);
            is_valid &= fraction > 0;
            len += 1 + fraction;
        }
        if matches!(rest.get(len), Some(b'e' | b'E')) {
            len += 1 + usize::from(matches!(rest.get(len + 1), Some(b'+' | b'-')));
            let exponent = digits(len);
            is_valid &= exponent > 0;
            len += exponent;
        }
        if !is_valid {
            return Err(self.fault());
        }
        self.at += len;
        Ok(())
    }
}
