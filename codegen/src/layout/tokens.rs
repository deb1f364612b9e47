//! Token stream → tokens with what their neighbours decide about them: where a space goes, how wide each is on one line,
//! what a group in braces holds.
//!
//! Assumes what Rust's naming conventions say: `<` after a name in camel case opens generic arguments, after one in snake
//! case it compares. A wrong guess costs a space, never a token.

use super::words::{begins_something, may_be_keyword, operator, OPERATORS};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::iter::Peekable;

/// Wider than any line: the width of what takes several lines in any case.
pub(super) const ENDLESS: usize = 1 << 20;

/// A token in its place.
pub(super) struct Token {
    pub kind: Kind,
    /// Whether a space goes before it if it is not the first of its line.
    pub spaced: bool,
    /// Whether it stands in `<…>`, where a comma ends no element.
    pub in_angles: bool,
    /// Characters that it takes on one line, without the space before it.
    pub width: usize,
}

/// What a token is.
pub(super) enum Kind {
    /// An identifier, a lifetime, a literal.
    Word(String),
    /// Characters that belong together, such as `->`.
    Operator(&'static str),
    /// Doc of one line, as it stands after `///`.
    Doc(String),
    Group(Group),
}

/// What stands in brackets.
pub(super) struct Group {
    pub delimiter: Delimiter,
    pub role: Role,
    pub tokens: Vec<Token>,
    /// Whether a comma goes after its last token if it takes several lines.
    pub ends_in_comma: bool,
}

/// What a group holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Items or statements, which end in `;` or with a group of their own. Each has lines to itself.
    Block,
    /// What a declaration or `match` lists. Each has lines to itself.
    Fields,
    /// Anything else with commas, on one line if that is long enough.
    List,
    /// The same, without spaces inside of the braces.
    Use,
}

impl Token {
    pub fn is(&self, operator: &str) -> bool {
        matches!(self.kind, Kind::Operator(text) if text == operator)
    }

    pub fn group(&self) -> Option<&Group> {
        match &self.kind {
            Kind::Group(group) => Some(group),
            _ => None,
        }
    }

    fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(text) => Some(text),
            _ => None,
        }
    }
}

impl Group {
    /// The brackets, with what goes inside of them on one line.
    pub fn brackets(&self) -> (&'static str, &'static str) {
        match (self.delimiter, self.role) {
            (Delimiter::Parenthesis, _) => ("(", ")"),
            (Delimiter::Bracket, _) => ("[", "]"),
            (Delimiter::None, _) => ("", ""),
            (Delimiter::Brace, Role::Use) => ("{", "}"),
            (Delimiter::Brace, _) if self.tokens.is_empty() => ("{", "}"),
            (Delimiter::Brace, _) => ("{ ", " }"),
        }
    }

    /// Whether it takes several lines unless it is empty.
    fn is_tall(&self) -> bool {
        matches!(self.role, Role::Block | Role::Fields) && self.delimiter == Delimiter::Brace
    }

    fn width(&self) -> usize {
        if self.is_tall() && !self.tokens.is_empty() {
            return ENDLESS;
        }
        let (open, close) = self.brackets();
        open.len() + width(&self.tokens) + close.len()
    }
}

/// Characters that these tokens take on one line; [`ENDLESS`] or more if they take several.
pub(super) fn width(tokens: &[Token]) -> usize {
    let mut width = 0;
    for (index, token) in tokens.iter().enumerate() {
        width += token.width + usize::from(token.spaced && index > 0);
    }
    width
}

/// Reads a file, or the inside of a group.
pub(super) fn read(stream: TokenStream, in_macro: bool) -> Vec<Token> {
    let mut reader = Reader { tokens: Vec::new(), state: State::default(), in_macro };
    reader.stream(stream);
    reader.tokens
}

