//! Things that the types do not know: how they are marked where they are encoded, and what is kept of a union's branch.

use super::builtin::{Any, AnyMap};
use super::json::debug;
use super::members::Names;
use super::text::Text;
use super::traits::{Branch, Lookup, Output, Shape};
use serde::ser::{Serialize, Serializer};
use serde_json::Error as JsonError;
use std::fmt;

/// The name of the newtype that a value which the types do not know is encoded as, for serializers that look.
/// Serializers that do not, serde_json's among them, write the value as it is.
pub const UNRECOGNIZED: &str = "$qemu_qmp::Unrecognized";

/// A branch that the schema does not know: the tag's value and every member that the base does not explain.
#[derive(Clone, PartialEq, Default)]
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

impl fmt::Debug for UnrecognizedBranch {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(&format!("UnrecognizedBranch {:?}", self.tag), &self.members, f)
    }
}

impl Lookup for UnrecognizedBranch {
    fn shape(&self) -> &'static Shape {
        const { &Shape { members: Names::new(&[]), required: 0, tag: "", absent_tag: None } }
    }
    fn set(&mut self, _: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
        text.ignore()
    }
    fn branch(&self) -> Option<&dyn Branch> {
        None
    }
    fn branch_mut(&mut self) -> Option<&mut dyn Branch> {
        None
    }
    fn tagged(&self) -> bool {
        true
    }
    fn untag(&mut self) {}
    fn keeps(&self) -> bool {
        true
    }
    #[inline]
    fn keep(&mut self, name: String, value: Any) {
        self.members.insert(name, value);
    }
    fn is_unrecognized(&self) -> bool {
        true
    }
}

/// The tag of such a branch, marked.
pub(super) struct UnrecognizedTag<'a>(pub &'a str);

impl Serialize for UnrecognizedTag<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(UNRECOGNIZED, self.0)
    }
}
