//! Text → located tokens.
//!
//! Tokens are made on demand, because an error further down must not hide one in a file that is included before it.
//! Assumes that lines end in `\n` alone ([`crate::load`] sees to that). Never looks at what a string or a comment says,
//! with one exception: a comment that starts with `##` opens or closes a doc block and so is a token.
//!
//! Tables beside a schema are JSON, which differs in its quotes and has no comments. Nothing else of JSON is read.

use crate::error::{Error, Location, Result};
use std::path::Path;
use std::sync::Arc;

/// A token and the location of its first character.
#[derive(Debug, Clone)]
pub(crate) struct Token<'t> {
    pub kind: Kind<'t>,
    pub at: Location,
}

/// The kind of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind<'t> {
    /// One of `{ } [ ] : ,`
    Punctuation(char),
    /// `'…'`, or `"…"` in JSON, unescaped.
    String(String),
    /// `true` or `false`
    Bool(bool),
    /// A comment from its `#` to the end of the line.
    Comment(&'t str),
    /// The end of the text, which stands where its last newline is.
    End,
}

/// The treatment of ordinary comments: as tokens or as white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comments {
    /// Between definitions.
    Skip,
    /// Inside of a doc block.
    Keep,
}

/// A position in the text of one file.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'t> {
    file: Arc<Path>,
    rest: &'t str,
    line: u32,
    column: u32,
    /// What strings stand in: `'`, or `"` in JSON.
    quote: char,
}

impl<'t> Lexer<'t> {
    /// Starts at the first character.
    pub(crate) fn new(file: Arc<Path>, text: &'t str) -> Self {
        Self { file, rest: text, line: 1, column: 1, quote: '\'' }
    }

    /// The same for JSON.
    pub(crate) fn json(file: Arc<Path>, text: &'t str) -> Self {
        Self { quote: '"', ..Self::new(file, text) }
    }

    /// The next token. After [`Kind::End`] come only more of them.
    pub(crate) fn next(&mut self, comments: Comments) -> Result<Token<'t>> {
        loop {
            self.skip_space();
            let at = self.location();
            let Some(first) = self.rest.chars().next() else { return Ok(Token { kind: Kind::End, at }) };
            let kind = match first {
                '#' if self.quote == '\'' => {
                    let comment = self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
                    if comments == Comments::Skip && !comment.starts_with("##") {
                        continue;
                    }
                    Kind::Comment(comment)
                }
                '{' | '}' | '[' | ']' | ':' | ',' => {
                    self.take(1);
                    Kind::Punctuation(first)
                }
                quote if quote == self.quote => Kind::String(self.string(&at)?),
                '\n' => Kind::End,
                // As in QEMU, what follows need not be set apart: `truex` is `true` and then something strange.
                _ if self.rest.starts_with("true") => {
                    self.take(4);
                    Kind::Bool(true)
                }
                _ if self.rest.starts_with("false") => {
                    self.take(5);
                    Kind::Bool(false)
                }
                _ => return Err(Error::new(&at, format!("`{}` has no meaning here", visible(word(self.rest))))),
            };
            return Ok(Token { kind, at });
        }
    }

    /// Moves past white space, up to the last newline of the text if there is nothing else.
    fn skip_space(&mut self) {
        for (offset, letter) in self.rest.char_indices() {
            if !is_space(letter) || (letter == '\n' && offset + 1 == self.rest.len()) {
                self.rest = &self.rest[offset..];
                return;
            }
            if letter == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.rest = "";
    }

    /// Reads a string; its opening quote, which `at` points to, comes next.
    fn string(&mut self, at: &Location) -> Result<String> {
        let mut value = String::new();
        let mut escaped = false;
        for (offset, c) in self.rest.char_indices().skip(1) {
            match c {
                '\n' => break,
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                c if escaped && c != '\\' => {
                    let message = format!("`\\{}` is no escape; only `\\\\` is", visible(c.encode_utf8(&mut [0; 4])));
                    return Err(Error::new(at, message));
                }
                quote if quote == self.quote => {
                    self.take(offset + 1);
                    return Ok(value);
                }
                ' '..='~' => value.push(c),
                _ => {
                    let message = format!(
                        "`{}` in a string, where only printable ASCII may stand",
                        visible(c.encode_utf8(&mut [0; 4]))
                    );
                    return Err(Error::new(at, message));
                }
            }
            escaped = false;
        }
        Err(Error::new(at, "the string has no closing quote on its line"))
    }

    fn location(&self) -> Location {
        Location { file: self.file.clone(), line: self.line, column: self.column }
    }

    /// Moves on by `length` bytes of the line, which end at a character's end, and returns them.
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        let characters = u32::try_from(taken.chars().count()).unwrap_or(u32::MAX);
        self.column = self.column.saturating_add(characters);
        self.rest = rest;
        taken
    }
}

