//! Enums: a table of names, and one variant for the names that are not in it.

use serde::de::Visitor;
use serde::{de, Deserializer, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// What the generator emits for an enum.
pub trait Enum: Clone + PartialEq + 'static {
    /// Each value's name on the wire, in the schema's order.
    const VALUES: &'static [(&'static str, Self)];
    /// Keeps a name that the schema does not know.
    fn unrecognized(name: Box<str>) -> Self;
    /// The name, where the schema does not know it.
    fn as_unrecognized(&self) -> Option<&str>;

    /// The value of that name.
    #[inline(never)]
    fn from_name(name: &str) -> Self {
        let known = Self::VALUES.iter().find(|(known, _)| *known == name);
        known.map_or_else(|| Self::unrecognized(name.into()), |(_, value)| value.clone())
    }

    /// The name on the wire.
    #[inline(never)]
    fn name(&self) -> &str {
        self.as_unrecognized().unwrap_or_else(|| {
            let known = Self::VALUES.iter().find(|(_, value)| value == self);
            known.map_or("", |(name, _)| name)
        })
    }
}

/// Decodes an enum. Any string is one; anything else is an error.
pub fn decode_enum<'de, T: Enum, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(EnumVisitor(PhantomData))
}

/// Encodes an enum as its name.
pub fn encode_enum<T: Enum, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    match value.as_unrecognized() {
        Some(name) => serializer.serialize_newtype_struct(super::UNRECOGNIZED, name),
        None => serializer.serialize_str(value.name()),
    }
}

struct EnumVisitor<T>(PhantomData<T>);

impl<T: Enum> Visitor<'_> for EnumVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        Ok(T::from_name(name))
    }
}
