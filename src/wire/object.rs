//! Objects: structs, commands and events, filled in place while their members arrive.
//!
//! A value starts blank, each member that comes is decoded straight into its field, and a set of bits tells which
//! mandatory ones are still missing at the end. That decodes faster than collecting optional slots first, and above all
//! it compiles faster, which counts when there are a thousand types.

use super::builtin::Any;
use super::members::Seen;
use super::path::Segment;
use super::reader::Reader;
use super::strict::{decode_strictly, refuses_unknown, unknown_member};
use super::traits::{Lookup, Object};
use super::writer::encode_members;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::Serializer;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

/// Encodes an object.
#[inline(never)]
pub fn encode_object<T: Object, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    encode_members(serializer, |out| value.write(out))
}

/// Decodes an object.
#[inline(never)]
pub fn decode_object<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    decode_strictly(T::STRICT, || deserializer.deserialize_map(ObjectVisitor(PhantomData)))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut object = T::blank();
        let mut seen = Seen::default();
        let mut kept = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed(&object))? {
            match key {
                Key::Known(index) => set(&mut object, &mut seen, index, &mut map)?,
                Key::Kept(name) => {
                    let value = map.next_value().map_err(|error| Segment::Member(&name).wrap::<A::Error>(error))?;
                    kept.push((name, value));
                }
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !kept.is_empty() || object.keeps() {
            explain(&mut object, &mut seen, kept)?;
        }
        match object.missing(&seen, 0) {
            None => Ok(object),
            Some(name) => Err(de::Error::custom(format_args!("missing member `{name}`"))),
        }
    }
}

fn set<'de, T: Object, A: MapAccess<'de>>(
    object: &mut T,
    seen: &mut Seen,
    index: usize,
    map: &mut A,
) -> Result<(), A::Error> {
    let name = object.name(index);
    let result = if seen.add(index) {
        let mut reader = Reader::new(map);
        object.set(index, &mut reader);
        reader.finish()
    } else {
        Err(de::Error::custom("comes twice"))
    };
    result.map_err(|error| Segment::Member(name).wrap(error))
}

/// Decodes the members that came before the tag which explains them; what nothing explains is the object's to keep.
fn explain<T: Object, E: de::Error>(object: &mut T, seen: &mut Seen, mut kept: Vec<(String, Any)>) -> Result<(), E> {
    loop {
        let before = kept.len();
        let mut left = Vec::new();
        for (name, value) in kept {
            let Some(index) = object.find(&name) else {
                left.push((name, value));
                continue;
            };
            set(object, seen, index, &mut OneValue { value: Some(value), error: PhantomData })?;
        }
        kept = left;
        if kept.len() == before && !object.settle(seen, 0) {
            break;
        }
    }
    if refuses_unknown() {
        check_kept(object, &kept).map_err(|(name, reason)| Segment::Member(name).wrap(E::custom(reason)))?;
    }
    for (name, value) in kept {
        object.keep(name, value);
    }
    Ok(())
}

/// The fault of a member that nothing explained, if unknown ones are to be refused: the object would drop it, or keep the
/// last of several.
fn check_kept<'a>(object: &dyn Lookup, kept: &'a [(String, Any)]) -> Result<(), (&'a str, String)> {
    let mut seen = HashSet::new();
    for (name, _) in kept {
        if !object.keeps() {
            return Err((name, unknown_member(object, name)));
        }
        if !seen.insert(name) {
            return Err((name, "comes twice".to_owned()));
        }
    }
    Ok(())
}

/// The meaning of a key.
enum Key {
    Known(usize),
    Kept(String),
    Unknown,
}

struct KeySeed<'a, T>(&'a T);

impl<'de, T: Object> DeserializeSeed<'de> for KeySeed<'_, T> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<T: Object> Visitor<'_> for KeySeed<'_, T> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key, E> {
        Ok(match self.0.find(name) {
            Some(index) => Key::Known(index),
            None if self.0.keeps() => Key::Kept(name.to_owned()),
            None if refuses_unknown() => {
                return Err(Segment::Member(name).wrap(E::custom(unknown_member(self.0, name))));
            }
            None => Key::Unknown,
        })
    }
}

/// A map of which only the current value is left, so that a kept member can be set like one that has just come.
struct OneValue<E> {
    value: Option<Any>,
    error: PhantomData<E>,
}

impl<'de, E: de::Error> MapAccess<'de> for OneValue<E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, E> {
        seed.deserialize(self.value.take().unwrap_or_default()).map_err(E::custom)
    }
}
