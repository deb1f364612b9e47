//! Members on their way in.

use super::builtin::ArraySeed;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess};
use std::marker::PhantomData;

/// Gives the value of the member that has just been named.
///
/// A trait without lifetimes and results, because it is called for each of some 5,000 members, and each of those would be
/// something for the compiler to check.
pub trait Input {
    /// Into a mandatory member.
    fn put<T: DeserializeOwned>(&mut self, field: &mut T);
    /// Into an optional member. `null` is not absence: it is left to `T` to accept or refuse it.
    fn put_optional<T: DeserializeOwned>(&mut self, field: &mut Option<T>);
    /// Into a mandatory member that is an array.
    fn put_array<T: DeserializeOwned>(&mut self, field: &mut Vec<T>);
    /// Into an optional member that is an array.
    fn put_optional_array<T: DeserializeOwned>(&mut self, field: &mut Option<Vec<T>>);
    /// Nowhere.
    fn skip(&mut self);
    /// Text, such as the tag of a union; `None` if it is something else, which is then the error of the member.
    fn text(&mut self) -> Option<String>;
}

/// One value of a serde map. The error is kept for whoever made the reader.
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
