//! Alternates: one of several types, told apart by the kind of JSON value that comes.
//!
//! The value is read whole before its type is chosen. Alternates are few and small in what QEMU sends, and only a whole
//! value lets one that no alternative takes be kept.

use super::builtin::Any;
use super::decode::Decode;
use super::json::decode;
use super::macros::apart;
use super::text::Text;
use super::traits::{Alternate, Kind};
use super::unrecognized::UNRECOGNIZED;
use serde::Serializer;
use serde_json::Error as JsonError;

/// Reads an alternate.
///
/// # Errors
/// Where an alternative takes the kind of value but not this value.
pub fn read_alternate<T: Alternate>(value: &mut T, text: &mut Text<'_>) -> Result<(), JsonError> {
    let kept = apart!(Text::keep(text))?;
    *value = T::choose(kind_of(kept), kept)?;
    Ok(())
}

/// Decodes the value of the alternative that was chosen.
///
/// # Errors
/// Where it does not fit.
pub fn alternative<T: Decode>(value: &str) -> Result<T, JsonError> {
    decode(value)
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
