//! Where in a schema something is: from a command or event inwards, by names on the wire.

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
