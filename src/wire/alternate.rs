//! Alternates: one of several types, told apart by the kind of JSON value that comes.
//!
//! The value is read whole before its type is chosen. Alternates are few and small in what QEMU sends, and only a whole
//! value lets one that no alternative takes be kept.

use super::builtin::{Any, ArraySeed};
use serde::de::{self, DeserializeOwned, DeserializeSeed};
use serde::{Deserialize, Deserializer, Serializer};
use std::marker::PhantomData;

/// What the generator emits for an alternate.
pub trait Alternate: Sized {
    /// The alternative that takes this kind of value, or else the value as unrecognized.
    ///
    /// # Errors
    /// Where an alternative takes the kind but the value does not fit it.
    fn choose<E: de::Error>(kind: Kind, value: Any) -> Result<Self, E>;
    /// Writes the value.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// The kinds of JSON value that alternatives are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number without fraction that fits 64 bits.
    Integer,
    /// Any other number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    fn of(value: &Any) -> Self {
        match value {
            Any::Null => Self::Null,
            Any::Bool(_) => Self::Bool,
            Any::Number(number) if number.is_i64() || number.is_u64() => Self::Integer,
            Any::Number(_) => Self::Number,
            Any::String(_) => Self::String,
            Any::Array(_) => Self::Array,
            Any::Object(_) => Self::Object,
        }
    }
}

/// Decodes an alternate.
pub fn decode_alternate<'de, T: Alternate, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value = Any::deserialize(deserializer)?;
    T::choose(Kind::of(&value), value)
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
    serializer.serialize_newtype_struct(super::UNRECOGNIZED, value)
}
