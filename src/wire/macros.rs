//! The macros that turn the traits of generated code into serde's. Each is one page so that what a generated type
//! implements can be read here.

/// Implements serde's traits by two functions.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_serde {
    ($ty:ty, $decode:path, $encode:path) => {
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

/// Implements serde's traits, `Debug` and `PartialEq` for a generated [`Object`](crate::wire::Object).
///
/// `Debug` shows what is on the wire, and what is the same there is equal.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_object {
    ($ty:ident) => {
        $crate::wire::serde!($ty, $crate::wire::decode_object, $crate::wire::encode_object);
        impl ::std::fmt::Debug for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::wire::debug(stringify!($ty), self, f)
            }
        }
        impl ::std::cmp::PartialEq for $ty {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                $crate::wire::equal(self, other)
            }
        }
    };
}

/// Implements serde's traits for a generated type without members that no union has for a branch.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_empty {
    ($ty:ident) => {
        impl<'de> $crate::wire::Deserialize<'de> for $ty {
            fn deserialize<D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::wire::decode_empty(deserializer, Self {})
            }
        }
        impl $crate::wire::Serialize for $ty {
            fn serialize<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::wire::encode_empty(serializer)
            }
        }
    };
}

/// The methods of an [`Object`](crate::wire::Object) that keeps members beyond its own in its field `extra`.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_extensible {
    () => {
        fn keeps(&self) -> bool {
            true
        }
        #[inline]
        fn keep(&mut self, name: ::std::string::String, value: $crate::wire::Any) {
            self.extra.insert(name, value);
        }
    };
}

/// Implements [`Object`](crate::wire::Object) and serde's traits for a generated [`Union`](crate::wire::Union).
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_union {
    ($ty:ident) => {
        impl $crate::wire::Object for $ty {
            const MEMBERS: &'static [&'static str] = <Self as $crate::wire::Union>::BASE;
            const REQUIRED: usize = <Self as $crate::wire::Union>::BASE_REQUIRED;
            #[inline]
            fn blank() -> Self {
                $crate::wire::Union::empty()
            }
            fn set<I: $crate::wire::Input>(&mut self, index: usize, input: &mut I) {
                $crate::wire::set_in_union(self, index, input)
            }
            fn write<O: $crate::wire::Output>(&self, out: &mut O) {
                $crate::wire::write_union(self, out)
            }
            #[inline]
            fn find(&self, name: &str) -> ::std::option::Option<usize> {
                $crate::wire::find_in_union(self, name)
            }
            #[inline]
            fn name(&self, index: usize) -> &'static str {
                $crate::wire::name_in_union(self, index)
            }
            #[inline]
            fn missing(&self, seen: &$crate::wire::Seen, from: usize) -> ::std::option::Option<&'static str> {
                $crate::wire::missing_in_union(self, seen, from)
            }
            #[inline]
            fn keeps(&self) -> bool {
                $crate::wire::union_keeps(self)
            }
            #[inline]
            fn keep(&mut self, name: ::std::string::String, value: $crate::wire::Any) {
                $crate::wire::keep_in_union(self, name, value)
            }
            #[inline]
            fn settle(&mut self, seen: &$crate::wire::Seen, from: usize) -> bool {
                $crate::wire::settle_union(self, seen, from)
            }
        }
        $crate::wire::object!($ty);
    };
}

/// Implements serde's traits, `Display` and the inherent methods of a generated [`Enum`](crate::wire::Enum).
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_enum {
    ($ty:ty) => {
        impl $ty {
            /// All values that the schema knows, with their names on the wire, in the schema's order.
            pub const VALUES: &'static [(&'static str, Self)] = <Self as $crate::wire::Enum>::VALUES;

            /// The value's name on the wire.
            #[inline]
            pub fn as_str(&self) -> &str {
                $crate::wire::Enum::name(self)
            }

            /// Whether this is a value that the schema does not know, kept as it came.
            #[inline]
            pub fn is_unrecognized(&self) -> bool {
                $crate::wire::Enum::as_unrecognized(self).is_some()
            }
        }

        // Derived, it would be one more function for each of 200 enums.
        impl ::std::cmp::Eq for $ty {}

        impl ::std::fmt::Display for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $ty {
            type Err = ::std::convert::Infallible;
            #[inline]
            fn from_str(name: &str) -> ::std::result::Result<Self, Self::Err> {
                ::std::result::Result::Ok($crate::wire::Enum::from_name(name))
            }
        }

        $crate::wire::serde!($ty, $crate::wire::decode_enum, $crate::wire::encode_enum);
    };
}

/// Implements serde's traits for a generated [`Alternate`](crate::wire::Alternate).
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_alternate {
    ($ty:ty) => {
        $crate::wire::serde!($ty, $crate::wire::decode_alternate, $crate::wire::Alternate::write);
    };
}

/// Implements serde's traits for a generated type that is on the wire what its one field is.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_transparent {
    ($ty:ident { $field:ident }) => {
        impl<'de> $crate::wire::Deserialize<'de> for $ty {
            fn deserialize<D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::wire::Deserialize::deserialize(deserializer).map(|$field| Self { $field })
            }
        }
        impl $crate::wire::Serialize for $ty {
            fn serialize<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::wire::Serialize::serialize(&self.$field, serializer)
            }
        }
    };
}

pub use {
    __wire_alternate as alternate, __wire_empty as empty, __wire_enum as enumeration, __wire_extensible as extensible,
    __wire_object as object, __wire_serde as serde, __wire_transparent as transparent, __wire_union as union,
};
