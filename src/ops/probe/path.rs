//! Where in a schema something is: from a command or event inwards, by names on the wire.

use super::known::{check, UnknownName};
use crate::api::{Command, Event};
use std::fmt;

/// A place in the schema of any QEMU: an argument of a command, a member of what it returns or of what an event tells, or a value
/// or branch of one of these.
///
/// It is made by [`argument!`](super::argument), [`returned!`](super::returned) and [`told!`](super::told), which the compiler
/// checks, or of text. In text the members on the way stand between slashes, by their names on the wire. `member=value` is
/// a value of an enum; what follows it is a member that the same object has with this value:
///
/// - `target-is-zero`
/// - `capabilities/capability=switchover-ack`: a value, of a member of the elements of a list
/// - `driver=qcow2/discard-no-unref`: a member of a branch
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SchemaPath {
    pub(super) root: PathRoot,
    pub(super) steps: Vec<Step>,
}

/// Where a path begins: by the name of a command or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PathRoot {
    Argument(&'static str),
    Return(&'static str),
    Data(&'static str),
}

/// A member on the way, and which of its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub(super) member: String,
    pub(super) value: Option<String>,
}

impl SchemaPath {
    /// An argument of this command, by its name on the wire.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no argument of that name. The value of an enum, after `=`, is not looked at:
    /// [`argument!`](super::argument) takes values that cannot be wrong, and `parse` of the enum says if it has one.
    pub fn argument<C: Command>(path: &str) -> Result<Self, UnknownName> {
        check::<C>(SchemaPath { root: PathRoot::Argument(C::NAME), steps: steps(path) })
    }

    /// A member of what this command returns, or of its elements if it returns a list.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no member of that name, likewise.
    pub fn returned<C: Command>(path: &str) -> Result<Self, UnknownName> {
        check::<C::Reply>(SchemaPath { root: PathRoot::Return(C::NAME), steps: steps(path) })
    }

    /// A member of what this event tells.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no member of that name, likewise.
    pub fn told<E: Event>(path: &str) -> Result<Self, UnknownName> {
        check::<E>(SchemaPath { root: PathRoot::Data(E::NAME), steps: steps(path) })
    }
}

#[inline]
fn steps(path: &str) -> Vec<Step> {
    let step = |step: &str| match step.split_once('=') {
        Some((member, value)) => Step { member: member.to_owned(), value: Some(value.to_owned()) },
        None => Step { member: step.to_owned(), value: None },
    };
    path.split('/').map(step).collect()
}

/// As text, after what it begins with.
impl fmt::Display for SchemaPath {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.root {
            PathRoot::Argument(name) => write!(f, "argument of `{name}`: ")?,
            PathRoot::Return(name) => write!(f, "returned by `{name}`: ")?,
            PathRoot::Data(name) => write!(f, "told by `{name}`: ")?,
        }
        for (index, step) in self.steps.iter().enumerate() {
            let separator = if index > 0 { "/" } else { "" };
            write!(f, "{separator}{}", step.member)?;
            if let Some(value) = &step.value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SchemaPath {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SchemaPath({self})")
    }
}
