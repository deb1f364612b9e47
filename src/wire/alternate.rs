//! Alternates: one of several types, told apart by the kind of JSON value that comes.
//!
//! The value is read whole before its type is chosen. Alternates are few and small in what QEMU sends, and only a whole
//! value lets one that no alternative takes be kept.

use super::builtin::Any;
use super::json::{array_from_json, from_json};
use super::kept::Kept;
use super::traits::{Alternate, Kind};
use super::unrecognized::UNRECOGNIZED;
use serde::de::{DeserializeOwned, DeserializeSeed, Error};
use serde::{Deserializer, Serializer};
use serde_json::Error as JsonError;

/// Decodes an alternate.
pub fn decode_alternate<'de, T: Alternate, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value = Kept.deserialize(deserializer)?;
    T::choose(kind_of(&value), &value).map_err(D::Error::custom)
}

/// Decodes the value of the alternative that was chosen.
pub fn alternative<T: DeserializeOwned>(value: &str) -> Result<T, JsonError> {
    from_json(value)
}

/// Decodes the array that was chosen, so that an error says which element it is in.
pub fn alternative_array<T: DeserializeOwned>(value: &str) -> Result<Vec<T>, JsonError> {
    array_from_json(value)
}

/// Writes a value that no alternative takes.
pub fn write_unrecognized<S: Serializer>(value: &Any, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(UNRECOGNIZED, value)
}

/// The kind of a value, of which `json` is the text.
fn kind_of(json: &str) -> Kind {
    match json.as_bytes().first() {
        Some(b'n') => Kind::Null,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'"') => Kind::String,
        Some(b'[') => Kind::Array,
        Some(b'{') => Kind::Object,
        // A zero with a sign is a double.
        _ if json != "-0" && (json.parse::<i64>().is_ok() || json.parse::<u64>().is_ok()) => Kind::Integer,
        _ => Kind::Number,
    }
}
