//! Values from other formats than JSON text, and from JSON that serde's own decoder reads: they are written down as JSON text
//! first, and then read from that.
//!
//! So generated types have one decoder, which is compiled once, and not one for each format.

use super::decode::Decode;
use super::json::decode;
use super::path::Segment;
use crate::json::push_quoted;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt::{self, Write};

/// The one member of the object as which `serde_json` gives a number, if a program has it keep all digits.
const NUMBER: &str = "$serde_json::private::Number";

/// Decodes a value from any format.
#[inline(never)]
pub fn deserialize<'de, T: Decode, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let mut text = String::new();
    Transcript(&mut text).deserialize(deserializer)?;
    decode(&text).map_err(D::Error::custom)
}

/// Writes a value down as JSON text, as it comes: repeated members repeatedly.
struct Transcript<'a>(&'a mut String);

impl Transcript<'_> {
    #[inline]
    fn write(self, json: impl fmt::Display) {
        // A string takes whatever is written.
        let _ = write!(self.0, "{json}");
    }
}

impl<'de> DeserializeSeed<'de> for Transcript<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Transcript<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.push_str("null");
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.write(value);
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.write(value);
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.write(Value::from(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        push_quoted(self.0, value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.0.push('[');
        for index in 0.. {
            let end = self.0.len();
            if index > 0 {
                self.0.push(',');
            }
            match elements.next_element_seed(Transcript(self.0)) {
                Ok(Some(())) => {}
                Ok(None) => {
                    self.0.truncate(end);
                    break;
                }
                Err(error) => return Err(Segment::Index(index).wrap(error)),
            }
        }
        self.0.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut separator = '{';
        while let Some(name) = members.next_key::<String>()? {
            if name == NUMBER && separator == '{' {
                self.0.push_str(&members.next_value::<String>()?);
                return Ok(());
            }
            self.0.push(separator);
            push_quoted(self.0, &name);
            self.0.push(':');
            let value = members.next_value_seed(Transcript(self.0));
            value.map_err(|error| Segment::Member(&name).wrap(error))?;
            separator = ',';
        }
        self.0.push_str(if separator == '{' { "{}" } else { "}" });
        Ok(())
    }
}
