//! Block jobs, from their beginning to their end.

use crate::blocks::{add_qcow2, add_raw};
use crate::conversation::{Conversation, Outcome};
use serde_json::{json, Value};

/// Every job there is, in several of its ways to end.
pub fn converse(conversation: &mut Conversation<'_>) {
    mirror(conversation);
    back_up(conversation);
    stream_and_commit(conversation);
    fail(conversation);
    transact(conversation);
}

/// Runs a job that must succeed, and dismisses it.
pub fn run(conversation: &mut Conversation<'_>, name: &str, arguments: Value, id: &str) {
    conversation.forget_events();
    if conversation.run(name, arguments) == Value::Null {
        return;
    }
    if let Some(error) = conclude(conversation, id) {
        conversation.report.fail(format!("job {id} of {name} failed: {error}"));
    }
}

/// Runs a job that may fail, and dismisses it.
pub fn try_run(conversation: &mut Conversation<'_>, name: &str, arguments: Value, id: &str) {
    conversation.forget_events();
    if let Outcome::Returned(_) = conversation.attempt(name, arguments) {
        conclude(conversation, id);
    }
}

/// Waits for a job that does not dismiss itself, dismisses it, and says why it failed if it did.
fn conclude(conversation: &mut Conversation<'_>, id: &str) -> Option<String> {
    reach(conversation, id, "concluded");
    let jobs = conversation.run("query-jobs", json!({}));
    let job = jobs.as_array().into_iter().flatten().find(|job| job["id"] == id).cloned().unwrap_or_default();
    conversation.run("job-dismiss", json!({"id": id}));
    job["error"].as_str().map(str::to_owned)
}

/// Waits until a job has a status.
fn reach(conversation: &mut Conversation<'_>, id: &str, status: &str) {
    conversation.wait("JOB_STATUS_CHANGE", |data| data["id"] == id && data["status"] == status);
}

/// Mirrors: completed, cancelled, paused, and held until they are finalized.
fn mirror(conversation: &mut Conversation<'_>) {
    add_qcow2(conversation, "source", Value::Null);
    add_raw(conversation, "copy");
    conversation.forget_events();
    let arguments = json!({"job-id": "mirror", "device": "source", "target": "copy", "sync": "full", "speed": 65536,
        "granularity": 65536, "buf-size": 65536, "on-source-error": "report", "on-target-error": "report",
        "copy-mode": "background", "filter-node-name": "mirror-filter", "auto-finalize": false, "auto-dismiss": false});
    conversation.run("blockdev-mirror", arguments.clone());
    conversation.run("query-block-jobs", json!({}));
    conversation.run("query-jobs", json!({}));
    conversation.run("job-pause", json!({"id": "mirror"}));
    conversation.attempt("job-pause", json!({"id": "mirror"}));
    conversation.run("query-block-jobs", json!({}));
    conversation.run("job-resume", json!({"id": "mirror"}));
    conversation.run("block-job-pause", json!({"device": "mirror"}));
    conversation.run("block-job-resume", json!({"device": "mirror"}));
    conversation.run("block-job-set-speed", json!({"device": "mirror", "speed": 0}));
    conversation.attempt("block-job-change", json!({"id": "mirror", "type": "mirror", "copy-mode": "write-blocking"}));
    conversation.wait("BLOCK_JOB_READY", |data| data["device"] == "mirror");
    conversation.run("query-block-jobs", json!({}));
    conversation.run("job-complete", json!({"id": "mirror"}));
    reach(conversation, "mirror", "pending");
    conversation.wait("BLOCK_JOB_PENDING", |data| data["id"] == "mirror");
    conversation.run("query-block-jobs", json!({}));
    conversation.run("job-finalize", json!({"id": "mirror"}));
    conversation.wait("BLOCK_JOB_COMPLETED", |data| data["device"] == "mirror");
    reach(conversation, "mirror", "concluded");
    conversation.run("block-job-dismiss", json!({"id": "mirror"}));
    conversation.run("blockdev-del", json!({"node-name": "source"}));

    add_raw(conversation, "other");
    conversation.forget_events();
    let again = json!({"job-id": "cancelled", "device": "copy", "target": "other", "sync": "top"});
    conversation.run("blockdev-mirror", again);
    conversation.wait("BLOCK_JOB_READY", |data| data["device"] == "cancelled");
    conversation.run("block-job-cancel", json!({"device": "cancelled", "force": true}));
    conversation.wait("BLOCK_JOB_CANCELLED", |data| data["device"] == "cancelled");
    reach(conversation, "cancelled", "null");
    for node in ["copy", "other"] {
        conversation.run("blockdev-del", json!({"node-name": node}));
    }
}

