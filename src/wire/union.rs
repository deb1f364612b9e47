//! Unions: the members of a base and of the branch that a tag selects, flat in one object.
//!
//! Indices of members: those of the base first, then the tag, then those of the branch.

use super::builtin::{Any, AnyMap};
use super::json::{debug, equal};
use super::object::{encode_members, Lookup, Object, Seen};
use super::reader::Input;
use super::writer::Output;
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// What the generator emits for the branches of a union.
pub trait Branch {
    /// Becomes the branch of that tag, blank.
    fn select(&mut self, tag: &str);
    /// The tag's value on the wire; empty before it has come.
    fn tag(&self) -> &str;
    /// The members of the branch; none for a branch without data.
    fn lookup(&self) -> Option<&dyn Lookup>;
    /// The members of the branch, to take in what nothing explains.
    fn lookup_mut(&mut self) -> Option<&mut dyn Lookup>;
    /// Takes the value of the member of that index.
    fn set<I: Input>(&mut self, index: usize, input: &mut I)
    where
        Self: Sized;
    /// Writes the members of the branch, without the tag.
    fn write<O: Output>(&self, out: &mut O)
    where
        Self: Sized;
}

/// A branch that the schema does not know: the tag's value and every member that the base does not explain.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct UnrecognizedBranch {
    /// The tag's value.
    pub tag: Box<str>,
    /// The other members, as they came.
    pub members: AnyMap,
}

impl UnrecognizedBranch {
    /// A branch of that tag, without members.
    pub fn new(tag: impl Into<Box<str>>) -> Self {
        Self { tag: tag.into(), members: AnyMap::new() }
    }

    /// Writes the members.
    pub fn write<O: Output>(&self, out: &mut O) {
        out.extra(&self.members);
    }
}

impl Lookup for UnrecognizedBranch {
    fn find(&self, _: &str) -> Option<usize> {
        None
    }
    fn name(&self, _: usize) -> &'static str {
        ""
    }
    fn missing(&self, _: &Seen, _: usize) -> Option<&'static str> {
        None
    }
    fn keeps(&self) -> bool {
        true
    }
    #[inline]
    fn keep(&mut self, name: String, value: Any) {
        self.members.insert(name, value);
    }
    fn settle(&mut self, _: &Seen, _: usize) -> bool {
        false
    }
    fn is_unrecognized(&self) -> bool {
        true
    }
}

/// Takes the value of a union's tag (index 0), or of a member of its branch.
pub fn set_in_branch<B: Branch, I: Input>(branch: &mut B, index: usize, input: &mut I) {
    match index.checked_sub(1) {
        Some(index) => branch.set(index, input),
        None => {
            if let Some(tag) = input.text() {
                branch.select(&tag);
            }
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
pub fn debug_branch<B: Branch>(name: &str, branch: &B, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    debug(&format!("{name} {:?}", branch.tag()), &Members(branch), f)
}

/// Whether two branches are the same on the wire.
#[inline(never)]
pub fn equal_branches<B: Branch>(one: &B, other: &B) -> bool {
    one.tag() == other.tag() && equal(&Members(one), &Members(other))
}

/// The members of a branch as an object of their own.
struct Members<'a, B>(&'a B);

impl<B: Branch> Serialize for Members<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        encode_members(serializer, |out| self.0.write(out))
    }
}

struct UnrecognizedTag<'a>(&'a str);

impl Serialize for UnrecognizedTag<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(super::UNRECOGNIZED, self.0)
    }
}
