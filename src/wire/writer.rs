//! Members on their way out.

use super::builtin::AnyMap;
use super::path::Segment;
use super::strict::is_taken_as_it_is;
use super::traits::Output;
use serde::ser::{Error, Serialize, SerializeMap, Serializer};

/// Encodes an object of the members that `write` writes. The type of the object is known by that function alone, so that this is
/// compiled once for each format and not for each type.
pub(super) fn encode_members<S: Serializer>(
    serializer: S,
    write: &mut dyn FnMut(&mut Writer<'_, S::SerializeMap>),
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    let mut out = Writer { map: &mut map, result: Ok(()), names: Vec::new() };
    write(&mut out);
    out.result?;
    map.end()
}

/// A serde map. The first error is kept for the writer's maker, and ends the writing.
pub(super) struct Writer<'a, M: SerializeMap> {
    map: &'a mut M,
    result: Result<(), M::Error>,
    /// The members written, so that no member is written twice.
    names: Vec<&'static str>,
}

impl<M: SerializeMap> Output for Writer<'_, M> {
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) {
        if self.result.is_ok() {
            self.names.push(name);
            self.result = self.map.serialize_entry(name, value);
        }
    }

    fn extra(&mut self, extra: &AnyMap) {
        for (name, value) in extra {
            if self.names.contains(&&**name) && !is_taken_as_it_is() {
                let reason = format!("{}: set twice, as a member and by its name", Segment::Member(name));
                self.result = Err(M::Error::custom(reason));
            }
            if self.result.is_ok() {
                self.result = self.map.serialize_entry(name, value);
            }
        }
    }
}
