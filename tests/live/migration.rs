//! Migration: parameters, a stream into a file and back into another machine, snapshots inside an image.

use crate::binaries::Binary;
use crate::blocks::add_qcow2;
use crate::conversation::Conversation;
use crate::jobs;
use crate::machine::{self, option};
use crate::process::Folder;
use crate::report::Report;
use qemu_qmp::Version;
use serde_json::{json, Value};
use std::thread;
use std::time::{Duration, Instant};

/// How long a cancelled migration may take to go, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first release that migrates into a file by itself. Before, a shell does.
const FILE: Version = Version { major: 8, minor: 2, micro: 0 };

/// Saves a machine, loads it into another one, and takes snapshots.
pub fn converse(binary: &Binary, report: &mut Report) -> Result<(), String> {
    let shared = Folder::new().map_err(|error| error.to_string())?;
    let stream = shared.text("stream");
    {
        let mut source = machine::plain(binary, report, |_| Vec::new())?;
        configure(&mut source);
        save(&mut source, &stream);
        measure(&mut source);
    }
    {
        let mut target = machine::plain(binary, report, |_| vec![option("-incoming", "defer")])?;
        load(&mut target, &stream);
    }
    let mut kept = machine::plain(binary, report, |_| Vec::new())?;
    take_snapshots(&mut kept);
    Ok(())
}

fn configure(conversation: &mut Conversation<'_>) {
    let capabilities = conversation.run("query-migrate-capabilities", json!({}));
    // As it is, one by one: all that a release knows, and none that it does not.
    for capability in capabilities.as_array().into_iter().flatten() {
        conversation.attempt("migrate-set-capabilities", json!({"capabilities": [capability]}));
    }
    let events = json!({"capabilities": [{"capability": "events", "state": true}]});
    conversation.run("migrate-set-capabilities", events);
    let all = conversation.run("query-migrate-parameters", json!({}));
    for (name, value) in all.as_object().into_iter().flatten() {
        conversation.attempt("migrate-set-parameters", json!({name: value}));
    }
    conversation.run("migrate-set-parameters", json!({"max-bandwidth": 65536, "downtime-limit": 300, "tls-creds": ""}));
    conversation.attempt("migrate-set-parameters", json!({"tls-hostname": null}));
    let mapping = json!([{"node-name": "here", "alias": "there", "bitmaps":
        [{"name": "a", "alias": "b", "transform": {"persistent": true}}]}]);
    conversation.attempt("migrate-set-parameters", json!({"block-bitmap-mapping": mapping}));
    conversation.run("query-migrate-parameters", json!({}));
    conversation.attempt("migrate-set-parameters", json!({"block-bitmap-mapping": []}));
}

fn save(conversation: &mut Conversation<'_>, stream: &str) {
    conversation.forget_events();
    conversation.run("migrate", json!({"uri": format!("exec:cat > {stream}.partly")}));
    conversation.wait("MIGRATION", |data| data["status"] == "active");
    conversation.run("query-migrate", json!({}));
    conversation.run("query-yank", json!({}));
    conversation.attempt("migrate-start-postcopy", json!({}));
    conversation.attempt("migrate-pause", json!({}));
    conversation.attempt("migrate-recover", json!({"uri": "exec:true"}));
    conversation.attempt("migrate-continue", json!({"state": "pre-switchover"}));
    conversation.attempt("x-colo-lost-heartbeat", json!({}));
    conversation.attempt("query-colo-status", json!({}));
    conversation.run("migrate_cancel", json!({}));
    conversation.wait("MIGRATION", |data| data["status"] == "cancelled");
    conversation.run("query-migrate", json!({}));
    settle(conversation);

    conversation.run("migrate-set-parameters", json!({"max-bandwidth": 0}));
    let by_name = json!({"uri": format!("exec:cat > {stream}")});
    let by_parts = json!({"channels": [{"channel-type": "main", "addr":
        {"transport": "file", "filename": stream, "offset": 0}}]});
    conversation.run("migrate", if conversation.version >= FILE { by_parts } else { by_name });
    conversation.wait("MIGRATION", |data| data["status"] == "completed");
    conversation.run("query-migrate", json!({}));
    conversation.run("query-status", json!({}));
}

/// Waits until nothing is left of a migration that has ended: QEMU 11.1 ends if the next one begins before.
fn settle(conversation: &mut Conversation<'_>) {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let instances = conversation.run("query-yank", json!({}));
        if !instances.as_array().into_iter().flatten().any(|instance| instance["type"] == "migration") {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    conversation.report.fail("a migration was cancelled, and never ended");
}

/// Page sampling only: the other modes need KVM, or end QEMU 7.2.
fn measure(conversation: &mut Conversation<'_>) {
    conversation.attempt("calc-dirty-rate", json!({"calc-time": 1, "sample-pages": 512, "mode": "page-sampling"}));
    conversation.run("query-dirty-rate", json!({}));
    conversation.attempt("query-dirty-rate", json!({"calc-time-unit": "millisecond"}));
}

fn load(conversation: &mut Conversation<'_>, stream: &str) {
    conversation.run("query-status", json!({}));
    conversation.run("query-migrate", json!({}));
    let events = json!({"capabilities": [{"capability": "events", "state": true}]});
    conversation.run("migrate-set-capabilities", events);
    let by_name = json!({"uri": format!("exec:cat {stream}")});
    let by_parts = json!({"channels": [{"channel-type": "main", "addr":
        {"transport": "exec", "args": ["/bin/cat", stream]}}]});
    conversation.run("migrate-incoming", if conversation.version >= FILE { by_parts } else { by_name });
    conversation.wait("MIGRATION", |data| data["status"] == "completed");
    conversation.run("query-migrate", json!({}));
    conversation.run("query-status", json!({}));
}

fn take_snapshots(conversation: &mut Conversation<'_>) {
    add_qcow2(conversation, "state", Value::Null);
    let arguments = json!({"job-id": "snapshot", "tag": "now", "vmstate": "state", "devices": ["state"]});
    jobs::run(conversation, "snapshot-save", arguments.clone(), "snapshot");
    conversation.run("query-named-block-nodes", json!({}));
    conversation.run("human-monitor-command", json!({"command-line": "info snapshots"}));
    jobs::run(conversation, "snapshot-load", arguments, "snapshot");
    let arguments = json!({"job-id": "snapshot", "tag": "now", "devices": ["state"]});
    jobs::run(conversation, "snapshot-delete", arguments, "snapshot");
    let arguments = json!({"job-id": "snapshot", "tag": "none", "vmstate": "state", "devices": ["state"]});
    jobs::try_run(conversation, "snapshot-load", arguments, "snapshot");
}
