//! Unions: the members of a base and of the branch that a tag selects, flat in one object.
//!
//! Indices of members: those of the base first, then the tag, then those of the branch.

use super::json::{debug_hiding, equal};
use super::macros::apart;
use super::text::Text;
use super::traits::{Branch, Object, Output};
use super::unrecognized::UnrecognizedTag;
use super::writer::encode_members;
use serde::ser::{Serialize, Serializer};
use serde_json::Error as JsonError;
use std::fmt;

/// Takes the value of a union's tag (index 0), or of a member of its branch.
///
/// # Errors
/// Where the value does not fit.
pub fn set_in_branch(branch: &mut dyn Branch, index: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
    apart!(set(branch, index, text))
}

fn set(branch: &mut dyn Branch, index: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
    match (index.checked_sub(1), branch.lookup_mut()) {
        (Some(index), Some(members)) => members.set(index, text),
        (Some(_), None) => text.ignore(),
        (None, _) => {
            branch.select(&text.string()?);
            Ok(())
        }
    }
}

/// Writes a union's tag.
pub fn write_tag<T: Object, O: Output>(union: &T, out: &mut O) {
    let Some(branch) = union.branch() else { return };
    // A branch that was put in the place of the one without a tag needs its tag.
    if union.tagged() || T::ABSENT_TAG != Some(branch.tag()) {
        if branch.lookup().is_some_and(|branch| branch.is_unrecognized()) {
            out.member(T::TAG, &UnrecognizedTag(branch.tag()));
        } else {
            out.member(T::TAG, branch.tag());
        }
    }
}

/// Writes the name of a branch's type, the tag, and what the members are on the wire.
#[inline(never)]
pub fn debug_branch<B: Branch>(name: &str, secrets: &[&str], branch: &B, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    debug_hiding(&format!("{name} {:?}", branch.tag()), secrets, &Members(branch), f)
}

/// Returns whether two branches are the same on the wire.
#[inline(never)]
pub fn equal_branches<B: Branch>(one: &B, other: &B) -> bool {
    one.tag() == other.tag() && equal(&Members(one), &Members(other))
}

/// The members of a branch as an object of their own.
struct Members<'a, B>(&'a B);

impl<B: Branch> Serialize for Members<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        encode_members(serializer, &mut |out| self.0.write(out))
    }
}
