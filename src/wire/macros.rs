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
/// `Debug` shows what is on the wire without secrets, also without members of the names that follow the type, and what is the same
/// there is equal.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_object {
    ($ty:ident) => {
        $crate::wire::object!(@ $ty, debug);
    };
    ($ty:ident, $secrets:expr) => {
        $crate::wire::object!(@ $ty, debug_hiding, $secrets);
    };
    (@ $ty:ident, $debug:ident $(, $secrets:expr)?) => {
        $crate::wire::serde!($ty, $crate::wire::deserialize, $crate::wire::encode_object);
        impl ::std::fmt::Debug for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::wire::$debug(stringify!($ty), $($secrets,)? self, f)
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

/// Implements serde's traits for a generated type without members that no union has for a branch. One that is `strict`, as
/// commands are, refuses members.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_empty {
    ($ty:ident, $strict:literal) => {
        impl $crate::wire::Decode for $ty {
            #[inline]
            fn blank() -> Self {
                Self {}
            }
            #[inline]
            fn read(
                &mut self,
                text: &mut $crate::wire::Text<'_>,
            ) -> ::std::result::Result<(), $crate::wire::JsonError> {
                $crate::wire::read_empty(text, $strict)
            }
        }
        $crate::wire::serde!($ty, $crate::wire::deserialize, $crate::wire::encode_empty);
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

/// The method of a generated type that calls a setter for a value which may be there.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_maybe {
    () => {
        /// Calls a setter if there is a value for it: `.maybe(size, Self::size)`.
        #[inline]
        pub fn maybe<V>(self, value: ::std::option::Option<V>, set: impl ::std::ops::FnOnce(Self, V) -> Self) -> Self {
            match value {
                ::std::option::Option::Some(value) => set(self, value),
                ::std::option::Option::None => self,
            }
        }
    };
}

/// Implements `Debug` and `PartialEq` for a generated [`Branch`](crate::wire::Branch), by what is on the wire.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_branch {
    ($ty:ident) => {
        $crate::wire::branch!($ty, &[]);
    };
    ($ty:ident, $secrets:expr) => {
        impl ::std::fmt::Debug for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::wire::debug_branch(stringify!($ty), $secrets, self, f)
            }
        }
        impl ::std::cmp::PartialEq for $ty {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                $crate::wire::equal_branches(self, other)
            }
        }
    };
}

/// Implements serde's traits and those of the standard library for a generated enum, by its table `VALUES` and its variant
/// `Unrecognized`. Most of them could be derived, but a match on all variants takes the compiler longer.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_enum {
    ($ty:ident) => {
        impl $ty {
            /// The value's name on the wire.
            #[inline]
            pub fn as_str(&self) -> &str {
                match self {
                    Self::Unrecognized(name) => name,
                    known => $crate::wire::name_of(known, Self::VALUES),
                }
            }

            /// Returns whether this is a value that the schema does not know.
            #[inline]
            pub fn is_unrecognized(&self) -> bool {
                ::std::matches!(self, Self::Unrecognized(_))
            }
        }

        impl ::std::cmp::Eq for $ty {}
        impl ::std::hash::Hash for $ty {
            #[inline]
            fn hash<H: ::std::hash::Hasher>(&self, state: &mut H) {
                ::std::mem::discriminant(self).hash(state);
            }
        }

        impl ::std::fmt::Debug for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::wire::debug_enum(stringify!($ty), self.as_str(), self.is_unrecognized(), f)
            }
        }
        impl ::std::fmt::Display for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        /// Fails for names that the schema does not know; `From` keeps those.
        impl ::std::str::FromStr for $ty {
            type Err = $crate::wire::UnknownValue;
            #[inline]
            fn from_str(name: &str) -> ::std::result::Result<Self, $crate::wire::UnknownValue> {
                match <Self as ::std::convert::From<&str>>::from(name) {
                    Self::Unrecognized(name) => {
                        ::std::result::Result::Err($crate::wire::unknown_value(stringify!($ty), name, Self::VALUES))
                    }
                    known => ::std::result::Result::Ok(known),
                }
            }
        }
        /// Keeps a name that the schema does not know as `Unrecognized`; `str::parse` fails for one.
        impl ::std::convert::From<&str> for $ty {
            #[inline]
            fn from(name: &str) -> Self {
                $crate::wire::value_of(name, Self::VALUES, Self::Unrecognized)
            }
        }
        /// Keeps a name that the schema does not know as `Unrecognized`; `str::parse` fails for one.
        impl ::std::convert::From<::std::string::String> for $ty {
            #[inline]
            fn from(name: ::std::string::String) -> Self {
                $crate::wire::value_of(&name, Self::VALUES, Self::Unrecognized)
            }
        }

        impl $crate::wire::Decode for $ty {
            #[inline]
            fn blank() -> Self {
                Self::Unrecognized(::std::boxed::Box::default())
            }
            #[inline]
            fn read(
                &mut self,
                text: &mut $crate::wire::Text<'_>,
            ) -> ::std::result::Result<(), $crate::wire::JsonError> {
                $crate::wire::read_enum(self, text, Self::VALUES, Self::Unrecognized)
            }
        }
        impl<'de> $crate::wire::Deserialize<'de> for $ty {
            fn deserialize<D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::wire::decode_enum(deserializer, Self::VALUES, Self::Unrecognized)
            }
        }
        impl $crate::wire::Serialize for $ty {
            fn serialize<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::wire::encode_enum(self.as_str(), self.is_unrecognized(), serializer)
            }
        }
    };
}

