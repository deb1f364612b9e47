//! Members on their way in.

use super::builtin::ArraySeed;
use super::traits::Input;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess};
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

    fn text(&mut self) -> Option<String> {
        self.take(A::next_value)
    }
}
