//! Definitions as [`super::shape`] hands them on: every key known and of the right kind, every name legal,
//! but types still names that nobody has looked up.

use crate::doc::Doc;
use crate::error::{Error, Location};
use crate::load::Pragma;
use crate::schema::{Condition, EnumValue, Feature};
use std::fmt;
use std::rc::Rc;

/// A definition whose keys and names are in order.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) context: Context<'a>,
    pub(super) module: usize,
    pub(super) doc: Option<&'a Doc>,
    pub(super) pragma: Rc<Pragma>,
    pub(super) features: Vec<Feature>,
    pub(super) condition: Option<Condition>,
    pub(super) kind: Kind<'a>,
}

/// What all messages about a definition begin with, and where they point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) meta: Meta,
    pub(super) name: &'a str,
    /// QEMU reports whatever is wrong with a definition where the definition begins.
    pub(super) at: &'a Location,
}

impl Context<'_> {
    /// An error about this definition; `message` continues "struct 'Name': ".
    pub(super) fn error(&self, message: impl fmt::Display) -> Error {
        Error::new(self.at, format!("{self}: {message}"))
    }
}

impl fmt::Display for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}'", self.meta.key(), self.name)
    }
}

/// The kinds of definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meta {
    Enum,
    Struct,
    Union,
    Alternate,
    Command,
    Event,
}

impl Meta {
    pub(super) const ALL: [Meta; 6] =
        [Meta::Enum, Meta::Struct, Meta::Union, Meta::Alternate, Meta::Command, Meta::Event];

    /// The key that makes an expression a definition of this kind, and the word for it in messages.
    pub(super) fn key(self) -> &'static str {
        match self {
            Meta::Enum => "enum",
            Meta::Struct => "struct",
            Meta::Union => "union",
            Meta::Alternate => "alternate",
            Meta::Command => "command",
            Meta::Event => "event",
        }
    }
}

/// What sets the kinds of definitions apart.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    Enum { values: Vec<EnumValue>, prefix: Option<String> },
    Struct { base: Option<&'a str>, members: Vec<Member<'a>> },
    Union { base: Base<'a>, tag: &'a str, branches: Vec<Branch<'a>> },
    Alternate { alternatives: Vec<Branch<'a>> },
    Command { data: Data<'a>, returns: Option<TypeName<'a>>, flags: Flags },
    Event { data: Data<'a>, boxed: bool },
}

/// Flags of a command; all but `boxed` are plain facts.
#[derive(Debug)]
pub(super) struct Flags {
    pub(super) boxed: bool,
    pub(super) gen: bool,
    pub(super) success_response: bool,
    pub(super) allow_oob: bool,
    pub(super) allow_preconfig: bool,
    pub(super) coroutine: bool,
}

/// A type by name.
#[derive(Debug, Clone, Copy)]
pub(super) enum TypeName<'a> {
    Plain(&'a str),
    Array(&'a str),
}

/// A member of a struct, of a union's inline base, or of data written in place.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// Without the `*`.
    pub(super) name: &'a str,
    pub(super) optional: bool,
    pub(super) ty: TypeName<'a>,
    pub(super) features: Vec<Feature>,
    pub(super) condition: Option<Condition>,
    pub(super) at: &'a Location,
}

/// A branch of a union or an alternative of an alternate.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub(super) name: &'a str,
    pub(super) ty: TypeName<'a>,
    pub(super) condition: Option<Condition>,
}

/// The base of a union.
#[derive(Debug)]
pub(super) enum Base<'a> {
    Named(&'a str),
    Inline(Vec<Member<'a>>),
}

/// The data of a command or an event.
#[derive(Debug)]
pub(super) enum Data<'a> {
    Named(&'a str),
    /// Empty where there is no `data`.
    Inline(Vec<Member<'a>>),
}

impl<'a> Kind<'a> {
    /// The members that stand in the definition itself.
    pub(super) fn inline_members(&self) -> &[Member<'a>] {
        match self {
            Kind::Struct { members, .. }
            | Kind::Union { base: Base::Inline(members), .. }
            | Kind::Command { data: Data::Inline(members), .. }
            | Kind::Event { data: Data::Inline(members), .. } => members,
            _ => &[],
        }
    }
}
