//! Answers of a stand-in without handlers, and how conversations begin and end.

use super::encode;
use super::exchange::{Exchange, Stage};
use super::request::{generic, Request};
use super::schema::{Kind, Schema};
use crate::error::ServerError;
use serde_json::{json, Value};

const MONITORS: [&str; 4] = ["query-version", "query-commands", "query-qmp-schema", "quit"];
const MONITOR: [&str; 4] = ["query-name", "query-status", "stop", "cont"];
const AGENT: [&str; 2] = ["guest-ping", "guest-info"];

/// Returns whether there is an answer to this command.
pub(super) fn has(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Monitor => MONITORS.contains(&name) || MONITOR.contains(&name),
        Kind::StorageDaemon => MONITORS.contains(&name),
        Kind::GuestAgent => AGENT.contains(&name),
    }
}

/// Answers a command that [`has`] an answer.
pub(super) fn answer(exchange: &mut Exchange<'_>) -> Result<String, ServerError> {
    let stage = exchange.stage();
    let returned = match exchange.name() {
        "query-version" => stage.machine().version_info(),
        "query-commands" => stage.commands().into_iter().map(|name| json!({"name": name})).collect(),
        "query-qmp-schema" => Value::Array(stage.schema().entries().to_vec()),
        "query-name" => match &stage.machine().name {
            Some(name) => json!({"name": name}),
            None => json!({}),
        },
        "query-status" => {
            let status = &stage.machine().status;
            json!({"status": status, "running": status == "running"})
        }
        "cont" => switch(stage, "running", "RESUME"),
        "stop" => switch(stage, "paused", "STOP"),
        "quit" => {
            exchange.end_all_after();
            if stage.is_machine() {
                stage.emit("SHUTDOWN", Some(r#"{"guest": false, "reason": "host-qmp-quit"}"#));
            }
            json!({})
        }
        "guest-info" => agent(stage),
        _ => json!({}),
    };
    Ok(encode::value(&returned))
}

/// Lets the machine run, or stops it; tells of it if that is a change.
fn switch(stage: &dyn Stage, status: &str, event: &str) -> Value {
    let before = std::mem::replace(&mut stage.machine().status, status.to_owned());
    if (before == "running") != (status == "running") {
        stage.emit(event, None);
    }
    json!({})
}

/// Agrees on capabilities, or not; says whether on out-of-band execution.
pub(super) fn negotiate(schema: &Schema, request: &Request, offers_oob: bool) -> Result<bool, ServerError> {
    schema.check(&request.name, &request.arguments).map_err(generic)?;
    let enabled = request.arguments.get("enable").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let oob = enabled.iter().any(|capability| capability == "oob");
    match enabled.iter().find(|capability| *capability != "oob" || !offers_oob) {
        None => Ok(oob),
        Some(other) => {
            let other = other.as_str().unwrap_or_default();
            Err(generic(format!("Capability {other} not available")))
        }
    }
}

/// Answers an agent's client that wants to know where replies to earlier ones end.
pub(super) fn synchronize(schema: &Schema, request: &Request) -> Result<String, ServerError> {
    schema.check(&request.name, &request.arguments).map_err(generic)?;
    let id = request.arguments.get("id").ok_or_else(|| generic("Parameter 'id' is missing"))?;
    Ok(encode::value(id))
}

fn agent(stage: &dyn Stage) -> Value {
    let schema = stage.schema();
    let command = |name: String| {
        let is_answered = !schema.is_unanswered(&name);
        json!({"enabled": true, "name": name, "success-response": is_answered})
    };
    let commands: Vec<_> = stage.commands().into_iter().map(command).collect();
    json!({"version": stage.machine().version.to_string(), "supported_commands": commands})
}
