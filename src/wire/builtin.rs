//! The types that the QAPI language brings along.

use super::path::Segment;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// A type of the QAPI language and its form on the wire.
///
/// Beside serde's traits because serde's own implementations do not do all that QMP wants: arrays must say which
/// element an error is in, and a `number` that is whole is written the way QEMU writes it, without a fraction.
pub trait Codec: Sized {
    /// What a mandatory member holds before it has come; cheap to make and without meaning.
    fn blank() -> Self;
    /// Reads a value.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    /// Writes the value.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// Decodes one JSON text.
///
/// # Errors
/// Where the text does not fit `T`; the message starts with the path of the member (see [`split_path`](super::split_path)).
pub fn from_json<T: Codec>(text: &str) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = T::decode(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A value as JSON. What has no JSON form, as a `number` that is infinite, becomes `null`.
pub fn to_any<T: Codec>(value: &T) -> serde_json::Value {
    value.encode(serde_json::value::Serializer).unwrap_or_default()
}

/// Lends a [`Codec`] to whatever wants serde's traits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AsSerde<T>(pub T);

impl<T: Codec> Serialize for AsSerde<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

impl<'de, T: Codec> Deserialize<'de> for AsSerde<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::decode(deserializer).map(AsSerde)
    }
}

/// Types whose serde implementations are already what the wire wants.
macro_rules! as_serde_has_it {
    ($($ty:ty),*) => {$(
        impl Codec for $ty {
            fn blank() -> Self {
                Self::default()
            }
            fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
            fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
        }
    )*};
}

as_serde_has_it!(bool, i8, i16, i32, i64, u8, u16, u32, u64, String, serde_json::Value);

impl Codec for f64 {
    fn blank() -> Self {
        0.0
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Beyond 2^53 not every integer is a double, and -0.0 is none.
        const WHOLE: f64 = 9_007_199_254_740_992.0;
        if self.fract() == 0.0 && self.abs() <= WHOLE && !(*self == 0.0 && self.is_sign_negative()) {
            #[allow(clippy::cast_possible_truncation, reason = "the range was just checked")]
            serializer.serialize_i64(*self as i64)
        } else {
            serializer.serialize_f64(*self)
        }
    }
}

impl<T: Codec> Codec for Box<T> {
    fn blank() -> Self {
        Box::new(T::blank())
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::decode(deserializer).map(Box::new)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::encode(self, serializer)
    }
}

impl<T: Codec> Codec for Vec<T> {
    fn blank() -> Self {
        Vec::new()
    }

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ArrayVisitor(PhantomData))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.len()))?;
        for element in self {
            seq.serialize_element(&AsSerde(element))?;
        }
        seq.end()
    }
}

struct ArrayVisitor<T>(PhantomData<T>);

impl<'de, T: Codec> Visitor<'de> for ArrayVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut array = Vec::new();
        loop {
            match seq.next_element::<AsSerde<T>>() {
                Ok(Some(AsSerde(element))) => array.push(element),
                Ok(None) => return Ok(array),
                Err(error) => return Err(Segment::Index(array.len()).wrap(error)),
            }
        }
    }
}

/// JSON `null`, QAPI's `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Null;

fn decode_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Null, D::Error> {
    <()>::deserialize(deserializer).map(|()| Null)
}

fn encode_null<S: Serializer>(_: &Null, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_unit()
}

crate::wire::codec!(Null, Null, decode_null, encode_null);

/// The reply of a command that returns nothing: the empty object. What a newer QEMU may put in is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Empty {}

fn decode_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Empty, D::Error> {
    deserializer.deserialize_map(EmptyVisitor)
}

fn encode_empty<S: Serializer>(_: &Empty, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_map(Some(0))?.end()
}

crate::wire::codec!(Empty, Empty {}, decode_empty, encode_empty);

struct EmptyVisitor;

impl<'de> Visitor<'de> for EmptyVisitor {
    type Value = Empty;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Empty, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Empty {})
    }
}

/// The kinds of JSON value, QAPI's built-in enum `QType`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

impl super::Enum for QType {
    const VALUES: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("qnull", Self::Qnull),
        ("qnum", Self::Qnum),
        ("qstring", Self::Qstring),
        ("qdict", Self::Qdict),
        ("qlist", Self::Qlist),
        ("qbool", Self::Qbool),
    ];
    fn unrecognized(name: Box<str>) -> Self {
        Self::Unrecognized(name)
    }
    fn as_unrecognized(&self) -> Option<&str> {
        match self {
            Self::Unrecognized(name) => Some(name),
            _ => None,
        }
    }
}

crate::wire::enumeration!(QType);

/// Reads a `T` where serde wants a seed.
pub(super) struct Seed<T>(pub PhantomData<T>);

impl<'de, T: Codec> DeserializeSeed<'de> for Seed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::decode(deserializer)
    }
}
