//! Members that have become mandatory: older releases do not send them, or refuse them as arguments.
//!
//! Two facts tell of them. A member's own release is later than its definition's; or what was vendored before had the
//! definition without the member, or with an optional one.

use crate::direction::Direction;
use crate::schema::{Data, Definition, Member, ObjectId, Schema};
use std::collections::BTreeMap;

/// The first release that the generated types are for. What is older than it is never late.
const OLDEST: &str = "6.0";

/// Definition → member → release, as in `late-members.json`.
type Listed = BTreeMap<String, BTreeMap<String, String>>;

/// A member that is mandatory in a message, and was not always.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LateMember {
    /// The definition that declares it.
    pub definition: String,
    /// Its name.
    pub member: String,
    /// The first release in which it is mandatory.
    pub release: String,
    /// True if programs send it, as an argument or in one.
    pub is_argument: bool,
}

/// The late members of all messages of a schema. `old` is the schema that was vendored before, `version` the release of the
/// new one.
pub fn late_members(schema: &Schema, version: &str, old: Option<&Schema>) -> Vec<LateMember> {
    let old = old.map(declared).unwrap_or_default();
    let old: BTreeMap<&str, &[Member]> = old.into_iter().map(|(def, members, _)| (&*def.name, members)).collect();
    let mut late = Vec::new();
    for (def, members, is_argument) in declared(schema) {
        let Some(is_argument) = is_argument else { continue };
        for member in members.iter().filter(|member| !member.optional) {
            let before = old.get(def.name.as_str()).map(|members| members.iter().find(|old| old.name == member.name));
            let became_mandatory = before.is_some_and(|before| before.is_none_or(|before| before.optional));
            let own = def.doc.members.iter().find(|entry| entry.name == member.name).and_then(|e| e.since.as_deref());
            let since =
                own.filter(|own| later(own, def.doc.since.as_deref().unwrap_or_default()) && later(own, OLDEST));
            let release = since.or(became_mandatory.then_some(version));
            late.extend(release.map(|release| LateMember {
                definition: def.name.clone(),
                member: member.name.clone(),
                release: release.to_owned(),
                is_argument,
            }));
        }
    }
    late.sort();
    late
}

/// Lines for people about those that `listed` lacks.
pub fn report(late: &[LateMember], listed: &Listed) -> Vec<String> {
    let is_listed = |late: &&LateMember| listed.get(&late.definition).is_some_and(|of| of.contains_key(&late.member));
    let line = |late: &LateMember| {
        let what = if late.is_argument { "argument" } else { "member" };
        format!("late {what}: {}.{} ({}) is not in late-members.json", late.definition, late.member, late.release)
    };
    late.iter().filter(|late| !is_listed(late)).map(line).collect()
}

/// The declarations of members, the members, and whether programs send them; `None` where no message has them.
fn declared(schema: &Schema) -> Vec<(&Definition, &[Member], Option<bool>)> {
    let direction = Direction::of(schema);
    let objects = schema.objects.iter().enumerate().map(|(index, object)| {
        let id = ObjectId(index);
        (&object.def, object.members.as_slice(), direction.in_a_message(id).then(|| direction.sent(id)))
    });
    let mut all: Vec<_> = objects.collect();
    for command in &schema.commands {
        if let Data::Members(members) = &command.data {
            all.push((&command.def, members, Some(true)));
        }
    }
    for event in &schema.events {
        if let Data::Members(members) = &event.data {
            all.push((&event.def, members, Some(false)));
        }
    }
    all
}

/// Returns whether one release is later than another, number by number.
fn later(release: &str, than: &str) -> bool {
    let numbers = |release: &str| -> Vec<u32> { release.split('.').filter_map(|part| part.parse().ok()).collect() };
    numbers(release) > numbers(than)
}
