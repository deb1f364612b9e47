//! The checked schema: plain data in which every name is resolved and every rule of the language holds.
//!
//! [`crate::check`] makes it, `emit` reads it. It knows neither the text that it came from nor the Rust that
//! it becomes; locations are kept only so that later passes can point at a definition.

use crate::doc::Doc;
use crate::error::Location;
use std::ops::Index;
use std::path::PathBuf;

/// A whole schema: one root file and what it includes.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The files in the order of their first inclusion, the root first.
    pub modules: Vec<Module>,
    /// All enums, in source order.
    pub enums: Vec<Enum>,
    /// All structs and unions, in source order.
    pub objects: Vec<Object>,
    /// All alternates, in source order.
    pub alternates: Vec<Alternate>,
    /// All commands, in source order.
    pub commands: Vec<Command>,
    /// All events, in source order.
    pub events: Vec<Event>,
}

impl Schema {
    /// An object with what it is based on: its farthest base first, itself last.
    pub fn base_chain<'s>(&'s self, object: &'s Object) -> Vec<&'s Object> {
        let mut chain = vec![object];
        let mut base = object.base;
        while let Some(id) = base {
            chain.push(&self[id]);
            base = self[id].base;
        }
        chain.reverse();
        chain
    }

    /// All members that an object has whatever its tag: those of its bases first, its own last.
    pub fn all_members<'s>(&'s self, object: &'s Object) -> Vec<&'s Member> {
        let mut members = Vec::new();
        for object in &self.base_chain(object) {
            for member in &object.members {
                members.push(member);
            }
        }
        members
    }

    /// All members that a command or an event has whatever the tag of its data: those of bases first.
    pub fn data_members<'s>(&'s self, data: &'s Data) -> Vec<&'s Member> {
        match data {
            Data::Object(id) => self.all_members(&self[*id]),
            Data::Members(members) => {
                let mut all = Vec::with_capacity(members.len());
                for member in members {
                    all.push(member);
                }
                all
            }
        }
    }

    /// How many definitions there are.
    pub(crate) fn number_of_definitions(&self) -> usize {
        let types = self.enums.len() + self.objects.len() + self.alternates.len();
        types + self.commands.len() + self.events.len()
    }

    /// The common parts of all definitions, in source order.
    #[inline]
    pub fn definitions(&self) -> Vec<&Definition> {
        let types = self.enums.iter().map(|it| &it.def).chain(self.objects.iter().map(|it| &it.def));
        let types = types.chain(self.alternates.iter().map(|it| &it.def));
        let all = types.chain(self.commands.iter().map(|it| &it.def)).chain(self.events.iter().map(|it| &it.def));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|def| def.order);
        all
    }
}

/// An id belongs to the schema that it was found in; an id of another schema is a mistake of the program and panics.
impl Index<EnumId> for Schema {
    type Output = Enum;

    fn index(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }
}

/// Like that of [`EnumId`].
impl Index<ObjectId> for Schema {
    type Output = Object;

    fn index(&self, id: ObjectId) -> &Object {
        &self.objects[id.0]
    }
}

/// Like that of [`EnumId`].
impl Index<AlternateId> for Schema {
    type Output = Alternate;

    fn index(&self, id: AlternateId) -> &Alternate {
        &self.alternates[id.0]
    }
}

/// One schema file.
#[derive(Debug, Clone)]
pub struct Module {
    /// Path relative to the root file's folder without `.json`, such as `block-core` or `../qmp/crypto`.
    pub name: String,
    /// The file that was read.
    pub path: PathBuf,
    /// Free-form doc blocks of the file, in order.
    pub free_docs: Vec<Doc>,
}

/// Index into [`Schema::enums`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnumId(pub usize);
/// Index into [`Schema::objects`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub usize);
/// Index into [`Schema::alternates`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlternateId(pub usize);

/// A resolved type reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// A type of the language.
    Builtin(Builtin),
    /// An enum.
    Enum(EnumId),
    /// A struct or union.
    Object(ObjectId),
    /// An alternate.
    Alternate(AlternateId),
    /// An array of the given element type.
    Array(Box<Type>),
}

/// The types that the language brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// Any string, UTF-8.
    Str,
    /// A JSON number as a double.
    Number,
    /// A signed 64-bit integer.
    Int,
    /// A signed 8-bit integer.
    Int8,
    /// A signed 16-bit integer.
    Int16,
    /// A signed 32-bit integer.
    Int32,
    /// A signed 64-bit integer.
    Int64,
    /// An unsigned 8-bit integer.
    Uint8,
    /// An unsigned 16-bit integer.
    Uint16,
    /// An unsigned 32-bit integer.
    Uint32,
    /// An unsigned 64-bit integer.
    Uint64,
    /// An unsigned 64-bit count of bytes.
    Size,
    /// `true` or `false`.
    Bool,
    /// JSON `null`.
    Null,
    /// Any JSON value.
    Any,
    /// The built-in enum of type names.
    QType,
}