/// Implements serde's traits and `Debug` for a generated [`Alternate`](crate::wire::Alternate).
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_alternate {
    ($ty:ident) => {
        $crate::wire::alternate!($ty, &[]);
    };
    ($ty:ident, $secrets:expr) => {
        impl ::std::fmt::Debug for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::wire::debug_hiding(stringify!($ty), $secrets, self, f)
            }
        }
        impl $crate::wire::Decode for $ty {
            #[inline]
            fn blank() -> Self {
                Self::Unrecognized($crate::wire::Any::Null)
            }
            #[inline]
            fn read(
                &mut self,
                text: &mut $crate::wire::Text<'_>,
            ) -> ::std::result::Result<(), $crate::wire::JsonError> {
                $crate::wire::read_alternate(self, text)
            }
        }
        $crate::wire::serde!($ty, $crate::wire::deserialize, $crate::wire::Alternate::write);
    };
}

/// Implements serde's traits for a generated type that is on the wire what its one field is. One that is `strict`, as commands
/// are, refuses unknown members.
#[doc(hidden)]
#[macro_export]
macro_rules! __wire_transparent {
    ($ty:ident { $field:ident }, $strict:literal) => {
        impl $crate::wire::Decode for $ty {
            #[inline]
            fn blank() -> Self {
                Self { $field: $crate::wire::Decode::blank() }
            }
            #[inline]
            fn read(
                &mut self,
                text: &mut $crate::wire::Text<'_>,
            ) -> ::std::result::Result<(), $crate::wire::JsonError> {
                let _until_then = $crate::wire::refuse_unknown($strict);
                $crate::wire::Decode::read(&mut self.$field, text)
            }
        }
        impl<'de> $crate::wire::Deserialize<'de> for $ty {
            fn deserialize<D: $crate::wire::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                $crate::wire::deserialize(deserializer)
            }
        }
        impl $crate::wire::Serialize for $ty {
            fn serialize<S: $crate::wire::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                $crate::wire::Serialize::serialize(&self.$field, serializer)
            }
        }
    };
}

/// Calls a function of this crate by its address: `apart!(function(one, other))`.
///
/// This is for what the body of each generated type calls. In optimized builds, the compiler follows all direct calls from every
/// body, as far down as they go, to find out whether they lead back to it. It begins anew with each body, and generated code has
/// thousands of them. It does not follow an address. In the program the call is a direct one again.
macro_rules! apart {
    ($($function:ident)::+ ($($argument:expr),* $(,)?)) => {{
        let function: fn($($crate::wire::macros::apart!(@ $argument)),*) -> _ = $($function)::+;
        function($($argument),*)
    }};
    (@ $argument:expr) => { _ };
}

pub(super) use apart;
pub use {
    __wire_alternate as alternate, __wire_branch as branch, __wire_empty as empty, __wire_enum as enumeration,
    __wire_extensible as extensible, __wire_maybe as maybe, __wire_object as object, __wire_serde as serde,
    __wire_transparent as transparent,
};
