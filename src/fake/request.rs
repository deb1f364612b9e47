//! A client's request, taken out of the JSON value that it sent, and refused in QEMU's words where QEMU refuses it.

use crate::error::{ErrorClass, ServerError};
use serde_json::{Map, Value};

/// A client's request.
#[derive(Debug)]
pub(super) struct Request {
    pub name: String,
    pub arguments: Map<String, Value>,
    pub id: Option<Value>,
    pub oob: bool,
}

/// A value that is no command: what is wrong with it, and the id to answer with.
#[derive(Debug)]
pub(super) struct Refused {
    pub error: ServerError,
    pub id: Option<Value>,
}

impl Request {
    /// `oob` says whether out-of-band execution was agreed on.
    pub(super) fn parse(value: Value, oob: bool) -> Result<Self, Refused> {
        let Value::Object(mut object) = value else {
            return Err(Refused { error: generic("QMP input must be a JSON object"), id: None });
        };
        let id = object.remove("id");
        match Self::parse_members(object, oob) {
            Ok(request) => Ok(Request { id, ..request }),
            Err(desc) => Err(Refused { error: generic(desc), id }),
        }
    }

    fn parse_members(object: Map<String, Value>, oob_agreed: bool) -> Result<Self, String> {
        let (mut command, mut arguments) = (None, Map::new());
        for (name, value) in object {
            match (&*name, value) {
                ("exec-oob", _) if !oob_agreed => return Err(unexpected(&name)),
                ("execute" | "exec-oob", Value::String(_)) if command.is_some() => {
                    return Err("QMP input member 'execute' clashes with 'exec-oob'".to_owned());
                }
                ("execute" | "exec-oob", Value::String(value)) => command = Some((value, name == "exec-oob")),
                ("execute" | "exec-oob", _) => return Err(format!("QMP input member '{name}' must be a string")),
                ("arguments", Value::Object(members)) => arguments = members,
                ("arguments", _) => return Err("QMP input member 'arguments' must be an object".to_owned()),
                _ => return Err(unexpected(&name)),
            }
        }
        let (name, oob) = command.ok_or("QMP input lacks member 'execute'")?;
        Ok(Request { name, arguments, id: None, oob })
    }
}

fn unexpected(name: &str) -> String {
    format!("QMP input member '{name}' is unexpected")
}

pub(super) fn generic(desc: impl Into<String>) -> ServerError {
    ServerError::new(ErrorClass::GenericError, desc)
}

/// The error for a command that there is not.
pub(super) fn not_found(name: &str) -> ServerError {
    ServerError::new(ErrorClass::CommandNotFound, format!("The command {name} has not been found"))
}

/// For a command before the negotiation.
pub(super) fn not_negotiated() -> ServerError {
    let desc = "Expecting capabilities negotiation with 'qmp_capabilities'";
    ServerError::new(ErrorClass::CommandNotFound, desc)
}

/// For a negotiation after the negotiation.
pub(super) fn negotiated() -> ServerError {
    let desc = "Capabilities negotiation is already complete, command ignored";
    ServerError::new(ErrorClass::CommandNotFound, desc)
}

/// For arguments that do not fit the type which a program decodes them into; `path` and `reason` are the decoder's.
pub(super) fn misfit(path: &str, reason: &str) -> ServerError {
    let path = path.strip_prefix('.').unwrap_or(path);
    let missing = reason.strip_prefix("missing member `").and_then(|rest| rest.strip_suffix('`'));
    generic(match missing {
        Some(member) if path.is_empty() => format!("Parameter '{member}' is missing"),
        Some(member) => format!("Parameter '{path}.{member}' is missing"),
        None if reason.starts_with("unknown member") => format!("Parameter '{path}' is unexpected"),
        None => out_of_range(path, reason).unwrap_or_else(|| format!("Invalid parameter '{path}': {reason}")),
    })
}

/// What QEMU says of a number that is too large or too small, or of any other value where an unsigned number is to be. Of where
/// that is it says the last name.
fn out_of_range(path: &str, reason: &str) -> Option<String> {
    let last = match path.rsplit('.').next() {
        Some(name) if !name.ends_with(']') => name,
        _ => "null",
    };
    let ty = match reason.rsplit_once("expected ")?.1 {
        "i64" => return Some(format!("Invalid parameter type for '{path}', expected: integer")),
        "u64" => "uint64",
        "i8" => "int8_t",
        "i16" => "int16_t",
        "i32" => "int32_t",
        "u8" => "uint8_t",
        "u16" => "uint16_t",
        "u32" => "uint32_t",
        _ => return None,
    };
    Some(format!("Parameter '{last}' expects {ty}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(value: Value, oob: bool) -> String {
        let refused = Request::parse(value, oob).unwrap_err();
        assert!(refused.id.is_none_or(|id| id == 4));
        refused.error.desc
    }

    /// The texts are those of QEMU 7.2 and 11.1.
    #[test]
    fn what_is_no_command_is_refused_as_qemu_does() {
        for (value, desc) in [
            (json!([1]), "QMP input must be a JSON object"),
            (json!({"id": 4}), "QMP input lacks member 'execute'"),
            (json!({"execute": 3, "id": 4}), "QMP input member 'execute' must be a string"),
            (json!({"execute": "stop", "exec-oob": "stop", "id": 4}), "QMP input member 'exec-oob' is unexpected"),
            (json!({"execute": "stop", "control": {}, "id": 4}), "QMP input member 'control' is unexpected"),
            (json!({"execute": "stop", "arguments": [], "id": 4}), "QMP input member 'arguments' must be an object"),
        ] {
            assert_eq!(refused(value, false), desc);
        }
        let both = json!({"execute": "stop", "exec-oob": "stop"});
        assert_eq!(refused(both, true), "QMP input member 'execute' clashes with 'exec-oob'");
        let request = Request::parse(json!({"exec-oob": "x", "arguments": {"a": 1}, "id": null}), true).unwrap();
        assert!(request.oob && request.id == Some(Value::Null) && request.arguments["a"] == 1);
    }

    #[test]
    fn misfits_are_told_in_the_words_of_qemu() {
        for (path, reason, desc) in [
            ("", "missing member `id`", "Parameter 'id' is missing"),
            (".a[0]", "missing member `id`", "Parameter 'a[0].id' is missing"),
            (".a[0].x", "unknown member; there are none", "Parameter 'a[0].x' is unexpected"),
            (".x", "odd", "Invalid parameter 'x': odd"),
            (".a.x", "invalid value: integer `256`, expected u8", "Parameter 'x' expects uint8_t"),
            (".a[0]", "invalid value: integer `-1`, expected u64", "Parameter 'null' expects uint64"),
            (
                ".a.x",
                "invalid value: integer `9223372036854775808`, expected i64",
                "Invalid parameter type for 'a.x', expected: integer",
            ),
        ] {
            assert_eq!(misfit(path, reason).desc, desc);
        }
    }
}
