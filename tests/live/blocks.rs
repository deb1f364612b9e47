//! Block nodes: images of many formats, bitmaps, filters, limits, exports.
//!
//! All of it works on the storage daemon, too; what needs a machine says so.

use crate::conversation::Conversation;
use crate::jobs;
use qemu_qmp::Version;
use serde_json::{json, Value};

/// How large images are.
pub const SIZE: u64 = 4 << 20;

/// Everything about block nodes.
pub fn converse(conversation: &mut Conversation<'_>) {
    create_images(conversation);
    use_bitmaps(conversation);
    stack_filters(conversation);
    jobs::converse(conversation);
    export(conversation);
    amend(conversation);
}

/// A file with a node over it, which is empty unless an image is created in it.
pub fn add_file(conversation: &mut Conversation<'_>, name: &str, bytes: u64) -> String {
    let node = format!("{name}-file");
    match conversation.folder.sparse(name, bytes) {
        Ok(path) => {
            let options = json!({"driver": "file", "node-name": node, "filename": path, "discard": "unmap"});
            conversation.run("blockdev-add", options);
        }
        Err(error) => conversation.report.fail(format!("file {name}: {error}")),
    }
    node
}

/// A node in the raw format, of full size.
pub fn add_raw(conversation: &mut Conversation<'_>, name: &str) {
    let file = add_file(conversation, name, SIZE);
    conversation.run("blockdev-add", json!({"driver": "raw", "node-name": name, "file": file}));
}

/// A node in the qcow2 format, perhaps over another node.
pub fn add_qcow2(conversation: &mut Conversation<'_>, name: &str, backing: Value) {
    let file = add_file(conversation, name, 0);
    let options = json!({"driver": "qcow2", "file": file, "size": SIZE, "cluster-size": 65536, "version": "v3"});
    jobs::run(conversation, "blockdev-create", json!({"job-id": "create", "options": options}), "create");
    let node = json!({"driver": "qcow2", "node-name": name, "file": file, "backing": backing});
    conversation.run("blockdev-add", node);
}

/// An image in each format that can be created, opened and asked about. Builds differ in what they allow.
fn create_images(conversation: &mut Conversation<'_>) {
    conversation.run("object-add", json!({"qom-type": "secret", "id": "key0", "data": "letmein"}));
    let new = json!({"job-id": "create", "options":
        {"driver": "file", "filename": conversation.folder.text("fresh"), "size": SIZE, "preallocation": "falloc"}});
    jobs::run(conversation, "blockdev-create", new, "create");
    let luks = json!({"key-secret": "key0", "cipher-alg": "aes-256", "cipher-mode": "xts", "ivgen-alg": "plain64",
        "hash-alg": "sha256", "iter-time": 10});
    let mut encrypted = luks.clone();
    encrypted["format"] = json!("luks");
    let open = json!({"key-secret": "key0"});
    for (name, format, create, open) in [
        ("luks", "luks", luks, open.clone()),
        (
            "secret",
            "qcow2",
            json!({"encrypt": encrypted}),
            json!({"encrypt": {"format": "luks", "key-secret": "key0"}}),
        ),
        ("zstd", "qcow2", json!({"compression-type": "zstd", "extended-l2": true, "cluster-size": 131_072}), json!({})),
        ("qed", "qed", json!({"cluster-size": 65536}), json!({})),
        ("vdi", "vdi", json!({"preallocation": "off"}), json!({})),
        ("vhdx", "vhdx", json!({"subformat": "dynamic", "block-size": 1_048_576}), json!({})),
        ("vmdk", "vmdk", json!({"subformat": "monolithicSparse", "adapter-type": "ide"}), json!({})),
        ("vpc", "vpc", json!({"subformat": "dynamic"}), json!({})),
        ("parallels", "parallels", json!({"cluster-size": 1_048_576}), json!({})),
    ] {
        let file = add_file(conversation, name, 0);
        let options = merged(json!({"driver": format, "file": file, "size": SIZE}), create);
        jobs::try_run(conversation, "blockdev-create", json!({"job-id": "create", "options": options}), "create");
        conversation.try_run("blockdev-add", merged(json!({"driver": format, "node-name": name, "file": file}), open));
    }
    conversation.run("query-named-block-nodes", json!({}));
    for name in ["luks", "secret", "zstd", "qed", "vdi", "vhdx", "vmdk", "vpc", "parallels"] {
        conversation.try_run("blockdev-del", json!({"node-name": name}));
        conversation.run("blockdev-del", json!({"node-name": format!("{name}-file")}));
    }
}

