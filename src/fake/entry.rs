//! Entries of a schema as data: `SchemaInfo` of the QMP reference manual, as JSON.

use serde_json::Value;

/// A member that is a text; empty if there is none.
pub(super) fn text_of<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of a member that is a list; none if there is none.
pub(super) fn items<'a>(entry: &'a Value, name: &str) -> &'a [Value] {
    entry.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