/// What the last tokens say about the next.
#[derive(Default)]
struct State {
    /// Whether an operand has just ended, so that `&` would be an operator between two.
    operand: bool,
    /// Whether the last token sticks to the next.
    sticky: bool,
    /// How many `<` are open.
    angles: usize,
    /// Whether the outermost of them came after `impl`, so that a type begins where it closes.
    impl_generics: bool,
    /// Whether the parameters of a closure are open.
    closure: bool,
    /// What the next group in braces holds, if a keyword has said so.
    role: Option<Role>,
    /// The same, of the group after the pattern that is open.
    role_after_pattern: Option<Role>,
    /// Whether a name and `!` have just come.
    bang: bool,
    /// How many tokens ago `$` and a group came, which may be followed by a separator and a sign of repetition.
    repetition: usize,
}

struct Reader {
    tokens: Vec<Token>,
    state: State,
    in_macro: bool,
}

impl Reader {
    fn stream(&mut self, stream: TokenStream) {
        let (mut trees, mut run) = (stream.into_iter().peekable(), String::new());
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Ident(ident) => self.word(ident.to_string()),
                TokenTree::Literal(literal) => self.word(literal.to_string()),
                TokenTree::Group(group) => {
                    let (delimiter, stream) = (group.delimiter(), group.stream());
                    // Its tokens are taken, and not copied, where the group does not hold them any more.
                    drop(group);
                    match delimiter {
                        Delimiter::None => self.stream(stream),
                        _ => self.group(delimiter, stream),
                    }
                }
                TokenTree::Punct(first) => {
                    run.clear();
                    run.push(first.as_char());
                    let mut joint = first.spacing() == Spacing::Joint;
                    while let (true, Some(TokenTree::Punct(next))) = (joint, trees.peek()) {
                        run.push(next.as_char());
                        joint = next.spacing() == Spacing::Joint;
                        trees.next();
                    }
                    self.run(&run, &mut trees);
                }
            }
        }
    }

    /// Characters with no space between them, and the first tree after them.
    fn run(&mut self, run: &str, trees: &mut Peekable<impl Iterator<Item = TokenTree>>) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let compares = matches!(first, '<' | '>') && self.state.angles == 0 && !self.opens_generics();
            let operator = operator(rest, first, compares);
            let is_inner = rest.len() < run.len();
            rest = &rest[operator.len().max(1)..];
            match (operator, trees.peek()) {
                ("'", Some(TokenTree::Ident(name))) if rest.is_empty() => {
                    let lifetime = format!("'{name}");
                    trees.next();
                    self.word(lifetime);
                    self.state.operand = false;
                }
                ("#", Some(TokenTree::Group(group))) if rest.is_empty() => match doc(group.stream()) {
                    Some(text) => {
                        trees.next();
                        self.push(Kind::Doc(text), ENDLESS, false);
                        self.state = State::default();
                    }
                    None => self.operator(operator, is_inner, true),
                },
                (_, next) => {
                    let is_group = matches!(next, Some(TokenTree::Group(_)));
                    let is_named = matches!(next, Some(TokenTree::Ident(_)));
                    self.operator(operator, is_inner, is_group || is_named);
                }
            }
        }
    }

    fn push(&mut self, kind: Kind, width: usize, spaced: bool) {
        let spaced = spaced && !self.state.sticky && !self.tokens.is_empty();
        self.tokens.push(Token { kind, spaced, in_angles: self.state.angles > 0, width });
        self.state.sticky = false;
        self.state.bang = false;
        self.state.repetition = self.state.repetition.saturating_sub(1);
    }

    fn word(&mut self, text: String) {
        let may_be_keyword = may_be_keyword(&text);
        let is_keyword = may_be_keyword && begins_something(&text);
        match text.as_bytes() {
            _ if !may_be_keyword => {}
            b"async" | b"else" | b"extern" | b"fn" | b"for" | b"if" | b"impl" | b"loop" | b"mod" | b"trait"
            | b"unsafe" | b"while" => {
                self.state.role = Some(Role::Block);
            }
            b"struct" | b"enum" | b"match" => self.state.role = Some(Role::Fields),
            b"use" if self.state.role.is_none() => self.state.role = Some(Role::Use),
            b"let" => self.state.role_after_pattern = self.state.role.take(),
            _ => {}
        }
        let width = text.chars().count();
        self.push(Kind::Word(text), width, true);
        self.state.operand = !is_keyword;
    }

    /// An operator. `is_inner`: it came without a space before it, and must not get one. `is_before_tree`: what follows is a
    /// name or a group.
    fn operator(&mut self, text: &'static str, is_inner: bool, is_before_tree: bool) {
        let State { operand, angles, closure, repetition, .. } = self.state;
        let (spaced, sticky, operand_after) = match text.as_bytes() {
            b"," | b";" => (false, false, false),
            b"." | b".." | b"..=" => (false, true, false),
            b"?" if operand => (false, false, true),
            b"?" => (true, true, false),
            b":" => (false, self.before_last_is("$"), false),
            b"::" => (!operand, true, false),
            b"$" | b"#" => (true, true, false),
            b"*" | b"+" if repetition > 0 => (false, false, true),
            b"<" if self.opens_generics() => {
                self.state.impl_generics |= angles == 0 && self.last_is_any(&["impl"]);
                self.state.angles += 1;
                (!(operand || self.last_is_any(&["impl", "for", "fn", "use"])), true, false)
            }
            b">" if angles == 1 => (false, false, !std::mem::take(&mut self.state.impl_generics)),
            b">" if angles > 0 => (false, false, true),
            b"!" if operand && is_before_tree => (false, false, false),
            b"|" if closure => (false, false, false),
            b"|" if !operand => (true, true, false),
            b"&" | b"&&" | b"*" | b"-" | b"!" if !operand => (true, true, false),
            b"||" if !operand => (true, false, false),
            _ => (true, false, false),
        };
        let is_close = text == ">" && angles > 0;
        if is_close {
            self.state.angles -= 1;
        }
        if text == "|" {
            self.state.closure = !operand && !closure;
        }
        let would_merge = !is_inner && self.would_merge(text);
        let is_bang = text == "!" && operand && is_before_tree;
        let was_sticky = self.state.sticky;
        self.state.sticky &= !would_merge;
        self.push(Kind::Operator(text), text.len(), (spaced && !is_inner) || would_merge);
        self.state.sticky = sticky || (is_inner && was_sticky && text == "!");
        self.state.operand = operand_after;
        self.state.bang = is_bang;
        match text.as_bytes() {
            b"=" if angles == 0 => self.state.role = self.state.role_after_pattern.take(),
            b"->" => self.state.role = self.state.role.or(Some(Role::Block)),
            b"=>" | b";" => self.state.role = None,
            b"," if self.state.angles == 0 => self.state.role = None,
            _ => {}
        }
    }

    /// Whether this operator would become a part of the one before it if no space were between them.
    fn would_merge(&self, text: &str) -> bool {
        let Some(&Token { kind: Kind::Operator(last), .. }) = self.tokens.last() else { return false };
        for operator in OPERATORS {
            let rest = operator.strip_prefix(last).unwrap_or_default();
            if !rest.is_empty() && (text.starts_with(rest) || rest.starts_with(text)) {
                return true;
            }
        }
        false
    }

    fn group(&mut self, delimiter: Delimiter, stream: TokenStream) {
        let State { operand, bang, sticky, role, .. } = self.state;
        let is_attribute = self.tokens.last().is_some_and(|token| token.is("#"));
        let is_use = role == Some(Role::Use);
        let role = match delimiter {
            Delimiter::Brace => self.role(),
            _ => Role::List,
        };
        let is_in_macro = self.in_macro || bang || is_attribute;
        let mut tokens = read(stream, is_in_macro);
        let ends_in_comma = !is_in_macro && ends_in_comma(&mut tokens, delimiter, role);
        let group = Group { delimiter, role, tokens, ends_in_comma };
        let spaced = match delimiter {
            Delimiter::Brace => true,
            _ => !(operand || bang || self.last_is_any(&["pub", "fn"])),
        };
        let is_repetition = sticky && self.tokens.last().is_some_and(|token| token.is("$"));
        let width = group.width();
        self.push(Kind::Group(group), width, spaced);
        self.state.operand = !is_attribute;
        if is_repetition {
            self.state.repetition = 3;
        }
        if delimiter == Delimiter::Brace && !is_use {
            self.state.role = None;
        }
    }

    /// What the group in braces that comes next holds.
    fn role(&self) -> Role {
        if let Some(role) = self.state.role {
            return role;
        }
        let is_expression = self.state.operand || self.state.angles > 0;
        match self.tokens.as_slice() {
            [.., name, bang, _] if bang.is("!") && name.word() == Some("macro_rules") => Role::Block,
            _ if self.state.bang || is_expression => Role::List,
            [.., last] if last.is("$") || last.is("::") => Role::List,
            _ => Role::Block,
        }
    }

    /// Whether `<` is not a comparison here.
    fn opens_generics(&self) -> bool {
        match self.tokens.as_slice() {
            [.., before, _] if before.word() == Some("fn") => true,
            [.., last] => match &last.kind {
                Kind::Word(word) => {
                    matches!(word.as_str(), "impl" | "for" | "fn" | "use")
                        || word.chars().next().is_some_and(char::is_uppercase)
                }
                _ => !self.state.operand,
            },
            [] => true,
        }
    }

    fn last_is_any(&self, words: &[&str]) -> bool {
        self.tokens.last().and_then(Token::word).is_some_and(|last| words.contains(&last))
    }

    fn before_last_is(&self, operator: &str) -> bool {
        matches!(self.tokens.as_slice(), [.., before, _] if before.is(operator))
    }
}

