//! Objects: structs, commands and events, filled in place while their members arrive.
//!
//! A value starts blank, each member that comes is decoded straight into its field, and a set of bits tells which
//! mandatory ones are still missing at the end. That decodes faster than collecting optional slots first, and above all
//! it compiles faster, which counts when there are a thousand types.

use super::builtin::{Any, AnyMap};
use super::decoder::Members;
use super::json::from_json;
use super::kept::Kept;
use super::members::{Names, Seen};
use super::path::Segment;
use super::reader::Reader;
use super::strict::{refuse_unknown, refuses_unknown, unknown_member};
use super::text::Text;
use super::traits::{Lookup, Object};
use super::writer::encode_members;
use serde::de::{self, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::Serializer;
use serde_json::Error as JsonError;
use std::borrow::Cow;
use std::fmt;
use std::mem;

/// Encodes an object.
#[inline(never)]
pub fn encode_object<T: Object, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    encode_members(serializer, &mut |out| value.write(out))
}

/// Decodes an object.
#[inline(never)]
pub fn decode_object<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    // Filled where it stands: a value that went through serde's hands would be copied by each of them.
    let mut object = T::blank();
    let _until_then = refuse_unknown(T::STRICT);
    deserializer.deserialize_map(ObjectVisitor(&mut object))?;
    Ok(object)
}

struct ObjectVisitor<'a, T>(&'a mut T);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        fill(self.0, &mut map)
    }
}

/// An object of any type that takes its members from a map, or from texts.
trait Fill<'de, A: MapAccess<'de>> {
    fn lookup(&mut self) -> &mut dyn Lookup;
    fn set(&mut self, index: usize, map: &mut A) -> Result<(), A::Error>;
    fn set_from_text(&mut self, index: usize, text: &str) -> Result<(), JsonError>;
}

impl<'de, A: MapAccess<'de>, T: Object> Fill<'de, A> for T {
    fn lookup(&mut self) -> &mut dyn Lookup {
        self
    }

    #[inline]
    fn set(&mut self, index: usize, map: &mut A) -> Result<(), A::Error> {
        let mut reader = Reader::new(map);
        Object::set(self, index, &mut reader);
        reader.finish()
    }

    fn set_from_text(&mut self, index: usize, text: &str) -> Result<(), JsonError> {
        let mut text = Text::new(text);
        Fill::set(self, index, &mut Members::new(&mut text))?;
        text.end()
    }
}

/// Fills an object. Its type is known by its methods alone, so that this is compiled once for each format and not for each type.
fn fill<'de, A: MapAccess<'de>>(object: &mut dyn Fill<'de, A>, map: &mut A) -> Result<(), A::Error> {
    let mut seen = Seen::default();
    let mut kept = Vec::new();
    let shape = object.lookup().shape();
    let names = &shape.members;
    let mut name = Cow::Borrowed("");
    while let Some(key) = map.next_key_seed(KeySeed { names, object: object.lookup(), name: &mut name })? {
        match key {
            KEEP => match map.next_value_seed(Kept) {
                Ok(value) => kept.push((mem::take(&mut name), value)),
                Err(error) => return Err(Segment::Member(&name).wrap(error)),
            },
            IGNORE => {
                map.next_value::<IgnoredAny>()?;
            }
            index => {
                let result = if seen.add(index) { object.set(index, map) } else { Err(A::Error::custom(TWICE)) };
                if let Err(error) = result {
                    return Err(Segment::Member(object.lookup().name(index)).wrap(error));
                }
            }
        }
    }
    let is_union = !shape.tag.is_empty();
    if !kept.is_empty() || (is_union && object.lookup().keeps()) {
        explain(object, &mut seen, kept).map_err(A::Error::custom)?;
    }
    match object.lookup().missing(&seen) {
        None => Ok(()),
        Some(name) => Err(A::Error::custom(format_args!("missing member `{name}`"))),
    }
}

/// Why a member is refused that has come before.
const TWICE: &str = "comes twice";

/// A member whose meaning is not known yet: its name, and its value as JSON text.
type KeptMember<'de> = (Cow<'de, str>, Cow<'de, str>);

/// Decodes the members that came before the tag which explains them; what nothing explains is the object's to keep.
fn explain<'de, A: MapAccess<'de>>(
    object: &mut dyn Fill<'de, A>,
    seen: &mut Seen,
    mut kept: Vec<KeptMember<'de>>,
) -> Result<(), JsonError> {
    loop {
        let before = kept.len();
        let mut left = Vec::new();
        for (name, value) in kept {
            let Some(index) = object.lookup().find(&name) else {
                left.push((name, value));
                continue;
            };
            let result =
                if seen.add(index) { object.set_from_text(index, &value) } else { Err(JsonError::custom(TWICE)) };
            result.map_err(|error| Segment::Member(&name).wrap(error))?;
        }
        kept = left;
        if kept.len() == before && !object.lookup().settle(seen) {
            break;
        }
    }
    keep(object.lookup(), kept)
}

/// Leaves to an object what nothing explained, if it holds on to that.
fn keep(object: &mut dyn Lookup, kept: Vec<KeptMember<'_>>) -> Result<(), JsonError> {
    if refuses_unknown() {
        check_kept(object, &kept).map_err(|(name, reason)| Segment::Member(name).wrap(JsonError::custom(reason)))?;
    }
    for (name, value) in kept {
        let value = from_json(&value).map_err(|error| Segment::Member(&name).wrap::<JsonError>(error))?;
        object.keep(name.into_owned(), value);
    }
    Ok(())
}

/// The fault of a member that nothing explained, if unknown ones are to be refused: the object would drop it, or keep the
/// last of several.
fn check_kept<'a>(object: &dyn Lookup, kept: &'a [KeptMember<'_>]) -> Result<(), (&'a str, String)> {
    let mut seen = AnyMap::new();
    for (name, _) in kept {
        if !object.keeps() {
            return Err((name, unknown_member(object, name)));
        }
        if seen.insert(name.to_string(), Any::Null).is_some() {
            return Err((name, TWICE.to_owned()));
        }
    }
    Ok(())
}

/// In the place of an index: the member is to be kept.
const KEEP: usize = usize::MAX;
/// In the place of an index: nobody wants the member.
const IGNORE: usize = usize::MAX - 1;

/// Gives the index of a member by its name.
struct KeySeed<'a, 'de> {
    /// The names of the object's own members, which most are.
    names: &'a Names,
    object: &'a dyn Lookup,
    /// Takes the name of a member to be kept.
    name: &'a mut Cow<'de, str>,
}

impl KeySeed<'_, '_> {
    fn other<E: de::Error>(&self, name: &str) -> Result<usize, E> {
        match self.object.find(name) {
            Some(index) => Ok(index),
            None if self.object.keeps() => Ok(KEEP),
            None if refuses_unknown() => Err(Segment::Member(name).wrap(E::custom(unknown_member(self.object, name)))),
            None => Ok(IGNORE),
        }
    }
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, 'de> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, 'de> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<usize, E> {
        if let Some(index) = self.names.position(name) {
            return Ok(index);
        }
        let index = self.other(name)?;
        if index == KEEP {
            *self.name = Cow::Borrowed(name);
        }
        Ok(index)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        let index = self.other(name)?;
        if index == KEEP {
            *self.name = Cow::Owned(name.to_owned());
        }
        Ok(index)
    }
}
