//! Rules of style that QEMU's generator enforces on doc text. Breaking one is a warning here: older releases do.

use crate::lexer::is_space;

/// Longest comment line, `# ` included, in characters.
const MAX_LENGTH: usize = 70;

/// Remembers whether the lines that come are literal text, to which no rule applies.
#[derive(Debug, Default)]
pub(super) struct Style {
    /// Indentation of the literal text; `Some(0)` until its first line has come.
    literal: Option<usize>,
}

impl Style {
    /// Checks the next line of a block: what is wrong and how many characters into the line.
    pub(super) fn check(&mut self, line: &str) -> Vec<(u32, String)> {
        if opens_literal(line) {
            self.literal = Some(0);
        } else if let (Some(expected), false) = (self.literal, line.is_empty()) {
            let indent = line.chars().take_while(|c| is_space(*c)).count();
            self.literal = match expected {
                0 => Some(indent),
                _ if indent < expected => None,
                _ => Some(expected),
            };
        }
        let mut problems = Vec::new();
        if self.literal.is_some() {
            return problems;
        }
        if line.chars().count() + "# ".len() > MAX_LENGTH && !is_link(line) {
            problems.push((0, format!("the doc line is longer than {MAX_LENGTH} characters")));
        }
        if let Some(column) = single_space(line) {
            problems.push((column, "two spaces should stand between sentences".into()));
        }
        problems
    }
}

/// `::` on a line of its own, or a directive for an example.
fn opens_literal(line: &str) -> bool {
    let Some(before) = line.strip_suffix("::") else { return false };
    let before = before.trim_end_matches(' ');
    before.is_empty()
        || before
            .strip_prefix("..")
            .is_some_and(|rest| rest.starts_with(' ') && rest.trim_start_matches(' ') == "qmp-example")
}

/// A link alone on its line cannot be broken.
fn is_link(line: &str) -> bool {
    let link = line.trim_start_matches(' ');
    ["https://", "http://", "ftp://"].iter().any(|scheme| link.starts_with(scheme)) && !link.contains(' ')
}

/// How many characters stand before the lonely space between two sentences.
fn single_space(line: &str) -> Option<u32> {
    let mut before = String::new();
    for (offset, c) in line.char_indices() {
        let mut following = line[offset..].chars().skip(1);
        let sentence = matches!(following.next(), Some('A'..='Z' | '0'..='9' | '('));
        if c == ' ' && sentence && before.ends_with(['.', '!', '?']) && !is_abbreviation(&before) {
            return u32::try_from(before.chars().count()).ok();
        }
        before.push(c);
    }
    None
}

/// Returns whether the full stop at the end belongs to `e.g.` or numbers an item of a list.
fn is_abbreviation(before: &str) -> bool {
    if let Some(rest) = before.strip_suffix("e.g.") {
        return !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    }
    let mut item = before.trim_start_matches(' ').chars();
    item.next().is_some_and(|c| c.is_ascii_digit()) && item.as_str() == "."
}
