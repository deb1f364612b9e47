//! Checks recorded conversations: what `transcript` finds in a recording has to be what the conversation did.

use crate::compare::{differences, Difference};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use transcript::api::Api;
use transcript::conversation::{Conversation, Kind};

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Lines that do not fit their types.
    pub failures: Vec<String>,
    /// Where the JSON that the types give differs from what came; each with the message's kind and name.
    pub differences: Vec<(String, Difference)>,
    /// Values that the types do not know and keep, each with the message's kind and name.
    pub unrecognized: BTreeSet<String>,
}

/// Checks a recording.
///
/// # Errors
/// A line is not JSON, though it was found to be a message.
pub fn check(api: Api, transcript: &[String]) -> Result<Findings, String> {
    let mut findings = Findings::default();
    let mut conversation = Conversation::new(api);
    for (number, message) in transcript.iter().enumerate() {
        let Some(finding) = conversation.line(number + 1, message.as_bytes()) else {
            findings.failures.push(format!("no message: {message}"));
            continue;
        };
        let recoded = match finding.result {
            Ok(recoded) => recoded,
            Err(error) => {
                findings.failures.push(format!("{message}: {error}"));
                continue;
            }
        };
        let what = format!("{} {}", finding.kind.as_str(), finding.name.as_deref().unwrap_or("-"));
        for difference in differences(&payload(finding.kind, message)?, &recoded.json) {
            findings.differences.push((what.clone(), difference));
        }
        findings
            .unrecognized
            .extend(recoded.unrecognized.iter().map(|path| format!("{what} {}", without_indices(path))));
    }
    Ok(findings)
}

/// The part of a message that a finding shows.
fn payload(kind: Kind, line: &str) -> Result<Value, String> {
    let json = line.get(3..).unwrap_or_default().trim_start_matches('\u{fffd}');
    let mut message: Value = serde_json::from_str(json).map_err(|error| format!("{error}: {line}"))?;
    let member = match kind {
        Kind::Greeting => "QMP",
        Kind::Command => "arguments",
        Kind::Reply => "return",
        Kind::Event => "data",
        Kind::Error => "error",
        Kind::Malformed => "",
    };
    Ok(message.get_mut(member).map_or_else(|| json!({}), Value::take))
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
