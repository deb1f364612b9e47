//! Values that cannot be decoded yet, kept as JSON text.

use super::builtin::Any;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::Deserialize;
use serde_json::Error as JsonError;
use std::borrow::Cow;
use std::fmt;

/// The name of the newtype as which a value is asked for that is to be kept. Text is given as it is; other formats give
/// the value.
pub(super) const KEPT: &str = "$qemu_qmp::Kept";

/// Takes any value as JSON text.
pub(super) struct Kept;

impl<'de> DeserializeSeed<'de> for Kept {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_newtype_struct(KEPT, self)
    }
}

impl<'de> Visitor<'de> for Kept {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        let value = Any::deserialize(deserializer)?;
        Ok(Cow::Owned(format!("{value}")))
    }
}

/// A value for one of `serde_json`'s own types, as those are given it: the only member of an object, of the type's name.
pub(super) struct RawMember<'de> {
    pub(super) name: Option<&'static str>,
    pub(super) text: &'de str,
}

impl<'de> MapAccess<'de> for RawMember<'de> {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        self.name.take().map(|name| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonError> {
        seed.deserialize(BorrowedStrDeserializer::new(self.text))
    }
}
