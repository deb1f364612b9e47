//! Answers of a schema: commands and events by name, and whether a path leads anywhere.

use super::known::UnknownName;
use super::nodes::{SchemaCommand, SchemaEvent, SchemaMember, SchemaType, SchemaValue};
use super::path::{PathRoot, SchemaPath};
use super::schema::Schema;
use crate::api::{Command, Event};
use crate::qmp::types::SchemaInfoObject;
use std::borrow::Borrow;

/// The end of a path.
enum End<'s> {
    Member(SchemaMember<'s>),
    Value(SchemaValue<'s>),
}

impl Schema {
    /// Returns whether there is this command.
    pub fn has_command<C: Command>(&self) -> bool {
        self.command(C::NAME).is_some()
    }

    /// Returns whether there is this event.
    pub fn has_event<E: Event>(&self) -> bool {
        self.event(E::NAME).is_some()
    }

    /// Returns whether there is what an [`argument!`](super::argument), [`returned!`](super::returned) or [`told!`](super::told)
    /// names: the command or event, each member on the way, and the value or branch.
    #[inline]
    pub fn supports(&self, path: impl Borrow<SchemaPath>) -> bool {
        self.end(path.borrow()).is_some()
    }

    /// Returns whether the command has this argument. It is named as on the wire, and can be one that lies deeper, as in
    /// `driver=qcow2/discard-no-unref`: see [`SchemaPath`].
    ///
    /// A program that calls it for `blockdev-add` and the like takes some seconds more to compile, because all types on the
    /// way can be asked which names they know; [`argument!`](super::argument) asks the compiler instead.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no argument of that name, which is a slip most likely. A value after `=` is not looked
    /// at: see [`SchemaPath::argument`].
    pub fn supports_argument<C: Command>(&self, path: &str) -> Result<bool, UnknownName> {
        SchemaPath::argument::<C>(path).map(|path| self.supports(path))
    }

    /// Returns whether what the command returns has this member, or its elements have if it returns a list.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no member of that name.
    pub fn supports_return_member<C: Command>(&self, path: &str) -> Result<bool, UnknownName> {
        SchemaPath::returned::<C>(path).map(|path| self.supports(path))
    }

    /// The features of the member or value at the end of a path; `None` if the path leads nowhere.
    #[inline]
    pub fn features(&self, path: impl Borrow<SchemaPath>) -> Option<&[String]> {
        self.end(path.borrow()).map(|end| match end {
            End::Member(member) => member.features(),
            End::Value(value) => value.features(),
        })
    }

    /// The member at the end of a path; `None` if the path leads nowhere. Where it ends with a value, that value's member.
    #[inline]
    pub fn member(&self, path: impl Borrow<SchemaPath>) -> Option<SchemaMember<'_>> {
        self.end(path.borrow()).map(|end| match end {
            End::Member(member) => member,
            End::Value(value) => value.member(),
        })
    }

    /// The command of this name on the wire. No name is an error: this crate may be older than QEMU.
    #[inline]
    pub fn command(&self, name: &str) -> Option<SchemaCommand<'_>> {
        self.entry(name).and_then(|info| SchemaCommand::new(self, info))
    }

    /// The event of this name on the wire, likewise.
    #[inline]
    pub fn event(&self, name: &str) -> Option<SchemaEvent<'_>> {
        self.entry(name).and_then(|info| SchemaEvent::new(self, info))
    }

    /// This command, if there is one.
    pub fn command_of<C: Command>(&self) -> Option<SchemaCommand<'_>> {
        self.command(C::NAME)
    }

    /// This event, if there is one.
    pub fn event_of<E: Event>(&self) -> Option<SchemaEvent<'_>> {
        self.event(E::NAME)
    }

    /// All commands, by name.
    #[inline]
    pub fn commands(&self) -> impl Iterator<Item = SchemaCommand<'_>> {
        self.entries().filter_map(|info| SchemaCommand::new(self, info))
    }

    /// All events, by name.
    #[inline]
    pub fn events(&self) -> impl Iterator<Item = SchemaEvent<'_>> {
        self.entries().filter_map(|info| SchemaEvent::new(self, info))
    }

    /// Where a path leads. Each object on the way is looked through with the branches that the path selects in it.
    #[inline]
    fn end(&self, path: &SchemaPath) -> Option<End<'_>> {
        let root = match &path.root {
            PathRoot::Argument(command) => self.command(command)?.arguments(),
            PathRoot::Return(command) => self.command(command)?.returned(),
            PathRoot::Data(event) => self.event(event)?.data(),
        };
        let mut objects = vec![root.object()?];
        let mut end = None;
        for step in &path.steps {
            if let Some(End::Member(before)) = &end {
                objects = vec![before.ty().object()?];
            }
            let (object, member) =
                objects.iter().find_map(|object| Some((*object, SchemaMember::of(self, object, &step.member)?)))?;
            end = Some(match &step.value {
                None => End::Member(member),
                Some(value) => {
                    objects.extend(self.branch_of(object, &step.member, value));
                    End::Value(member.value(value)?)
                }
            });
        }
        end
    }

    /// The members that an object has beside its own if this member has this value.
    #[inline]
    fn branch_of<'s>(
        &'s self,
        object: &'s SchemaInfoObject,
        member: &str,
        value: &str,
    ) -> Option<&'s SchemaInfoObject> {
        object.tag.as_deref().filter(|tag| *tag == member)?;
        let variant = object.variants.iter().flatten().find(|variant| variant.case == value)?;
        SchemaType::new(self, &variant.type_).object()
    }
}
