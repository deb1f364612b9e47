//! Enums: a table of names, and one variant for the names that are not in it.

use super::macros::apart;
use super::near::suggestion;
use super::text::Text;
use super::unrecognized::UNRECOGNIZED;
use serde::de::Visitor;
use serde::{de, Deserializer, Serializer};
use serde_json::Error as JsonError;
use std::fmt;

/// Each known value of an enum, with its name on the wire.
type Values<T> = &'static [(&'static str, T)];

/// The value of that name: one of the table, or one that keeps the name.
#[inline(never)]
pub fn value_of<T: Clone>(name: &str, values: Values<T>, unrecognized: fn(Box<str>) -> T) -> T {
    for (known, value) in values {
        if *known == name {
            return value.clone();
        }
    }
    unrecognized(apart!(boxed(name)))
}

fn boxed(name: &str) -> Box<str> {
    name.into()
}

/// The error about a name that the enum `ty` does not have.
#[inline(never)]
pub fn unknown_value<T>(ty: &'static str, name: Box<str>, values: Values<T>) -> UnknownValue {
    apart!(unknown_name(ty, name, &|index| values.get(index).map(|(known, _)| *known)))
}

/// The same for all types. `known` gives the names by their indices.
fn unknown_name(ty: &'static str, name: Box<str>, known: &dyn Fn(usize) -> Option<&'static str>) -> UnknownValue {
    let known: Vec<&str> = (0..).map_while(known).collect();
    UnknownValue { ty, suggestion: suggestion(&name, &known), name }
}

/// A name that an enum does not have, with the names that are near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownValue {
    ty: &'static str,
    name: Box<str>,
    suggestion: String,
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}{}", self.name, self.ty, self.suggestion)
    }
}

impl std::error::Error for UnknownValue {}

/// Writes an enum's name, and its value in such a way that one which is not known can be told.
pub fn debug_enum(ty: &str, name: &str, is_unrecognized: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_unrecognized {
        write!(f, "{ty} Unrecognized({name:?})")
    } else {
        write!(f, "{ty} {name:?}")
    }
}

/// The name of a value of the table.
#[inline(never)]
pub fn name_of<T: PartialEq>(value: &T, values: Values<T>) -> &'static str {
    for (name, known) in values {
        if known == value {
            return name;
        }
    }
    ""
}

/// Reads an enum. Any string is one; anything else is an error.
///
/// # Errors
/// Where it is no string.
pub fn read_enum<T: Clone>(
    value: &mut T,
    text: &mut Text<'_>,
    values: Values<T>,
    unrecognized: fn(Box<str>) -> T,
) -> Result<(), JsonError> {
    *value = value_of(&apart!(Text::string(text))?, values, unrecognized);
    Ok(())
}

/// Decodes an enum from any format.
pub fn decode_enum<'de, T: Clone, D: Deserializer<'de>>(
    deserializer: D,
    values: Values<T>,
    unrecognized: fn(Box<str>) -> T,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(EnumVisitor { values, unrecognized })
}

/// Encodes an enum as its name.
pub fn encode_enum<S: Serializer>(name: &str, is_unrecognized: bool, serializer: S) -> Result<S::Ok, S::Error> {
    if is_unrecognized {
        serializer.serialize_newtype_struct(UNRECOGNIZED, name)
    } else {
        serializer.serialize_str(name)
    }
}

struct EnumVisitor<T: 'static> {
    values: Values<T>,
    unrecognized: fn(Box<str>) -> T,
}

impl<T: Clone> Visitor<'_> for EnumVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        Ok(value_of(name, self.values, self.unrecognized))
    }
}
