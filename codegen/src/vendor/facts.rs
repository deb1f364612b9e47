//! Facts of a definition, and the doc block that holds it together with our own words.

use crate::doc::{Doc, Entry};
use crate::error::Location;
use crate::load::Expression;
use crate::parser::{Object, Value};

/// Our words about features that nobody has described for the definition at hand.
const FEATURES: [(&str, &str); 10] = [
    ("allow-write-only-overlay", "the target may be an overlay opened for\nwriting only"),
    ("allowed-by-guest", "depends on what the guest provides"),
    ("confidential-guest-reset", "reset of a confidential guest is\nsupported"),
    ("deprecated", "to be removed in a later release"),
    ("dynamic-auto-read-only", "``auto-read-only`` follows the parent's\nneeds at run time"),
    ("fdset", "``path`` takes ``/dev/fdset/`` names"),
    ("json-cli", "``-device`` takes JSON"),
    ("json-cli-hotplug", "devices given to ``-device`` as JSON can be\nunplugged"),
    ("savevm-monitor-nodes", "snapshots include nodes that only the\nmonitor owns"),
    ("unstable", "may change or go in any release"),
];

/// Returns whether these are the words that stand where nobody has written any.
pub(super) fn is_nobodys(feature: &str, text: &str) -> bool {
    let known = FEATURES.iter().find(|(name, _)| *name == feature).map_or(UNKNOWN_FEATURE, |(_, words)| words);
    text.is_empty() || text == known
}

/// Our words about a feature that is not among them; QEMU's generator wants some words.
const UNKNOWN_FEATURE: &str = "see the QEMU manual";

/// The keys that say what kind of definition an expression is.
const KINDS: [&str; 6] = ["enum", "struct", "union", "alternate", "command", "event"];

/// The kind of a definition.
pub(super) fn kind(expression: &Expression) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| expression.object.get(kind).is_some())
}

/// The name of a definition.
pub(super) fn name(expression: &Expression) -> Option<&str> {
    string(expression.object.get(kind(expression)?)?)
}

/// The doc block of a definition: releases from its present block, words from `texts`.
pub(super) fn doc(name: &str, expression: &Expression, texts: Option<&Doc>) -> Doc {
    let (none, object) = (Doc::default(), &expression.object);
    let (facts, texts) = (expression.doc.as_ref().unwrap_or(&none), texts.unwrap_or(&none));
    let mut members: Vec<Entry> =
        members(object).into_iter().map(|(name, _)| merged(name, &object.at, &facts.members, &texts.members)).collect();
    members.retain(|entry| !entry.text.is_empty() || entry.since.is_some());
    let mut features: Vec<Entry> = Vec::new();
    for feature in features_below(object) {
        if features.iter().all(|entry| entry.name != feature) {
            let mut entry = merged(feature, &object.at, &facts.features, &texts.features);
            if entry.text.is_empty() {
                let known = FEATURES.iter().find(|(name, _)| *name == feature);
                entry.text = known.map_or(UNKNOWN_FEATURE, |(_, words)| words).into();
            }
            features.push(entry);
        }
    }
    Doc {
        at: facts.at.clone(),
        symbol: Some(name.into()),
        summary: texts.summary.clone(),
        members,
        features,
        returns: texts.returns.clone(),
        errors: texts.errors.clone(),
        since: facts.since.clone().or(texts.since.clone()),
        other: texts.other.clone(),
    }
}

/// Returns whether the definition has a member, value or alternative without an entry, for which QEMU wants an exception.
pub(super) fn is_undescribed(expression: &Expression) -> bool {
    let entries = expression.doc.as_ref().map_or(&[][..], |doc| &doc.members);
    members(&expression.object).into_iter().any(|(name, _)| find(entries, name).is_none())
}

/// An entry with the words of one list and the release of another.
fn merged(name: &str, at: &Location, facts: &[Entry], texts: &[Entry]) -> Entry {
    let (facts, texts) = (find(facts, name), find(texts, name));
    Entry {
        name: name.into(),
        at: at.clone(),
        text: texts.map_or(String::new(), |entry| entry.text.clone()),
        since: facts.and_then(|entry| entry.since.clone()).or(texts.and_then(|entry| entry.since.clone())),
    }
}

fn find<'e>(entries: &'e [Entry], name: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.name == name)
}

/// The members, values or alternatives that a definition declares, and what is said about them.
fn members(object: &Object) -> Vec<(&str, &Value)> {
    // A union's `data` are branches; what it declares is in its base, unless that is a type's name.
    let key = if object.get("union").is_some() { "base" } else { "data" };
    match object.get(key) {
        Some(Value::Object(members)) => {
            members.members.iter().map(|(name, value)| (plain(&name.value), value)).collect()
        }
        Some(Value::Array(values, _)) => values.iter().filter_map(|value| Some((named(value)?, value))).collect(),
        _ => Vec::new(),
    }
}

/// A member's name without the mark of optional ones.
fn plain(name: &str) -> &str {
    name.strip_prefix('*').unwrap_or(name)
}

/// The features of a definition and of what it declares, in that order.
fn features_below(object: &Object) -> impl Iterator<Item = &str> {
    let inner = members(object).into_iter().filter_map(|(_, value)| match value {
        Value::Object(object) => Some(object),
        _ => None,
    });
    std::iter::once(object)
        .chain(inner)
        .flat_map(|object| match object.get("features") {
            Some(Value::Array(features, _)) => features.as_slice(),
            _ => &[],
        })
        .filter_map(named)
}

/// The name in `'name'` or `{ 'name': 'name', … }`.
fn named(value: &Value) -> Option<&str> {
    match value {
        Value::Object(object) => string(object.get("name")?),
        value => string(value),
    }
}

fn string(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(&text.value),
        _ => None,
    }
}