/// Backups: full, and what a bitmap says.
fn back_up(conversation: &mut Conversation<'_>) {
    add_qcow2(conversation, "original", Value::Null);
    add_raw(conversation, "backup");
    conversation.run("block-dirty-bitmap-add", json!({"node": "original", "name": "since", "persistent": false}));
    let full = json!({"job-id": "full", "device": "original", "target": "backup", "sync": "full", "speed": 0,
        "compress": false, "auto-dismiss": false, "on-source-error": "report",
        "x-perf": {"use-copy-range": false, "max-workers": 4, "max-chunk": 0}});
    run(conversation, "blockdev-backup", full, "full");
    let incremental = json!({"job-id": "incremental", "device": "original", "target": "backup", "sync": "bitmap",
        "bitmap": "since", "bitmap-mode": "on-success", "auto-dismiss": false, "auto-finalize": false});
    conversation.forget_events();
    conversation.run("blockdev-backup", incremental);
    reach(conversation, "incremental", "pending");
    conversation.run("block-job-finalize", json!({"id": "incremental"}));
    conclude(conversation, "incremental");
    let sync = json!({"job-id": "bad", "device": "original", "target": "backup", "sync": "bitmap"});
    conversation.attempt("blockdev-backup", sync);
    for node in ["original", "backup"] {
        conversation.run("blockdev-del", json!({"node-name": node}));
    }
}

/// A chain of images that grows, and is made shorter from either end.
fn stream_and_commit(conversation: &mut Conversation<'_>) {
    add_raw(conversation, "base");
    add_qcow2(conversation, "middle", json!("base"));
    add_qcow2(conversation, "upper", Value::Null);
    conversation.run("blockdev-snapshot", json!({"node": "middle", "overlay": "upper"}));
    add_qcow2(conversation, "top", Value::Null);
    conversation.run("blockdev-snapshot", json!({"node": "upper", "overlay": "top"}));
    conversation.run("query-named-block-nodes", json!({"flat": true}));
    let path = conversation.folder.text("base");
    conversation
        .attempt("change-backing-file", json!({"device": "top", "image-node-name": "upper", "backing-file": path}));
    let stream = json!({"job-id": "stream", "device": "upper", "base-node": "base", "auto-dismiss": false, "speed": 0});
    run(conversation, "block-stream", stream, "stream");
    let commit = json!({"job-id": "commit", "device": "top", "top-node": "upper", "base-node": "base",
        "auto-dismiss": false, "filter-node-name": "commit-filter", "on-error": "report"});
    run(conversation, "block-commit", commit, "commit");
    conversation.forget_events();
    conversation.run("block-commit", json!({"job-id": "active", "device": "top", "base-node": "base"}));
    conversation.wait("BLOCK_JOB_READY", |data| data["device"] == "active");
    conversation.run("block-job-complete", json!({"device": "active"}));
    conversation.wait("BLOCK_JOB_COMPLETED", |data| data["device"] == "active" && data["type"] == "commit");
    reach(conversation, "active", "null");
    for node in ["top", "upper", "middle", "base"] {
        conversation.run("blockdev-del", json!({"node-name": node}));
    }
}

/// A job that meets a bad sector, stops there, and is told to go on.
fn fail(conversation: &mut Conversation<'_>) {
    add_raw(conversation, "sound");
    add_raw(conversation, "rescue");
    // Zeroes are not read, and what is not read cannot fail.
    if let Err(error) = conversation.folder.filled("sound", 1 << 20) {
        conversation.report.fail(error.to_string());
    }
    let inject = json!([{"event": "none", "iotype": "read", "errno": 5, "once": true}]);
    let node = json!({"driver": "blkdebug", "node-name": "failing", "image": "sound", "inject-error": inject});
    if conversation.try_run("blockdev-add", node) != Value::Null {
        conversation.forget_events();
        let arguments = json!({"job-id": "failing", "device": "failing", "target": "rescue", "sync": "full",
            "on-source-error": "stop", "auto-dismiss": false});
        conversation.run("blockdev-backup", arguments);
        conversation.wait("BLOCK_JOB_ERROR", |data| data["device"] == "failing" && data["action"] == "stop");
        conversation.run("query-block-jobs", json!({}));
        conversation.run("job-resume", json!({"id": "failing"}));
        conversation.attempt("job-cancel", json!({"id": "failing"}));
        conclude(conversation, "failing");
        conversation.run("blockdev-del", json!({"node-name": "failing"}));
    }
    for node in ["sound", "rescue"] {
        conversation.run("blockdev-del", json!({"node-name": node}));
    }
}

/// Several at once, all of which end together.
fn transact(conversation: &mut Conversation<'_>) {
    add_raw(conversation, "one");
    add_raw(conversation, "two");
    conversation.run("blockdev-add", json!({"driver": "null-co", "node-name": "void", "size": 4 << 20}));
    conversation.forget_events();
    let backup = |id: &str, target: &str| {
        json!({"type": "blockdev-backup", "data":
            {"job-id": id, "device": "void", "target": target, "sync": "full", "auto-dismiss": false}})
    };
    let actions = json!([backup("first", "one"), backup("second", "two")]);
    let properties = json!({"completion-mode": "grouped"});
    conversation.run("transaction", json!({"actions": actions, "properties": properties}));
    for id in ["first", "second"] {
        if let Some(error) = conclude(conversation, id) {
            conversation.report.fail(format!("job {id} failed: {error}"));
        }
    }
    for node in ["one", "two", "void"] {
        conversation.run("blockdev-del", json!({"node-name": node}));
    }
}
