//! Definitions as written: every key known and of the right kind, every name legal, but types still names that nobody has
//! looked up.
//!
//! The first step of [`crate::check`] makes them from expressions, the later ones make the [`crate::schema`] of them.
//! Plain data that borrows from the expressions; looks nothing up and refuses nothing.

use crate::doc::Doc;
use crate::error::{Error, Location};
use crate::load::Pragma;
use crate::schema::{Condition, EnumValue, Feature};
use std::fmt;
use std::rc::Rc;

/// A definition whose keys and names are in order.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) module: usize,
    pub(crate) doc: Option<&'a Doc>,
    pub(crate) pragma: Rc<Pragma>,
    pub(crate) features: Vec<Feature>,
    pub(crate) condition: Option<Condition>,
    pub(crate) kind: Kind<'a>,
}

/// The beginning of all messages about a definition, and the place where they point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) meta: Meta,
    pub(crate) name: &'a str,
    /// QEMU reports whatever is wrong with a definition where the definition begins.
    pub(crate) at: &'a Location,
}

impl Context<'_> {
    /// An error about this definition; `message` continues "struct 'Name': ".
    pub(crate) fn error(&self, message: impl fmt::Display) -> Error {
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
pub(crate) enum Meta {
    Enum,
    Struct,
    Union,
    Alternate,
    Command,
    Event,
}

impl Meta {
    pub(crate) const ALL: [Meta; 6] =
        [Meta::Enum, Meta::Struct, Meta::Union, Meta::Alternate, Meta::Command, Meta::Event];

    /// The key that makes an expression a definition of this kind, and the word for it in messages.
    pub(crate) fn key(self) -> &'static str {
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

/// The contents of a definition, by kind.
#[derive(Debug)]
pub(crate) enum Kind<'a> {
    Enum { values: Vec<EnumValue>, prefix: Option<String> },
    Struct { base: Option<&'a str>, members: Vec<Member<'a>> },
    Union { base: Base<'a>, tag: &'a str, branches: Vec<Branch<'a>> },
    Alternate { alternatives: Vec<Branch<'a>> },
    Command { data: Data<'a>, returns: Option<TypeName<'a>>, flags: Flags },
    Event { data: Data<'a>, boxed: bool },
}

/// Flags of a command; all but `boxed` are plain facts.
#[derive(Debug)]
pub(crate) struct Flags {
    pub(crate) boxed: bool,
    pub(crate) gen: bool,
    pub(crate) success_response: bool,
    pub(crate) allow_oob: bool,
    pub(crate) allow_preconfig: bool,
    pub(crate) coroutine: bool,
}

/// A type by name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TypeName<'a> {
    Plain(&'a str),
    Array(&'a str),
}

/// A member of a struct, of a union's inline base, or of data written in place.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// Without the `*`.
    pub(crate) name: &'a str,
    pub(crate) optional: bool,
    pub(crate) ty: TypeName<'a>,
    pub(crate) features: Vec<Feature>,
    pub(crate) condition: Option<Condition>,
    pub(crate) at: &'a Location,
}

/// A branch of a union or an alternative of an alternate.
#[derive(Debug)]
pub(crate) struct Branch<'a> {
    pub(crate) name: &'a str,
    pub(crate) ty: TypeName<'a>,
    pub(crate) condition: Option<Condition>,
}

/// The base of a union.
#[derive(Debug)]
pub(crate) enum Base<'a> {
    Named(&'a str),
    Inline(Vec<Member<'a>>),
}

/// The data of a command or an event.
#[derive(Debug)]
pub(crate) enum Data<'a> {
    Named(&'a str),
    /// Empty where there is no `data`.
    Inline(Vec<Member<'a>>),
}

impl<'a> Kind<'a> {
    /// The members that stand in the definition itself.
    pub(crate) fn inline_members(&self) -> &[Member<'a>] {
        match self {
            Kind::Struct { members, .. }
            | Kind::Union { base: Base::Inline(members), .. }
            | Kind::Command { data: Data::Inline(members), .. }
            | Kind::Event { data: Data::Inline(members), .. } => members,
            _ => &[],
        }
    }
}
