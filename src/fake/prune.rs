//! Messages of an older release: replies and events without what came later.

use super::entry::{items, text_of};
use super::schema::Schema;
use serde_json::{Map, Value};

impl Schema {
    /// Takes out of a reply what the release lacks.
    pub(super) fn prune_reply(&self, command: &str, value: &mut Value) {
        if let Some(entry) = self.command(command) {
            self.prune(text_of(entry, "ret-type"), value);
        }
    }

    /// The same for an event's data.
    pub(super) fn prune_event(&self, event: &str, data: &mut Value) {
        if let Some(entry) = self.event(event) {
            self.prune(text_of(entry, "arg-type"), data);
        }
    }

    /// Takes out of a value of a type what the release lacks.
    fn prune(&self, ty: &str, value: &mut Value) {
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
}
