//! Older releases of QEMU: what of the schema they lack.
//!
//! Goes by the releases that the schema's documentation names. What an older release had, and a newer one removed, is in no
//! schema, so that nothing comes back.

use super::entry::{items, text_of};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Type → its members or values that a release lacks.
pub(super) type Lacking = HashMap<String, Vec<String>>;

/// Things that came after a release, as far as a schema says when they came.
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

/// The first two numbers of a release.
fn parse(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next().flatten().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read() {
        assert_eq!((parse("7.2"), parse("2.12.1"), parse("10")), (Some((7, 2)), Some((2, 12)), Some((10, 0))));
        assert_eq!((parse(""), parse("x.y")), (None, None));
    }
}
