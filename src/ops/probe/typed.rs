//! Paths that the compiler checks: fields of the generated types become names on the wire.
//!
//! The macros write a closure for each field, so that a field which is not there does not compile, and the closure's type tells
//! where the path has come to. Nothing of a path is generated, and no value of a type on the way is needed.

use super::path::{PathRoot, SchemaPath, Step};
use crate::api::{Command, Event};
use crate::wire::{Alternate, Branch, Object, UnknownValue};
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

/// A path whose end is of the type `T`.
#[doc(hidden)]
pub struct TypedPath<T> {
    path: SchemaPath,
    end: PhantomData<fn() -> T>,
}

/// An object, also in a list, and where it may be absent.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no members that a path could go on to",
    note = "a command that has nothing but `arguments` has its members in there: `argument!(BlockdevAdd, arguments, node_name)`",
    note = "after a value, and after a member that is no object, a path is at its end",
    note = "an object that lies in one of its own type has the same members as that one: ask for those"
)]
pub trait Holds {
    type Of: Object;
}

/// A member that may have a value of the enum `E`, or of which elements have.
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "a member of the type `{Self}` never has a value of `{E}`")]
pub trait Contains<E> {}

/// A value that can stand after `=`, for a member of the type `U`: a value of its enum; a branch or an alternative, as a variant.
/// `K` tells them apart.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a member of the type `{U}` has no such value or branch",
    note = "`member = Enum::Value` is a value of an enum, and `branch = UnionBranch::Variant` a branch of a union"
)]
pub trait Choice<U, K> {
    /// The end of the path so far: the contents of the branch or alternative.
    type Next;
    fn chosen(self) -> Chosen;
}

/// The choice, by its name on the wire.
#[doc(hidden)]
pub enum Chosen {
    Value(String),
    Branch(String),
    Alternative,
}

#[doc(hidden)]
pub enum OfEnum {}
#[doc(hidden)]
pub enum WithoutData {}
#[doc(hidden)]
pub struct WithData<T>(PhantomData<T>);
#[doc(hidden)]
pub struct OfAlternate<A, T>(PhantomData<(A, T)>);
#[doc(hidden)]
pub struct OfAlternateBoxed<A, T>(PhantomData<(A, T)>);

// Without it, the compiler would list all objects.
#[diagnostic::do_not_recommend]
impl<T: Object> Holds for T {
    type Of = T;
}

impl<T: Holds> Holds for Option<T> {
    type Of = T::Of;
}

impl<T: Holds> Holds for Vec<T> {
    type Of = T::Of;
}

impl<E> Contains<E> for E {}
impl<E> Contains<E> for Option<E> {}
impl<E> Contains<E> for Vec<E> {}
impl<E> Contains<E> for Option<Vec<E>> {}

impl<U: Contains<E>, E: Display + FromStr<Err = UnknownValue>> Choice<U, OfEnum> for E {
    type Next = ();

    fn chosen(self) -> Chosen {
        Chosen::Value(self.to_string())
    }
}

impl<B: Branch> Choice<B, WithoutData> for B {
    type Next = ();

    fn chosen(self) -> Chosen {
        Chosen::Branch(self.tag().to_owned())
    }
}

impl<B: Branch, T: Object, F: Fn(T) -> B> Choice<B, WithData<T>> for F {
    type Next = T;

    fn chosen(self) -> Chosen {
        Chosen::Branch(self(T::blank()).tag().to_owned())
    }
}

impl<U: Contains<A>, A: Alternate, T: Object, F: Fn(T) -> A> Choice<U, OfAlternate<A, T>> for F {
    type Next = T;

    fn chosen(self) -> Chosen {
        Chosen::Alternative
    }
}

impl<U: Contains<A>, A: Alternate, T: Object, F: Fn(Box<T>) -> A> Choice<U, OfAlternateBoxed<A, T>> for F {
    type Next = T;

    fn chosen(self) -> Chosen {
        Chosen::Alternative
    }
}

impl TypedPath<()> {
    pub fn argument<C: Command>() -> TypedPath<C> {
        TypedPath::at(PathRoot::Argument(C::NAME))
    }

    pub fn returned<C: Command>() -> TypedPath<C::Reply> {
        TypedPath::at(PathRoot::Return(C::NAME))
    }

    pub fn told<E: Event>() -> TypedPath<E> {
        TypedPath::at(PathRoot::Data(E::NAME))
    }
}

impl<T> TypedPath<T> {
    fn at(root: PathRoot) -> Self {
        TypedPath { path: SchemaPath { root, steps: Vec::new() }, end: PhantomData }
    }

    /// To a member.
    pub fn member<U>(self, field: &str, _: fn(&T::Of) -> &U) -> TypedPath<U>
    where
        T: Holds,
    {
        self.step(wire_name(T::Of::MEMBERS, field), None)
    }

    /// To a value or branch of a member.
    pub fn choice<U, K, C: Choice<U, K>>(self, field: &str, _: fn(&T::Of) -> &U, choice: C) -> TypedPath<C::Next>
    where
        T: Holds,
    {
        match choice.chosen() {
            Chosen::Value(value) => self.step(wire_name(T::Of::MEMBERS, field), Some(value)),
            Chosen::Branch(tag) => self.step(T::Of::TAG.to_owned(), Some(tag)),
            Chosen::Alternative => self.step(wire_name(T::Of::MEMBERS, field), None),
        }
    }

