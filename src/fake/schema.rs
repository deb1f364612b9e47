//! The schema of a peer as data: which commands there are, and whether arguments fit them.
//!
//! Complains as QEMU's input visitors do: members are looked at in the schema's order, and unknown ones last.

use super::entry::{items, text_of};
use super::release::{Lacking, Later};
use serde_json::{json, Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A peer's schema. Empty where the feature that has the schema is off: then every command is unknown that has no
/// handler, and the types of commands alone say what fits.
#[derive(Default)]
pub(super) struct Schema {
    /// What the peer says of itself when asked: commands, events and types, no two of which have the same name.
    entries: Vec<Value>,
    /// Name → place in the entries.
    places: HashMap<String, usize>,
    /// Commands and events that an older release lacks.
    later: Vec<String>,
    /// Members and values that it lacks.
    pub lacking: Lacking,
    /// Commands that take arguments which the schema does not list.
    open: Vec<String>,
    /// Commands that are answered only if they fail.
    unanswered: Vec<String>,
}

/// Which peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Monitor,
    StorageDaemon,
    GuestAgent,
}

impl Schema {
    pub(super) fn of(kind: Kind) -> Arc<Schema> {
        static SCHEMAS: [OnceLock<Arc<Schema>>; 3] = [const { OnceLock::new() }; 3];
        let [monitor, daemon, agent] = &SCHEMAS;
        let schema = match kind {
            Kind::Monitor => monitor,
            Kind::StorageDaemon => daemon,
            Kind::GuestAgent => agent,
        };
        Arc::clone(schema.get_or_init(|| Arc::new(Schema::parse(kind.text(), None).unwrap_or_default())))
    }

    /// That of an older release.
    pub(super) fn at(kind: Kind, release: (u32, u32)) -> Arc<Schema> {
        Arc::new(Schema::parse(kind.text(), Some(release)).unwrap_or_default())
    }

    fn parse(text: &str, release: Option<(u32, u32)>) -> Option<Self> {
        let mut parts: Map<String, Value> = serde_json::from_str(text).ok()?;
        let mut part = |name: &str| parts.remove(name).unwrap_or_default();
        let (Value::Array(mut entries), since, late) = (part("schema"), part("since"), part("late")) else {
            return None;
        };
        let strings = |names: Value| -> Vec<String> { serde_json::from_value(names).unwrap_or_default() };
        let (open, unanswered) = (strings(part("open")), strings(part("unanswered")));
        let later = release.map(|release| Later::than(release, &since, &late));
        if let Some(later) = &later {
            later.remove_from(&mut entries);
        }
        let places = entries.iter().enumerate().map(|(place, entry)| (text_of(entry, "name").to_owned(), place));
        let places = places.collect();
        let (later, lacking) = later.map(|later| (later.messages, later.lacking)).unwrap_or_default();
        Some(Schema { entries, places, open, unanswered, later, lacking })
    }

    /// Returns whether there is anything to take out.
    pub(super) fn is_older(&self) -> bool {
        !self.lacking.is_empty()
    }

    /// Everything, as `query-qmp-schema` returns it.
    pub(super) fn entries(&self) -> &[Value] {
        &self.entries
    }

    pub(super) fn has(&self, command: &str) -> bool {
        self.command(command).is_some()
    }

    /// Returns whether this release lacks a command, with a handler or without.
    pub(super) fn lacks(&self, command: &str) -> bool {
        self.later.iter().any(|name| name == command)
    }

