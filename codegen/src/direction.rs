//! Which way values go: types that only ever come from a server have no setters, and those that only ever go to one are
//! decoded strictly, because a program wrote what is decoded.
//!
//! A stand-in for a server makes values of them and sets their fields; for everybody else, their setters would be one in
//! thirty of all functions to compile.

use crate::schema::{Data, ObjectId, Schema, Type};

/// Which objects are received, and which are sent.
pub struct Direction {
    received: Vec<bool>,
    sent: Vec<bool>,
}

impl Direction {
    /// Analyses a schema.
    pub fn of(schema: &Schema) -> Self {
        let sent = schema.commands.iter().flat_map(|command| carried(schema, &command.data));
        let returned = schema.commands.iter().filter_map(|command| command.returns.clone());
        let received = schema.events.iter().flat_map(|event| carried(schema, &event.data)).chain(returned);
        Self { received: reached(schema, received.collect()), sent: reached(schema, sent.collect()) }
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

/// The types that a message has at its top.
fn carried(schema: &Schema, data: &Data) -> Vec<Type> {
    match data {
        Data::Object(id) => vec![Type::Object(*id)],
        Data::Members(_) => schema.data_members(data).into_iter().map(|member| member.ty.clone()).collect(),
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
                types.extend(schema.all_members(&schema[id]).into_iter().map(|member| member.ty.clone()));
                let branches = schema[id].branches.iter().flat_map(|branches| &branches.branches);
                types.extend(branches.filter_map(|branch| branch.object).map(Type::Object));
            }
            Type::Alternate(id) if !std::mem::replace(&mut alternates[id.0], true) => {
                types.extend(schema[id].alternatives.iter().map(|alternative| alternative.ty.clone()));
            }
            Type::Object(_) | Type::Alternate(_) => {}
        }
    }
    objects
}
