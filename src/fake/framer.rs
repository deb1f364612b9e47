//! Cuts what a client writes into JSON values, however they are spread over lines and reads.
//!
//! Never fails: what is no JSON becomes a complaint in QEMU's words, and reading goes on after the line.

use crate::json::{items, string};
use serde_json::error::Category;
use serde_json::Value;
use std::collections::HashSet;

/// The longest value that QEMU takes.
const LIMIT: usize = 64 << 20;

/// Bytes that have come and are not a value yet. Strings are in double quotes, whatever came.
#[derive(Debug, Default)]
pub(super) struct Framer {
    buffer: Vec<u8>,
    /// The quote that ends the string which the last byte is in, and whether that byte escapes the next.
    quote: Option<u8>,
    is_escaped: bool,
    /// How many lines came before the buffer, and how many bytes of the buffer's first line.
    line: usize,
    column: usize,
    /// Whether nothing has come since the value was found to be unfinished that could finish it.
    unfinished: bool,
}

impl Framer {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.unfinished = self.unfinished && !bytes.iter().any(|byte| matches!(byte, b'}' | b']' | b'\n' | 0xff));
        bytes.iter().for_each(|byte| self.push(*byte));
    }

    /// QEMU takes strings in single quotes as well, and escaped ones in all strings. A string ends with its line.
    fn push(&mut self, byte: u8) {
        let escapes = std::mem::take(&mut self.is_escaped);
        match (self.quote, byte) {
            (Some(_), b'\n' | 0xff) => self.quote = None,
            (Some(_), b'\'') if escapes => drop(self.buffer.pop()),
            (Some(_), _) if escapes => {}
            (Some(_), b'\\') => self.is_escaped = true,
            (Some(quote), _) if quote == byte => {
                self.quote = None;
                return self.buffer.push(b'"');
            }
            (Some(_), b'"') => self.buffer.push(b'\\'),
            (None, b'"' | b'\'') => {
                self.quote = Some(byte);
                return self.buffer.push(b'"');
            }
            _ => {}
        }
        self.buffer.push(byte);
    }

    /// The next value, or what QEMU says of what is none.
    pub(super) fn next(&mut self) -> Option<Result<Value, String>> {
        if self.unfinished && self.buffer.len() <= LIMIT {
            return None;
        }
        let start = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.drop_first(start);
        // The byte that no text has: a client's wish to begin anew.
        let cut = self.buffer.iter().position(|byte| *byte == 0xff);
        let text = self.buffer.get(..cut.unwrap_or(self.buffer.len())).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        let value = values.next();
        let end = values.byte_offset();
        match (value, cut) {
            (Some(Ok(value)), _) => {
                let text = std::str::from_utf8(text.get(..end).unwrap_or_default()).unwrap_or_default();
                let repeated = repeated_member(text).map(|at| self.complaint(at, "duplicate key"));
                self.drop_first(end);
                Some(repeated.map_or(Ok(value), Err))
            }
            (Some(Err(error)), _) if error.classify() != Category::Eof || self.buffer.len() > LIMIT => {
                let at = offset(text, &error);
                let told = match what_is_wrong(text, at, &error) {
                    Some((at, what)) => self.complaint(at, &what),
                    None => "JSON nesting depth limit exceeded".to_owned(),
                };
                let rest = self.buffer.iter().skip(at).position(|byte| *byte == b'\n');
                self.drop_first(rest.map_or(self.buffer.len(), |rest| at + rest + 1));
                Some(Err(told))
            }
            (unfinished, Some(cut)) => {
                let is_in_string = unfinished.is_some_and(|outcome| outcome.is_err_and(|error| is_in_string(&error)));
                let token = if is_in_string { last_quote(text) } else { cut };
                let stray = String::from_utf8_lossy(text.get(token..).unwrap_or_default());
                let told = self.complaint(token, &format!("stray '{stray}\u{fffd}'"));
                self.drop_first(cut + 1);
                Some(Err(told))
            }
            (None, None) => None,
            (Some(Err(_)), None) => {
                self.unfinished = true;
                None
            }
        }
    }

    /// Forgets bytes, but not where they were.
    fn drop_first(&mut self, count: usize) {
        self.unfinished = false;
        for byte in self.buffer.drain(..count.min(self.buffer.len())) {
            self.column = if byte == b'\n' { 0 } else { self.column + 1 };
            self.line += usize::from(byte == b'\n');
        }
    }

    /// What QEMU says of what is at this place in the buffer. It counts lines from the conversation's beginning.
    fn complaint(&self, at: usize, what: &str) -> String {
        let before = self.buffer.get(..at).unwrap_or_default();
        let line = 1 + self.line + before.iter().filter(|byte| **byte == b'\n').count();
        let column = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => at - end,
            None => 1 + self.column + at,
        };
        // It takes what follows a number or a word at once for one further on.
        let column = column + usize::from(before.last().is_some_and(u8::is_ascii_alphanumeric));
        format!("{line}:{column}: JSON parse error, {what}")
    }
}

