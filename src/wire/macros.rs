//! The macros that turn the traits of generated code into codecs. Each is one page so that what a generated type
//! implements can be read here.

/// Implements [`Codec`](crate::wire::Codec) and serde's traits by a blank value and two functions.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_codec {
    ($ty:ty, $blank:expr, $decode:path, $encode:path) => {
        impl $crate::wire::Codec for $ty {
            fn blank() -> Self {
                $blank
            }
            fn decode<'de, D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $decode(deserializer)
            }
            fn encode<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $encode(self, serializer)
            }
        }
        impl<'de> $crate::wire::Deserialize<'de> for $ty {
            fn deserialize<D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $decode(deserializer)
            }
        }
        impl $crate::wire::Serialize for $ty {
            fn serialize<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $encode(self, serializer)
            }
        }
    };
}

/// Implements what a generated [`Object`](crate::wire::Object) without branches is to have.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_object {
    ($($ty:ty),* $(,)?) => {$(
        impl $crate::wire::Lookup for $ty {
            fn find(&self, name: &str) -> ::std::option::Option<usize> {
                $crate::wire::find::<$ty>(name)
            }
            fn name(&self, index: usize) -> &'static str {
                $crate::wire::name::<$ty>(index)
            }
            fn missing(&self, seen: &$crate::wire::Seen, from: usize) -> ::std::option::Option<&'static str> {
                $crate::wire::missing::<$ty>(seen, from)
            }
        }
        impl $crate::wire::Members for $ty {
            fn set<'de, A: $crate::wire::MapAccess<'de>>(
                &mut self,
                index: usize,
                map: &mut A,
            ) -> ::std::result::Result<(), A::Error> {
                $crate::wire::Object::set(self, index, map)
            }
            fn write<M: $crate::wire::SerializeMap>(&self, map: &mut M) -> ::std::result::Result<(), M::Error> {
                $crate::wire::Object::write(self, map)
            }
        }
        $crate::wire::codec!($ty, $crate::wire::Object::blank(), $crate::wire::decode_object, $crate::wire::encode_object);
    )*};
}

/// Implements what a generated [`Object`](crate::wire::Object) that takes members beyond its own is to have. They are
/// kept in its field `extra`.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_extensible {
    ($($ty:ty),* $(,)?) => {$(
        impl $crate::wire::Lookup for $ty {
            fn find(&self, name: &str) -> ::std::option::Option<usize> {
                $crate::wire::find::<$ty>(name)
            }
            fn name(&self, index: usize) -> &'static str {
                $crate::wire::name::<$ty>(index)
            }
            fn missing(&self, seen: &$crate::wire::Seen, from: usize) -> ::std::option::Option<&'static str> {
                $crate::wire::missing::<$ty>(seen, from)
            }
            fn keeps(&self) -> bool {
                true
            }
            fn keep(&mut self, name: ::std::string::String, value: $crate::wire::Any) {
                self.extra.insert(name, value);
            }
        }
        impl $crate::wire::Members for $ty {
            fn set<'de, A: $crate::wire::MapAccess<'de>>(
                &mut self,
                index: usize,
                map: &mut A,
            ) -> ::std::result::Result<(), A::Error> {
                $crate::wire::Object::set(self, index, map)
            }
            fn write<M: $crate::wire::SerializeMap>(&self, map: &mut M) -> ::std::result::Result<(), M::Error> {
                $crate::wire::Object::write(self, map)?;
                $crate::wire::write_extra(&self.extra, map)
            }
        }
        $crate::wire::codec!($ty, $crate::wire::Object::blank(), $crate::wire::decode_object, $crate::wire::encode_object);
    )*};
}

