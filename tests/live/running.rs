//! Run states, the console, memory contents: what concerns a machine as a whole.

use crate::conversation::Conversation;
use serde_json::{json, Value};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// Starts, stops, resets and dumps a machine, and quits.
pub fn converse(conversation: &mut Conversation<'_>) {
    type_and_look(conversation);
    watch_by_vnc(conversation);
    change_state(conversation);
    save_memory(conversation);
    configure(conversation);
    conversation.run("quit", json!({}));
    conversation.wait("SHUTDOWN", |data| data["reason"] == "host-qmp-quit");
    conversation.wait_for_end();
}

fn type_and_look(conversation: &mut Conversation<'_>) {
    conversation.run(
        "send-key",
        json!({"keys": [{"type": "qcode", "data": "ctrl"}, {"type": "number", "data": 30}], "hold-time": 1}),
    );
    let file = conversation.folder.text("screen");
    conversation.attempt("screendump", json!({"filename": file, "format": "ppm", "device": "screen", "head": 0}));
    conversation.attempt("screendump", json!({"filename": file}));
    conversation.attempt("display-reload", json!({"type": "vnc", "tls-certs": true}));
    conversation.attempt("client_migrate_info", json!({"protocol": "spice", "hostname": "localhost", "port": 1}));
    conversation.attempt("add_client", json!({"protocol": "vnc", "fdname": "none", "skipauth": true}));
    for (name, more) in [("set_password", "connected"), ("expire_password", "time")] {
        let value = if more == "time" { "never" } else { "keep" };
        let mut arguments = json!({"protocol": "vnc", more: value});
        if name == "set_password" {
            arguments["password"] = json!("letmein");
        }
        conversation.attempt(name, arguments);
    }
    conversation.attempt("change-vnc-password", json!({"password": "letmein"}));
}

/// A client that comes, shakes hands, and goes again.
fn watch_by_vnc(conversation: &mut Conversation<'_>) {
    conversation.forget_events();
    let Ok(mut peer) = UnixStream::connect(conversation.folder.join("open-vnc")) else {
        return conversation.report.note("there is no VNC");
    };
    conversation.wait("VNC_CONNECTED", |_| true);
    match shake_hands(&mut peer) {
        Ok(()) => conversation.wait("VNC_INITIALIZED", |_| true),
        Err(error) => conversation.report.fail(format!("the VNC server does not shake hands: {error}")),
    }
    conversation.run("query-vnc", json!({}));
    conversation.run("query-vnc-servers", json!({}));
    drop(peer);
    conversation.wait("VNC_DISCONNECTED", |_| true);
}

/// The client's half of RFB 3.8 without authentication, up to its last message.
fn shake_hands(peer: &mut UnixStream) -> io::Result<()> {
    let mut version = [0; 12];
    peer.read_exact(&mut version)?;
    peer.write_all(&version)?;
    let mut count = [0];
    peer.read_exact(&mut count)?;
    peer.read_exact(&mut vec![0; usize::from(count[0])])?;
    const NO_AUTHENTICATION: u8 = 1;
    peer.write_all(&[NO_AUTHENTICATION])?;
    peer.read_exact(&mut [0; 4])?;
    const SHARED: u8 = 1;
    peer.write_all(&[SHARED])
}