/// Where in a text the parser gave up.
fn offset(text: &[u8], error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    (lines.map(<[u8]>::len).sum::<usize>() + error.column()).saturating_sub(1).min(text.len().saturating_sub(1))
}

/// What is wrong at this place, and where it begins, in QEMU's words. Without one, what is wrong is the depth.
fn what_is_wrong(text: &[u8], at: usize, error: &serde_json::Error) -> Option<(usize, String)> {
    let (before, rest) = text.split_at_checked(at)?;
    let token = |is_part: fn(&u8) -> bool| {
        let start = at - before.iter().rev().take_while(|byte| is_part(byte)).count();
        let end = at + rest.iter().take_while(|byte| is_part(byte)).count();
        (start, end)
    };
    let shown = |from: usize, to: usize| String::from_utf8_lossy(text.get(from..to).unwrap_or_default()).into_owned();
    let byte = rest.first().copied().unwrap_or_default();
    let reason = error.to_string();
    let has = |words: &str| reason.starts_with(words);
    if has("recursion limit") {
        return None;
    }
    let (start, end) = token(u8::is_ascii_lowercase);
    let told = match byte {
        _ if has("expected `:`") => (at, "expecting ':'".to_owned()),
        _ if has("expected `,` or `]`") => (at, "expected ',' or ']'".to_owned()),
        _ if has("expected `,` or `}`") => (at, "expected ',' or '}'".to_owned()),
        _ if has("key must be") || (has("trailing comma") && byte == b'}') => (at, "expecting key".to_owned()),
        _ if has("control character") => (last_quote(before), format!("stray '{}'", shown(last_quote(before), at + 1))),
        _ if has("invalid escape") => (last_quote(before), "invalid escape sequence in string".to_owned()),
        _ if has("invalid unicode") => (last_quote(before), "invalid UTF-8 sequence in string".to_owned()),
        _ if has("lone leading") || has("unexpected end of hex") => {
            (last_quote(before), "invalid escape sequence in string".to_owned())
        }
        _ if has("invalid number") => {
            let (start, _) = token(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
            (start, format!("stray '{}'", shown(start, at + 1)))
        }
        _ if start < end => (start, format!("invalid keyword '{}'", shown(start, end))),
        b'{' | b'}' | b'[' | b']' | b',' | b':' => (at, "expecting value".to_owned()),
        _ => (at, format!("stray '{}'", shown(at, at + 1))),
    };
    Some(told)
}

fn is_in_string(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("EOF while parsing a string")
}

/// Where the string begins that this text ends in.
fn last_quote(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte == b'"').unwrap_or_default()
}

