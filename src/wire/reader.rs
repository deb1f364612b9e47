//! Members on their way in.

use super::builtin::ArraySeed;
use super::traits::Input;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// One value of a serde map. The error is kept for the reader's maker.
pub(super) struct Reader<'r, 'de, A: MapAccess<'de>> {
    map: &'r mut A,
    result: Result<(), A::Error>,
    lifetime: PhantomData<&'de ()>,
}

impl<'r, 'de, A: MapAccess<'de>> Reader<'r, 'de, A> {
    pub(super) fn new(map: &'r mut A) -> Self {
        Self { map, result: Ok(()), lifetime: PhantomData }
    }

    pub(super) fn finish(self) -> Result<(), A::Error> {
        self.result
    }

    fn take<T>(&mut self, read: impl FnOnce(&mut A) -> Result<T, A::Error>) -> Option<T> {
        read(self.map).map_err(|error| self.result = Err(error)).ok()
    }
}

impl<'de, A: MapAccess<'de>> Input for Reader<'_, 'de, A> {
    fn put<T: DeserializeOwned>(&mut self, field: &mut T) {
        if let Some(value) = self.take(A::next_value) {
            *field = value;
        }
    }

    fn put_optional<T: DeserializeOwned>(&mut self, field: &mut Option<T>) {
        *field = self.take(A::next_value);
    }

    fn put_array<T: DeserializeOwned>(&mut self, field: &mut Vec<T>) {
        if let Some(value) = self.take(|map| map.next_value_seed(ArraySeed(PhantomData))) {
            *field = value;
        }
    }

    fn put_optional_array<T: DeserializeOwned>(&mut self, field: &mut Option<Vec<T>>) {
        *field = self.take(|map| map.next_value_seed(ArraySeed(PhantomData)));
    }

    fn skip(&mut self) {
        self.take(A::next_value::<IgnoredAny>);
    }

    fn text(&mut self, take: &mut dyn FnMut(&str)) {
        self.take(|map| map.next_value_seed(TextSeed(take)));
    }
}

/// Gives a string to a function.
struct TextSeed<'a>(&'a mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TextSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }
}
