//! Tests of the runtime on types written by hand in the form in which the generator emits them.
//!
//! That the emitted types are right is for the tests of the whole crate to show; here each rule of the runtime stands
//! alone.

mod foreign;
mod objects;
mod text;
mod types;
mod unions;
mod values;

use super::{decode, split_path, Decode};
use serde::Serialize;

/// Decodes a text and encodes the value again.
fn again<T: Decode + Serialize>(text: &str) -> String {
    let value: T = decode(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    serde_json::to_string(&value).unwrap()
}

/// Path and reason of the error that decoding the text gives, without the column.
fn refused<T: Decode + std::fmt::Debug>(text: &str) -> (String, String) {
    let error = decode::<T>(text).expect_err(text).to_string();
    let (path, reason) = split_path(&error);
    let reason = reason.split(" at line ").next().unwrap_or_default();
    (path.to_owned(), reason.to_owned())
}

/// The same for a reason that is known word by word.
fn assert_refused<T: Decode + std::fmt::Debug>(text: &str, path: &str, reason: &str) {
    assert_eq!(refused::<T>(text), (path.to_owned(), reason.to_owned()), "{text}");
}
