//! Finds where a typed value, encoded again, is not the JSON that it was decoded from.
//!
//! Only one difference is permitted: a member that the schema does not know, because an older release had it.

use qemu_qmp::Version;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A place where two JSON values differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Members as `.name`, elements as `[]`, so that the same difference in many elements is one.
    pub path: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A member came that the typed value does not have.
    Dropped(String),
    /// The typed value has a member that did not come.
    Added(String),
    Changed {
        came: Value,
        became: Value,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Dropped(member) => write!(f, "`{}` lost member `{member}`", self.path),
            What::Added(member) => write!(f, "`{}` gained member `{member}`", self.path),
            What::Changed { came, became } => write!(f, "`{}` came as {came} and became {became}", self.path),
        }
    }
}

/// All differences between what came and what was made of it.
pub fn differences(came: &Value, became: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(came, became, "", &mut found);
    found
}

fn compare(came: &Value, became: &Value, path: &str, found: &mut Vec<Difference>) {
    let mut add = |what| {
        let difference = Difference { path: path.to_owned(), what };
        if !found.contains(&difference) {
            found.push(difference);
        }
    };
    match (came, became) {
        (Value::Object(came), Value::Object(became)) => {
            for name in became.keys().filter(|name| !came.contains_key(*name)) {
                add(What::Added(name.clone()));
            }
            for name in came.keys().filter(|name| !became.contains_key(*name)) {
                add(What::Dropped(name.clone()));
            }
            for (name, came) in came {
                if let Some(became) = became.get(name) {
                    compare(came, became, &format!("{path}.{name}"), found);
                }
            }
        }
        (Value::Array(came), Value::Array(became)) if came.len() == became.len() => {
            for (came, became) in came.iter().zip(became) {
                compare(came, became, &format!("{path}[]"), found);
            }
        }
        _ if came == became => {}
        _ => add(What::Changed { came: came.clone(), became: became.clone() }),
    }
}

/// What releases before the schema's had, and the last release that did.
#[derive(Debug)]
pub struct Removed {
    /// By member, whichever type declares it.
    members: BTreeMap<String, (u32, u32)>,
    commands: BTreeMap<String, (u32, u32)>,
    events: BTreeMap<String, (u32, u32)>,
    /// The release of the schema.
    schema: (u32, u32),
}

impl Removed {
    /// From the facts beside the schema.
    pub fn new() -> Removed {
        let facts: Value =
            serde_json::from_str(include_str!("../../qapi-schema/removed-since-6.0.json")).expect("facts are JSON");
        let mut members = BTreeMap::new();
        for (_, of_type) in facts["reply-members"].as_object().into_iter().flatten() {
            for (member, last) in releases(of_type) {
                let known = members.entry(member).or_insert(last);
                *known = last.max(*known);
            }
        }
        Removed {
            members,
            commands: releases(&facts["commands"]).collect(),
            events: releases(&facts["events"]).collect(),
            schema: release(include_str!("../../qapi-schema/VERSION")),
        }
    }

    /// Whether this release may send what the schema does not know.
    pub fn permits(&self, difference: &Difference, version: Version) -> bool {
        match &difference.what {
            What::Dropped(member) => self.explains(&self.members, member, version),
            What::Added(_) | What::Changed { .. } => false,
        }
    }

    /// Whether this release may have a command that the schema does not know.
    pub fn permits_command(&self, name: &str, version: Version) -> bool {
        self.explains(&self.commands, name, version)
    }

    /// Whether this release may send an event that the schema does not know.
    pub fn permits_event(&self, name: &str, version: Version) -> bool {
        self.explains(&self.events, name, version)
    }

    /// Whether the schema is that of this release, and so has everything that it sends.
    pub fn is_complete_for(&self, version: Version) -> bool {
        (version.major, version.minor) == self.schema
    }

    fn explains(&self, removed: &BTreeMap<String, (u32, u32)>, name: &str, version: Version) -> bool {
        let running = (version.major, version.minor);
        running > self.schema || removed.get(name).is_some_and(|last| running <= *last)
    }
}

fn releases(table: &Value) -> impl Iterator<Item = (String, (u32, u32))> + '_ {
    table
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, last)| (name.clone(), release(last.as_str().unwrap_or_default())))
}

fn release(text: &str) -> (u32, u32) {
    let mut numbers = text.trim().split('.').map(|number| number.parse().expect("a release is numbers"));
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(came: Value, became: Value) -> Vec<String> {
        differences(&came, &became).iter().map(Difference::to_string).collect()
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        assert!(differences(&json!({"a": [1, {"b": null}]}), &json!({"a": [1, {"b": null}]})).is_empty());
        assert_eq!(shown(json!({"a": 1}), json!({"a": 1, "b": null})), ["`` gained member `b`"]);
        assert_eq!(shown(json!([{"a": 1}, {"a": 1}]), json!([{}, {}])), ["`[]` lost member `a`"]);
        assert_eq!(shown(json!({"a": 1}), json!({"a": 1.0})), ["`.a` came as 1 and became 1.0"]);
        assert_eq!(shown(json!({"a": []}), json!({"a": [0]})), ["`.a` came as [] and became [0]"]);
    }

    #[test]
    fn only_what_an_older_release_had_may_go() {
        let removed = Removed::new();
        let version = |major, minor| Version { major, minor, micro: 0 };
        let dropped = |name: &str| Difference { path: String::new(), what: What::Dropped(name.into()) };
        assert!(removed.permits(&dropped("singlestep"), version(7, 2)));
        assert!(!removed.permits(&dropped("singlestep"), version(9, 0)));
        assert!(!removed.permits(&dropped("status"), version(7, 2)));
        assert!(removed.permits(&dropped("status"), version(99, 0)));
        assert!(!removed.permits(&Difference { path: String::new(), what: What::Added("x".into()) }, version(7, 2)));
        let (major, minor) = removed.schema;
        assert!(removed.is_complete_for(version(major, minor)) && !removed.is_complete_for(version(7, 2)));
        assert!(removed.permits_command("x-query-profile", version(8, 0)));
        assert!(removed.permits_event("MEM_UNPLUG_ERROR", version(9, 0)));
    }
}
