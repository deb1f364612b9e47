//! Older releases of QEMU: what of the schema they lack, and of what is sent in their name.
//!
//! Goes by the releases that the schema's documentation names. What an older release had, and a newer one removed, is in no
//! schema, so that nothing comes back.

use super::schema::{items, text_of, Schema};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Type → its members or values that a release lacks.
pub(super) type Lacking = HashMap<String, Vec<String>>;

/// What came after a release, of what a schema says since when it is there.
pub(super) struct Later {
    pub messages: Vec<String>,
    pub lacking: Lacking,
}

impl Later {
    /// From the parts of a schema that name releases.
    pub(super) fn than(release: (u32, u32), since: &Value, late: &Value) -> Self {
        let is_later =
            |(_, since): &(&String, &Value)| since.as_str().and_then(parse).is_some_and(|since| since > release);
        let names = |table: &Value| -> Vec<String> {
            table.as_object().into_iter().flatten().filter(is_later).map(|(name, _)| name.clone()).collect()
        };
        let types = late.as_object().into_iter().flatten();
        let lacking = types.map(|(ty, members)| (ty.clone(), names(members))).filter(|(_, names)| !names.is_empty());
        Later { messages: names(since), lacking: lacking.collect() }
    }

    /// Takes out of a schema's entries what the release lacks.
    pub(super) fn remove_from(&self, entries: &mut Vec<Value>) {
        entries.retain(|entry| {
            let is_message = matches!(text_of(entry, "meta-type"), "command" | "event");
            !(is_message && self.messages.iter().any(|name| name == text_of(entry, "name")))
        });
        for entry in entries {
            let tag = text_of(entry, "tag");
            let tag = items(entry, "members").iter().find(|member| text_of(member, "name") == tag);
            let tag_type = tag.map(|tag| text_of(tag, "type").to_owned()).unwrap_or_default();
            let name = text_of(entry, "name").to_owned();
            let Some(entry) = entry.as_object_mut() else { continue };
            self.retain(entry, &name, "members", |member| text_of(member, "name"));
            self.retain(entry, &name, "values", |value| value.as_str().unwrap_or_default());
            self.retain(entry, &tag_type, "variants", |branch| text_of(branch, "case"));
        }
    }

    fn retain(&self, entry: &mut Map<String, Value>, ty: &str, list: &str, name: fn(&Value) -> &str) {
        let (Some(lacking), Some(Value::Array(items))) = (self.lacking.get(ty), entry.get_mut(list)) else { return };
        items.retain(|item| !lacking.iter().any(|lacked| lacked == name(item)));
    }
}

impl Schema {
    /// Takes out of a value of a type what the release lacks.
    pub(super) fn prune(&self, ty: &str, value: &mut Value) {
        let entry = self.ty(ty);
        match (text_of(entry, "meta-type"), value) {
            ("array", Value::Array(elements)) => {
                elements.iter_mut().for_each(|element| self.prune(text_of(entry, "element-type"), element));
            }
            ("object", Value::Object(members)) => self.prune_members(ty, members),
            ("alternate", value) => {
                let mut types = items(entry, "members").iter().map(|member| text_of(member, "type"));
                if let Some(ty) = types.find(|ty| self.is_alternative(ty, value)) {
                    self.prune(ty, value);
                }
            }
            _ => {}
        }
    }

    fn prune_members(&self, ty: &str, object: &mut Map<String, Value>) {
        let entry = self.ty(ty);
        if let Some(lacking) = self.lacking.get(ty) {
            object.retain(|name, _| !lacking.iter().any(|lacked| lacked == name));
        }
        for member in items(entry, "members") {
            if let Some(value) = object.get_mut(text_of(member, "name")) {
                self.prune(text_of(member, "type"), value);
            }
        }
        let tag = object.get(text_of(entry, "tag")).cloned();
        if let Some(branch) = items(entry, "variants").iter().find(|branch| branch.get("case") == tag.as_ref()) {
            self.prune_members(text_of(branch, "type"), object);
        }
    }
}

/// The first two numbers of a release.
fn parse(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next().flatten().unwrap_or_default()))
}

#[cfg(all(test, feature = "qmp"))]
mod tests {
    use super::super::schema::Kind;
    use super::*;
    use serde_json::json;

    #[test]
    fn older_releases_lack_what_came_later() {
        let (old, new) = (Schema::at(Kind::Monitor, (7, 2)), Schema::of(Kind::Monitor));
        assert!(!old.has("device-sync-config") && new.has("device-sync-config") && old.has("query-status"));
        let info = || json!([{"device": "d", "inserted": {"active": true, "node-name": "n", "drv": "raw"}}]);
        let of_query_block = |schema: &Schema| {
            let mut value = info();
            schema.prune_reply("query-block", &mut value);
            value
        };
        assert_eq!(of_query_block(&new), info());
        assert_eq!(of_query_block(&old), json!([{"device": "d", "inserted": {"drv": "raw"}}]));
        assert_eq!(of_query_block(&Schema::at(Kind::Monitor, (10, 0)))[0]["inserted"]["active"], true);
    }

    #[test]
    fn releases_are_read() {
        assert_eq!((parse("7.2"), parse("2.12.1"), parse("10")), (Some((7, 2)), Some((2, 12)), Some((10, 0))));
        assert_eq!((parse(""), parse("x.y")), (None, None));
    }
}
