//! The guest agent, which here has the host for a guest: it is asked, and told to block what would change anything.

use crate::binaries::Binary;
use crate::conversation::{Conversation, Outcome};
use crate::process::Folder;
use crate::report::Report;
use qemu_qmp::Version;
use serde_json::{json, Value};

/// What would change the host. The agent refuses these.
const BLOCKED: [&str; 16] = [
    "guest-shutdown",
    "guest-suspend-disk",
    "guest-suspend-ram",
    "guest-suspend-hybrid",
    "guest-set-time",
    "guest-set-vcpus",
    "guest-set-memory-blocks",
    "guest-set-user-password",
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-freeze-list",
    "guest-fsfreeze-thaw",
    "guest-fsfreeze-status",
    "guest-fstrim",
    "guest-ssh-add-authorized-keys",
    "guest-ssh-remove-authorized-keys",
    "guest-ssh-get-authorized-keys",
];

/// Queries whose names do not begin with `guest-get-`.
const QUERIES: [&str; 4] = ["guest-info", "guest-network-get-interfaces", "guest-ping", "guest-network-get-route"];

/// Starts an agent and talks to it.
pub fn converse(binary: &Binary, report: &mut Report) -> Result<(), String> {
    let folder = Folder::new().map_err(|error| error.to_string())?;
    let (socket, state) = (folder.text("qmp"), folder.text(""));
    let pid = folder.text("pid");
    let blocked = BLOCKED.join(",");
    let arguments = ["-m", "unix-listen", "-p", &socket, "-t", &state, "-f", &pid, "-b", &blocked];
    let arguments = arguments.map(str::to_owned);
    let mut agent = Conversation::with_guest_agent(binary, &arguments, folder, report)?;
    ask(&mut agent);
    use_files(&mut agent);
    run_programs(&mut agent);
    refuse(&mut agent);
    agent.run("guest-ping", json!({}));
    Ok(())
}

fn ask(agent: &mut Conversation<'_>) {
    agent.check_commands();
    let asks = |name: &str| name.starts_with("guest-get-") || QUERIES.contains(&name);
    for name in agent.bare_commands(asks) {
        agent.attempt(name, json!({}));
    }
    agent.run("guest-sync", json!({"id": 7}));
}

fn use_files(agent: &mut Conversation<'_>) {
    let path = agent.folder.text("file");
    let handle = agent.run("guest-file-open", json!({"path": path, "mode": "w+"}));
    agent.run("guest-file-write", json!({"handle": handle, "buf-b64": "bGl2ZQ=="}));
    agent.run("guest-file-write", json!({"handle": handle, "buf-b64": "bGl2ZQ==", "count": 2}));
    agent.run("guest-file-flush", json!({"handle": handle}));
    agent.run("guest-file-seek", json!({"handle": handle, "offset": 0, "whence": "set"}));
    agent.run("guest-file-seek", json!({"handle": handle, "offset": 1, "whence": 1}));
    agent.run("guest-file-read", json!({"handle": handle, "count": 3}));
    agent.run("guest-file-read", json!({"handle": handle}));
    agent.run("guest-file-close", json!({"handle": handle}));
    agent.attempt("guest-file-close", json!({"handle": handle}));
    agent.attempt("guest-file-open", json!({"path": "/nowhere/at/all"}));
}

fn run_programs(agent: &mut Conversation<'_>) {
    let plain = json!({"path": "/bin/sh", "arg": ["-c", "echo out; echo error >&2; exit 3"], "capture-output": true});
    let fed = json!({"path": "/bin/cat", "env": ["A=b"], "input-data": "bGl2ZQ==", "capture-output": true});
    let merged = json!({"path": "/bin/sh", "arg": ["-c", "kill -9 $$"], "capture-output": "merged"});
    let newer = agent.version >= Version { major: 8, minor: 0, micro: 0 };
    for arguments in [plain, fed, merged].into_iter().take(if newer { 3 } else { 2 }) {
        let pid = agent.run("guest-exec", arguments)["pid"].clone();
        if pid == Value::Null {
            continue;
        }
        while agent.run("guest-exec-status", json!({"pid": pid}))["exited"] == false {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
    agent.attempt("guest-exec-status", json!({"pid": 1}));
    agent.attempt("guest-exec", json!({"path": "/nowhere/at/all"}));
}

/// Everything that is blocked and answers, with arguments that would be accepted.
fn refuse(agent: &mut Conversation<'_>) {
    for (name, arguments) in [
        ("guest-set-time", json!({"time": 1})),
        ("guest-set-vcpus", json!({"vcpus": [{"logical-id": 0, "online": true, "can-offline": false}]})),
        ("guest-set-memory-blocks", json!({"mem-blks": [{"phys-index": 0, "online": true}]})),
        ("guest-set-user-password", json!({"username": "nobody", "password": "", "crypted": false})),
        ("guest-fsfreeze-freeze-list", json!({"mountpoints": ["/nowhere"]})),
        ("guest-fstrim", json!({"minimum": 1})),
        ("guest-ssh-get-authorized-keys", json!({"username": "nobody"})),
        ("guest-ssh-add-authorized-keys", json!({"username": "nobody", "keys": ["none"], "reset": false})),
        ("guest-ssh-remove-authorized-keys", json!({"username": "nobody", "keys": ["none"]})),
        ("guest-fsfreeze-status", json!({})),
    ] {
        if let Outcome::Returned(_) = agent.attempt(name, arguments) {
            agent.report.fail(format!("{name} was blocked, and yet executed"));
        }
    }
}