    /// The names of all commands, in the schema's order.
    pub(super) fn commands(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| text_of(entry, "meta-type") == "command").map(|entry| text_of(entry, "name"))
    }

    pub(super) fn is_unanswered(&self, command: &str) -> bool {
        self.unanswered.iter().any(|name| name == command)
    }

    /// Returns whether a command may be executed out-of-band. Those of other schemas do not say.
    pub(super) fn allows_oob(&self, command: &str) -> bool {
        self.command(command).is_none_or(|command| command.get("allow-oob") == Some(&json!(true)))
    }

    /// Says what is wrong with a command's arguments, if the schema has the command.
    pub(super) fn check(&self, command: &str, arguments: &Map<String, Value>) -> Result<(), String> {
        match self.command(command) {
            Some(entry) if !self.open.iter().any(|name| name == command) => {
                self.check_object(self.ty(text_of(entry, "arg-type")), arguments, &Path::Root)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn command(&self, name: &str) -> Option<&Value> {
        self.entry(name).filter(|entry| text_of(entry, "meta-type") == "command")
    }

    pub(super) fn event(&self, name: &str) -> Option<&Value> {
        self.entry(name).filter(|entry| text_of(entry, "meta-type") == "event")
    }

    pub(super) fn ty(&self, name: &str) -> &Value {
        self.entry(name).unwrap_or(&Value::Null)
    }

    fn entry(&self, name: &str) -> Option<&Value> {
        self.entries.get(*self.places.get(name)?)
    }

    fn check_value(&self, ty: &str, value: &Value, path: &Path<'_>) -> Result<(), String> {
        let entry = self.ty(ty);
        let expected = |what: &str| Err(format!("Invalid parameter type for '{path}', expected: {what}"));
        match (text_of(entry, "meta-type"), value) {
            ("builtin", _) => match (text_of(entry, "json-type"), value) {
                ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("null", Value::Null) => Ok(()),
                ("number", Value::Number(_)) => Ok(()),
                ("int", Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
                ("int", _) => expected("integer"),
                ("value", _) => Ok(()),
                (kind, _) => expected(kind),
            },
            ("enum", Value::String(text)) => {
                if items(entry, "values").iter().any(|known| known == text) {
                    return Ok(());
                }
                Err(format!("Parameter '{}' does not accept value '{text}'", path.last()))
            }
            ("enum", _) => expected("string"),
            ("array", Value::Array(elements)) => {
                let element_type = text_of(entry, "element-type");
                let mut elements = elements.iter().enumerate();
                elements.try_for_each(|(index, element)| self.check_value(element_type, element, &path.element(index)))
            }
            ("array", _) => expected("array"),
            ("object", Value::Object(members)) => self.check_object(entry, members, path),
            ("object", _) => expected("object"),
            ("alternate", _) => {
                let mut types = items(entry, "members").iter().map(|member| text_of(member, "type"));
                match types.find(|ty| self.is_alternative(ty, value)) {
                    Some(ty) => self.check_value(ty, value, path),
                    None => expected(ty),
                }
            }
            // Nothing is known of it.
            _ => Ok(()),
        }
    }

    /// Returns whether a value's JSON type says that it is this alternative.
    pub(super) fn is_alternative(&self, ty: &str, value: &Value) -> bool {
        let entry = self.ty(ty);
        let kind = match text_of(entry, "meta-type") {
            "builtin" => text_of(entry, "json-type"),
            kind => kind,
        };
        match value {
            Value::Null => kind == "null",
            Value::Bool(_) => kind == "boolean",
            Value::Number(_) => matches!(kind, "int" | "number"),
            Value::String(_) => matches!(kind, "string" | "enum"),
            Value::Array(_) => kind == "array",
            Value::Object(_) => kind == "object",
        }
    }

    fn check_object(&self, entry: &Value, object: &Map<String, Value>, path: &Path<'_>) -> Result<(), String> {
        let mut known = Vec::new();
        self.check_members(entry, object, path, &mut known)?;
        match object.keys().find(|name| !known.contains(&&***name)) {
            None => Ok(()),
            Some(name) => Err(format!("Parameter '{}' is unexpected", path.member(name))),
        }
    }

    /// Checks what is known, and adds its names.
    fn check_members<'a>(
        &'a self,
        entry: &'a Value,
        object: &Map<String, Value>,
        path: &Path<'_>,
        known: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        for member in items(entry, "members") {
            let name = text_of(member, "name");
            known.push(name);
            match object.get(name) {
                Some(value) => self.check_value(text_of(member, "type"), value, &path.member(name))?,
                None if member.get("default").is_some() => {}
                None => return Err(format!("Parameter '{}' is missing", path.member(name))),
            }
        }
        let tag = object.get(text_of(entry, "tag"));
        let branch = items(entry, "variants").iter().find(|branch| branch.get("case") == tag);
        branch.map_or(Ok(()), |branch| self.check_members(self.ty(text_of(branch, "type")), object, path, known))
    }
}

/// Where in the arguments a value is.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn member<'a>(&'a self, name: &'a str) -> Path<'a> {
        Path::Member(self, name)
    }

    fn element(&self, index: usize) -> Path<'_> {
        Path::Element(self, index)
    }

    /// QEMU says only so much of where an enum's value is.
    fn last(&self) -> &str {
        match self {
            Path::Member(_, name) => name,
            _ => "null",
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Member(Path::Root, name) => f.write_str(name),
            Path::Member(path, name) => write!(f, "{path}.{name}"),
            Path::Element(path, index) => write!(f, "{path}[{index}]"),
        }
    }
}

impl Kind {
    /// Returns whether a command belongs to the beginning of a conversation.
    pub(super) fn begins_with(self, name: &str) -> bool {
        match self {
            Kind::GuestAgent => matches!(name, "guest-sync" | "guest-sync-delimited"),
            _ => name == "qmp_capabilities",
        }
    }

