//! Objects: structs, commands and events, filled in place while their members arrive.
//!
//! A value starts blank, each member that comes is decoded straight into its field, and a set of bits tells which
//! mandatory ones are still missing at the end. That decodes faster than collecting optional slots first, and above all
//! it compiles faster, which counts when there are a thousand types.

use super::builtin::{Any, AnyMap};
use super::decode::Decode;
use super::json::decode;
use super::members::{Seen, START};
use super::path::Segment;
use super::strict::{refuse_unknown, refuses_unknown, unknown_member};
use super::text::Text;
use super::traits::{Lookup, Object};
use super::writer::encode_members;
use serde::de::Error;
use serde::ser::Serializer;
use serde_json::Error as JsonError;
use std::borrow::Cow;

/// Encodes an object.
#[inline(never)]
pub fn encode_object<T: Object, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    encode_members(serializer, &mut |out| value.write(out))
}

impl<T: Object> Decode for T {
    fn blank() -> Self {
        Object::blank()
    }

    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
        let _until_then = refuse_unknown(T::STRICT);
        fill(self, text)
    }
}

/// Fills an object. Its type is known by its methods alone, so that this is compiled once and not for each type.
fn fill(object: &mut dyn Lookup, text: &mut Text<'_>) -> Result<(), JsonError> {
    text.open(b'{', &"an object")?;
    let mut seen = Seen::default();
    let mut kept = Vec::new();
    let (mut first, mut before) = (true, START);
    let shape = object.shape();
    loop {
        let index = if let Some(index) = text.likely(&shape.members, before, &mut first) {
            before = index;
            index
        } else {
            if !text.next(&mut first, b'}')? {
                break;
            }
            let name = text.name()?;
            if let Some(index) = shape.members.position(&name) {
                before = index;
                index
            } else if let Some(index) = object.find_beyond(&name) {
                index
            } else if object.keeps() {
                let value = text.keep().map_err(|error| Segment::Member(&name).wrap(error))?;
                kept.push((name, value));
                continue;
            } else if refuses_unknown() {
                let reason = JsonError::custom(unknown_member(object, &name));
                return Err(Segment::Member(&name).wrap(reason));
            } else {
                text.ignore()?;
                continue;
            }
        };
        put(object, &mut seen, index, text)?;
    }
    let is_union = !shape.tag.is_empty();
    if !kept.is_empty() || (is_union && object.keeps()) {
        explain(object, &mut seen, kept)?;
    }
    match object.missing(&seen) {
        None => Ok(()),
        Some(name) => Err(JsonError::custom(format_args!("missing member `{name}`"))),
    }
}

/// Reads the value of a member, unless it has come before.
#[inline]
fn put(object: &mut dyn Lookup, seen: &mut Seen, index: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
    let result = if seen.add(index) { object.set(index, text) } else { Err(JsonError::custom(TWICE)) };
    result.map_err(|error| Segment::Member(object.name(index)).wrap(error))
}

/// Why a member is refused that has come before.
const TWICE: &str = "comes twice";

/// A member whose meaning is not known yet: its name, and its value as JSON text.
type KeptMember<'de> = (Cow<'de, str>, &'de str);

/// Decodes the members that came before the tag which explains them; what nothing explains is the object's to keep.
fn explain(object: &mut dyn Lookup, seen: &mut Seen, mut kept: Vec<KeptMember<'_>>) -> Result<(), JsonError> {
    loop {
        let before = kept.len();
        let mut left = Vec::new();
        for (name, value) in kept {
            let Some(index) = object.find(&name) else {
                left.push((name, value));
                continue;
            };
            let mut text = Text::new(value);
            put(object, seen, index, &mut text)?;
            text.end().map_err(|error| Segment::Member(&name).wrap(error))?;
        }
        kept = left;
        if kept.len() == before && !object.settle(seen) {
            break;
        }
    }
    keep(object, kept)
}

/// Leaves to an object what nothing explained, if it holds on to that.
fn keep(object: &mut dyn Lookup, kept: Vec<KeptMember<'_>>) -> Result<(), JsonError> {
    if refuses_unknown() {
        check_kept(object, &kept).map_err(|(name, reason)| Segment::Member(name).wrap(JsonError::custom(reason)))?;
    }
    for (name, value) in kept {
        let value = decode(value).map_err(|error| Segment::Member(&name).wrap::<JsonError>(error))?;
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
