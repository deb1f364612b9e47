//! Alternates: one of several types, told apart by the kind of JSON value that comes.
//!
//! The value is read whole before its type is chosen. Alternates are few and small in what QEMU sends, and only a whole
//! value lets one that no alternative takes be kept.

use super::builtin::{Any, ArraySeed};
use super::traits::{Alternate, Kind};
use super::unrecognized::UNRECOGNIZED;
use serde::de::{self, DeserializeOwned, DeserializeSeed};
use serde::{Deserialize, Deserializer, Serializer};
use std::marker::PhantomData;

/// Decodes an alternate.
pub fn decode_alternate<'de, T: Alternate, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value = Any::deserialize(deserializer)?;
    T::choose(kind_of(&value), value)
}

/// Decodes the value of the alternative that was chosen.
pub fn alternative<T: DeserializeOwned, E: de::Error>(value: Any) -> Result<T, E> {
    T::deserialize(value).map_err(E::custom)
}

/// Decodes the array that was chosen, so that an error says which element it is in.
pub fn alternative_array<T: DeserializeOwned, E: de::Error>(value: Any) -> Result<Vec<T>, E> {
    ArraySeed(PhantomData).deserialize(value).map_err(E::custom)
}

/// Writes a value that no alternative takes.
pub fn write_unrecognized<S: Serializer>(value: &Any, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(UNRECOGNIZED, value)
}

fn kind_of(value: &Any) -> Kind {
    match value {
        Any::Null => Kind::Null,
        Any::Bool(_) => Kind::Bool,
        Any::Number(number) if number.is_i64() || number.is_u64() => Kind::Integer,
        Any::Number(_) => Kind::Number,
        Any::String(_) => Kind::String,
        Any::Array(_) => Kind::Array,
        Any::Object(_) => Kind::Object,
    }
}
