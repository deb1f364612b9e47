//! Masks secrets of a message: each value that the [table](crate::secrets::table) says is a secret, and what its command says
//! beyond that.
//!
//! Never gives back text that is no JSON, because it cannot know what is what in there.

use crate::error::ErrorClass;
use crate::json::{check, string, value_len};
use crate::secrets::table::Extent;
use crate::secrets::{self, data, mask, rows, Secrets};
use std::borrow::Cow;

/// The secrets to mask in the reply to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReplyMask {
    pub(super) extent: Extent,
    /// Members that are secret in the command's schema.
    pub(super) members: &'static [&'static str],
}

/// A command, and what to mask in its reply. `None`: it is no JSON.
pub(super) fn request(json: &str, own: Secrets) -> Option<(Cow<'_, str>, ReplyMask)> {
    check(json).ok()?;
    let rows = rows(json);
    let masked = secrets::request(json, &rows, own);
    let extent = match (own.hide_reply_of("") || rows.iter().any(|row| row.reply == Extent::All), &masked) {
        (true, _) => Extent::All,
        (false, Cow::Borrowed(_)) if rows.is_empty() => Extent::Nothing,
        (false, _) => Extent::Error,
    };
    Some((masked, ReplyMask { extent, members: own.members() }))
}

/// The reply to a command. `None`: it is no JSON.
pub(super) fn reply(json: &str, hidden: ReplyMask) -> Option<Cow<'_, str>> {
    check(json).ok()?;
    let ReplyMask { extent, members } = hidden;
    let mut in_error = false;
    Some(mask(json, &mut |member| {
        in_error = if member.depth == 1 { member.name == "error" } else { in_error };
        match (member.depth, member.name) {
            (1, "return") => extent == Extent::All,
            // Of an error in its usual form the class stays.
            (1, "error") => extent != Extent::Nothing && !member.value.starts_with('{'),
            (2, "class") if in_error => extent != Extent::Nothing && !is_known_class(member.value),
            (2, _) if in_error && extent != Extent::Nothing => true,
            _ => members.contains(&member.name),
        }
    }))
}

/// Anything else: a greeting, an event, an id. `None`: it is no JSON.
pub(super) fn plain(json: &str) -> Option<Cow<'_, str>> {
    check(json).ok()?;
    Some(data(json))
}

fn is_known_class(value: &str) -> bool {
    let class = value.get(..value_len(value.as_bytes())).and_then(string);
    class.is_some_and(|class| !matches!(ErrorClass::from(&*class), ErrorClass::Unrecognized(_)))
}

#[cfg(test)]
mod tests;