fn use_bitmaps(conversation: &mut Conversation<'_>) {
    add_qcow2(conversation, "marked", Value::Null);
    for (name, persistent) in [("lasting", true), ("passing", false), ("sum", false)] {
        let bitmap = json!({"node": "marked", "name": name, "persistent": persistent, "granularity": 65536});
        conversation.run("block-dirty-bitmap-add", bitmap);
    }
    let lasting = json!({"node": "marked", "name": "lasting"});
    conversation.run("block-dirty-bitmap-disable", lasting.clone());
    conversation.run("block-dirty-bitmap-enable", lasting.clone());
    conversation.run("block-dirty-bitmap-clear", lasting.clone());
    let merge =
        json!({"node": "marked", "target": "sum", "bitmaps": ["lasting", {"node": "marked", "name": "passing"}]});
    conversation.run("block-dirty-bitmap-merge", merge.clone());
    conversation.try_run("x-debug-block-dirty-bitmap-sha256", lasting.clone());
    let actions = json!([
        {"type": "block-dirty-bitmap-add", "data": {"node": "marked", "name": "more"}},
        {"type": "block-dirty-bitmap-disable", "data": {"node": "marked", "name": "more"}},
        {"type": "block-dirty-bitmap-enable", "data": {"node": "marked", "name": "more"}},
        {"type": "block-dirty-bitmap-clear", "data": {"node": "marked", "name": "more"}},
        {"type": "block-dirty-bitmap-merge", "data": merge},
        {"type": "block-dirty-bitmap-remove", "data": {"node": "marked", "name": "more"}},
        {"type": "abort", "data": {}},
    ]);
    let all = actions.as_array().map(|actions| &actions[..actions.len() - 1]);
    conversation.run("transaction", json!({"actions": all}));
    conversation.attempt("transaction", json!({"actions": actions, "properties": {"completion-mode": "grouped"}}));
    conversation.run("query-named-block-nodes", json!({}));
    conversation.run("block-dirty-bitmap-remove", json!({"node": "marked", "name": "passing"}));
    conversation.attempt("block-dirty-bitmap-remove", json!({"node": "marked", "name": "passing"}));
    conversation.run("block_resize", json!({"node-name": "marked", "size": SIZE}));
    conversation.run("blockdev-del", json!({"node-name": "marked"}));
}

fn stack_filters(conversation: &mut Conversation<'_>) {
    let limits = json!({"iops-total": 1000, "bps-total-max": 1_048_576, "bps-total": 65536});
    conversation.run("object-add", json!({"qom-type": "throttle-group", "id": "limits", "limits": limits}));
    add_raw(conversation, "bottom");
    let inject =
        json!([{"event": "read_aio", "errno": 5, "once": true, "sector": 1, "immediately": false, "iotype": "read"}]);
    let states = json!([{"event": "write_aio", "state": 1, "new_state": 2}]);
    for node in [
        json!({"driver": "blkdebug", "node-name": "faulty", "image": "bottom", "inject-error": inject, "set-state": states}),
        json!({"driver": "throttle", "node-name": "slow", "throttle-group": "limits", "file": "faulty"}),
        json!({"driver": "copy-on-read", "node-name": "keeping", "file": "slow", "read-only": true}),
        json!({"driver": "null-co", "node-name": "zeroes", "size": SIZE, "latency-ns": 0, "read-zeroes": true}),
        json!({"driver": "null-co", "node-name": "spare", "size": SIZE}),
        json!({"driver": "null-co", "node-name": "third", "size": SIZE}),
        json!({"driver": "quorum", "node-name": "vote", "vote-threshold": 2, "children": ["zeroes", "spare"],
            "read-pattern": "quorum", "blkverify": true}),
        json!({"driver": "quorum", "node-name": "fifo", "vote-threshold": 1, "children":
            [{"driver": "null-co", "size": SIZE}, {"driver": "null-co", "size": SIZE}], "read-pattern": "fifo"}),
        json!({"driver": "blklogwrites", "node-name": "logged", "file": {"driver": "null-co", "size": SIZE},
            "log": {"driver": "null-co", "size": SIZE}, "log-append": false}),
        json!({"driver": "preallocate", "node-name": "ahead", "file": {"driver": "null-co", "size": SIZE}}),
        json!({"driver": "raw", "node-name": "slice", "offset": 512, "size": 1024, "file":
            {"driver": "null-co", "size": SIZE}, "cache": {"direct": false, "no-flush": true}, "force-share": true}),
        json!({"driver": "nbd", "node-name": "remote", "server": {"type": "unix", "path": "/nowhere/at/all"}}),
        json!({"driver": "vvfat", "node-name": "fat", "dir": "/nowhere/at/all", "floppy": true}),
    ] {
        conversation.try_run("blockdev-add", node);
    }
    conversation.run("query-named-block-nodes", json!({}));
    conversation.try_run("x-debug-query-block-graph", json!({}));
    conversation.try_run("x-blockdev-change", json!({"parent": "fifo", "node": "third"}));
    conversation.try_run("x-blockdev-change", json!({"parent": "fifo", "child": "children.0"}));
    conversation.run("block-set-write-threshold", json!({"node-name": "bottom", "write-threshold": 1024}));
    reopen(conversation);
    conversation.attempt("blockdev-set-active", json!({"node-name": "third", "active": false}));
    conversation.attempt("blockdev-set-active", json!({"node-name": "third", "active": true}));
    conversation.attempt("x-blockdev-set-iothread", json!({"node-name": "spare", "iothread": "none"}));
    conversation.attempt("x-blockdev-set-iothread", json!({"node-name": "spare", "iothread": null, "force": true}));
    for node in
        ["keeping", "slow", "faulty", "vote", "fifo", "logged", "ahead", "slice", "fat", "zeroes", "spare", "third"]
    {
        conversation.try_run("blockdev-del", json!({"node-name": node}));
    }
    conversation.run("blockdev-del", json!({"node-name": "bottom"}));
    conversation.run("object-del", json!({"id": "limits"}));
}

