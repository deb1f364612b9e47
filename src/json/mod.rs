//! Takes JSON text apart without decoding it.
//!
//! Assumes that the text is JSON, which its decoder will find out. Of other text it finds nothing that is of use, but it does
//! not panic. Recurses nowhere but in [`same`].
//!
//! Instead of `serde_json`'s deserializer, which is generic: what an envelope needs of it made up a sixth of the code that
//! the compiler generated for this crate.

pub(crate) mod limits;
mod skip;

pub(crate) use skip::{container_len, value_len};

use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;
use std::error::Error;

/// The items of an array or the members of an object, in order; nothing of any other value.
///
/// Gives names and values as JSON; the names of an array's items are empty.
pub(crate) struct Items<'a> {
    rest: &'a str,
    named: bool,
}

pub(crate) fn items(json: &str) -> Items<'_> {
    let opening = json.as_bytes().first();
    let is_container = matches!(opening, Some(b'{' | b'['));
    Items { rest: json.get(1..).filter(|_| is_container).unwrap_or_default(), named: opening == Some(&b'{') }
}

impl<'a> Iterator for Items<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let name = if self.named { self.value()? } else { "" };
        Some((name, self.value()?))
    }
}

impl<'a> Items<'a> {
    fn value(&mut self) -> Option<&'a str> {
        while matches!(self.rest.as_bytes().first(), Some(&byte) if is_between(byte)) {
            self.rest = self.rest.get(1..)?;
        }
        let value;
        (value, self.rest) = self.rest.split_at_checked(value_len(self.rest.as_bytes()))?;
        Some(value).filter(|value| !value.is_empty())
    }
}

/// The members of an object that have these names; of a repeated one, the last. Nothing of any other value.
pub(crate) fn members<'a, const N: usize>(json: &'a str, names: &[&str; N]) -> [Option<&'a str>; N] {
    let mut found = [None; N];
    find_members(json, names, &mut found);
    found
}

/// Apart from [`members`], so that one does for all numbers of names.
fn find_members<'a>(json: &'a str, names: &[&str], found: &mut [Option<&'a str>]) {
    for (name, value) in items(json) {
        let Some(name) = string(name) else { continue };
        for (known, slot) in names.iter().zip(&mut *found) {
            if **known == name {
                *slot = Some(value);
            }
        }
    }
}

/// The integer of a JSON text, if it is one.
pub(crate) fn integer(json: &str) -> Option<i64> {
    json.parse().ok()
}

/// The number of the digits that the text starts with, and how many they are. `None` if there are none, if there may be more than
/// fit 64 bits, or if JSON has no such number because it starts with a zero.
#[inline]
pub(crate) fn whole_number(json: &[u8]) -> Option<(u64, usize)> {
    let (mut number, mut len) = (0_u64, 0);
    while let Some(digit @ b'0'..=b'9') = json.get(len) {
        if len == 19 {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
        len += 1;
    }
    (len == 1 || (len > 1 && json.first() != Some(&b'0'))).then_some((number, len))
}

/// The string of a JSON text, if it is one.
pub(crate) fn string(json: &str) -> Option<Cow<'_, str>> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    if skip::is_plain(inside.as_bytes()) {
        return Some(inside.into());
    }
    match json.parse() {
        Ok(Value::String(text)) => Some(text.into()),
        _ => None,
    }
}

/// Returns whether a JSON text is a string without escapes.
pub(crate) fn is_plain_string(json: &str) -> bool {
    let inside = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    inside.is_some_and(|inside| skip::is_plain(inside.as_bytes()))
}

/// A text as a JSON string.
pub(crate) fn quote(text: &str) -> String {
    format!("{}", Value::from(text))
}

/// Writes a text as a JSON string.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    if !skip::is_plain(text.as_bytes()) || text.as_bytes().contains(&b'"') {
        return out.push_str(&quote(text));
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// Fails if a text is no JSON. The error is `serde_json`'s, boxed because the code to drop one as it is would be in every part of
/// the crate that holds one.
#[cold]
pub(crate) fn check(text: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let IgnoredAny = serde_json::from_str(text)?;
    Ok(())
}

