//! Replies whose values no type can hold, in every client: the error says which and keeps the reply's text, and the
//! connection goes on.

use qemu_qmp::qmp::commands::{HumanMonitorCommand, QueryJobs, QueryStatus};
use qemu_qmp::Error;
use serde_json::json;
use support::qemu::Qemu;
use support::{connected, Peer};

const JOBS: &str =
    r#"[{"id":"a","type":"commit","status":"running","current-progress":9223372036854775808,"total-progress":1}]"#;
const TWICE: &str = r#"{"running":false,"status":"paused","running":true}"#;

fn odd_line(id: &serde_json::Value, value: &str) -> String {
    format!(r#"{{"return": {value}, "id": {id}}}"#)
}

fn odd(mut peer: Peer) {
    for (command, value) in [("query-jobs", JOBS), ("query-status", TWICE)] {
        let id = peer.expect(command)["id"].clone();
        peer.line(&odd_line(&id, value));
    }
    peer.answer("query-status", json!({"running": false, "status": "paused"}));
}

#[track_caller]
fn is_told(error: &Error, path: &str, expectation: &str, text: &str) {
    let told = error.decode_error().unwrap();
    assert_eq!((told.path(), told.text()), (path, text));
    assert!(told.expectation().contains(expectation), "{error}");
}

#[track_caller]
fn are_told(jobs: &Error, status: &Error) {
    is_told(jobs, "[0].current-progress", "9223372036854775808", JOBS);
    is_told(status, ".running", "comes twice", TWICE);
}

#[test]
fn are_errors_that_keep_the_text() {
    let (mut vm, script) = connected(odd);
    are_told(&vm.execute(QueryJobs::new()).unwrap_err(), &vm.execute(QueryStatus::new()).unwrap_err());
    assert!(!vm.execute(QueryStatus::new()).unwrap().running);
    script.finish();
}

#[test]
fn are_errors_that_keep_the_text_shared() {
    let (vm, script) = connected(odd);
    let vm = vm.share().unwrap();
    are_told(&vm.execute(QueryJobs::new()).unwrap_err(), &vm.execute(QueryStatus::new()).unwrap_err());
    assert!(!vm.execute(QueryStatus::new()).unwrap().running);
    script.finish();
}

#[tokio::test]
async fn are_errors_that_keep_the_text_tokio() {
    let (vm, script) = support::tokio::client(|mut peer| async move {
        for (command, value) in [("query-jobs", JOBS), ("query-status", TWICE)] {
            let id = peer.expect(command).await["id"].clone();
            peer.line(&odd_line(&id, value)).await;
        }
        peer.answer("query-status", json!({"running": false, "status": "paused"})).await;
    })
    .await;
    are_told(&vm.execute(QueryJobs::new()).await.unwrap_err(), &vm.execute(QueryStatus::new()).await.unwrap_err());
    assert!(!vm.execute(QueryStatus::new()).await.unwrap().running);
    script.await.unwrap();
}

/// QEMU itself replaces what is not UTF-8, so that such a line is never QEMU's.
#[test]
fn text_of_the_human_monitor_that_is_not_utf8() {
    let named = |folder: &std::path::Path| {
        let file = folder.join("name");
        std::fs::write(&file, b"[name]\n  guest = \"caf\xe9\"\n").unwrap();
        let words = ["-machine", "none", "-readconfig", &file.display().to_string(), "-qmp"].map(str::to_owned);
        let monitor = format!("unix:{},server=on,wait=off", folder.join("socket").display());
        words.into_iter().chain([monitor]).collect()
    };
    let Some(qemu) = Qemu::start_with(named) else { return };
    let text = qemu.connect().execute(HumanMonitorCommand::new("info name")).unwrap();
    assert_eq!(text.trim_end(), "caf\u{fffd}");
}
