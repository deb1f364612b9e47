//! JSON texts of one value that differ in everything that must not matter, and whether two values are the same.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How to write a value.
pub struct Style<'a> {
    /// Names that stand before or behind all others.
    pub tags: &'a BTreeSet<String>,
    pub tags_first: bool,
    pub reversed: bool,
    /// Whether characters are escaped that need not be, and white space stands wherever it may.
    pub lavish: bool,
}

impl Style<'_> {
    pub fn write(&self, value: &Value) -> String {
        let mut text = String::new();
        self.value(value, &mut text);
        text
    }

    fn value(&self, value: &Value, text: &mut String) {
        match value {
            Value::Array(elements) => {
                self.list('[', elements.iter(), ']', text, |element, text| self.value(element, text));
            }
            Value::Object(members) => self.list('{', self.ordered(members).into_iter(), '}', text, |name, text| {
                self.string(name, text);
                text.push_str(if self.lavish { "\t:\n" } else { ":" });
                self.value(&members[name], text);
            }),
            Value::String(string) => self.string(string, text),
            other => text.push_str(&other.to_string()),
        }
    }

    fn list<I>(
        &self,
        open: char,
        items: impl Iterator<Item = I>,
        close: char,
        text: &mut String,
        write: impl Fn(I, &mut String),
    ) {
        let space = if self.lavish { " " } else { "" };
        text.push(open);
        for (index, item) in items.enumerate() {
            text.push_str(if index > 0 { "," } else { "" });
            text.push_str(space);
            write(item, text);
        }
        text.push_str(space);
        text.push(close);
    }

    /// The names in an order that does not depend on how serde_json was built.
    fn ordered<'v>(&self, members: &'v Map<String, Value>) -> Vec<&'v String> {
        let mut names: Vec<_> = members.keys().collect();
        names.sort_by_key(|name| (self.tags.contains(*name) != self.tags_first, *name));
        if self.reversed {
            let tags = names.iter().filter(|name| self.tags.contains(**name)).count();
            let border = if self.tags_first { tags } else { names.len() - tags };
            let (front, back) = names.split_at_mut(border);
            front.reverse();
            back.reverse();
        }
        names
    }

    fn string(&self, string: &str, text: &mut String) {
        if !self.lavish {
            return text.push_str(&Value::from(string).to_string());
        }
        text.push('"');
        for unit in string.encode_utf16() {
            text.push_str(&format!("\\u{unit:04x}"));
        }
        text.push('"');
    }
}

/// The members of what is known to be an object.
pub fn object(value: &mut Value) -> &mut Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

/// Whether two values mean the same: numbers by what they are worth, objects whatever the order of their members.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(name, value): (&String, &Value)| other.get(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(has)
        }
        (Value::Number(_), Value::Number(_)) => number(one) == number(other),
        _ => one == other,
    }
}

/// A number as an integer where it is one, and else by its bits.
fn number(value: &Value) -> (Option<i128>, u64) {
    let integer = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    let double = value.as_f64().unwrap_or(f64::NAN);
    let whole = double.fract() == 0.0 && double.abs() < 1e18 && !(double == 0.0 && double.is_sign_negative());
    match integer {
        Some(integer) => (Some(integer), 0),
        #[allow(clippy::cast_possible_truncation, reason = "the range was just checked")]
        None if whole => (Some(double as i128), 0),
        None => (None, double.to_bits()),
    }
}