/// Implements what a generated [`Union`](crate::wire::Union) is to have.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_union {
    ($($ty:ty),* $(,)?) => {$(
        impl $crate::wire::Lookup for $ty {
            fn find(&self, name: &str) -> ::std::option::Option<usize> {
                $crate::wire::find_in_union(self, name)
            }
            fn name(&self, index: usize) -> &'static str {
                $crate::wire::name_in_union(self, index)
            }
            fn missing(&self, seen: &$crate::wire::Seen, from: usize) -> ::std::option::Option<&'static str> {
                $crate::wire::missing_in_union(self, seen, from)
            }
            fn keeps(&self) -> bool {
                $crate::wire::union_keeps(self)
            }
            fn keep(&mut self, name: ::std::string::String, value: $crate::wire::Any) {
                $crate::wire::keep_in_union(self, name, value)
            }
            fn settle(&mut self) -> bool {
                $crate::wire::settle_union(self)
            }
        }
        impl $crate::wire::Members for $ty {
            fn set<'de, A: $crate::wire::MapAccess<'de>>(
                &mut self,
                index: usize,
                map: &mut A,
            ) -> ::std::result::Result<(), A::Error> {
                $crate::wire::set_in_union(self, index, map)
            }
            fn write<M: $crate::wire::SerializeMap>(&self, map: &mut M) -> ::std::result::Result<(), M::Error> {
                $crate::wire::write_union(self, map)
            }
        }
        $crate::wire::codec!($ty, $crate::wire::Object::blank(), $crate::wire::decode_object, $crate::wire::encode_object);
    )*};
}

/// Implements codecs, `Display` and the inherent methods of a generated [`Enum`](crate::wire::Enum).
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_enum {
    ($($ty:ty),* $(,)?) => {$(
        impl $ty {
            /// All values that the schema knows, with their names on the wire, in the schema's order.
            pub const VALUES: &'static [(&'static str, Self)] = <Self as $crate::wire::Enum>::VALUES;

            /// The value's name on the wire.
            pub fn as_str(&self) -> &str {
                $crate::wire::Enum::name(self)
            }

            /// Whether this is a value that the schema does not know, kept as it came.
            pub fn is_unrecognized(&self) -> bool {
                $crate::wire::Enum::as_unrecognized(self).is_some()
            }
        }

        impl ::std::fmt::Display for $ty {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $ty {
            type Err = ::std::convert::Infallible;
            fn from_str(name: &str) -> ::std::result::Result<Self, Self::Err> {
                ::std::result::Result::Ok($crate::wire::Enum::from_name(name))
            }
        }

        $crate::wire::codec!(
            $ty,
            $crate::wire::Enum::unrecognized(::std::default::Default::default()),
            $crate::wire::decode_enum, $crate::wire::encode_enum);
    )*};
}

/// Implements codecs for a generated [`Alternate`](crate::wire::Alternate).
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_alternate {
    ($($ty:ty),* $(,)?) => {$(
        $crate::wire::codec!(
            $ty,
            $crate::wire::Alternate::unrecognized($crate::wire::Any::Null),
            $crate::wire::decode_alternate, $crate::wire::Alternate::write);
    )*};
}

/// Implements codecs for a generated type that is on the wire what its one field is.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_transparent {
    ($($ty:ident { $field:ident: $inner:ty }),* $(,)?) => {$(
        impl $crate::wire::Codec for $ty {
            fn blank() -> Self {
                Self { $field: $crate::wire::Codec::blank() }
            }
            fn decode<'de, D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                <$inner as $crate::wire::Codec>::decode(deserializer).map(|$field| Self { $field })
            }
            fn encode<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::wire::Codec::encode(&self.$field, serializer)
            }
        }
        impl<'de> $crate::wire::Deserialize<'de> for $ty {
            fn deserialize<D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::wire::Codec::decode(deserializer)
            }
        }
        impl $crate::wire::Serialize for $ty {
            fn serialize<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::wire::Codec::encode(self, serializer)
            }
        }
    )*};
}

pub use {
    __wire_alternate as alternate, __wire_codec as codec, __wire_enum as enumeration, __wire_extensible as extensible,
    __wire_object as object, __wire_transparent as transparent, __wire_union as union,
};
