//! What a stand-in says without handlers: what it is, whether it runs, and how conversations begin and end.

use super::core::{Core, Machine};
use super::encode;
use super::exchange::Exchange;
use super::request::{generic, Request};
use super::schema::{Kind, Schema};
use crate::error::ServerError;
use crate::message::Version;
use serde_json::{json, Value};

const MONITORS: [&str; 4] = ["query-version", "query-commands", "query-qmp-schema", "quit"];
const MONITOR: [&str; 4] = ["query-name", "query-status", "stop", "cont"];
const AGENT: [&str; 2] = ["guest-ping", "guest-info"];

/// Whether there is an answer to this command.
pub(super) fn has(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Monitor => MONITORS.contains(&name) || MONITOR.contains(&name),
        Kind::StorageDaemon => MONITORS.contains(&name),
        Kind::GuestAgent => AGENT.contains(&name),
    }
}

/// Whether a command belongs to the beginning of a conversation.
pub(super) fn begins(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::GuestAgent => matches!(name, "guest-sync" | "guest-sync-delimited"),
        _ => name == "qmp_capabilities",
    }
}

/// The greeting's line.
pub(super) fn greeting(machine: &Machine) -> String {
    let capabilities = if machine.oob { "[\"oob\"]" } else { "[]" };
    let version = encode::value(&version(machine));
    // In QEMU's order.
    format!("{{\"QMP\": {{\"version\": {version}, \"capabilities\": {capabilities}}}}}")
}

/// Answers a command that [`has`] an answer.
pub(super) fn answer(core: &Core, exchange: &mut Exchange<'_>) -> Result<String, ServerError> {
    let returned = match exchange.name() {
        "query-version" => version(&core.state().machine),
        "query-commands" => core.commands().into_iter().map(|name| json!({"name": name})).collect(),
        "query-qmp-schema" => Value::Array(core.schema().entries().to_vec()),
        "query-name" => match &core.state().machine.name {
            Some(name) => json!({"name": name}),
            None => json!({}),
        },
        "query-status" => {
            let status = &core.state().machine.status;
            json!({"status": status, "running": status == "running"})
        }
        "cont" => switch(core, "running", "RESUME"),
        "stop" => switch(core, "paused", "STOP"),
        "quit" => {
            exchange.end_all_after();
            if core.is_machine() {
                core.emit("SHUTDOWN", Some(r#"{"guest": false, "reason": "host-qmp-quit"}"#));
            }
            json!({})
        }
        "guest-info" => agent(core),
        _ => json!({}),
    };
    Ok(encode::value(&returned))
}

/// Lets the machine run, or stops it; tells of it if that is a change.
fn switch(core: &Core, status: &str, event: &str) -> Value {
    let before = std::mem::replace(&mut core.state().machine.status, status.to_owned());
    if (before == "running") != (status == "running") {
        core.emit(event, None);
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

fn version(machine: &Machine) -> Value {
    let Version { major, minor, micro } = machine.version;
    json!({"qemu": {"micro": micro, "minor": minor, "major": major}, "package": machine.package})
}

fn agent(core: &Core) -> Value {
    let schema = core.schema();
    let command = |name: String| {
        let is_answered = !schema.is_unanswered(&name);
        json!({"enabled": true, "name": name, "success-response": is_answered})
    };
    let commands: Vec<_> = core.commands().into_iter().map(command).collect();
    json!({"version": core.state().machine.version.to_string(), "supported_commands": commands})
}