/// Returns whether two JSON texts are the same but for notation: spaces, escapes, the order of members, 1 or 1.0.
///
/// Recurses as deeply as the less deep one is nested.
pub(crate) fn same(one: &str, other: &str) -> bool {
    match (one.as_bytes().first(), other.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => same_members(one, other),
        (Some(b'['), Some(b'[')) => same_items(one, other),
        _ => match (string(one), string(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other || same_number(one, other),
        },
    }
}

fn same_members(one: &str, other: &str) -> bool {
    let mut count = 0;
    for (name, value) in items(one) {
        let mut is_there = false;
        for (also, theirs) in items(other) {
            is_there = is_there || (same(name, also) && same(value, theirs));
        }
        if !is_there {
            return false;
        }
        count += 1;
    }
    count == items(other).count()
}

fn same_items(one: &str, other: &str) -> bool {
    let mut others = items(other);
    for (_, item) in items(one) {
        if !others.next().is_some_and(|(_, theirs)| same(item, theirs)) {
            return false;
        }
    }
    others.next().is_none()
}

/// Integers are the same only if they are written the same way; a double does not tell large ones apart.
fn same_number(one: &str, other: &str) -> bool {
    (is_double(one) || is_double(other))
        && matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if one == other)
}

/// Returns whether a number is written with a fraction or an exponent.
fn is_double(json: &str) -> bool {
    let mut bytes = json.as_bytes();
    while let [b'-' | b'0'..=b'9', rest @ ..] = bytes {
        bytes = rest;
    }
    !bytes.is_empty()
}

/// Returns whether a byte stands between values.
fn is_between(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(json: &str) -> Vec<(&str, &str)> {
        items(json).collect()
    }

    #[test]
    fn members_and_items_are_cut_out() {
        assert_eq!(
            cut(r#"{"a":1,"b" : [2, {"c": "]}"}] ,"\"":"\\","e":{}}"#),
            [(r#""a""#, "1"), (r#""b""#, r#"[2, {"c": "]}"}]"#), (r#""\"""#, r#""\\""#), (r#""e""#, "{}"),]
        );
        assert_eq!(
            cut("[ -1.5e3 , true,\t[[]],\"\u{e9}\" ]"),
            [("", "-1.5e3"), ("", "true"), ("", "[[]]"), ("", "\"\u{e9}\"")]
        );
        for json in ["{}", "[]", "{ }", "[\n]", "1", "\"[1]\"", "null", ""] {
            assert_eq!(cut(json), [], "{json}");
        }
    }

    #[test]
    fn names_may_be_escaped_and_repeated() {
        assert_eq!(
            members(r#"{"\u0061": 1, "b": 2, "b": 3, "\ud800": 4}"#, &["b", "a", "c"]),
            [Some("3"), Some("1"), None]
        );
        assert_eq!(members(r#"["a", 1]"#, &["a"]), [None]);
    }

    #[test]
    fn what_is_not_json_does_no_harm() {
        for json in ["{", "[1", "{\"a", "{\"a\":", "[\"\\", "]", "{1:2:3}", "[}]", "{\"\u{e9}", "[,,:"] {
            assert!(items(json).count() < 3, "{json}");
            assert!(same(json, json), "{json}");
        }
    }

    #[test]
    fn integers() {
        assert_eq!((integer("-1"), integer("1.0"), integer("")), (Some(-1), None, None));
    }

    #[test]
    fn whole_numbers() {
        for len in 1..=19 {
            for digits in ["1234567890123456789", "9999999999999999999", "1000000000000000000"] {
                let digits = &digits[..len];
                for rest in ["", ",", "/", ":", ".5", "\u{ff10}"] {
                    let text = format!("{digits}{rest}");
                    assert_eq!(whole_number(text.as_bytes()), Some((digits.parse().unwrap(), len)), "{text}");
                }
            }
        }
        assert_eq!(whole_number(b"0}"), Some((0, 1)));
        for other in ["", "-1", "x", "01", "00", "12345678901234567890", "/1", ":1"] {
            assert_eq!(whole_number(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn strings() {
        assert_eq!(string(r#""a\u00e9\n\ud83d\ude00""#).as_deref(), Some("a\u{e9}\n\u{1f600}"));
        assert_eq!(string(r#""plain""#).as_deref(), Some("plain"));
        for json in ["1", "", "\"", "[\"a\"]", r#""\ud800""#, "\"\0\"", r#""\x""#] {
            assert_eq!(string(json), None, "{json}");
        }
        for text in ["plain", "\"", "\\", "\n", "\u{e9}\u{1f600}", "", "12345678\""] {
            let mut written = String::new();
            push_quoted(&mut written, text);
            assert_eq!(string(&written).as_deref(), Some(text));
            assert_eq!(is_plain_string(&written), written.len() == text.len() + 2);
        }
    }
}
