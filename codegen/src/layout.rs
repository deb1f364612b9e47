//! Rust tokens → text that a person can read, which is where an editor goes to from a generated name.
//!
//! Lays out what the pages of [`crate::emit`] look like as rustfmt would, and other Rust legibly. Adds and drops no token
//! but the comma after the last element of a list that takes several lines. Assumes nothing about what the tokens mean, so
//! what the emitter gets wrong comes out for the compiler to say where.

#[cfg(test)]
mod tests;
mod tokens;
mod words;

use proc_macro2::{Delimiter, TokenStream};
use tokens::{read, width, Group, Kind, Role, Token, ENDLESS};

/// Longest line, in characters, unless it cannot be broken. Docs are as long as they are.
const WIDTH: usize = 100;
/// What a level is indented by.
const INDENT: usize = 4;

/// Lays out a file.
pub fn file(stream: TokenStream) -> String {
    let mut layout = Layout { out: String::new(), column: 0 };
    let tokens = read(stream, false);
    let mut is_tall = false;
    for (index, item) in statements(&tokens).iter().enumerate() {
        let is_described = attribute(item) > 0;
        if index > 0 && (is_tall || is_described) {
            layout.out.push('\n');
        }
        layout.element(item, 0, "");
        layout.newline(0);
        is_tall = is_described || width(item) >= ENDLESS || ends_call(item);
    }
    layout.out
}

/// Whether it is a call of a macro, which stands for an item.
fn ends_call(item: &[Token]) -> bool {
    let [.., group, end] = item else { return false };
    end.is(";") && group.group().is_some_and(|group| group.delimiter == Delimiter::Parenthesis)
}

/// Text so far.
struct Layout {
    out: String,
    /// Characters in the last line.
    column: usize,
}

impl Layout {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    /// Text whose width is known.
    fn word(&mut self, text: &str, width: usize) {
        self.out.push_str(text);
        self.column += width;
    }

    fn newline(&mut self, depth: usize) {
        self.out.push('\n');
        self.column = depth * INDENT;
        for _ in 0..depth {
            self.out.push_str("    ");
        }
    }

    /// One item, statement, field and the like: its attributes, then itself, then `end`.
    fn element(&mut self, mut tokens: &[Token], depth: usize, end: &str) {
        loop {
            let (attribute, rest) = tokens.split_at(attribute(tokens));
            if attribute.is_empty() {
                break;
            }
            self.code(attribute, depth, "");
            if !rest.is_empty() {
                self.newline(depth);
            }
            tokens = rest;
        }
        self.code(tokens, depth, end);
    }

    /// Tokens that begin in the present line, `end` after them. Breaks groups where a line would be too long, the last one
    /// first.
    fn code(&mut self, tokens: &[Token], depth: usize, end: &str) {
        let mut depth = depth;
        for (index, token) in tokens.iter().enumerate() {
            if token.spaced && index > 0 {
                self.word(" ", 1);
            }
            let rest = &tokens[index + 1..];
            match &token.kind {
                Kind::Word(text) => self.word(text, token.width),
                Kind::Operator(text) => self.word(text, token.width),
                Kind::Doc(text) => {
                    self.out.push_str("///");
                    self.out.push_str(text);
                    if !rest.is_empty() {
                        self.newline(depth);
                    }
                }
                Kind::Group(group) => {
                    let is_attribute = || tokens.get(index.wrapping_sub(1)).is_some_and(|before| before.is("#"));
                    let fits = self.column + token.width + self.until_group(rest, end) <= WIDTH;
                    if fits || group.tokens.is_empty() {
                        self.flat(token);
                    } else if is_attribute() {
                        // What it is of is broken instead.
                        let (open, close) = group.brackets();
                        self.text(open);
                        self.code(&group.tokens, depth, close);
                    } else {
                        self.tall(group, depth);
                    }
                }
            }
            if self.goes_below(token, rest, depth, end) {
                depth += 1;
                self.newline(depth);
                return self.code(rest, depth, end);
            }
        }
        self.text(end);
    }

    /// Whether what comes after `=` or `=>` is better off in a line of its own: because it fits there and not here, and, if
    /// it is a value, nothing in it can be broken.
    fn goes_below(&self, token: &Token, rest: &[Token], depth: usize, end: &str) -> bool {
        if !matches!(token.kind, Kind::Operator(_)) {
            return false;
        }
        let can_break = || rest.iter().any(|token| token.group().is_some_and(|group| !group.tokens.is_empty()));
        let is_value = token.is("=") && !token.in_angles;
        if !token.is("=>") && (!is_value || can_break()) {
            return false;
        }
        let rest = width(rest) + end.len();
        self.column + 1 + rest > WIDTH && (depth + 1) * INDENT + rest <= WIDTH
    }

