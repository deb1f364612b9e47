//! Members on their way out.

use super::builtin::{AnyMap, Number, Numbers};
use serde::ser::{Serialize, SerializeMap};

/// Takes the members of an object one after the other.
///
/// A trait without lifetimes and results, because it is called for each of some 5,000 members, and each of those would be
/// something for the compiler to check.
pub trait Output {
    /// A mandatory member.
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T);

    /// An optional member, if it is there.
    fn optional<T: Serialize>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// A mandatory `number`.
    fn number(&mut self, name: &str, value: &f64) {
        self.member(name, &Number(value));
    }

    /// An optional `number`, if it is there.
    fn optional_number(&mut self, name: &str, value: &Option<f64>) {
        self.optional(name, &value.as_ref().map(Number));
    }

    /// A mandatory array of numbers.
    fn numbers(&mut self, name: &str, value: &[f64]) {
        self.member(name, &Numbers(value));
    }

    /// An optional array of numbers, if it is there.
    fn optional_numbers(&mut self, name: &str, value: &Option<Vec<f64>>) {
        self.optional(name, &value.as_deref().map(Numbers));
    }

    /// Members that are kept by name.
    fn extra(&mut self, extra: &AnyMap) {
        for (name, value) in extra {
            self.member(name, value);
        }
    }
}

/// A serde map. The first error is kept for whoever made the writer, and ends the writing.
pub(super) struct Writer<'a, M: SerializeMap> {
    map: &'a mut M,
    result: Result<(), M::Error>,
}

impl<'a, M: SerializeMap> Writer<'a, M> {
    pub(super) fn new(map: &'a mut M) -> Self {
        Self { map, result: Ok(()) }
    }

    pub(super) fn finish(self) -> Result<(), M::Error> {
        self.result
    }
}

impl<M: SerializeMap> Output for Writer<'_, M> {
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        if self.result.is_ok() {
            self.result = self.map.serialize_entry(name, value);
        }
    }
}
