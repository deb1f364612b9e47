//! Values from JSON text: the trait of what can be read, the types that the QAPI language brings along, and arrays.
//!
//! Not by serde's traits, which are for other formats: a value is read where it stands, from one kind of text, so that the compiler
//! has few generics to deal with and no value is copied on its way.

use super::builtin::{Any, Null};
use super::macros::apart;
use super::path::Segment;
use super::text::{Digits, Text};
use serde::de::{Error, Unexpected};
use serde_json::Error as JsonError;

/// A value that can be read from JSON text.
#[doc(hidden)]
pub trait Decode: Sized {
    /// A value to read into. It holds nothing of meaning yet.
    fn blank() -> Self;
    /// Reads the value that is next. One that is refused is left half read.
    ///
    /// # Errors
    /// Where the text is no value of the type; the message starts with the path of the member at fault, as seen from here.
    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError>;
}

/// The value of the member that has just been named.
impl Text<'_> {
    /// Into a mandatory member.
    pub fn put<T: Decode>(&mut self, field: &mut T) -> Result<(), JsonError> {
        apart!(T::read(field, self))
    }

    /// Into an optional member. `null` is not absence: it is left to `T` to accept or refuse it.
    pub fn put_optional<T: Decode>(&mut self, field: &mut Option<T>) -> Result<(), JsonError> {
        apart!(T::read(field.insert(T::blank()), self))
    }

    /// Into an optional member that is boxed.
    pub fn put_boxed<T: Decode>(&mut self, field: &mut Option<Box<T>>) -> Result<(), JsonError> {
        apart!(T::read(field.insert(Box::new(T::blank())), self))
    }
}

/// An error says which element it is in.
impl<T: Decode> Decode for Vec<T> {
    fn blank() -> Self {
        Vec::new()
    }

    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
        text.open(b'[', &"an array")?;
        let mut first = true;
        while text.next(&mut first, b']')? {
            let index = self.len();
            self.push(T::blank());
            if let Some(Err(error)) = self.last_mut().map(|element| element.read(text)) {
                return Err(Segment::Index(index).wrap(error));
            }
        }
        Ok(())
    }
}

impl Decode for String {
    fn blank() -> Self {
        String::new()
    }

    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
        *self = text.string()?.into_owned();
        Ok(())
    }
}

impl Decode for bool {
    fn blank() -> Self {
        false
    }

    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
        *self = text.boolean()?;
        Ok(())
    }
}

impl Decode for f64 {
    fn blank() -> Self {
        0.0
    }

    #[allow(clippy::cast_precision_loss, reason = "JSON does not tell integers from other numbers")]
    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
        *self = match text.number(&"f64")? {
            Digits::Unsigned(value) => value as f64,
            Digits::Signed(value) => value as f64,
            Digits::Double(value) => value,
        };
        Ok(())
    }
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        impl Decode for $ty {
            fn blank() -> Self {
                0
            }

            fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
                let digits = text.number(&stringify!($ty))?;
                let value = match digits {
                    Digits::Unsigned(value) => value.try_into().ok(),
                    Digits::Signed(value) => value.try_into().ok(),
                    Digits::Double(_) => None,
                };
                *self = value.ok_or_else(|| no_integer(digits, stringify!($ty)))?;
                Ok(())
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 u8 u16 u32 u64);

/// The error about a number that is no integer of that type.
#[cold]
fn no_integer(digits: Digits, ty: &str) -> JsonError {
    match digits {
        Digits::Unsigned(value) => JsonError::invalid_value(Unexpected::Unsigned(value), &ty),
        Digits::Signed(value) => JsonError::invalid_value(Unexpected::Signed(value), &ty),
        Digits::Double(value) => JsonError::invalid_type(Unexpected::Float(value), &ty),
    }
}

impl Decode for Null {
    fn blank() -> Self {
        Null
    }

    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
        text.null(&"unit")
    }
}

impl Decode for Any {
    fn blank() -> Self {
        Any::Null
    }

    fn read(&mut self, text: &mut Text<'_>) -> Result<(), JsonError> {
        *self = text.any()?;
        Ok(())
    }
}
