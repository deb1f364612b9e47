//! What words and characters are by themselves: keywords, and operators of one or more.

use crate::text::begins;

/// Operators of more than one character, longest first.
pub(super) const OPERATORS: [&str; 17] =
    ["..=", "...", "::", "->", "=>", "==", "!=", "<=", "&&", "||", "..", "+=", "-=", "*=", "/=", "|=", "&="];

/// Those that are none where generic arguments begin or end.
const ANGLES: [&str; 5] = ["<<=", ">>=", "<<", ">>", ">="];

/// The operator that these characters, of which this is the first, begin with. `compares`: no generic arguments begin or
/// end here.
pub(super) fn operator(characters: &str, first: char, compares: bool) -> &'static str {
    if characters.len() > 1 {
        let lists: [&[&'static str]; 2] = [if compares { &ANGLES } else { &[] }, &OPERATORS];
        for list in lists {
            for operator in list {
                if characters.starts_with(operator) {
                    return operator;
                }
            }
        }
    }
    match first {
        '!' => "!",
        '#' => "#",
        '$' => "$",
        '%' => "%",
        '&' => "&",
        '\'' => "'",
        '*' => "*",
        '+' => "+",
        ',' => ",",
        '-' => "-",
        '.' => ".",
        '/' => "/",
        ':' => ":",
        ';' => ";",
        '<' => "<",
        '=' => "=",
        '>' => ">",
        '?' => "?",
        '@' => "@",
        '^' => "^",
        '|' => "|",
        '~' => "~",
        // No other character is a token.
        _ => "",
    }
}

/// Whether this is a keyword after which an expression, a pattern or a type begins, or that stands apart from a group.
pub(super) fn begins_something(word: &str) -> bool {
    matches!(
        word.as_bytes(),
        b"as"
            | b"box"
            | b"break"
            | b"const"
            | b"dyn"
            | b"else"
            | b"enum"
            | b"fn"
            | b"for"
            | b"if"
            | b"impl"
            | b"in"
            | b"let"
            | b"match"
            | b"mod"
            | b"move"
            | b"mut"
            | b"ref"
            | b"return"
            | b"static"
            | b"struct"
            | b"trait"
            | b"type"
            | b"unsafe"
            | b"use"
            | b"where"
            | b"while"
    )
}

/// Tells most words from keywords: to compare each with all of them is a notable part of a generator's time.
pub(super) fn may_be_keyword(word: &str) -> bool {
    word.len() <= "unsafe".len() && begins(word, u8::is_ascii_lowercase)
}
