//! The object model: the tree of objects with its properties, and all types.

use crate::conversation::Conversation;
use serde_json::{json, Value};

/// How deep the tree of objects is gone into. It is a tree of children, so that it ends by itself.
const DEPTH: usize = 16;

/// Walks all objects and all types.
pub fn converse(conversation: &mut Conversation<'_>) {
    walk(conversation, "/", 0);
    list_types(conversation);
    change(conversation);
}

fn walk(conversation: &mut Conversation<'_>, path: &str, depth: usize) {
    let properties = conversation.run("qom-list", json!({"path": path}));
    for property in properties.as_array().into_iter().flatten() {
        let (name, kind) =
            (property["name"].as_str().unwrap_or_default(), property["type"].as_str().unwrap_or_default());
        if kind.starts_with("child<") {
            if depth < DEPTH {
                walk(conversation, &format!("{}/{name}", path.trim_end_matches('/')), depth + 1);
            }
        } else {
            conversation.attempt("qom-get", json!({"path": path, "property": name}));
        }
    }
    conversation.attempt("qom-list-get", json!({"paths": [path]}));
}

fn list_types(conversation: &mut Conversation<'_>) {
    conversation.run("qom-list-types", json!({"implements": "device", "abstract": false}));
    let objects = conversation.run("qom-list-types", json!({"implements": "user-creatable", "abstract": true}));
    for name in type_names(&objects) {
        conversation.attempt("qom-list-properties", json!({"typename": name}));
    }
    let devices = conversation.run("qom-list-types", json!({"implements": "device"}));
    for name in type_names(&devices) {
        conversation.attempt("device-list-properties", json!({"typename": name}));
    }
    let cpus = conversation.run("qom-list-types", json!({"implements": "cpu", "abstract": true}));
    for name in type_names(&cpus).take(3) {
        conversation.attempt("qom-list-properties", json!({"typename": name}));
    }
    conversation.attempt("qom-list-properties", json!({"typename": "no-such-type"}));
}

fn change(conversation: &mut Conversation<'_>) {
    conversation.run("object-add", json!({"qom-type": "iothread", "id": "changed", "poll-max-ns": 1000}));
    let path = "/objects/changed";
    conversation.run("qom-set", json!({"path": path, "property": "poll-max-ns", "value": 2000}));
    conversation.run("qom-get", json!({"path": path, "property": "poll-max-ns"}));
    conversation.attempt("qom-set", json!({"path": path, "property": "poll-max-ns", "value": "none"}));
    conversation.attempt("qom-set", json!({"path": path, "property": "poll-max-ns", "value": null}));
    conversation.attempt("qom-get", json!({"path": path, "property": "no-such-property"}));
    conversation.attempt("qom-list", json!({"path": "/no/such/path"}));
    conversation.run("object-del", json!({"id": "changed"}));
}

fn type_names(types: &Value) -> impl Iterator<Item = &str> {
    types.as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str())
}