/// Changes a node's options while it is in use. 6.0 has a command of another name and shape.
fn reopen(conversation: &mut Conversation<'_>) {
    let options = json!({"driver": "raw", "node-name": "bottom", "file": "bottom-file", "read-only": false,
        "cache": {"no-flush": true}});
    if conversation.version >= (Version { major: 6, minor: 1, micro: 0 }) {
        conversation.run("blockdev-reopen", json!({"options": [options]}));
    }
}

/// Servers for nodes: NBD, and others that a build may have.
fn export(conversation: &mut Conversation<'_>) {
    add_qcow2(conversation, "shared", Value::Null);
    for name in ["changes", "others"] {
        let bitmap = json!({"node": "shared", "name": name, "persistent": false, "disabled": true});
        conversation.run("block-dirty-bitmap-add", bitmap);
    }
    let socket = json!({"type": "unix", "data": {"path": conversation.folder.text("nbd")}});
    conversation.run("nbd-server-start", json!({"addr": socket, "max-connections": 5}));
    let nbd = json!({"type": "nbd", "id": "export0", "node-name": "shared", "name": "live", "description": "an export",
        "writable": true, "bitmaps": ["changes"]});
    conversation.run("block-export-add", nbd);
    let external = json!({"type": "nbd", "id": "export1", "node-name": "shared", "name": "more", "bitmaps":
        [{"node": "shared", "name": "others"}]});
    conversation.run("block-export-add", external);
    let vhost = json!({"type": "vhost-user-blk", "id": "export2", "node-name": "shared", "logical-block-size": 512,
        "addr": {"type": "unix", "path": conversation.folder.text("vhost")}});
    conversation.try_run("block-export-add", vhost);
    conversation.run("query-block-exports", json!({}));
    conversation.forget_events();
    for id in ["export0", "export1", "export2"] {
        let removed = json!({"id": id, "mode": "hard"});
        if conversation.try_run("block-export-del", removed) != Value::Null {
            conversation.wait("BLOCK_EXPORT_DELETED", |data| data["id"] == id);
        }
    }
    conversation.try_run("nbd-server-add", json!({"device": "shared", "writable": false}));
    conversation.try_run("nbd-server-remove", json!({"name": "shared", "mode": "safe"}));
    conversation.run("nbd-server-stop", json!({}));
    conversation.attempt("nbd-server-stop", json!({}));
    conversation.run("blockdev-del", json!({"node-name": "shared"}));
}

/// Changes an image in place. Encrypted ones end QEMU 10.0 when they are amended, and are not.
fn amend(conversation: &mut Conversation<'_>) {
    add_qcow2(conversation, "amended", Value::Null);
    let arguments = json!({"job-id": "amend", "node-name": "amended", "options": {"driver": "qcow2"}});
    jobs::try_run(conversation, "x-blockdev-amend", arguments, "amend");
    conversation.run("blockdev-del", json!({"node-name": "amended"}));
}

fn merged(mut into: Value, from: Value) -> Value {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
    into
}
