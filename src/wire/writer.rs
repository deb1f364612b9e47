//! Members on their way out.

use super::builtin::{AnyMap, Number, Numbers};
use serde::ser::{Serialize, SerializeMap};

/// Takes the members of an object one after the other.
///
/// The first error is kept and ends the writing. Generated code therefore has no `?` on each of its members, each of
/// which would be a branch for the compiler to look at: without them the crate builds markedly faster.
pub struct Writer<'a, M: SerializeMap> {
    map: &'a mut M,
    result: Result<(), M::Error>,
}

impl<'a, M: SerializeMap> Writer<'a, M> {
    /// A writer into this map.
    pub(super) fn new(map: &'a mut M) -> Self {
        Self { map, result: Ok(()) }
    }

    /// The first error.
    pub(super) fn finish(self) -> Result<(), M::Error> {
        self.result
    }

    /// A mandatory member.
    pub fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        if self.result.is_ok() {
            self.result = self.map.serialize_entry(name, value);
        }
    }

    /// An optional member, if it is there.
    pub fn optional<T: Serialize>(&mut self, name: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// A mandatory `number`.
    pub fn number(&mut self, name: &'static str, value: &f64) {
        self.member(name, &Number(value));
    }

    /// An optional `number`, if it is there.
    pub fn optional_number(&mut self, name: &'static str, value: &Option<f64>) {
        self.optional(name, &value.as_ref().map(Number));
    }

    /// A mandatory array of numbers.
    pub fn numbers(&mut self, name: &'static str, value: &[f64]) {
        self.member(name, &Numbers(value));
    }

    /// An optional array of numbers, if it is there.
    pub fn optional_numbers(&mut self, name: &'static str, value: &Option<Vec<f64>>) {
        self.optional(name, &value.as_deref().map(Numbers));
    }

    /// Members that are kept by name.
    pub fn extra(&mut self, extra: &AnyMap) {
        for (name, value) in extra {
            self.member(name, value);
        }
    }
}
