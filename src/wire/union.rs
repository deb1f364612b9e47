//! Unions: the members of a base and of the branch that a tag selects, flat in one object.
//!
//! Indices of members: those of the base first, then the tag, then those of the branch.

use super::builtin::{Any, AnyMap};
use super::object::{position, Lookup, Object, Seen};
use super::reader::Input;
use super::writer::Output;
use serde::ser::{Serialize, Serializer};

/// What the generator emits for a union; the macro `union!` makes an [`Object`] of it. The base is meant
/// without the tag.
pub trait Union: Object {
    /// Names of the base's members on the wire, the mandatory ones first.
    const BASE: &'static [&'static str];
    /// How many of them are mandatory.
    const BASE_REQUIRED: usize;
    /// A value to be filled, see [`Object::blank`].
    fn empty() -> Self;
    /// Takes the value of the member `BASE[index]`.
    fn set_base<I: Input>(&mut self, index: usize, input: &mut I);
    /// Writes the members of the base that are there.
    fn write_base<O: Output>(&self, out: &mut O);
    /// Name of the tag on the wire.
    const TAG: &'static str;
    /// The value that an absent tag stands for, where older releases of QEMU send none.
    const ABSENT_TAG: Option<&'static str> = None;
    /// The enum of branches.
    type Branch: Branch;
    /// The branch.
    fn branch(&self) -> &Self::Branch;
    /// The branch, to be filled.
    fn branch_mut(&mut self) -> &mut Self::Branch;
    /// Whether the tag is written. Only where an absent tag stands for something may it be missing.
    fn tagged(&self) -> bool {
        true
    }
    /// Notes that the tag was absent.
    fn untag(&mut self) {}
}

/// What the generator emits for the branches of a union.
pub trait Branch: Sized {
    /// The branch of that tag, blank.
    fn select(tag: &str) -> Self;
    /// The tag's value on the wire; empty before it has come.
    fn tag(&self) -> &str;
    /// The members of the branch; none for a branch without data.
    fn lookup(&self) -> Option<&dyn Lookup>;
    /// The members of the branch, to take in what nothing explains.
    fn lookup_mut(&mut self) -> Option<&mut dyn Lookup>;
    /// Takes the value of the member of that index.
    fn set<I: Input>(&mut self, index: usize, input: &mut I);
    /// Writes the members of the branch, without the tag.
    fn write<O: Output>(&self, out: &mut O);
    /// Whether the schema does not know the tag.
    fn is_unrecognized(&self) -> bool;
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
}

/// [`Object::find`] of a union.
pub fn find_in_union<T: Union>(union: &T, name: &str) -> Option<usize> {
    if name == T::TAG {
        return Some(T::BASE.len());
    }
    let in_branch = || union.branch().lookup()?.find(name).map(|index| T::BASE.len() + 1 + index);
    position(T::BASE, name).or_else(in_branch)
}

/// [`Object::name`] of a union.
pub fn name_in_union<T: Union>(union: &T, index: usize) -> &'static str {
    match index.checked_sub(T::BASE.len()) {
        None => T::BASE.get(index).copied().unwrap_or_default(),
        Some(0) => T::TAG,
        Some(past) => union.branch().lookup().map_or("", |branch| branch.name(past - 1)),
    }
}

/// [`Object::missing`] of a union.
pub fn missing_in_union<T: Union>(union: &T, seen: &Seen, from: usize) -> Option<&'static str> {
    let tag = from + T::BASE.len();
    if !seen.has(tag) && union.tagged() {
        return Some(T::TAG);
    }
    seen.first_missing(T::BASE, T::BASE_REQUIRED, from).or_else(|| union.branch().lookup()?.missing(seen, tag + 1))
}

/// [`Object::keeps`] of a union: members are kept until the tag has come, and for good where it is unrecognized.
pub fn union_keeps<T: Union>(union: &T) -> bool {
    union.branch().lookup().is_some_and(|branch| branch.keeps())
}

/// [`Object::keep`] of a union.
pub fn keep_in_union<T: Union>(union: &mut T, name: String, value: Any) {
    if let Some(branch) = union.branch_mut().lookup_mut() {
        branch.keep(name, value);
    }
}

/// [`Object::settle`] of a union.
pub fn settle_union<T: Union>(union: &mut T, seen: &Seen, from: usize) -> bool {
    let tag = from + T::BASE.len();
    match T::ABSENT_TAG {
        Some(value) if union.tagged() && !seen.has(tag) => {
            *union.branch_mut() = T::Branch::select(value);
            union.untag();
            true
        }
        _ => union.branch_mut().lookup_mut().is_some_and(|branch| branch.settle(seen, tag + 1)),
    }
}

/// [`Object::set`] of a union.
pub fn set_in_union<T: Union, I: Input>(union: &mut T, index: usize, input: &mut I) {
    match index.checked_sub(T::BASE.len()) {
        None => union.set_base(index, input),
        Some(0) => {
            if let Some(tag) = input.text() {
                *union.branch_mut() = T::Branch::select(&tag);
            }
        }
        Some(past) => union.branch_mut().set(past - 1, input),
    }
}

/// [`Object::write`] of a union.
pub fn write_union<T: Union, O: Output>(union: &T, out: &mut O) {
    let branch = union.branch();
    // A branch that was put in the place of the one without a tag needs its tag.
    if union.tagged() || T::ABSENT_TAG != Some(branch.tag()) {
        if branch.is_unrecognized() {
            out.member(T::TAG, &UnrecognizedTag(branch.tag()));
        } else {
            out.member(T::TAG, branch.tag());
        }
    }
    union.write_base(out);
    branch.write(out);
}

struct UnrecognizedTag<'a>(&'a str);

impl Serialize for UnrecognizedTag<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(super::UNRECOGNIZED, self.0)
    }
}
