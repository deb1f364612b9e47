//! Objects: structs, commands and events, filled in place while their members arrive.
//!
//! A value starts blank, each member that comes is decoded straight into its field, and a set of bits tells which
//! mandatory ones are still missing at the end. That decodes faster than collecting optional slots first, and above all
//! it compiles faster, which counts when there are a thousand types.

use super::builtin::Any;
use super::path::Segment;
use super::reader::{Input, Reader};
use super::union::Branch;
use super::writer::{Output, Writer};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// What the generator emits for a struct or union, and for the members of a command or event.
///
/// Members have indices. Those of a union go on after its base: the tag, then the members of the branch that the tag
/// selects, and so on inwards where that branch is a union itself. The methods with a body are for objects without
/// branches, as far as a union's branch is not asked; the macro `extensible!` replaces two of them.
pub trait Object: Sized {
    /// Names of the members on the wire, the mandatory ones first; of a union, those of its base without the tag.
    const MEMBERS: &'static [&'static str];
    /// How many of the members are mandatory.
    const REQUIRED: usize;
    /// Name of a union's tag on the wire.
    const TAG: &'static str = "";
    /// The value that an absent tag stands for, where older releases of QEMU send none.
    const ABSENT_TAG: Option<&'static str> = None;
    /// A value to be filled. Its mandatory members hold nothing of meaning yet.
    fn blank() -> Self;
    /// Takes the value of the member of that index.
    fn set<I: Input>(&mut self, index: usize, input: &mut I);
    /// Writes the members that are there: a union's tag, then what is in the schema's order.
    fn write<O: Output>(&self, out: &mut O);

    /// A union's branch.
    fn branch(&self) -> Option<&dyn Branch> {
        None
    }
    /// A union's branch, to be filled.
    fn branch_mut(&mut self) -> Option<&mut dyn Branch> {
        None
    }
    /// Whether the tag is written. Only where an absent tag stands for something may it be missing.
    fn tagged(&self) -> bool {
        true
    }
    /// Notes that the tag was absent.
    fn untag(&mut self) {}

    /// The index of the member of that name, as far as it is known yet: before the tag has come, the members of a
    /// union's branch are not.
    fn find(&self, name: &str) -> Option<usize> {
        position(Self::MEMBERS, name).or_else(|| {
            let branch = self.branch()?;
            if name == Self::TAG {
                return Some(Self::MEMBERS.len());
            }
            branch.lookup()?.find(name).map(|index| Self::MEMBERS.len() + 1 + index)
        })
    }
    /// The name of the member of that index.
    fn name(&self, index: usize) -> &'static str {
        match index.checked_sub(Self::MEMBERS.len()) {
            None => Self::MEMBERS.get(index).copied().unwrap_or_default(),
            Some(0) => Self::TAG,
            Some(past) => self.branch().and_then(|branch| branch.lookup()).map_or("", |branch| branch.name(past - 1)),
        }
    }
    /// The first mandatory member that has not come. `from` is the index of this object's first member in `seen`.
    fn missing(&self, seen: &Seen, from: usize) -> Option<&'static str> {
        let tag = from + Self::MEMBERS.len();
        let branch = self.branch();
        if branch.is_some() && !seen.has(tag) && self.tagged() {
            return Some(Self::TAG);
        }
        let missing = seen.first_missing(Self::MEMBERS, Self::REQUIRED, from);
        missing.or_else(|| branch?.lookup()?.missing(seen, tag + 1))
    }
    /// Whether a member that is not found is to be kept: because a tag to come may explain it, or because the object
    /// holds on to what it does not know. The latter is so where a union's tag is unrecognized.
    fn keeps(&self) -> bool {
        self.branch().and_then(|branch| branch.lookup()).is_some_and(|branch| branch.keeps())
    }
    /// Takes in a member that nothing explained.
    fn keep(&mut self, name: String, value: Any) {
        if let Some(branch) = self.branch_mut().and_then(|branch| branch.lookup_mut()) {
            branch.keep(name, value);
        }
    }
    /// All members have come: chooses what a missing tag stands for. Returns whether that made a difference. `from` is
    /// the index of this object's first member in `seen`.
    fn settle(&mut self, seen: &Seen, from: usize) -> bool {
        let tag = from + Self::MEMBERS.len();
        let untagged = Self::ABSENT_TAG.filter(|_| self.tagged() && !seen.has(tag));
        match (untagged, self.branch_mut()) {
            (Some(value), Some(branch)) => {
                branch.select(value);
                self.untag();
                true
            }
            (_, branch) => {
                branch.and_then(|branch| branch.lookup_mut()).is_some_and(|branch| branch.settle(seen, tag + 1))
            }
        }
    }
}