fn change_state(conversation: &mut Conversation<'_>) {
    conversation.forget_events();
    conversation.run("cont", json!({}));
    conversation.wait("RESUME", |_| true);
    conversation.run("query-status", json!({}));
    let events = json!([
        {"type": "key", "data": {"down": true, "key": {"type": "qcode", "data": "a"}}},
        {"type": "abs", "data": {"axis": "x", "value": 100}},
        {"type": "btn", "data": {"down": true, "button": "left"}},
    ]);
    conversation.run("input-send-event", json!({"events": events}));
    // Not every machine has a mouse that moves by how far.
    let move_by = json!([{"type": "rel", "data": {"axis": "y", "value": -1}}]);
    conversation.attempt("input-send-event", json!({"events": move_by}));
    conversation.attempt("inject-nmi", json!({}));
    conversation.run("system_powerdown", json!({}));
    conversation.wait("POWERDOWN", |_| true);
    conversation.attempt("system_wakeup", json!({}));
    conversation.run("stop", json!({}));
    conversation.wait("STOP", |_| true);
    conversation.run("system_reset", json!({}));
    conversation.wait("RESET", |data| data["reason"] == "host-qmp-system-reset");
    conversation.run("query-status", json!({}));
    conversation.run("watchdog-set-action", json!({"action": "pause"}));
    let actions = json!({"reboot": "shutdown", "shutdown": "pause", "panic": "pause", "watchdog": "none"});
    conversation.run("set-action", actions);
    conversation.run("set-action", json!({"reboot": "reset", "shutdown": "poweroff"}));
    conversation.attempt("rtc-reset-reinjection", json!({}));
    conversation.attempt("x-exit-preconfig", json!({}));
}

fn save_memory(conversation: &mut Conversation<'_>) {
    let file = conversation.folder.text("saved");
    conversation.run("memsave", json!({"val": 0, "size": 4096, "filename": file, "cpu-index": 0}));
    conversation.run("pmemsave", json!({"val": 0, "size": 4096, "filename": file}));
    conversation.attempt("dumpdtb", json!({"filename": conversation.folder.text("tree")}));
    conversation.forget_events();
    // Where there is no memory, QEMU 11.1 ends.
    let target = conversation.run("query-target", json!({}));
    let begin = if target["arch"] == "aarch64" { 1 << 30 } else { 0 };
    let dump = json!({"paging": false, "protocol": format!("file:{}", conversation.folder.text("dump")), "detach": true,
        "begin": begin, "length": 1 << 20});
    if conversation.try_run("dump-guest-memory", dump) != Value::Null {
        conversation.run("query-dump", json!({}));
        conversation.wait("DUMP_COMPLETED", |_| true);
    }
    let formatted = json!({"paging": false, "protocol": format!("file:{file}"), "format": "kdump-zlib"});
    conversation.attempt("dump-guest-memory", formatted);
    conversation.run("query-dump", json!({}));
}

/// What else can be set, and what needs a file descriptor that does not come along.
fn configure(conversation: &mut Conversation<'_>) {
    conversation.attempt("getfd", json!({"fdname": "none"}));
    conversation.attempt("closefd", json!({"fdname": "none"}));
    conversation.attempt("add-fd", json!({"fdset-id": 1, "opaque": "live"}));
    conversation.attempt("remove-fd", json!({"fdset-id": 1}));
    conversation.attempt("yank", json!({"instances": [{"type": "migration"}, {"type": "chardev", "id": "none"}]}));
    conversation.attempt("yank", json!({"instances": [{"type": "block-node", "node-name": "none"}]}));
    conversation.attempt("replay-break", json!({"icount": 1}));
    conversation.attempt("replay-seek", json!({"icount": 1}));
    conversation.attempt("replay-delete-break", json!({}));
    conversation.attempt("xen-event-list", json!({}));
    conversation.attempt("set-vcpu-dirty-limit", json!({"dirty-rate": 1, "cpu-index": 0}));
    conversation.attempt("cancel-vcpu-dirty-limit", json!({"cpu-index": 0}));
    conversation.attempt("query-vcpu-dirty-limit", json!({}));
    conversation.attempt("sev-inject-launch-secret", json!({"packet-header": "eA==", "secret": "eA==", "gpa": 1}));
    conversation.attempt("query-sev-attestation-report", json!({"mnonce": "eA=="}));
    conversation.attempt("dump-skeys", json!({"filename": "/nowhere/at/all"}));
    conversation.attempt("request-ebpf", json!({"id": "rss"}));
    conversation
        .attempt("display-update", json!({"type": "vnc", "addresses": [{"type": "unix", "path": "/nowhere/at/all"}]}));
}