    /// Through the field of a command that is on the wire what its one field is.
    pub fn arguments<U>(self, _: fn(&T) -> &U) -> TypedPath<U> {
        TypedPath { path: self.path, end: PhantomData }
    }

    /// The path.
    pub fn end(self) -> SchemaPath {
        self.path
    }

    fn step<U>(mut self, member: String, value: Option<String>) -> TypedPath<U> {
        self.path.steps.push(Step { member, value });
        TypedPath { path: self.path, end: PhantomData }
    }
}

/// The name on the wire of a field: that of the members which is the same but for case and what stands between words.
#[inline]
fn wire_name(members: &[&str], field: &str) -> String {
    let letters = |name: &str| {
        let letters = name.bytes().filter(|letter| !b"-_.".contains(letter));
        letters.map(|letter| letter.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    let same = |member: &&&str| member.replace('-', "_") == field;
    let alike = |member: &&&str| letters(member) == letters(field);
    let member = members.iter().find(same).or_else(|| members.iter().find(alike));
    member.map_or_else(|| field.replace('_', "-"), |member| (*member).to_owned())
}

/// An argument of a command, for [`Schema::supports`](super::Schema::supports). A name that is not in this crate's schema does
/// not compile.
///
/// The fields on the way stand between commas, as they are called in Rust, `arguments` of commands that have nothing else
/// included. `Option`s and lists are looked through. `field = Enum::Value` is a value of an enum, and
/// `branch = UnionBranch::Variant` a branch of a union.
///
/// ```
/// use qemu_qmp::ops::probe::argument;
/// use qemu_qmp::qmp::{commands::*, types::*};
///
/// let flag = argument!(BlockdevMirror, target_is_zero);
/// let value = argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::SwitchoverAck);
/// let member = argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::Qcow2, discard_no_unref);
/// assert_eq!(member.to_string(), "argument of `blockdev-add`: driver=qcow2/discard-no-unref");
/// # assert_eq!(flag.to_string(), "argument of `blockdev-mirror`: target-is-zero");
/// # assert_eq!(value.to_string(), "argument of `migrate-set-capabilities`: capabilities/capability=switchover-ack");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __probe_argument {
    ($command:ty, $($path:tt)+) => {
        $crate::ops::probe::path!($crate::ops::probe::TypedPath::argument::<$command>(); $($path)+)
    };
}

/// A member of what a command returns, for [`Schema::supports`](super::Schema::supports), written like an
/// [`argument!`](super::argument).
///
/// ```
/// use qemu_qmp::ops::probe::returned;
/// use qemu_qmp::qmp::{commands::*, types::*};
///
/// let path = returned!(QueryMigrate, ram, dirty_sync_missed_zero_copy);
/// assert_eq!(path.to_string(), "returned by `query-migrate`: ram/dirty-sync-missed-zero-copy");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __probe_returned {
    ($command:ty, $($path:tt)+) => {
        $crate::ops::probe::path!($crate::ops::probe::TypedPath::returned::<$command>(); $($path)+)
    };
}

/// A member of what an event tells, for [`Schema::supports`](super::Schema::supports), written like an
/// [`argument!`](super::argument).
///
/// ```
/// use qemu_qmp::ops::probe::told;
/// use qemu_qmp::qmp::{events::*, types::*};
///
/// let path = told!(BlockIoError, action = BlockErrorAction::Stop);
/// assert_eq!(path.to_string(), "told by `BLOCK_IO_ERROR`: action=stop");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __probe_told {
    ($event:ty, $($path:tt)+) => {
        $crate::ops::probe::path!($crate::ops::probe::TypedPath::told::<$event>(); $($path)+)
    };
}

/// One field after the other. To ask for what is deprecated is not to use it.
#[doc(hidden)]
#[macro_export]
macro_rules! __probe_path {
    ($path:expr;) => {
        $path.end()
    };
    ($path:expr; arguments $(, $($rest:tt)*)?) => {
        $crate::ops::probe::path!($path.arguments(|at| &at.arguments); $($($rest)*)?)
    };
    ($path:expr; $field:ident = $value:expr $(, $($rest:tt)*)?) => {
        $crate::ops::probe::path!(
            $path.choice(stringify!($field), #[allow(deprecated)] |at| &at.$field, $value); $($($rest)*)?
        )
    };
    ($path:expr; $field:ident $(, $($rest:tt)*)?) => {
        $crate::ops::probe::path!(
            $path.member(stringify!($field), #[allow(deprecated)] |at| &at.$field); $($($rest)*)?
        )
    };
}

#[cfg(test)]
mod tests {
    use super::wire_name;

    #[test]
    fn names_of_fields_become_those_of_members() {
        let members = ["dieId", "node-name", "abstract", "x_y", "x-y2"];
        for (field, member) in [
            ("die_id", "dieId"),
            ("node_name", "node-name"),
            ("abstract_", "abstract"),
            ("x_y", "x_y"),
            ("x_y2", "x-y2"),
            ("not_there", "not-there"),
        ] {
            assert_eq!(wire_name(&members, field), member);
        }
    }
}
