//! Objects without members: what of them is read, and whether a member that comes is refused.

use super::near::suggestion;
use super::path::Segment;
use super::strict::{refuse_unknown, refuses_unknown};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::Deserializer;
use std::fmt;

/// Decodes an object of which nothing is wanted, for which `value` stands. Where it is `strict`, as the arguments of a command
/// are, no member may come; elsewhere members are ignored.
pub fn decode_empty<'de, T, D: Deserializer<'de>>(deserializer: D, value: T, strict: bool) -> Result<T, D::Error> {
    let _until_then = refuse_unknown(strict);
    deserializer.deserialize_map(EmptyVisitor)?;
    Ok(value)
}

struct EmptyVisitor;

impl<'de> Visitor<'de> for EmptyVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if refuses_unknown() {
            return match map.next_key::<String>()? {
                None => Ok(()),
                Some(name) => {
                    let reason = format!("unknown member{}", suggestion(&name, &[]));
                    Err(Segment::Member(&name).wrap(A::Error::custom(reason)))
                }
            };
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
