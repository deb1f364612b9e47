//! Everything that can be asked.

use crate::conversation::Conversation;
use serde_json::json;

/// Listing commands whose names do not begin with `query-`.
const LISTINGS: [&str; 3] = ["qom-list-types", "query-commands", "query-named-block-nodes"];

/// Queries whose replies are large, and do not change while a program runs.
const CONSTANT: [&str; 6] = [
    "query-qmp-schema",
    "query-command-line-options",
    "query-commands",
    "query-cpu-definitions",
    "query-machines",
    "qom-list-types",
];

/// Asks all that needs no arguments, with what only this release has.
pub fn ask_all(conversation: &mut Conversation<'_>) {
    ask_again(conversation);
    for name in CONSTANT {
        conversation.run(name, json!({}));
    }
    for name in conversation.removed_commands().iter().filter(|name| name.contains("query-")) {
        conversation.attempt(name, json!({}));
    }
}

/// Asks all that needs no arguments and may have changed.
pub fn ask_again(conversation: &mut Conversation<'_>) {
    let listing = |name: &str| name.starts_with("query-") || name.starts_with("x-query-") || LISTINGS.contains(&name);
    for name in conversation.bare_commands(listing) {
        if !CONSTANT.contains(&name) {
            conversation.attempt(name, json!({}));
        }
    }
    conversation.attempt("query-named-block-nodes", json!({"flat": true}));
    conversation.attempt("query-blockstats", json!({"query-nodes": true}));
}

/// Asks what needs arguments: about processor models, statistics, trace events, switches.
pub fn ask_with_arguments(conversation: &mut Conversation<'_>, cpu: &str) {
    for kind in ["static", "full"] {
        let arguments = json!({"type": kind, "model": {"name": cpu}});
        conversation.attempt("query-cpu-model-expansion", arguments);
    }
    let models = json!({"modela": {"name": cpu, "props": {"a": true}}, "modelb": {"name": cpu}});
    conversation.attempt("query-cpu-model-comparison", models.clone());
    conversation.attempt("query-cpu-model-baseline", models);
    for target in ["vm", "vcpu", "cryptodev"] {
        conversation.attempt("query-stats", json!({"target": target}));
    }
    let filtered = json!({"target": "vcpu", "vcpus": ["/machine/unattached/device[0]"], "providers":
        [{"provider": "kvm", "names": ["exits"]}]});
    conversation.attempt("query-stats", filtered);
    conversation.attempt("query-stats-schemas", json!({"provider": "kvm"}));
    conversation.run("trace-event-get-state", json!({"name": "qmp_*"}));
    conversation.run("trace-event-set-state", json!({"name": "qmp_*", "enable": false, "ignore-unavailable": true}));
    for name in ["query-rocker", "query-rocker-ports", "query-rocker-of-dpa-flows", "query-rocker-of-dpa-groups"] {
        conversation.attempt(name, json!({"name": "switch0"}));
    }
    conversation.attempt("query-rocker-of-dpa-flows", json!({"name": "switch0", "tbl-id": 0}));
    conversation.attempt("query-rx-filter", json!({"name": "nic0"}));
    conversation.run("device-list-properties", json!({"typename": "virtio-blk-pci"}));
    for line in ["info qtree", "info network", "info registers", "info mtree -f", "help"] {
        conversation.run("human-monitor-command", json!({"command-line": line}));
    }
    conversation.attempt("human-monitor-command", json!({"command-line": "info registers", "cpu-index": 1}));
}

/// Asks about each virtio device and its queues. This ends QEMU 11.1, so that nothing may be asked after it.
pub fn ask_virtio(conversation: &mut Conversation<'_>) {
    let devices = conversation.run("x-query-virtio", json!({}));
    for device in devices.as_array().into_iter().flatten() {
        let path = &device["path"];
        for name in ["x-query-virtio-queue-status", "x-query-virtio-vhost-queue-status"] {
            conversation.attempt(name, json!({"path": path, "queue": 0}));
        }
        conversation.attempt("x-query-virtio-queue-element", json!({"path": path, "queue": 0, "index": 0}));
    }
    for device in devices.as_array().into_iter().flatten() {
        conversation.attempt("x-query-virtio-status", json!({"path": device["path"]}));
    }
}

/// Checks that the schema knows all commands and events of a program.
pub fn check_introspection(conversation: &mut Conversation<'_>) {
    conversation.check_commands();
    let schema = conversation.run("query-qmp-schema", json!({}));
    for entry in schema.as_array().into_iter().flatten().filter(|entry| entry["meta-type"] == "event") {
        conversation.check_event(entry["name"].as_str().unwrap_or_default());
    }
}
