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

    #[cold]
    fn fail(&mut self, error: A::Error) {
        self.result = Err(error);
    }
}

impl<'de, A: MapAccess<'de>> Input for Reader<'_, 'de, A> {
    fn put<T: DeserializeOwned>(&mut self, field: &mut T) {
        match self.map.next_value() {
            Ok(value) => *field = value,
            Err(error) => self.fail(error),
        }
    }

    fn put_optional<T: DeserializeOwned>(&mut self, field: &mut Option<T>) {
        match self.map.next_value() {
            Ok(value) => *field = Some(value),
            Err(error) => self.fail(error),
        }
    }

    fn put_array<T: DeserializeOwned>(&mut self, field: &mut Vec<T>) {
        match self.map.next_value_seed(ArraySeed(PhantomData)) {
            Ok(value) => *field = value,
            Err(error) => self.fail(error),
        }
    }

    fn put_optional_array<T: DeserializeOwned>(&mut self, field: &mut Option<Vec<T>>) {
        match self.map.next_value_seed(ArraySeed(PhantomData)) {
            Ok(value) => *field = Some(value),
            Err(error) => self.fail(error),
        }
    }

    fn skip(&mut self) {
        if let Err(error) = self.map.next_value::<IgnoredAny>() {
            self.fail(error);
        }
    }

    fn text(&mut self, take: &mut dyn FnMut(&str)) {
        if let Err(error) = self.map.next_value_seed(TextSeed(take)) {
            self.fail(error);
        }
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