/// The part of [`Object`] that needs no serializer, so that branches of different types can be asked alike.
pub trait Lookup {
    /// [`Object::find`]
    fn find(&self, name: &str) -> Option<usize>;
    /// [`Object::name`]
    fn name(&self, index: usize) -> &'static str;
    /// [`Object::missing`]
    fn missing(&self, seen: &Seen, from: usize) -> Option<&'static str>;
    /// [`Object::keeps`]
    fn keeps(&self) -> bool;
    /// [`Object::keep`]
    fn keep(&mut self, name: String, value: Any);
    /// [`Object::settle`]
    fn settle(&mut self, seen: &Seen, from: usize) -> bool;
    /// Whether these are the members of a branch that the schema does not know.
    fn is_unrecognized(&self) -> bool {
        false
    }
}

impl<T: Object> Lookup for T {
    fn find(&self, name: &str) -> Option<usize> {
        Object::find(self, name)
    }
    fn name(&self, index: usize) -> &'static str {
        Object::name(self, index)
    }
    fn missing(&self, seen: &Seen, from: usize) -> Option<&'static str> {
        Object::missing(self, seen, from)
    }
    fn keeps(&self) -> bool {
        Object::keeps(self)
    }
    fn keep(&mut self, name: String, value: Any) {
        Object::keep(self, name, value);
    }
    fn settle(&mut self, seen: &Seen, from: usize) -> bool {
        Object::settle(self, seen, from)
    }
}

/// Which members have come, by index.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    first: u128,
    rest: Vec<usize>,
}

impl Seen {
    /// Whether the member has come.
    pub fn has(&self, index: usize) -> bool {
        if index < 128 {
            self.first & (1 << index) != 0
        } else {
            self.rest.contains(&index)
        }
    }

    /// The first of the names that has not come, of those that are mandatory.
    pub fn first_missing(&self, names: &[&'static str], required: usize, from: usize) -> Option<&'static str> {
        let mandatory = names.get(..required).unwrap_or(names);
        for (index, name) in mandatory.iter().enumerate() {
            if !self.has(from + index) {
                return Some(name);
            }
        }
        None
    }

    /// Notes that the member has come. Returns false if it had before.
    fn add(&mut self, index: usize) -> bool {
        if self.has(index) {
            return false;
        }
        if index < 128 {
            self.first |= 1 << index;
        } else {
            self.rest.push(index);
        }
        true
    }
}

/// Where a name stands in a list of them.
pub fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

/// Encodes an object.
#[inline(never)]
pub fn encode_object<T: Object, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    encode_members(serializer, |out| value.write(out))
}

/// Encodes an object of the members that `write` writes.
pub(super) fn encode_members<S: Serializer>(
    serializer: S,
    write: impl FnOnce(&mut Writer<'_, S::SerializeMap>),
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    let mut out = Writer::new(&mut map);
    write(&mut out);
    out.finish()?;
    map.end()
}

/// Decodes an object.
#[inline(never)]
pub fn decode_object<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
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
    for (name, value) in kept {
        object.keep(name, value);
    }
    Ok(())
}

/// What a key turned out to be.
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

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn members_beyond_the_first_word_are_remembered() {
        let mut seen = Seen::default();
        for index in (0..300).step_by(3) {
            assert!(seen.add(index) && !seen.add(index) && !seen.has(index + 1), "{index}");
        }
        assert!((0..300).all(|index| seen.has(index) == (index % 3 == 0)));
        assert_eq!(seen.first_missing(&["a", "b"], 2, 126), Some("b"));
        assert_eq!(seen.first_missing(&["a", "b"], 1, 129), None);
        assert_eq!(seen.first_missing(&["a", "b"], 2, 128), Some("a"));
    }
}