    /// The output of the build script.
    fn text(self) -> &'static str {
        match self {
            #[cfg(feature = "qmp")]
            Kind::Monitor => include_str!(concat!(env!("OUT_DIR"), "/qmp_introspection.json")),
            #[cfg(feature = "qmp")]
            Kind::StorageDaemon => include_str!(concat!(env!("OUT_DIR"), "/qmp_StorageDaemon_introspection.json")),
            #[cfg(feature = "qga")]
            Kind::GuestAgent => include_str!(concat!(env!("OUT_DIR"), "/qga_introspection.json")),
            #[cfg(not(all(feature = "qmp", feature = "qga")))]
            _ => "",
        }
    }
}

#[cfg(all(test, feature = "qmp", feature = "qga"))]
mod tests {
    use super::*;

    fn complaint(command: &str, arguments: Value) -> String {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        Schema::of(Kind::Monitor).check(command, &arguments).err().unwrap_or_default()
    }

    /// The texts are those of QEMU 7.2 and 11.1.
    #[test]
    fn complaints_are_those_of_qemu() {
        let expected = |path: &str, kind: &str| format!("Invalid parameter type for '{path}', expected: {kind}");
        let capability = |capability: Value| json!({"capabilities": [capability]});
        for (command, arguments, text) in [
            ("device_del", json!({}), "Parameter 'id' is missing".to_owned()),
            ("device_del", json!({"id": 3}), expected("id", "string")),
            ("device_del", json!({"id": "x", "z": 4}), "Parameter 'z' is unexpected".to_owned()),
            ("balloon", json!({"value": "3"}), expected("value", "integer")),
            ("balloon", json!({"value": 1.5}), expected("value", "integer")),
            ("set_link", json!({"name": "x", "up": 3}), expected("up", "boolean")),
            (
                "screendump",
                json!({"filename": "x", "format": "nope"}),
                "Parameter 'format' does not accept value 'nope'".to_owned(),
            ),
            ("screendump", json!({"filename": "x", "format": 3}), expected("format", "string")),
            (
                "migrate-set-capabilities",
                capability(json!({"capability": "xbzrle"})),
                "Parameter 'capabilities[0].state' is missing".to_owned(),
            ),
            (
                "migrate-set-capabilities",
                capability(json!({"capability": "xbzrle", "state": true, "x": 1})),
                "Parameter 'capabilities[0].x' is unexpected".to_owned(),
            ),
            ("migrate-set-capabilities", json!({"capabilities": 3}), expected("capabilities", "array")),
            ("migrate-set-capabilities", capability(json!(3)), expected("capabilities[0]", "object")),
            (
                "qmp_capabilities",
                json!({"enable": ["telepathy"]}),
                "Parameter 'null' does not accept value 'telepathy'".to_owned(),
            ),
            ("blockdev-add", json!({"driver": "nope"}), "Parameter 'driver' does not accept value 'nope'".to_owned()),
            ("blockdev-add", json!({}), "Parameter 'driver' is missing".to_owned()),
            ("blockdev-add", json!({"driver": "file"}), "Parameter 'filename' is missing".to_owned()),
            (
                "blockdev-add",
                json!({"driver": "file", "filename": "/x", "xx": 1}),
                "Parameter 'xx' is unexpected".to_owned(),
            ),
            ("blockdev-add", json!({"driver": "qcow2", "file": 3}), expected("file", "BlockdevRef")),
            (
                "blockdev-add",
                json!({"driver": "qcow2", "file": {"driver": "file"}}),
                "Parameter 'file.filename' is missing".to_owned(),
            ),
            ("blockdev-add", json!({"driver": "qcow2", "file": "node"}), String::new()),
            ("device_add", json!({"driver": "virtio-net-pci", "netdev": "n"}), String::new()),
            ("nonsense", json!({"x": 1}), String::new()),
        ] {
            assert_eq!(complaint(command, arguments.clone()), text, "{command} {arguments}");
        }
    }

    #[test]
    fn peers_have_schemas_of_their_own() {
        let (daemon, agent) = (Schema::of(Kind::StorageDaemon), Schema::of(Kind::GuestAgent));
        assert!(daemon.has("blockdev-add") && !daemon.has("query-name"));
        assert!(agent.has("guest-ping") && agent.is_unanswered("guest-shutdown") && !agent.is_unanswered("guest-ping"));
        let monitor = Schema::of(Kind::Monitor);
        assert!(monitor.allows_oob("migrate-pause") && !monitor.allows_oob("query-name"));
        assert!(monitor.commands().count() > 200 && !monitor.is_older());
    }
}
