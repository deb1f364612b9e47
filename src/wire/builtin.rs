//! The types that the QAPI language brings along, as far as serde's own are not what QMP wants.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A JSON value of any kind, QAPI's `any`.
///
/// Integers from -2^63 to 2^64 - 1 are kept exactly. Those beyond, which QEMU does not send by itself, become doubles of about
/// the same size, unless a program turns on the feature `arbitrary_precision` of `serde_json`: then all are kept.
pub type Any = serde_json::Value;
/// Members by name, in the form in which unknown ones are kept.
pub type AnyMap = serde_json::Map<String, Any>;

/// A `number` in the form in which QEMU writes it: without a fraction where it is whole.
#[derive(Debug, Clone, Copy)]
pub struct Number<'a>(pub &'a f64);

impl Serialize for Number<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Beyond 2^53 not every integer is a double, and -0.0 is none.
        const WHOLE: f64 = 9_007_199_254_740_992.0;
        let number = *self.0;
        if number.fract() == 0.0 && number.abs() <= WHOLE && !(number == 0.0 && number.is_sign_negative()) {
            #[allow(clippy::cast_possible_truncation, reason = "the range was just checked")]
            serializer.serialize_i64(number as i64)
        } else {
            serializer.serialize_f64(number)
        }
    }
}

/// An array of numbers, each in the form of [`Number`].
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a>(pub &'a [f64]);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Number))
    }
}

/// JSON `null`, QAPI's `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Null;

impl Serialize for Null {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Null {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Null)
    }
}

/// An object without members that are known. What a newer QEMU may put in is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Empty {}

/// Encodes the empty object.
pub fn encode_empty<T, S: Serializer>(_: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_map(Some(0))?.end()
}

/// The kinds of JSON value, QAPI's built-in enum `QType`.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum QType {
    /// No value.
    None,
    /// `null`
    Qnull,
    /// A number.
    Qnum,
    /// A string.
    Qstring,
    /// An object.
    Qdict,
    /// An array.
    Qlist,
    /// `true` or `false`.
    Qbool,
    /// A kind that this crate does not know.
    Unrecognized(Box<str>),
}

impl QType {
    /// All values that the schema knows, with their names on the wire, in the schema's order.
    pub const VALUES: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("qnull", Self::Qnull),
        ("qnum", Self::Qnum),
        ("qstring", Self::Qstring),
        ("qdict", Self::Qdict),
        ("qlist", Self::Qlist),
        ("qbool", Self::Qbool),
    ];
}
