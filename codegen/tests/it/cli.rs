//! The program `qapi`: what it prints where, and its exit codes.

use std::path::Path;
use std::process::Command;

/// Runs `qapi` in the folder of the golden cases: exit code, standard output, standard error.
fn qapi(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let output = Command::new(env!("CARGO_BIN_EXE_qapi")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn check_is_silent_about_good_files() {
    assert_eq!(qapi(&["check", "include-twice.json", "doc-style.json"]), (Some(0), String::new(), String::new()));
}

#[test]
fn check_reports_every_bad_file() {
    let (code, out, err) = qapi(&["check", "array-open.json", "include-twice.json", "object-open.json", "none.json"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let places: Vec<&str> = err.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["array-open.json:1:36", "object-open.json:3:1", "none.json:1:1"]);
}

#[test]
fn warnings_are_shown_on_request() {
    let (code, out, err) = qapi(&["check", "--warnings", "doc-style.json"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(0), "", 3), "{err}");
    assert!(err.starts_with("doc-style.json:4:1: warning: "), "{err}");
}

#[test]
fn a_strange_call_is_answered_with_the_usage() {
    for arguments in [&[][..], &["check"], &["check", "--wrong", "x.json"], &["vendor", "tree"], &["purr"]] {
        let (code, out, err) = qapi(arguments);
        assert_eq!((code, out.as_str(), err.starts_with("usage: ")), (Some(2), "", true), "{arguments:?}");
    }
    let (code, out, err) = qapi(&["check", "--help"]);
    assert_eq!((code, out.starts_with("usage: "), err.as_str()), (Some(0), true, ""));
}

#[test]
fn vendor_writes_what_check_accepts() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../qapi-schema");
    let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-vendor");
    let _ = std::fs::remove_dir_all(&dest);
    let (source, dest) = (source.to_str().unwrap(), dest.to_str().unwrap());
    let (code, out, err) = qapi(&["vendor", source, dest]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("new: command query-status (qmp/run-state)\n"), "{out}");
    assert!(out.contains("\nlate member: BlockDeviceInfo.children (10.1) is not in late-members.json\n"), "{out}");
    std::fs::copy(format!("{source}/late-members.json"), format!("{dest}/late-members.json")).unwrap();
    assert_eq!(qapi(&["vendor", source, dest]), (Some(0), String::new(), String::new()), "nothing is new");
    let roots = ["qmp", "qga", "storage-daemon"].map(|root| format!("{dest}/{root}/qapi-schema.json"));
    assert_eq!(qapi(&["check", &roots[0], &roots[1], &roots[2]]), (Some(0), String::new(), String::new()));
    let block = format!("{dest}/qmp/block.json");
    let text = std::fs::read_to_string(&block).unwrap();
    let words = "# @deprecated: use ``id`` instead\n";
    std::fs::write(&block, text.replacen(words, "# @deprecated: to be removed in a later release\n", 1)).unwrap();
    let (code, _, err) = qapi(&["check", &roots[0]]);
    assert_eq!((code, err.contains("'eject' does not say what to use instead")), (Some(1), true), "{err}");
    let (code, _, err) = qapi(&["vendor", "included", dest]);
    assert_eq!((code, err.starts_with("included/VERSION: ")), (Some(1), true), "{err}");
}
