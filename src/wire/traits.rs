//! The traits that generated code implements, and those that it writes and reads its members through.
//!
//! Their work is done by the files that work on them: objects, unions and alternates. Nothing here knows of one of
//! those.
//!
//! Four traits are hidden from the docs, because their methods would be most of what the page of each generated type shows.

use super::builtin::{Any, AnyMap, Number, Numbers};
use super::members::Names;
use super::text::Text;
use serde::ser::{Serialize, Serializer};
use serde_json::Error as JsonError;

/// Generated code for a struct or union, and for the members of a command or event.
///
/// Members have indices. Those of a union go on after its base: the tag, then the members of the branch that the tag
/// selects, and so on inwards where that branch is a union itself. The methods with a body are for objects without
/// branches, as far as a union's branch is not asked; the macro `extensible!` replaces two of them.
#[doc(hidden)]
pub trait Object: Sized {
    /// Names of the members on the wire, the mandatory ones first; of a union, those of its base without the tag.
    const MEMBERS: &'static [&'static str];
    /// How many of the members are mandatory.
    const REQUIRED: usize;
    /// Name of a union's tag on the wire.
    const TAG: &'static str = "";
    /// The value that an absent tag stands for, where older releases of QEMU send none.
    const ABSENT_TAG: Option<&'static str> = None;
    /// True if unknown members are refused: in commands, and in what only commands consist of.
    const STRICT: bool = false;
    /// A value to be filled. Its mandatory members hold nothing of meaning yet.
    fn blank() -> Self;
    /// Reads the value of the member of that index.
    fn set(&mut self, index: usize, text: &mut Text<'_>) -> Result<(), JsonError>;
    /// Writes the members that are there: a union's tag, then what is in the schema's order.
    fn write<O: Output>(&self, out: &mut O);

    /// A union's branch.
    fn branch(&self) -> Option<&dyn Branch> {
        None
    }
    /// A union's branch, to be filled.
    fn branch_mut(&mut self) -> Option<&mut dyn Branch> {
        None
    }
    /// Returns whether the tag is written. Only where an absent tag stands for something may it be missing.
    fn tagged(&self) -> bool {
        true
    }
    /// Notes that the tag was absent.
    fn untag(&mut self) {}

    /// Returns whether a member that is not found is to be kept: because a tag to come may explain it, or because the object
    /// holds on to what it does not know. The latter is so where a union's tag is unrecognized.
    fn keeps(&self) -> bool {
        branch_keeps(self.branch())
    }
    /// Takes in a member that nothing explained.
    fn keep(&mut self, name: String, value: Any) {
        keep_in_branch(self.branch_mut(), name, value);
    }
}

fn branch_keeps(branch: Option<&dyn Branch>) -> bool {
    branch.and_then(|branch| branch.lookup()).is_some_and(|branch| branch.keeps())
}

fn keep_in_branch(branch: Option<&mut dyn Branch>, name: String, value: Any) {
    if let Some(branch) = branch.and_then(|branch| branch.lookup_mut()) {
        branch.keep(name, value);
    }
}

/// What of an object's shape is always the same.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// [`Object::MEMBERS`]
    pub members: Names,
    /// [`Object::REQUIRED`]
    pub required: usize,
    /// [`Object::TAG`]
    pub tag: &'static str,
    /// [`Object::ABSENT_TAG`]
    pub absent_tag: Option<&'static str>,
}

/// The part of [`Object`] that needs no serializer, so that branches of different types can be asked alike.
#[doc(hidden)]
pub trait Lookup {
    /// What is the same for all values of the type.
    fn shape(&self) -> &'static Shape;
    /// [`Object::set`]
    fn set(&mut self, index: usize, text: &mut Text<'_>) -> Result<(), JsonError>;
    /// [`Object::branch`]
    fn branch(&self) -> Option<&dyn Branch>;
    /// [`Object::branch_mut`]
    fn branch_mut(&mut self) -> Option<&mut dyn Branch>;
    /// [`Object::tagged`]
    fn tagged(&self) -> bool;
    /// [`Object::untag`]
    fn untag(&mut self);
    /// [`Object::keeps`]
    fn keeps(&self) -> bool;
    /// [`Object::keep`]
    fn keep(&mut self, name: String, value: Any);
    /// Returns whether these are the members of a branch that the schema does not know.
    fn is_unrecognized(&self) -> bool {
        false
    }
}

impl<T: Object> Lookup for T {
    fn shape(&self) -> &'static Shape {
        const { &Shape { members: Names::new(T::MEMBERS), required: T::REQUIRED, tag: T::TAG, absent_tag: T::ABSENT_TAG } }
    }
    fn set(&mut self, index: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
        Object::set(self, index, text)
    }
    fn branch(&self) -> Option<&dyn Branch> {
        Object::branch(self)
    }
    fn branch_mut(&mut self) -> Option<&mut dyn Branch> {
        Object::branch_mut(self)
    }
    fn tagged(&self) -> bool {
        Object::tagged(self)
    }
    fn untag(&mut self) {
        Object::untag(self);
    }
    fn keeps(&self) -> bool {
        Object::keeps(self)
    }
    fn keep(&mut self, name: String, value: Any) {
        Object::keep(self, name, value);
    }
}

/// Generated code for the branches of a union.
#[doc(hidden)]
pub trait Branch {
    /// Becomes the branch of that tag, blank.
    fn select(&mut self, tag: &str);
    /// The tag's value on the wire; empty before it has come.
    fn tag(&self) -> &str;
    /// The members of the branch; none for a branch without data.
    fn lookup(&self) -> Option<&dyn Lookup>;
    /// The members of the branch, to take in what nothing explains.
    fn lookup_mut(&mut self) -> Option<&mut dyn Lookup>;
    /// Writes the members of the branch, without the tag.
    fn write<O: Output>(&self, out: &mut O)
    where
        Self: Sized;
}

/// Generated code for an alternate.
#[doc(hidden)]
pub trait Alternate: Sized {
    /// The alternative that takes this kind of value, or else the value as unrecognized. `value` is its JSON text.
    ///
    /// # Errors
    /// Where an alternative takes the kind but the value does not fit it.
    fn choose(kind: Kind, value: &str) -> Result<Self, JsonError>;
    /// Writes the value.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// The kinds of JSON value that alternatives are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number without fraction that fits 64 bits.
    Integer,
    /// Any other number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Takes the members of an object one after the other.
///
/// A trait without lifetimes and results, because it is called for each of some 5,000 members, and each of those would be
/// something for the compiler to check.
pub trait Output {
    /// A mandatory member.
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T);

    /// An optional member, if it is there.
    fn optional<T: Serialize>(&mut self, name: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// A mandatory `number`.
    fn number(&mut self, name: &'static str, value: &f64) {
        self.member(name, &Number(value));
    }

    /// An optional `number`, if it is there.
    fn optional_number(&mut self, name: &'static str, value: &Option<f64>) {
        self.optional(name, &value.as_ref().map(Number));
    }

    /// A mandatory array of numbers.
    fn numbers(&mut self, name: &'static str, value: &[f64]) {
        self.member(name, &Numbers(value));
    }

    /// An optional array of numbers, if it is there.
    fn optional_numbers(&mut self, name: &'static str, value: &Option<Vec<f64>>) {
        self.optional(name, &value.as_deref().map(Numbers));
    }

    /// Members that are kept by name, after all others. One that was written before is an error.
    fn extra(&mut self, extra: &AnyMap);
}