/// Where the value of a member ends that an object has twice, which QEMU refuses: at the value itself, or at its bracket. Recurses as
/// deeply as the parser has.
fn repeated_member(json: &str) -> Option<usize> {
    let mut seen = HashSet::new();
    items(json).find_map(|(name, value)| {
        let start = value.as_ptr() as usize - json.as_ptr() as usize;
        if let Some(at) = repeated_member(value) {
            return Some(start + at);
        }
        let is_repeated = !name.is_empty() && !seen.insert(string(name));
        is_repeated.then_some(if value.starts_with(['{', '[']) { start + value.len() - 1 } else { start })
    })
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
    fn quotes_may_be_single() {
        let found = cut(&[br#"{'a"\\': 'b\'"#, br#"c"'}["'\'\"\u0027"]"#]);
        assert_eq!(found, [Ok(json!({"a\"\\": "b'c\""})), Ok(json!(["''\"'"]))]);
        assert_eq!(cut(&[b"{'a\n{'a': 1}\n"]).last(), Some(&Ok(json!({"a": 1}))));
    }

    /// The texts are those of QEMU 11.1.
    #[test]
    fn what_is_no_json_is_told_and_passed_over() {
        let after = || Ok(json!(1));
        for (line, told) in [
            ("{\"execute\": nonsense}", "1:13: JSON parse error, invalid keyword 'nonsense'"),
            ("x", "1:1: JSON parse error, invalid keyword 'x'"),
            (" [tru]", "1:3: JSON parse error, invalid keyword 'tru'"),
            (" ]", "1:2: JSON parse error, expecting value"),
            ("[1,]", "1:4: JSON parse error, expecting value"),
            ("[1,,2]", "1:4: JSON parse error, expecting value"),
            ("[1 2]", "1:4: JSON parse error, expected ',' or ']'"),
            ("{]", "1:2: JSON parse error, expecting key"),
            ("{1:2}", "1:2: JSON parse error, expecting key"),
            ("{\"a\": 1,}", "1:9: JSON parse error, expecting key"),
            ("{\"a\" 1}", "1:6: JSON parse error, expecting ':'"),
            ("{\"a\":1 \"b\":2}", "1:8: JSON parse error, expected ',' or '}'"),
            ("{'a':\n 'b' x}", "2:6: JSON parse error, expected ',' or '}'"),
            ("{'a': 01}", "1:7: JSON parse error, stray '01'"),
            ("[-]", "1:2: JSON parse error, stray '-]'"),
            ("&", "1:1: JSON parse error, stray '&'"),
            ("[\"a\\qb\"]", "1:2: JSON parse error, invalid escape sequence in string"),
            ("[\"a", "1:2: JSON parse error, stray '\"a\n'"),
            (r#"{"b": [{"a": 1, "\u0061": 2}]}"#, "1:27: JSON parse error, duplicate key"),
            ("{\"a\":1,\"a\":[1,2]}", "1:17: JSON parse error, duplicate key"),
        ] {
            let found = cut(&[line.as_bytes(), b"\n1\n"]);
            assert_eq!(found, [Err(told.to_owned()), after()], "{line}");
        }
        assert_eq!(cut(&[br#"{"a": ["a", "a"]}"#]), [Ok(json!({"a": ["a", "a"]}))]);
        let stray = |at: &str, what: &str| Err(format!("{at}: JSON parse error, stray '{what}\u{fffd}'"));
        assert_eq!(cut(&[b"{\"execute\": \"guest-pi", b"\xff1\n"]), [stray("1:13", "\"guest-pi"), after()]);
        assert_eq!(cut(&[b"1\n\xff2\n{ \xff"]), [after(), stray("2:1", ""), Ok(json!(2)), stray("3:3", "")]);
        assert_eq!(cut(&[b"1\n", b"1 [x]\n"]).last(), Some(&Err("2:4: JSON parse error, invalid keyword 'x'".into())));
        assert_eq!(cut(&[&[b'['; 5000]]), [Err("JSON nesting depth limit exceeded".to_owned())]);
        assert!(cut(&[b"\"\xc3(\"\n"])[0].is_err());
    }
}