/// The text of a doc attribute of one line, if `///` can hold it.
fn doc(attribute: TokenStream) -> Option<String> {
    let mut trees = attribute.into_iter();
    let (TokenTree::Ident(name), TokenTree::Punct(equals), TokenTree::Literal(literal), None) =
        (trees.next()?, trees.next()?, trees.next()?, trees.next())
    else {
        return None;
    };
    let text = match literal.to_string() {
        plain if plain.starts_with('"') && !plain.contains('\\') => plain.trim_matches('"').to_owned(),
        _ => match syn::Lit::new(literal) {
            syn::Lit::Str(text) => text.value(),
            _ => return None,
        },
    };
    // One after the other, which takes a tenth of the time that a search for either takes without optimization.
    let is_plain = !text.starts_with('/') && !text.contains('\n') && !text.contains('\r');
    (name == "doc" && equals.as_char() == '=' && is_plain).then_some(text)
}

/// Whether a comma may come and go after the last token, depending on the lines that a group takes. Takes it away.
///
/// In parentheses it may not if there is one element, which it would make a tuple.
fn ends_in_comma(tokens: &mut Vec<Token>, delimiter: Delimiter, role: Role) -> bool {
    if role == Role::Block {
        return false;
    }
    let has_comma = tokens.last().is_some_and(|last| last.is(","));
    let (mut last, mut start, mut elements): (&[Token], _, _) = (&[], 0, 0);
    for index in 0..=tokens.len() {
        let ends = match tokens.get(index) {
            Some(token) => token.is(",") && !token.in_angles,
            None => true,
        };
        if ends && index > start {
            last = &tokens[start..index];
            elements += 1;
        }
        if ends {
            start = index + 1;
        }
    }
    let is_open = !last.is_empty() && !last.iter().any(|token| token.is(".."));
    let may_come = match (delimiter, role) {
        // An arm that is a block needs none.
        (_, Role::Fields) => has_comma || !last.last().is_some_and(|last| last.group().is_some_and(Group::is_tall)),
        (Delimiter::Parenthesis, _) => is_open && elements > 1,
        _ => is_open && (has_comma || delimiter == Delimiter::Brace || elements > 1),
    };
    if may_come && has_comma {
        tokens.pop();
    }
    may_come
}