    /// Characters up to where the line could be broken next.
    fn until_group(&self, rest: &[Token], end: &str) -> usize {
        let group = rest.iter().position(|token| token.group().is_some_and(|group| !group.tokens.is_empty()));
        let (before, group) = rest.split_at(group.unwrap_or(rest.len()));
        let mut width = 0;
        for token in before {
            width += token.width + usize::from(token.spaced);
        }
        width + group.first().map_or(end.len(), |group| usize::from(group.spaced) + 1)
    }

    /// A token that takes one line.
    fn flat(&mut self, token: &Token) {
        match &token.kind {
            Kind::Word(text) | Kind::Doc(text) => self.word(text, token.width),
            Kind::Operator(text) => self.word(text, token.width),
            Kind::Group(group) => {
                let (open, close) = group.brackets();
                self.text(open);
                for (index, token) in group.tokens.iter().enumerate() {
                    if token.spaced && index > 0 {
                        self.word(" ", 1);
                    }
                    self.flat(token);
                }
                self.text(close);
            }
        }
    }

    /// A group whose elements have lines of their own.
    fn tall(&mut self, group: &Group, depth: usize) {
        let (open, close) = group.brackets();
        self.text(open.trim_end());
        let elements = match group.role {
            Role::Block => statements(&group.tokens),
            _ => list(&group.tokens),
        };
        let fills = group.role == Role::List && fills(&elements);
        let last = elements.len().saturating_sub(1);
        for (index, element) in elements.iter().enumerate() {
            let end = if index == last && group.ends_in_comma { "," } else { "" };
            if fills && index > 0 && self.column + 1 + width(element) + end.len() <= WIDTH {
                self.word(" ", 1);
            } else {
                self.newline(depth + 1);
            }
            self.element(element, depth + 1, end);
        }
        self.newline(depth);
        self.text(close.trim_start());
    }
}

/// Whether these elements are so short that many go into one line: all but the first, which may be led by something else,
/// consist of one token and a comma.
fn fills(elements: &[&[Token]]) -> bool {
    let is_short = |element: &&[Token]| match element {
        [one] => one.group().is_none(),
        [one, comma] => one.group().is_none() && comma.is(","),
        _ => false,
    };
    elements.len() > 1 && elements.iter().skip(1).all(is_short)
}

/// How many tokens the first attribute takes.
fn attribute(tokens: &[Token]) -> usize {
    match tokens {
        [Token { kind: Kind::Doc(_), .. }, ..] => 1,
        [hash, group, ..] if hash.is("#") && group.group().is_some() => 2,
        [hash, bang, group, ..] if hash.is("#") && bang.is("!") && group.group().is_some() => 3,
        _ => 0,
    }
}

/// The elements of a list, each with its comma. An arm of a `match` that ends in a block may lack it.
fn list(tokens: &[Token]) -> Vec<&[Token]> {
    split(tokens, &|before, token, next| {
        let is_block = || {
            let ends_arm = before.is_some_and(|before| before.is("=>"));
            ends_arm && token.group().is_some_and(|group| group.role == Role::Block) && !next.is_some_and(continues)
        };
        (token.is(",") && !token.in_angles) || is_block()
    })
}

/// The items or statements of a block.
fn statements(tokens: &[Token]) -> Vec<&[Token]> {
    split(tokens, &|_, token, next| {
        let is_block = || {
            let ends = token.group().is_some_and(|group| {
                group.delimiter == Delimiter::Brace && matches!(group.role, Role::Block | Role::Fields)
            });
            ends && !next.is_some_and(continues)
        };
        token.is(";") || is_block()
    })
}

/// Whether a token that follows a block belongs to what the block is part of.
fn continues(token: &Token) -> bool {
    match &token.kind {
        Kind::Word(word) => word == "else" || word == "as",
        Kind::Operator(operator) => !matches!(*operator, "#" | "&" | "*" | "::" | "$" | "|" | "<" | "!"),
        Kind::Doc(_) | Kind::Group(_) => false,
    }
}

/// Whether a token ends an element, by the one before it, itself and the one after it.
type Ends = dyn Fn(Option<&Token>, &Token, Option<&Token>) -> bool;

/// Splits after the tokens that end an element.
fn split<'t>(tokens: &'t [Token], ends: &Ends) -> Vec<&'t [Token]> {
    let mut elements = Vec::new();
    let (mut start, mut before) = (0, None);
    for (index, token) in tokens.iter().enumerate() {
        if ends(before, token, tokens.get(index + 1)) {
            elements.push(&tokens[start..=index]);
            start = index + 1;
        }
        before = Some(token);
    }
    if start < tokens.len() {
        elements.push(&tokens[start..]);
    }
    elements
}
