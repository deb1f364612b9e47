//! Which way values go: types that only ever come from a server have no setters, and those that only ever go to one are
//! decoded strictly, because a program wrote what is decoded.
//!
//! A stand-in for a server makes values of them and sets their fields; for everybody else, their setters would be one in
//! thirty of all functions to compile.

use crate::schema::{Data, Member, ObjectId, Schema, Type};

/// Which objects are received, and which are sent.
pub struct Direction {
    received: Vec<bool>,
    sent: Vec<bool>,
}

impl Direction {
    /// Analyses a schema.
    pub fn of(schema: &Schema) -> Self {
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        for command in &schema.commands {
            carry(schema, &command.data, &mut sent);
            received.extend(command.returns.clone());
        }
        for event in &schema.events {
            carry(schema, &event.data, &mut received);
        }
        Self { received: reached(schema, received), sent: reached(schema, sent) }
    }

    /// Returns whether values of this struct or union are received, and never sent. Not so if no message has one.
    pub fn only_received(&self, object: ObjectId) -> bool {
        self.received[object.0] && !self.sent[object.0]
    }

    /// Returns whether a message has values of this struct or union.
    #[cfg(feature = "tools")]
    pub fn in_a_message(&self, object: ObjectId) -> bool {
        self.received[object.0] || self.sent[object.0]
    }

    /// Returns whether values of this struct or union are sent.
    #[cfg(feature = "tools")]
    pub fn sent(&self, object: ObjectId) -> bool {
        self.sent[object.0]
    }

    /// Returns whether values of this struct or union are sent, and never received.
    pub fn only_sent(&self, object: ObjectId) -> bool {
        self.sent[object.0] && !self.received[object.0]
    }
}

/// Adds the types that a message has at its top.
fn carry(schema: &Schema, data: &Data, types: &mut Vec<Type>) {
    match data {
        Data::Object(id) => types.push(Type::Object(*id)),
        Data::Members(_) => add_types(&schema.data_members(data), types),
    }
}

fn add_types(members: &[&Member], types: &mut Vec<Type>) {
    for member in members {
        types.push(member.ty.clone());
    }
}

/// The objects that values of these types may hold.
fn reached(schema: &Schema, mut types: Vec<Type>) -> Vec<bool> {
    let mut objects = vec![false; schema.objects.len()];
    let mut alternates = vec![false; schema.alternates.len()];
    while let Some(ty) = types.pop() {
        match ty {
            Type::Builtin(_) | Type::Enum(_) => {}
            Type::Array(element) => types.push(*element),
            Type::Object(id) if !std::mem::replace(&mut objects[id.0], true) => {
                add_types(&schema.all_members(&schema[id]), &mut types);
                for branch in schema[id].all_branches() {
                    types.extend(branch.object.map(Type::Object));
                }
            }
            Type::Alternate(id) if !std::mem::replace(&mut alternates[id.0], true) => {
                for alternative in &schema[id].alternatives {
                    types.push(alternative.ty.clone());
                }
            }
            Type::Object(_) | Type::Alternate(_) => {}
        }
    }
    objects
}
