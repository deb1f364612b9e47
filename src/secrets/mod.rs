//! Secrets, which show in no `Debug`, error or trace: what is one, and text without them.
//!
//! [`table`] says of commands, members and texts what is a secret; all that masks asks it, whatever the features are. A schema
//! of one's own adds to it by [`Secrets`], which the generator emits. Assumes nothing of messages, sessions or types: what
//! comes in is text and names. Never fails: what it cannot read is hidden.

mod mask;
pub(crate) mod table;
#[cfg(test)]
mod tests;

pub(crate) use mask::mask;
#[cfg(all(test, feature = "tracing"))]
pub(crate) use mask::MASK;

use crate::json::{check, items, string};
use std::borrow::Cow;
use table::{is_secret_name, is_secret_text, next_word, Extent, Row};

/// The secrets of a command in a schema of one's own, beside those that the names of members betray.
///
/// The build script names it: `Generator::secret_members` and `secret_replies` of `qemu-qmp-codegen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secrets {
    members: &'static [&'static str],
    reply: bool,
}

impl Secrets {
    /// Nothing beyond what names betray.
    pub const NONE: Secrets = Secrets::of(&[]);

    /// Members of these names, however deep they are in arguments and reply.
    pub const fn of(members: &'static [&'static str]) -> Self {
        Secrets { members, reply: false }
    }

    /// The whole of what the command returns as well.
    #[must_use]
    pub const fn and_reply(self) -> Self {
        Secrets { reply: true, ..self }
    }

    pub(crate) fn has_member(self, name: &str) -> bool {
        self.members.contains(&name)
    }

    pub(crate) fn members(self) -> &'static [&'static str] {
        self.members
    }

    /// Returns whether what the command of this name returns is a secret.
    pub(crate) fn hide_reply_of(self, command: &str) -> bool {
        self.reply || table::COMMANDS.iter().any(|row| row.reply == Extent::All && row.command == command)
    }

    /// Returns whether an error may quote what is a secret in the arguments of the command of this name.
    fn may_be_quoted_by(self, command: &str) -> bool {
        let has_row = || table::COMMANDS.iter().any(|row| row.command == command);
        self.reply || !self.members.is_empty() || has_row()
    }
}

/// Arguments of a command, or members of a type, without secrets. The name is that of the schema or that of the Rust type.
pub(crate) fn members<'t>(of: &str, secrets: &[&str], json: &'t str) -> Cow<'t, str> {
    let of = of.strip_suffix("Branch").unwrap_or(of);
    let types = table::TYPES.iter().filter(|(name, _)| *name == of).map(|(_, members)| *members);
    let commands = table::COMMANDS.iter().filter(|row| is_same_name(row.command, of)).map(|row| row.arguments);
    let rows: Vec<_> = types.chain(commands).collect();
    mask(json, &mut |member| secrets.contains(&member.name) || rows.iter().any(|row| row.contains(&member.name)))
}

/// JSON that no command is known for, such as an event's data, without secrets.
pub(crate) fn data(json: &str) -> Cow<'_, str> {
    match check(json) {
        Ok(()) => mask(json, &mut |_| false),
        Err(_) => Cow::Borrowed(mask::MASK),
    }
}

/// A command's reply, without secrets.
pub(crate) fn returned<'t>(command: &str, secrets: Secrets, json: &'t str) -> Cow<'t, str> {
    match secrets.hide_reply_of(command) || check(json).is_err() {
        true => Cow::Borrowed(mask::MASK),
        false => mask(json, &mut |member| secrets.has_member(member.name)),
    }
}

/// A whole request, without secrets. `rows` are [its own](rows).
pub(crate) fn request<'t>(json: &'t str, rows: &[&Row], secrets: Secrets) -> Cow<'t, str> {
    mask(json, &mut |member| {
        secrets.has_member(member.name) || rows.iter().any(|row| row.arguments.contains(&member.name))
    })
}

/// The rows of the command that a request names: of all, if it names several.
pub(crate) fn rows(json: &str) -> Vec<&'static Row> {
    let names_command = |name: &str| matches!(string(name).as_deref(), Some("execute" | "exec-oob"));
    let commands = items(json.trim_ascii_start()).filter(|(name, _)| names_command(name));
    let commands: Vec<_> = commands.filter_map(|(_, command)| string(command)).collect();
    table::COMMANDS.iter().filter(|row| commands.iter().any(|command| *command == row.command)).collect()
}

