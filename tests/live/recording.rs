//! Feeds recorded conversations through the example `transcript`: it has to find in a recording what the conversation did.
//!
//! `cargo test` builds the examples beside the tests, and `scripts/test` builds this one first. `cargo test --test live` alone
//! needs `cargo build --example transcript` before, and otherwise says that this was skipped.

use crate::binaries::{is_required, say};
use crate::compare::{differences, Difference};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::{env, io, thread};

/// What the example found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Lines that do not fit their types.
    pub failures: Vec<String>,
    /// Where the JSON that the types give differs from what came; each with the message's kind and name.
    pub differences: Vec<(String, Difference)>,
    /// Values that the types do not know and keep, each with the message's kind and name.
    pub unrecognized: BTreeSet<String>,
}

/// Checks a recording; `None` if the example is not there.
pub fn check(schema: &str, transcript: &[String]) -> Option<Result<Findings, String>> {
    static MISSING: Once = Once::new();
    let program = program()?;
    if !program.exists() {
        if is_required() {
            return Some(Err(
                "there is no example `transcript`: run `cargo build --example transcript` first".to_owned()
            ));
        }
        MISSING.call_once(|| say("SKIPPED the check of recordings: run `cargo build --example transcript` first"));
        return None;
    }
    let output = run(&program, schema, transcript).map_err(|error| format!("{}: {error}", program.display()));
    Some(output.and_then(|output| read(&output, transcript)))
}

fn program() -> Option<PathBuf> {
    let test = env::current_exe().ok()?;
    let profile = test.parent()?.parent()?;
    Some(profile.join("examples").join(format!("transcript{}", env::consts::EXE_SUFFIX)))
}

fn run(program: &PathBuf, schema: &str, transcript: &[String]) -> io::Result<String> {
    let mut child = Command::new(program)
        .args(["--schema", schema, "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = transcript.iter().map(|line| format!("{line}\n")).collect::<String>();
    let stdin = child.stdin.take();
    // Both pipes are shorter than a recording.
    let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output()?;
    match writer.join() {
        Ok(Some(written)) => written?,
        _ => return Err(io::ErrorKind::BrokenPipe.into()),
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn read(output: &str, transcript: &[String]) -> Result<Findings, String> {
    let mut findings = Findings::default();
    let mut count = 0;
    for line in output.lines() {
        let finding: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        count += 1;
        let number = finding["line"].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default();
        let message =
            number.checked_sub(1).and_then(|index| transcript.get(index)).ok_or_else(|| format!("no line: {line}"))?;
        if finding["ok"] != true {
            findings.failures.push(format!("{message}: {}", finding["error"]));
            continue;
        }
        let what = format!("{} {}", text(&finding["kind"]), text(&finding["name"]));
        for difference in differences(&payload(text(&finding["kind"]), message)?, &finding["json"]) {
            findings.differences.push((what.clone(), difference));
        }
        let unrecognized = finding["unrecognized"].as_array().into_iter().flatten();
        findings.unrecognized.extend(unrecognized.map(|path| format!("{what} {}", without_indices(text(path)))));
    }
    if count != transcript.len() {
        findings.failures.push(format!("{} lines, and {count} findings", transcript.len()));
    }
    Ok(findings)
}

/// The part of a message that the example shows.
fn payload(kind: &str, line: &str) -> Result<Value, String> {
    let json = line.get(3..).unwrap_or_default().trim_start_matches('\u{fffd}');
    let mut message: Value = serde_json::from_str(json).map_err(|error| format!("{error}: {line}"))?;
    let member = match kind {
        "greeting" => "QMP",
        "command" => "arguments",
        "reply" => "return",
        "event" => "data",
        other => other,
    };
    Ok(message.get_mut(member).map_or_else(|| json!({}), Value::take))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// The path with every index left out, so that the same in many elements is one.
fn without_indices(path: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        let kept = !inside || *c == ']';
        inside = *c == '[' || (inside && *c != ']');
        kept
    };
    path.chars().filter(keep).collect()
}
