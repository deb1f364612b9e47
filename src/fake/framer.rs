//! Cuts what a client writes into JSON values, however they are spread over lines and reads.
//!
//! Never fails: what is no JSON becomes a complaint in QEMU's words, and reading goes on after the line.

use crate::json::{items, string};
use serde_json::error::Category;
use serde_json::Value;
use std::collections::HashSet;

/// What QEMU takes as one value at most.
const LIMIT: usize = 64 << 20;

/// Bytes that have come and are not a value yet.
#[derive(Debug, Default)]
pub(super) struct Framer {
    buffer: Vec<u8>,
    /// Whether nothing has come since the value was found to be unfinished that could finish it.
    unfinished: bool,
}

impl Framer {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.unfinished = self.unfinished && !bytes.iter().any(|byte| matches!(byte, b'}' | b']' | b'\n' | 0xff));
        self.buffer.extend_from_slice(bytes);
    }

    /// The next value, or what QEMU says of what is none.
    pub(super) fn next(&mut self) -> Option<Result<Value, String>> {
        if self.unfinished && self.buffer.len() <= LIMIT {
            return None;
        }
        let start = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.buffer.drain(..start);
        // The byte that no text has: a client's wish to begin anew.
        let cut = self.buffer.iter().position(|byte| *byte == 0xff);
        let text = self.buffer.get(..cut.unwrap_or(self.buffer.len())).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let value = values.next();
        let end = values.byte_offset();
        match (value, cut) {
            (Some(Ok(value)), _) => {
                let text = std::str::from_utf8(text.get(..end).unwrap_or_default()).unwrap_or_default();
                let is_repeated = has_repeated_member(text);
                self.buffer.drain(..end);
                Some(if is_repeated { Err(complaint("duplicate key")) } else { Ok(value) })
            }
            (Some(Err(error)), _) if error.classify() != Category::Eof || self.buffer.len() > LIMIT => {
                Some(Err(self.skip(&error)))
            }
            (_, Some(cut)) => {
                self.buffer.drain(..=cut);
                Some(Err(complaint("stray '\u{fffd}'")))
            }
            (None, None) => None,
            (Some(Err(_)), None) => {
                self.unfinished = true;
                None
            }
        }
    }

    /// Drops all up to the end of the line that the error is in.
    fn skip(&mut self, error: &serde_json::Error) -> String {
        self.unfinished = false;
        let earlier: usize = self.lines().take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
        let line = self.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let word = word_at(line, error.column().saturating_sub(1));
        let end = (earlier + line.len()).clamp(1, self.buffer.len().max(1));
        self.buffer.drain(..end.min(self.buffer.len()));
        match word.as_str() {
            "" => complaint("expecting value"),
            word => complaint(&format!("invalid keyword '{word}'")),
        }
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.buffer.split_inclusive(|byte| *byte == b'\n')
    }
}

/// The letters around this byte of a line.
fn word_at(line: &[u8], at: usize) -> String {
    let (before, after) = line.split_at_checked(at).unwrap_or((line, &[]));
    let is_letter = |byte: &&u8| byte.is_ascii_alphabetic();
    let start = before.iter().rev().take_while(is_letter).count();
    let word = before.iter().skip(before.len() - start).chain(after.iter().take_while(is_letter));
    word.map(|byte| char::from(*byte)).collect()
}

/// Whether an object in a JSON text has a member twice, which QEMU refuses. Recurses as deeply as the parser has.
fn has_repeated_member(json: &str) -> bool {
    let mut seen = HashSet::new();
    items(json).any(|(name, value)| (!name.is_empty() && !seen.insert(string(name))) || has_repeated_member(value))
}

fn complaint(what: &str) -> String {
    format!("JSON parse error, {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cut(pieces: &[&[u8]]) -> Vec<Result<Value, String>> {
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for piece in pieces {
            framer.feed(piece);
            found.extend(std::iter::from_fn(|| framer.next()));
        }
        found
    }

    #[test]
    fn values_need_no_lines() {
        let found = cut(&[b"{\"a\":1}{\"b\":", b"2\n", b"}\r\n [3]\n", b"{\"c\": \"", b"}", b"\"}"]);
        let values = [json!({"a": 1}), json!({"b": 2}), json!([3]), json!({"c": "}"})];
        assert_eq!(found, values.map(Ok));
    }

    #[test]
    fn what_is_no_json_is_told_and_passed_over() {
        let keyword = |word: &str| Err(format!("JSON parse error, invalid keyword '{word}'"));
        let after = || Ok(json!(1));
        assert_eq!(cut(&[b"{\"execute\": nonsense}\n1\n"]), [keyword("nonsense"), after()]);
        assert_eq!(cut(&[b"x\n1\n"]), [keyword("x"), after()]);
        let expecting = Err("JSON parse error, expecting value".to_owned());
        assert_eq!(cut(&[b" ]\n1\n"]), [expecting, after()]);
        let repeated = Err("JSON parse error, duplicate key".to_owned());
        assert_eq!(cut(&[br#"{"b": [{"a": 1, "\u0061": 2}]}1"#]), [repeated, after()]);
        assert_eq!(cut(&[br#"{"a": ["a", "a"]}"#]), [Ok(json!({"a": ["a", "a"]}))]);
        let stray = || Err("JSON parse error, stray '\u{fffd}'".to_owned());
        assert_eq!(cut(&[b"{\"execute\": \"guest-pi", b"\xff1\n"]), [stray(), after()]);
        assert_eq!(cut(&[b"1\n\xff2\n"]), [after(), stray(), Ok(json!(2))]);
        for text in [&b"{\"a\" 1}\n"[..], b"\"\xc3(\"\n", b"{]\n", b"[1 2]\n", &[b'['; 5000]] {
            assert!(cut(&[text]).iter().any(Result::is_err), "{text:?}");
        }
    }
}
