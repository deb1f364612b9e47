//! Serde's way to read a [`Text`].
//!
//! Generated types come from text by this alone: compared with `serde_json`'s deserializer, less of it is generic, it keeps no
//! count of lines, and it gives the text of a value to those who cannot decode it yet.

use super::kept::{RawMember, KEPT};
use super::text::{by_serde_json, Digits, Text};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Error as JsonError;

/// What is in an object or an array, which ends with the bracket `CLOSING`.
pub(super) struct Items<'a, 'de, const CLOSING: u8> {
    text: &'a mut Text<'de>,
    first: bool,
    ended: bool,
}

pub(super) type Members<'a, 'de> = Items<'a, 'de, b'}'>;
type Elements<'a, 'de> = Items<'a, 'de, b']'>;

impl<'a, 'de, const CLOSING: u8> Items<'a, 'de, CLOSING> {
    /// Of a text that is behind the opening bracket; or at a value, of which this is then all that can be had.
    pub(super) fn new(text: &'a mut Text<'de>) -> Self {
        Self { text, first: true, ended: false }
    }

    /// Moves to the next item, if there is one.
    #[inline]
    fn next(&mut self) -> Result<bool, JsonError> {
        self.ended = !self.text.next(&mut self.first, CLOSING)?;
        Ok(!self.ended)
    }

    /// Nothing may be left when a visitor has done.
    #[inline]
    fn close(mut self) -> Result<(), JsonError> {
        if !self.ended && self.next()? {
            let more = if CLOSING == b'}' { "more members than expected" } else { "more elements than expected" };
            return Err(JsonError::custom(more));
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = JsonError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        if !self.next()? {
            return Ok(None);
        }
        let key = match self.text.plain() {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name))?,
            None => seed.deserialize(self.text.escaped()?.into_deserializer())?,
        };
        self.text.colon()?;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonError> {
        seed.deserialize(&mut *self.text)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = JsonError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, JsonError> {
        if !self.next()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.text).map(Some)
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            match self.number(&visitor)? {
                Digits::Unsigned(value) => visitor.visit_u64(value),
                Digits::Signed(value) => visitor.visit_i64(value),
                Digits::Double(value) => visitor.visit_f64(value),
            }
        }
    )*};
}

macro_rules! strings {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            if self.peek() != Some(b'"') {
                return Err(self.mismatch(&visitor));
            }
            match self.plain() {
                Some(string) => visitor.visit_borrowed_str(string),
                None => visitor.visit_string(self.escaped()?),
            }
        }
    )*};
}

/// What generated types have no use for.
macro_rules! by_serde_json {
    ($($method:ident($($name:ident: $ty:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $ty,)* visitor: V) -> Result<V::Value, JsonError> {
            by_serde_json(self.skip()?, |json| json.$method($($name,)* visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Text<'de> {
    type Error = JsonError;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f32 deserialize_f64
    }

    strings! { deserialize_str deserialize_string deserialize_identifier }

    by_serde_json! {
        deserialize_i128()
        deserialize_u128()
        deserialize_char()
        deserialize_bytes()
        deserialize_byte_buf()
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.peek() {
            Some(b'n') => self.deserialize_unit(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'"') => self.deserialize_string(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            // How precise a number is depends on serde_json's features.
            _ => match self.precise_number()? {
                // Only so does `arbitrary_precision` keep the sign of zero.
                number if number.as_i64() == Some(0) && number.to_string() == "-0" => {
                    visitor.visit_map(RawMember { name: Some("$serde_json::private::Number"), text: "-0" })
                }
                number => number.deserialize_any(visitor),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let value = self.boolean(&visitor)?;
        visitor.visit_bool(value)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.null(&visitor)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        if self.peek() == Some(b'n') {
            self.null(&visitor)?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    /// Gives a value to be kept as text, and one of `serde_json`'s raw values its text by that name, as `serde_json` does.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match name {
            KEPT => visitor.visit_borrowed_str(self.keep()?),
            name if name.starts_with("$serde_json::") => {
                visitor.visit_map(RawMember { name: Some(name), text: self.skip()? })
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.open(b'[', &visitor)?;
        let mut elements = Elements::new(self);
        let value = visitor.visit_seq(&mut elements)?;
        elements.close().map(|()| value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.open(b'{', &visitor)?;
        let mut members = Members::new(self);
        let value = visitor.visit_map(&mut members)?;
        members.close().map(|()| value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.peek() {
            Some(b'[') => self.deserialize_seq(visitor),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.ignore()?;
        visitor.visit_unit()
    }
}
