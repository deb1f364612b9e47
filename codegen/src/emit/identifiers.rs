//! The identifiers of all definitions. Programs import all modules of an API at once, so that no two items have the same.
//!
//! A command keeps its name, and so does what it has for its arguments: where that is a struct of the same name which
//! nothing else sends, both are one item.

use crate::direction::Direction;
use crate::names::{self, ident, Scope};
use crate::schema::{Command, Data, Definition, Enum, EnumId, ObjectId, Schema, Type};
use proc_macro2::Ident;

pub(super) struct Identifiers {
    pub commands: Vec<Ident>,
    pub events: Vec<Ident>,
    pub enums: Vec<Ident>,
    /// Of the values of each enum, in order.
    pub variants: Vec<Vec<Ident>>,
    pub objects: Vec<Ident>,
    /// Of the branches of those objects that are unions.
    pub branches: Vec<Option<Ident>>,
    pub alternates: Vec<Ident>,
}

impl Identifiers {
    pub fn of(schema: &Schema, direction: &Direction) -> Self {
        let mut scope = Scope::with(&[names::UNRECOGNIZED, names::UNDECODABLE, names::ANY_EVENT]);
        let commands: Vec<String> =
            schema.commands.iter().map(|each| scope.claim(names::message_name(&each.def.name))).collect();
        let mut claim = |name: String, suffix: &str| ident(&scope.claim_or(name, suffix));
        let event = |each: &Definition| claim(names::message_name(&each.name), names::EVENT_SUFFIX);
        let events = schema.events.iter().map(|each| &each.def).map(event).collect();
        let mut ty = |each: &Definition, ty: Type| {
            let returned = schema.commands.iter().any(|command| is_returned(command, each, &ty));
            let suffix = if returned { names::REPLY_SUFFIX } else { names::TYPE_SUFFIX };
            claim(names::type_name(&each.name), suffix)
        };
        let enums = schema.enums.iter().enumerate().map(|(index, each)| ty(&each.def, Type::Enum(EnumId(index))));
        let enums = enums.collect();
        let objects = schema.objects.iter().enumerate().map(|(index, each)| {
            let command =
                schema.commands.iter().position(|command| is_item(schema, direction, command, ObjectId(index)));
            match command {
                Some(command) => ident(&commands[command]),
                None => ty(&each.def, Type::Object(ObjectId(index))),
            }
        });
        let objects = objects.collect();
        let alternates =
            schema.alternates.iter().map(|each| claim(names::type_name(&each.def.name), names::TYPE_SUFFIX));
        let alternates = alternates.collect();
        let branches = schema.objects.iter().map(|each| {
            let name = each.branches.as_ref().map(|_| names::branch_type_name(&each.def.name));
            name.map(|name| claim(name, names::TYPE_SUFFIX))
        });
        Self {
            branches: branches.collect(),
            commands: commands.iter().map(|name| ident(name)).collect(),
            events,
            enums,
            variants: schema.enums.iter().map(variants).collect(),
            objects,
            alternates,
        }
    }
}

fn variants(each: &Enum) -> Vec<Ident> {
    let mut scope = Scope::with(&[names::UNRECOGNIZED]);
    let values = each.values.iter();
    values.map(|value| ident(&scope.claim(names::value_name(&each.def.name, &value.name)))).collect()
}

/// Returns whether a command and its arguments are one item.
pub(super) fn is_item(schema: &Schema, direction: &Direction, command: &Command, id: ObjectId) -> bool {
    let object = &schema[id];
    matches!(command.data, Data::Object(data) if data == id)
        && command.gen
        && object.branches.is_none()
        && direction.only_sent(id)
        && names::message_name(&command.def.name) == names::type_name(&object.def.name)
}

fn is_returned(command: &Command, def: &Definition, ty: &Type) -> bool {
    let returns = command.returns.as_ref();
    let returns = returns.map(|returns| if let Type::Array(element) = returns { element } else { returns });
    returns == Some(ty) && names::message_name(&command.def.name) == names::type_name(&def.name)
}
