//! Runs the program on recorded conversations.

use serde_json::{json, Value};
use std::io::Write;
use std::process::{Command, Stdio};

struct Outcome {
    findings: Vec<Value>,
    text: String,
    summary: String,
    status: Option<i32>,
}

fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_transcript"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_ref()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let findings = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Outcome { findings, text, summary: String::from_utf8(output.stderr).unwrap(), status: output.status.code() }
}

/// Line, kind and name of each finding.
fn heads(outcome: &Outcome) -> Vec<(u64, &str, &str)> {
    let findings = outcome.findings.iter();
    findings
        .map(|finding| {
            let name = finding["name"].as_str().unwrap_or("-");
            (finding["line"].as_u64().unwrap(), finding["kind"].as_str().unwrap(), name)
        })
        .collect()
}

const CONVERSATION: &str = r#"<- {"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""}, "capabilities": ["oob"]}}
-> {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}
<- {"return": {}}

-> {"execute": "query-status", "id": {"a": [1]}}
-> {"exec-oob": "migrate-pause", "id": "x"}
<- {"id": "x", "error": {"class": "GenericError", "desc": "migrate-pause is currently only supported during postcopy-active"}}
<- {"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}
<- {"return": {"running": false, "status": "paused", "singlestep": false}, "id": {"a": [1]}}
"#;

#[test]
fn a_conversation() {
    let outcome = run(&[], CONVERSATION);
    assert_eq!(outcome.status, Some(0), "{}{}", outcome.text, outcome.summary);
    assert_eq!(
        heads(&outcome),
        [
            (1, "greeting", "-"),
            (2, "command", "qmp_capabilities"),
            (3, "reply", "qmp_capabilities"),
            (5, "command", "query-status"),
            (6, "command", "migrate-pause"),
            (7, "error", "migrate-pause"),
            (8, "event", "STOP"),
            (9, "reply", "query-status"),
        ]
    );
    assert_eq!(outcome.findings[1]["json"], json!({"enable": ["oob"]}));
    assert_eq!(outcome.findings[6]["json"], json!({}));
    // `singlestep` is a member of releases up to 8.2.
    assert_eq!(outcome.findings[7]["json"], json!({"running": false, "status": "paused"}));
    assert_eq!(outcome.findings[7]["unrecognized"], json!([".singlestep"]));
    let first = outcome.text.lines().nth(6).unwrap();
    assert_eq!(first, r#"{"line":8,"kind":"event","name":"STOP","ok":true,"json":{},"unrecognized":[]}"#);
    assert!(outcome.summary.starts_with("8 messages"), "{}", outcome.summary);
    assert!(outcome.summary.contains("reply query-status .singlestep"), "{}", outcome.summary);
}

#[test]
fn what_later_releases_send() {
    let outcome = run(
        &["--quiet"],
        r#"-> {"execute": "query-block-jobs"}
-> {"execute": "x-new", "arguments": {"a": 1.50}}
-> {"execute": "blockdev-add", "arguments": {"driver": "warp", "node-name": "n", "speed": 9}}
<- {"return": [{"type": "teleport", "device": "d", "len": 1, "offset": 0, "busy": true, "paused": false, "speed": 0, "io-status": "ok", "ready": false, "status": "fine", "auto-finalize": true, "auto-dismiss": true, "extra": null}]}
<- {"return": [1, {"b": null}]}
<- {"error": {"class": "Unheard", "desc": "no", "hint": 1}}
<- {"event": "X_NEW", "data": {"c": 18446744073709551615}, "timestamp": {"seconds": -1, "microseconds": -1}}
<- {"event": "SHUTDOWN", "data": {"guest": true, "reason": "boredom"}}
<- {"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 20}, "package": "p"}, "capabilities": ["oob", "psi"], "more": 1}}
"#,
    );
    assert_eq!(outcome.status, Some(0), "{}{}", outcome.text, outcome.summary);
    assert_eq!(outcome.summary, "");
    let unrecognized: Vec<_> = outcome.findings.iter().map(|finding| finding["unrecognized"].clone()).collect();
    assert_eq!(
        unrecognized,
        [
            json!([]),
            json!([""]),
            json!([".driver"]),
            // The unknown job's members are kept with its type.
            json!(["[0].status", "[0].type"]),
            json!([""]),
            json!([".class", ".hint"]),
            json!([""]),
            json!([".reason"]),
            json!([".capabilities[1]", ".more"]),
        ]
    );
    assert_eq!(outcome.findings[2]["json"], json!({"driver": "warp", "node-name": "n", "speed": 9}));
    assert_eq!(outcome.findings[6]["json"], json!({"c": u64::MAX}));
    assert_eq!(heads(&outcome)[5], (6, "error", "blockdev-add"));
}

/// A client of a later release wrote them. As this program's own words they would be refused.
#[test]
fn commands_with_members_of_later_releases() {
    let outcome = run(
        &[],
        r#"-> {"execute": "query-status", "arguments": {"later": 1}}
-> {"execute": "blockdev-add", "arguments": {"driver": "qcow2", "file": {"driver": "file", "filename": "f", "later": []}}}
"#,
    );
    assert_eq!(outcome.status, Some(0), "{}{}", outcome.text, outcome.summary);
    let unrecognized: Vec<_> = outcome.findings.iter().map(|finding| &finding["unrecognized"]).collect();
    assert_eq!(unrecognized, [&json!([".later"]), &json!([".file.later"])]);
}

#[test]
fn what_does_not_fit() {
    let outcome = run(
        &[],
        b"-> {\"execute\": \"query-status\", \"id\": 1}\n<- {\"return\": {\"running\": 1, \"status\": \"paused\"}, \"id\": 1}\n\
          \r\n<- [1]\n-> {'execute': 'stop'}\n<- {\"error\": {\"class\": \"GenericError\", \"desc\": \"parse error\"}}\n\
          hello\n<- {\"return\": \"\xff\"}\n-> {\"arguments\": {}}\n<- {}\n-> {\"execute\": \"device_del\"}\n<- {\"error\": 1}\n<- \n",
    );
    assert_eq!(outcome.status, Some(1));
    let wrong: Vec<_> =
        outcome.findings.iter().filter(|finding| finding["ok"] == false).map(|finding| &finding["line"]).collect();
    assert_eq!(wrong, [2, 4, 5, 7, 8, 9, 10, 11, 12]);
    let error = outcome.findings[1]["error"].as_str().unwrap();
    assert!(error.starts_with(".running: ") && !error.contains("column"), "{error}");
    assert_eq!(outcome.findings[9]["error"], "missing member `id`");
    // The server's error answers the line that it could not read.
    assert_eq!(heads(&outcome)[4], (6, "error", "-"));
    assert!(outcome.summary.contains("9 failed"), "{}", outcome.summary);
}

#[test]
fn replies_belong_to_the_oldest_command_without_an_id() {
    let outcome = run(
        &[],
        r#"<- {"return": {}}
-> {"execute": "query-status", "id": 1}
-> {"execute": "query-name"}
-> {"execute": "query-uuid"}
<- {"return": {"name": "n"}}
<- {"return": {}, "id": 2}
<- {"return": {"running": true, "status": "running"}, "id": 1}
-> {"execute": "stop"}
"#,
    );
    let names: Vec<_> = heads(&outcome).into_iter().map(|(_, _, name)| name).collect();
    assert_eq!(
        names,
        ["-", "query-status", "query-name", "query-uuid", "query-name", "query-uuid", "query-status", "stop"]
    );
    assert!(outcome.summary.contains("unanswered: stop (line 8)"), "{}", outcome.summary);
}

#[test]
fn the_guest_agent() {
    let outcome = run(
        &["--schema", "qga"],
        b"-> \xff{\"execute\": \"guest-sync-delimited\", \"arguments\": {\"id\": 7}}\n\
          <- {\"error\": {\"class\": \"GenericError\", \"desc\": \"stray byte\"}}\n<- \xff{\"return\": 7}\n\
          -> {\"execute\": \"guest-shutdown\"}\n-> {\"execute\": \"guest-ping\"}\n<- \xef\xbf\xbd{\"return\": {}}\n",
    );
    assert_eq!(outcome.status, Some(0), "{}{}", outcome.text, outcome.summary);
    let heads = heads(&outcome);
    assert_eq!(heads[1..3], [(2, "error", "-"), (3, "reply", "guest-sync-delimited")]);
    assert_eq!(heads[5], (6, "reply", "guest-ping"));
    assert_eq!(outcome.findings[2]["json"], 7);
    assert!(!outcome.summary.contains("unanswered"), "{}", outcome.summary);
}

#[test]
fn lines_for_people() {
    let outcome = run(&["--pretty", "--schema=qmp"], CONVERSATION);
    assert_eq!(outcome.status, Some(0));
    assert!(outcome.text.contains("     9 <- reply     query-status"), "{}", outcome.text);
    assert!(outcome.text.contains("unrecognized: .singlestep"), "{}", outcome.text);
    // Standard output is no terminal here.
    assert!(!outcome.text.contains('\x1b'));
}

#[test]
fn arguments() {
    assert_eq!(run(&["--schema", "vnc"], "").status, Some(2));
    assert_eq!(run(&["--prety"], "").status, Some(2));
    let help = run(&["--help"], "");
    assert!(help.status == Some(0) && help.text.contains("Exit status"));
}
