//! Values that cannot be decoded yet, kept as JSON text.

use super::builtin::Any;
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};
use serde::Deserialize;
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