/// The common part of all definitions.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Name as in the schema.
    pub name: String,
    /// Index into [`Schema::modules`].
    pub module: usize,
    /// Position among all definitions of the schema, in source order.
    pub order: usize,
    /// Where the definition stands.
    pub at: Location,
    /// The doc block above it; empty where there is none.
    pub doc: Doc,
    /// Features, in order.
    pub features: Vec<Feature>,
    /// Under what build condition of QEMU it exists.
    pub condition: Option<Condition>,
}

/// A feature of a definition, member or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Name; `deprecated` and `unstable` are QEMU's special ones.
    pub name: String,
    /// Condition of the feature itself.
    pub condition: Option<Condition>,
}

/// A condition on QEMU's build configuration (`if`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A configuration symbol is defined.
    Symbol(String),
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// An enum.
#[derive(Debug, Clone)]
pub struct Enum {
    /// Name, location, docs.
    pub def: Definition,
    /// Values, in order.
    pub values: Vec<EnumValue>,
    /// The C prefix, if the schema gives one. Rust does not need it; printing does.
    pub prefix: Option<String>,
}

/// A value of an enum.
#[derive(Debug, Clone)]
pub struct EnumValue {
    /// Name on the wire.
    pub name: String,
    /// Features of the value.
    pub features: Vec<Feature>,
    /// Condition of the value.
    pub condition: Option<Condition>,
}

/// A struct or a union.
#[derive(Debug, Clone)]
pub struct Object {
    /// Name, location, docs.
    pub def: Definition,
    /// The named base whose members it has too. Never cyclic.
    pub base: Option<ObjectId>,
    /// Its own members, in order; for a union with an inline base, the members of that base.
    pub members: Vec<Member>,
    /// Present for a union.
    pub branches: Option<Branches>,
}

impl Object {
    /// The branches of a union; none of a struct.
    pub(crate) fn all_branches(&self) -> &[Branch] {
        match &self.branches {
            Some(branches) => &branches.branches,
            None => &[],
        }
    }
}

/// The branches of a union.
#[derive(Debug, Clone)]
pub struct Branches {
    /// Name of the tag member, a mandatory member of the (named or inline) base.
    pub tag: String,
    /// The enum of the tag.
    pub tag_type: EnumId,
    /// One for each value of the tag's enum, in the enum's order, those without data in the schema included.
    pub branches: Vec<Branch>,
}

/// A branch of a union.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The tag's value.
    pub value: String,
    /// The struct or union whose members the branch adds; `None` where the schema names no branch for the value.
    pub object: Option<ObjectId>,
    /// Condition of the branch, or else of the tag's value.
    pub condition: Option<Condition>,
}

/// A member of a struct, union, command or event.
#[derive(Debug, Clone)]
pub struct Member {
    /// Name on the wire, without the `*` that marks optional ones.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// True if it may be absent.
    pub optional: bool,
    /// Features of the member.
    pub features: Vec<Feature>,
    /// Condition of the member.
    pub condition: Option<Condition>,
    /// Where it stands.
    pub at: Location,
}

/// An alternate: one of several types, told apart by the JSON type of the value.
#[derive(Debug, Clone)]
pub struct Alternate {
    /// Name, location, docs.
    pub def: Definition,
    /// Its alternatives, in order; no two share a JSON type.
    pub alternatives: Vec<Alternative>,
}

/// An alternative of an alternate.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// Name in the schema; it never shows on the wire.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Condition of the alternative.
    pub condition: Option<Condition>,
}

/// The data of a command or an event.
#[derive(Debug, Clone)]
pub enum Data {
    /// Members written in place; empty where the schema has no `data`.
    Members(Vec<Member>),
    /// The members of a named struct or union.
    Object(ObjectId),
}

/// A command.
#[derive(Debug, Clone)]
pub struct Command {
    /// Name, location, docs.
    pub def: Definition,
    /// Its arguments.
    pub data: Data,
    /// True if `data` was marked `boxed`; concerns QEMU's C code only.
    pub boxed: bool,
    /// Type of the return value; `None` is the empty object.
    pub returns: Option<Type>,
    /// `'gen': false`: takes arguments that the schema does not list.
    pub gen: bool,
    /// `'success-response': false`: answers only when it fails.
    pub success_response: bool,
    /// May be executed out-of-band.
    pub allow_oob: bool,
    /// May be executed before the machine is built.
    pub allow_preconfig: bool,
    /// Runs in a coroutine; concerns QEMU's C code only.
    pub coroutine: bool,
}

/// An event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Name, location, docs.
    pub def: Definition,
    /// Its data.
    pub data: Data,
    /// True if `data` was marked `boxed`; concerns QEMU's C code only.
    pub boxed: bool,
}
