//! Masks secrets in JSON text: each value that the [table](super::table) says is one becomes `"***"`, and all other text stays
//! as it is.
//!
//! Works on text, and not on values, so that repeated members, spaces and numbers stay what they were. Text that is no JSON
//! does no harm, but nobody can know what is what in there. Does not recurse. A member's name is compared as what it says,
//! however it is escaped.

use super::table;
use crate::json::{string, value_len};
use std::borrow::Cow;
use std::ops::Range;

/// The text in place of a secret.
pub(crate) const MASK: &str = "\"***\"";

/// A member of an object that is about to be masked or not.
pub(crate) struct Member<'a> {
    /// 1 for a member of the message itself.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "only traces have whole messages"))]
    pub(crate) depth: usize,
    pub(crate) name: &'a str,
    /// Its value as JSON, and all that comes behind.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "only traces have whole messages"))]
    pub(crate) value: &'a str,
}

/// The text without the values of these members, and of those that are secret everywhere.
// Not generic: it is compiled once.
pub(crate) fn mask<'t>(json: &'t str, hides: &mut dyn FnMut(&Member<'_>) -> bool) -> Cow<'t, str> {
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
