//! Rules for our words about a vendored schema. QEMU's own words do not follow them, so [`crate::check`]
//! does not ask for them.

use super::facts;
use crate::doc::EVENTS;
use crate::error::Error;
use crate::names::DEPRECATED;
use crate::schema::{Data, Definition, Feature, Member, Schema};

/// Finds what is missing or wrong: a deprecated thing has to say what to use instead, and `Events:` of a command has to name
/// events.
pub fn faults(schema: &Schema) -> Vec<Error> {
    let mut faults = Vec::new();
    for (def, features) in features(schema) {
        let entry = def.doc.features.iter().find(|entry| entry.name == DEPRECATED);
        let text = entry.map_or("", |entry| entry.text.trim());
        if features.iter().any(|feature| feature.name == DEPRECATED) && facts::is_nobodys(DEPRECATED, text) {
            let at = entry.map_or(&def.at, |entry| &entry.at);
            faults
                .push(Error::new(at, format!("'{}' does not say what to use instead of what is deprecated", def.name)));
        }
    }
    for def in schema.definitions() {
        let is_command = schema.commands.iter().any(|command| command.def.name == def.name);
        for text in def.doc.events() {
            let at = def.doc.at.as_ref().unwrap_or(&def.at);
            if !is_command {
                faults.push(Error::new(at, format!("'{}' is no command, so no events follow it", def.name)));
            }
            let mut quoted = text.split("``").skip(1).step_by(2);
            // What another schema's file says is held against that schema, which may have more events.
            let is_borrowed = schema.modules.get(def.module).is_some_and(|module| module.name.starts_with("../"));
            if !is_borrowed && !quoted.any(|name| schema.events.iter().any(|event| event.def.name == name)) {
                faults.push(Error::new(at, format!("'{}' names no event under `{EVENTS}`", def.name)));
            }
        }
    }
    faults
}

/// The features of every definition and of all that is in it.
fn features(schema: &Schema) -> Vec<(&Definition, Vec<&Feature>)> {
    let enums =
        schema.enums.iter().map(|each| (&each.def, each.values.iter().flat_map(|value| &value.features).collect()));
    let objects = schema.objects.iter().map(|each| (&each.def, of_members(&each.members)));
    let alternates = schema.alternates.iter().map(|each| (&each.def, Vec::new()));
    let commands = schema.commands.iter().map(|each| (&each.def, of_data(&each.data)));
    let events = schema.events.iter().map(|each| (&each.def, of_data(&each.data)));
    let all = enums.chain(objects).chain(alternates).chain(commands).chain(events);
    all.map(|(def, inner): (&Definition, Vec<&Feature>)| (def, def.features.iter().chain(inner).collect())).collect()
}

fn of_data(data: &Data) -> Vec<&Feature> {
    match data {
        Data::Members(members) => of_members(members),
        Data::Object(_) => Vec::new(),
    }
}

fn of_members(members: &[Member]) -> Vec<&Feature> {
    members.iter().flat_map(|member| &member.features).collect()
}
