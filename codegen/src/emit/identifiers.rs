//! The identifiers of all definitions. Programs import all modules of an API at once, so that no two items have the same.
//!
//! A command keeps its name, and so does what it has for its arguments: where that is a struct of the same name which
//! nothing else sends, both are one item.

use crate::direction::Direction;
use crate::names::{self, ident, Scope};
use crate::schema::{Command, Data, Definition, Enum, EnumId, ObjectId, Schema, Type};
use proc_macro2::Ident;

#[derive(Default)]
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
        let mut names = Self::default();
        for each in &schema.commands {
            names.commands.push(ident(&scope.claim(names::message_name(&each.def.name))));
        }
        for each in &schema.events {
            names.events.push(ident(&scope.claim_or(names::message_name(&each.def.name), names::EVENT_SUFFIX)));
        }
        let mut claim = |name: String, is_returned: bool| {
            ident(&scope.claim_or(name, if is_returned { names::REPLY_SUFFIX } else { names::TYPE_SUFFIX }))
        };
        for (index, each) in schema.enums.iter().enumerate() {
            let is_returned = is_returned(schema, &each.def, &Type::Enum(EnumId(index)));
            names.enums.push(claim(names::type_name(&each.def.name), is_returned));
            names.variants.push(variants(each));
        }
        for (index, each) in schema.objects.iter().enumerate() {
            let id = ObjectId(index);
            let command = schema.commands.iter().position(|command| is_item(schema, direction, command, id));
            names.objects.push(match command {
                Some(command) => names.commands[command].clone(),
                None => claim(names::type_name(&each.def.name), is_returned(schema, &each.def, &Type::Object(id))),
            });
        }
        for each in &schema.alternates {
            names.alternates.push(claim(names::type_name(&each.def.name), false));
        }
        for each in &schema.objects {
            let name = each.branches.as_ref().map(|_| names::branch_type_name(&each.def.name));
            names.branches.push(name.map(|name| claim(name, false)));
        }
        names
    }
}

fn variants(each: &Enum) -> Vec<Ident> {
    let mut scope = Scope::with(&[names::UNRECOGNIZED]);
    let mut variants = Vec::with_capacity(each.values.len());
    for value in &each.values {
        variants.push(ident(&scope.claim(names::value_name(&each.def.name, &value.name))));
    }
    variants
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

/// Returns whether a command whose name would be that of the type returns it, or an array of it.
fn is_returned(schema: &Schema, def: &Definition, ty: &Type) -> bool {
    let returns = |command: &Command| match &command.returns {
        Some(Type::Array(element)) => **element == *ty,
        Some(returned) => returned == ty,
        None => false,
    };
    let has_name = |command: &Command| names::message_name(&command.def.name) == names::type_name(&def.name);
    schema.commands.iter().any(|command| returns(command) && has_name(command))
}