/// A server's error about a command, without possible secrets of its arguments. Of a command such as
/// `set_password` that is all of it: the secret is what it is about. Others have secrets quoted, as QEMU does.
pub(crate) fn refusal<'t>(command: &str, secrets: Secrets, words: &'t str) -> Cow<'t, str> {
    if is_secret_name(command) {
        return Cow::Borrowed("***");
    }
    sentence(words, secrets.may_be_quoted_by(command))
}

/// The expected value at a path of a message, and the one found, without the latter if it may be a secret.
pub(crate) fn expectation<'t>(path: &str, hide: bool, words: &'t str) -> Cow<'t, str> {
    let names = path.split(['.', '[', ']']);
    let is_secret = hide || is_secret_name(path) || names.into_iter().any(is_secret_name);
    sentence(words, is_secret)
}

/// A sentence without the words that betray a secret, and without what is quoted in it if that may be one.
pub(crate) fn sentence(words: &str, hide_quoted: bool) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = words;
    while let Some((start, end)) = next_secret(rest, hide_quoted) {
        shown.push_str(rest.get(..start).unwrap_or_default());
        shown.push_str("***");
        rest = rest.get(end..).unwrap_or_default();
        // The quote that closes is none that opens.
        if rest.bytes().next().is_some_and(is_quote) {
            shown.push_str(rest.get(..1).unwrap_or_default());
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    if shown.is_empty() {
        return Cow::Borrowed(words);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'`')
}

/// Where the next secret of a sentence begins and ends.
fn next_secret(words: &str, hide_quoted: bool) -> Option<(usize, usize)> {
    let quoted = if hide_quoted { quoted(words) } else { None };
    match (quoted, betrayed(words)) {
        (Some(one), Some(other)) if other.0 < one.0 => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

/// Where something quoted begins and ends. What is quoted may have quotes in it: the last one ends it.
fn quoted(words: &str) -> Option<(usize, usize)> {
    let bytes = words.as_bytes();
    let mut before = b' ';
    for (at, &byte) in bytes.iter().enumerate() {
        let is_apostrophe = before.is_ascii_alphanumeric() || !before.is_ascii();
        if is_quote(byte) && !is_apostrophe {
            let end = bytes.iter().rposition(|other| *other == byte).filter(|end| *end > at).unwrap_or(bytes.len());
            if end > at + 1 {
                return Some((at + 1, end));
            }
        }
        before = byte;
    }
    None
}

/// Where a word begins and ends that betrays a secret. Only of a URL it is known where it ends.
fn betrayed(words: &str) -> Option<(usize, usize)> {
    let mut start = 0;
    let is_space = |byte: u8| byte.is_ascii_whitespace() || is_quote(byte);
    for (at, byte) in words.bytes().chain([b' ']).enumerate() {
        if !is_space(byte) {
            continue;
        }
        let bare = words.get(start..at).unwrap_or_default().trim_end_matches([',', ':', ';']);
        if is_secret_text(bare) {
            let is_url = table::find(bare.as_bytes(), "://").is_some();
            return Some((start, if is_url { start + bare.len() } else { words.len() }));
        }
        start = at + 1;
    }
    None
}

/// A line that is no message, up to where a secret may begin: nobody can tell what is what in there.
///
/// A possible reply shows nothing of its contents, because it is not known to which command it is.
pub(crate) fn glimpse(line: &str) -> String {
    let masked = mask(line, &mut |member| matches!(member.name, "return" | "error" | "data" | "arguments"));
    let mut at = 0;
    while let Some((start, end)) = next_word(&masked, at) {
        let (word, behind) = (masked.get(start..end).unwrap_or_default(), masked.get(end..).unwrap_or_default());
        if is_secret_name(word) && !behind.is_empty() && !is_masked(behind) {
            return format!("{}***", masked.get(..end).unwrap_or_default());
        }
        at = end;
    }
    sentence(&masked, false).into_owned()
}

/// Returns whether what follows a member's name is a value that was masked.
fn is_masked(behind: &str) -> bool {
    let value = behind.bytes().skip_while(|byte| matches!(byte, b'"' | b':') || byte.is_ascii_whitespace());
    behind.starts_with('"') && value.take(3).eq(*b"***")
}

/// Returns whether a Rust type may have been made of the definition of this name: `query-status` and `QueryStatus`.
fn is_same_name(name: &str, rust: &str) -> bool {
    let letters = |name: &'_ str| {
        let mut letters = name.as_bytes().to_ascii_lowercase();
        letters.retain(u8::is_ascii_alphanumeric);
        letters
    };
    letters(name) == letters(rust)
}
