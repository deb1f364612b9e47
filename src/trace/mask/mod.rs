//! Masks secrets in the text of a message: each value that the [table](super::table) says is one becomes `"***"`, and all
//! other text stays as it is.
//!
//! Works on text, and not on values, so that repeated members, spaces and numbers stay what they were. Never gives back text
//! that is no JSON, because it cannot know what is what in there. Does not recurse. A member's name is compared as what it
//! says, however it is escaped.

use super::table::{self, ReplyMask, Row};
use crate::error::ErrorClass;
use crate::json::{items, string, value_len};
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::ops::Range;

/// What a secret is replaced by.
const MASK: &str = "\"***\"";

/// A command, and what to mask in its reply. `None`: it is no JSON.
pub(super) fn request(json: &str) -> Option<(Cow<'_, str>, ReplyMask)> {
    check(json)?;
    let rows = rows(json);
    let masked = mask(json, |member| rows.iter().any(|row| row.arguments.contains(&member.name)));
    let reply = match (rows.iter().any(|row| row.reply == ReplyMask::All), &masked) {
        (true, _) => ReplyMask::All,
        (false, Cow::Borrowed(_)) if rows.is_empty() => ReplyMask::Nothing,
        (false, _) => ReplyMask::Error,
    };
    Some((masked, reply))
}

/// The reply to a command. `None`: it is no JSON.
pub(super) fn reply(json: &str, extent: ReplyMask) -> Option<Cow<'_, str>> {
    check(json)?;
    let mut in_error = false;
    Some(mask(json, |member| {
        in_error = if member.depth == 1 { member.name == "error" } else { in_error };
        match (member.depth, member.name) {
            (1, "return") => extent == ReplyMask::All,
            // Of an error in its usual form the class stays.
            (1, "error") => extent != ReplyMask::Nothing && !member.value.starts_with('{'),
            (2, "class") if in_error => extent != ReplyMask::Nothing && !is_known_class(member.value),
            (2, _) => in_error && extent != ReplyMask::Nothing,
            _ => false,
        }
    }))
}

/// Anything else: a greeting, an event, an id. `None`: it is no JSON.
pub(super) fn plain(json: &str) -> Option<Cow<'_, str>> {
    check(json)?;
    Some(mask(json, |_| false))
}

/// A member of an object that is about to be masked or not.
struct Member<'a> {
    /// 1 for a member of the message itself.
    depth: usize,
    name: &'a str,
    /// Its value as JSON, and all that comes behind.
    value: &'a str,
}

/// A message may be as large as a line may be, and what is outside of JSON's grammar would be gone over without sense.
fn check(json: &str) -> Option<()> {
    serde_json::from_str::<IgnoredAny>(json).ok().map(|_| ())
}

/// The rows of the command that a request names: of all, if it names several.
fn rows(json: &str) -> Vec<&'static Row> {
    let names_command = |name: &str| matches!(string(name).as_deref(), Some("execute" | "exec-oob"));
    let commands = items(json.trim_ascii_start()).filter(|(name, _)| names_command(name));
    let commands: Vec<_> = commands.filter_map(|(_, command)| string(command)).collect();
    table::COMMANDS.iter().filter(|row| commands.iter().any(|command| *command == row.command)).collect()
}

/// The text, which is JSON, without the values of these members, and of those that are secret everywhere.
fn mask<'t>(json: &'t str, mut hides: impl FnMut(&Member<'_>) -> bool) -> Cow<'t, str> {
    let mut masked = String::new();
    let mut done = 0;
    let mut tokens = Tokens::new(json);
    while let Some(token) = tokens.next() {
        let range = match token {
            Token::Name(name) => {
                let name = string(name);
                let value = json.get(tokens.at..).unwrap_or_default();
                let member = name.as_deref().map(|name| Member { depth: tokens.depth, name, value });
                // Half a surrogate pair is no Rust string, and cannot be compared.
                let hidden = member.is_none_or(|member| hides(&member) || table::is_secret_name(member.name));
                // Where a value ends is only looked for if it is masked, or nested ones would be gone over again and again.
                hidden.then(|| tokens.value())
            }
            Token::Text(range) => {
                let text = json.get(range.clone()).and_then(string);
                text.is_none_or(|text| table::is_secret_text(&text)).then_some(range)
            }
        };
        if let Some(range) = range {
            masked.push_str(json.get(done..range.start).unwrap_or_default());
            masked.push_str(MASK);
            (done, tokens.at) = (range.end, range.end);
        }
    }
    if done == 0 {
        return Cow::Borrowed(json);
    }
    masked.push_str(json.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}

fn is_known_class(value: &str) -> bool {
    let class = value.get(..value_len(value.as_bytes())).and_then(string);
    class.is_some_and(|class| !matches!(ErrorClass::from(&*class), ErrorClass::Unrecognized(_)))
}

/// Goes through the strings of a JSON text.
struct Tokens<'t> {
    json: &'t str,
    at: usize,
    /// How many objects and arrays are open.
    depth: usize,
}

enum Token<'t> {
    /// A member's name, with its quotes. Its value is next.
    Name(&'t str),
    /// A string that is no name.
    Text(Range<usize>),
}

impl<'t> Tokens<'t> {
    fn new(json: &'t str) -> Self {
        Tokens { json, at: 0, depth: 0 }
    }

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            match self.json.as_bytes().get(self.at)? {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'"' => return self.string(),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// The range of the value that is next.
    fn value(&self) -> Range<usize> {
        self.at..self.at + value_len(self.json.as_bytes().get(self.at..).unwrap_or_default())
    }

    fn string(&mut self) -> Option<Token<'t>> {
        let range = self.value();
        let colon = skip_space(self.json, range.end);
        self.at = range.end;
        // In JSON nothing but a name stands in front of a colon.
        if self.json.as_bytes().get(colon) != Some(&b':') {
            return Some(Token::Text(range));
        }
        self.at = skip_space(self.json, colon + 1);
        self.json.get(range).map(Token::Name)
    }
}

fn skip_space(json: &str, at: usize) -> usize {
    let rest = json.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests;