/// White space as QEMU's generator has it, which includes the separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The text with its control characters escaped, so that a message keeps to one line.
fn visible(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let mut out = String::new();
    for letter in text.chars() {
        out.push_str(&escape(letter));
    }
    out
}

/// The text up to where another token could begin.
fn word(text: &str) -> &str {
    let ends = |c| is_space(c) || "[]{}:,'".contains(c);
    for (offset, letter) in text.char_indices() {
        if offset > 0 && ends(letter) {
            return &text[..offset];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<String>> {
        let mut lexer = Lexer::new(Path::new("f").into(), text);
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next(Comments::Skip)?;
            tokens.push(format!("{}:{} {:?}", token.at.line, token.at.column, token.kind));
            if token.kind == Kind::End {
                return Ok(tokens);
            }
        }
    }

    #[test]
    fn every_token_knows_its_location() {
        let found = tokens("# note\n{ 'é' \n").map_err(|error| error.to_string());
        assert_eq!(found, Err("f:2:3: `é` in a string, where only printable ASCII may stand".into()));
        let found = tokens("{ 'a\\\\':\n\ttrue,false # x\n##\n]\n\n").unwrap();
        let expected = [
            "1:1 Punctuation('{')",
            "1:3 String(\"a\\\\\")",
            "1:8 Punctuation(':')",
            "2:2 Bool(true)",
            "2:6 Punctuation(',')",
            "2:7 Bool(false)",
            "3:1 Comment(\"##\")",
            "4:1 Punctuation(']')",
            "5:1 End",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_end_is_at_the_last_newline() {
        for (text, end) in
            [("", "1:1 End"), ("\n", "1:1 End"), ("[", "1:2 End"), ("[\n", "1:2 End"), ("[\n\n", "2:1 End")]
        {
            assert_eq!(tokens(text).unwrap().last().unwrap(), end, "{text:?}");
        }
    }

    #[test]
    fn a_strange_word_is_shown_whole() {
        let error = tokens("[ 12\u{a0}]").unwrap_err();
        assert_eq!(error.to_string(), "f:1:3: `12` has no meaning here");
        let error = tokens("[ truely]").unwrap_err();
        assert_eq!(error.to_string(), "f:1:7: `ly` has no meaning here");
    }

    #[test]
    fn json_has_other_quotes_and_no_comments() {
        fn kind(text: &str) -> std::result::Result<Kind<'_>, String> {
            let token = Lexer::json(Path::new("f").into(), text).next(Comments::Skip);
            token.map(|token| token.kind).map_err(|error| error.message)
        }
        assert_eq!(kind("\"it's \\\\\""), Ok(Kind::String("it's \\".into())));
        assert_eq!(kind("'a'"), Err("`'a` has no meaning here".into()));
        assert_eq!(kind("## a"), Err("`##` has no meaning here".into()));
    }

    #[test]
    fn a_string_ends_on_its_line() {
        for text in ["'a\n'", "'a\\\n'", "'a", "'a\\", "'\\\\\\'"] {
            let error = tokens(text).unwrap_err();
            assert_eq!(error.to_string().split(": ").next().unwrap(), "f:1:1", "{text:?}");
        }
    }
}
