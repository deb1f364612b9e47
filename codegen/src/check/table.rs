//! All names of a schema and what they stand for: definitions and built-in types share one space of names.
//!
//! Assumes that [`super::shape`] has accepted every definition. Says what a name means, never whether it is
//! allowed where it stands.

use crate::ast::{Context, Kind, Meta, TypeName, Written};
use crate::error::Result;
use crate::schema::{AlternateId, Builtin, EnumId, EnumValue, ObjectId, Type};
use std::collections::HashMap;

/// The meaning of a name.
#[derive(Debug, Clone)]
enum Meaning {
    Type(Type),
    /// A command or an event, which no type can refer to.
    Other,
}

/// The names of a schema, and its definitions by kind.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    /// Numbers of the meanings.
    names: HashMap<&'a str, usize>,
    /// What names mean, and where those that are not built in are defined.
    meanings: Vec<(Meaning, Option<Context<'a>>)>,
    enums: Vec<&'a Written<'a>>,
    objects: Vec<&'a Written<'a>>,
    alternates: Vec<&'a Written<'a>>,
}

impl<'a> Table<'a> {
    /// Enters all definitions; refuses names that are taken.
    pub(super) fn new(definitions: &'a [Written<'a>]) -> Result<Self> {
        let mut table = Table::default();
        for (name, builtin) in &BUILTINS {
            table.insert(name, Meaning::Type(Type::Builtin(*builtin)), None);
        }
        for written in definitions {
            let context = written.context;
            match table.get(context.name) {
                Some((_, Some(first))) => {
                    return Err(context.error(format_args!("the name is taken by the {first} at {}", first.at)));
                }
                Some((_, None)) => return Err(context.error("the name is taken by a built-in type")),
                None => {}
            }
            let meaning = table.enter(written);
            table.insert(context.name, meaning, Some(context));
        }
        Ok(table)
    }

    fn insert(&mut self, name: &'a str, meaning: Meaning, context: Option<Context<'a>>) {
        self.names.insert(name, self.meanings.len());
        self.meanings.push((meaning, context));
    }

    fn get(&self, name: &str) -> Option<&(Meaning, Option<Context<'a>>)> {
        self.meanings.get(*self.names.get(name)?)
    }

    fn enter(&mut self, written: &'a Written<'a>) -> Meaning {
        fn push<'a>(list: &mut Vec<&'a Written<'a>>, written: &'a Written<'a>) -> usize {
            list.push(written);
            list.len() - 1
        }
        Meaning::Type(match written.context.meta {
            Meta::Enum => Type::Enum(EnumId(push(&mut self.enums, written))),
            Meta::Struct | Meta::Union => Type::Object(ObjectId(push(&mut self.objects, written))),
            Meta::Alternate => Type::Alternate(AlternateId(push(&mut self.alternates, written))),
            Meta::Command | Meta::Event => return Meaning::Other,
        })
    }

    /// The type of a name; `user` tells whose error it is and `role` what refers to the type.
    pub(super) fn resolve(&self, name: TypeName<'_>, user: &Context<'_>, role: &str) -> Result<Type> {
        match name {
            TypeName::Plain(name) => self.resolve_plain(name, user, role),
            TypeName::Array(name) => Ok(Type::Array(Box::new(self.resolve_plain(name, user, role)?))),
        }
    }

    fn resolve_plain(&self, name: &str, user: &Context<'_>, role: &str) -> Result<Type> {
        let problem = match self.get(name) {
            Some((Meaning::Type(ty), _)) => return Ok(ty.clone()),
            Some((Meaning::Other, Some(other))) => format!("the {other}, which is no type"),
            _ => match name.strip_suffix("List").filter(|stem| self.get(stem).is_some()) {
                Some(stem) => format!("the unknown type '{name}'; an array is written [ '{stem}' ]"),
                None => format!("the unknown type '{name}'"),
            },
        };
        Err(user.error(format_args!("{role} uses {problem}")))
    }

    /// How messages speak of a type.
    pub(super) fn describe(&self, ty: &Type) -> String {
        let context = match ty {
            Type::Builtin(builtin) => return format!("built-in type '{}'", builtin_name(*builtin)),
            Type::Array(element) => return format!("array of {}", self.describe(element)),
            Type::Enum(id) => self.enums.get(id.0),
            Type::Object(id) => self.objects.get(id.0),
            Type::Alternate(id) => self.alternates.get(id.0),
        };
        context.map_or_else(String::new, |written| written.context.to_string())
    }

    /// All structs and unions, in source order.
    pub(super) fn objects(&self) -> &[&'a Written<'a>] {
        &self.objects
    }

    /// The values of an enum.
    pub(super) fn values(&self, id: EnumId) -> &'a [EnumValue] {
        match self.enums.get(id.0).map(|written| &written.kind) {
            Some(Kind::Enum { values, .. }) => values,
            _ => &[],
        }
    }
}

const BUILTINS: [(&str, Builtin); 16] = [
    ("str", Builtin::Str),
    ("number", Builtin::Number),
    ("int", Builtin::Int),
    ("int8", Builtin::Int8),
    ("int16", Builtin::Int16),
    ("int32", Builtin::Int32),
    ("int64", Builtin::Int64),
    ("uint8", Builtin::Uint8),
    ("uint16", Builtin::Uint16),
    ("uint32", Builtin::Uint32),
    ("uint64", Builtin::Uint64),
    ("size", Builtin::Size),
    ("bool", Builtin::Bool),
    ("any", Builtin::Any),
    ("null", Builtin::Null),
    ("QType", Builtin::QType),
];

fn builtin_name(builtin: Builtin) -> &'static str {
    BUILTINS.iter().find(|(_, other)| *other == builtin).map_or("", |(name, _)| name)
}
