//! Checks that this crate's own types know a path, so that a slip is told from what a QEMU does not have.
//!
//! The types are asked by decoding: they are given an object with the first member, in it one with the second, and so on, and
//! refuse a member that they do not know, with the names that are near. What each of them is, an object or a list, they say
//! themselves. No type is described a second time for this, and only programs that check a path compile it.

use super::path::{PathRoot, SchemaPath, Step};
use crate::api::{Command, Event};
use crate::wire::{refuse_unknown, split_path};
use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt;

/// A path that this crate's own schema does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownName {
    /// The whole path.
    pub path: SchemaPath,
    /// Why it is refused, with the names that are near.
    reason: String,
}

impl SchemaPath {
    /// An argument of this command, by its name on the wire.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no argument of that name. The value of an enum, after `=`, is not looked at:
    /// [`argument!`](super::argument) takes values that cannot be wrong, and `parse` of the enum says if it has one.
    pub fn argument<C: Command>(path: &str) -> Result<Self, UnknownName> {
        check::<C>(SchemaPath { root: PathRoot::Argument(C::NAME), steps: steps(path) })
    }

    /// A member of what this command returns, or of its elements if it returns a list.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no member of that name, likewise.
    pub fn returned<C: Command>(path: &str) -> Result<Self, UnknownName> {
        check::<C::Reply>(SchemaPath { root: PathRoot::Return(C::NAME), steps: steps(path) })
    }

    /// A member of what this event tells.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no member of that name, likewise.
    pub fn told<E: Event>(path: &str) -> Result<Self, UnknownName> {
        check::<E>(SchemaPath { root: PathRoot::Data(E::NAME), steps: steps(path) })
    }
}

impl fmt::Display for UnknownName {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl std::error::Error for UnknownName {}

/// How the types begin what they say of a member that they do not know.
const UNKNOWN: &str = "unknown member";

/// No QAPI name: only an object that takes whatever it is given takes it.
const NO_NAME: &str = "\0";

#[inline]
fn steps(path: &str) -> Vec<Step> {
    let step = |step: &str| match step.split_once('=') {
        Some((member, value)) => Step { member: member.to_owned(), value: Some(value.to_owned()) },
        None => Step { member: step.to_owned(), value: None },
    };
    path.split('/').map(step).collect()
}

/// Checks a path into a `T`.
fn check<T: DeserializeOwned>(path: SchemaPath) -> Result<SchemaPath, UnknownName> {
    check_with(path, &|steps| {
        let mut is_free = false;
        let walk = Walk { steps, is_free: &mut is_free };
        let _until_then = refuse_unknown(true);
        let refusal = T::deserialize(walk).err();
        Walked { refusal: refusal.map(|error| error.to_string()).unwrap_or_default(), is_free }
    })
}

/// The result of a walk.
struct Walked {
    /// The types' last error. They always refuse, if only because the object is not whole.
    refusal: String,
    /// True if the last member takes anything.
    is_free: bool,
}

impl Walked {
    /// Which member the types do not know, and what they say of it.
    #[inline]
    fn unknown(&self) -> Option<(&str, &str)> {
        Some(split_path(&self.refusal)).filter(|(_, reason)| reason.starts_with(UNKNOWN))
    }
}

#[inline]
fn check_with(path: SchemaPath, walk: &dyn Fn(&[Step]) -> Walked) -> Result<SchemaPath, UnknownName> {
    let walked = walk(&path.steps);
    if let Some((at, reason)) = walked.unknown() {
        let reason = format!("{at}: {reason}");
        return Err(UnknownName { path, reason });
    }
    if walked.is_free {
        // Objects keep what they cannot place: a union before its tag has come, and commands that take more than the schema
        // lists. They keep any other name as well.
        let mut steps = path.steps.clone();
        if let Some(last) = steps.last_mut() {
            *last = Step { member: NO_NAME.to_owned(), value: None };
        }
        let walked = walk(&steps);
        if walked.is_free && walked.unknown().is_none() {
            let reason =
                "not listed by the schema, unless a branch has it: `tag=value/member` names a branch's".to_owned();
            return Err(UnknownName { path, reason });
        }
    }
    Ok(path)
}

/// A value with the members that are left; the value of the last is never given.
struct Walk<'w> {
    steps: &'w [Step],
    /// True if the last member takes anything.
    is_free: &'w mut bool,
}

impl<'de> Deserializer<'de> for Walk<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.steps {
            [] => {
                *self.is_free = true;
                visitor.visit_unit()
            }
            _ => visitor.visit_map(self),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.steps {
            [] => Err(Error::custom("known")),
            _ => visitor.visit_map(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.steps {
            [] => Err(Error::custom("known")),
            _ => visitor.visit_seq(Elements(Some(self))),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        match self.steps {
            [] => Err(Error::custom("known")),
            [step, ..] => Err(Error::custom(format_args!(".{}: {UNKNOWN}; there are none", step.member))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 char bytes byte_buf unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// The next member, and, where the path says a value, the members beside it.
impl<'de> MapAccess<'de> for Walk<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(step) = self.steps.first() else { return Ok(None) };
        let name: StrDeserializer<'_, Error> = step.member.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (step, rest) = self.steps.split_first().ok_or_else(|| Error::custom("known"))?;
        match &step.value {
            Some(value) if !rest.is_empty() => {
                self.steps = rest;
                let value: StrDeserializer<'_, Error> = value.as_str().into_deserializer();
                seed.deserialize(value)
            }
            _ => {
                self.steps = &[];
                seed.deserialize(Walk { steps: rest, is_free: self.is_free })
            }
        }
    }
}

/// The one element of a list.
struct Elements<'w>(Option<Walk<'w>>);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.0.take().map(|walk| seed.deserialize(walk)).transpose()
    }
}
