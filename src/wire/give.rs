//! Arguments of setters and constructors: JSON made of what programs have at hand, and lists of whatever iterates.

use super::builtin::{Any, AnyMap};
use std::borrow::Cow;

/// A value that is or becomes JSON, for parameters that take a value of any kind: numbers, strings, `bool`, `()` for `null`,
/// lists and options of these, and [`Any`](super::Any) itself.
///
/// Other types go by way of `serde_json::to_value`, which can fail.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not taken for a JSON value",
    note = "strings, numbers, `bool`, lists of them and `serde_json::Value` are; `serde_json::to_value` makes one of the rest"
)]
pub trait IntoAny {
    /// The JSON value.
    fn into_any(self) -> Any;
}

macro_rules! into_any {
    ($($ty:ty),*) => {$(
        impl IntoAny for $ty {
            fn into_any(self) -> Any {
                self.into()
            }
        }
    )*};
}

into_any!(
    bool,
    i8,
    i16,
    i32,
    i64,
    isize,
    u8,
    u16,
    u32,
    u64,
    usize,
    f32,
    f64,
    (),
    String,
    &str,
    Cow<'_, str>,
    Any,
    AnyMap
);

impl IntoAny for &String {
    fn into_any(self) -> Any {
        self.as_str().into()
    }
}

impl IntoAny for Box<str> {
    fn into_any(self) -> Any {
        String::from(self).into()
    }
}

impl IntoAny for char {
    fn into_any(self) -> Any {
        self.to_string().into()
    }
}

impl IntoAny for &Any {
    fn into_any(self) -> Any {
        self.clone()
    }
}

/// `null` stands for what is not there.
impl<T: IntoAny> IntoAny for Option<T> {
    fn into_any(self) -> Any {
        self.map_or(Any::Null, T::into_any)
    }
}

impl<T: IntoAny> IntoAny for Vec<T> {
    fn into_any(self) -> Any {
        self.into_iter().map(T::into_any).collect()
    }
}

impl<T: IntoAny, const N: usize> IntoAny for [T; N] {
    fn into_any(self) -> Any {
        self.into_iter().map(T::into_any).collect()
    }
}

impl<T: Clone + IntoAny> IntoAny for &[T] {
    fn into_any(self) -> Any {
        self.iter().cloned().map(T::into_any).collect()
    }
}

/// A value that is or becomes a string, for the elements of a list of strings: also references to strings, as iterating over a
/// borrowed list gives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not taken for a string of the list",
    note = "elements are `String`, `&str`, or references to these"
)]
pub trait IntoText {
    /// The string.
    fn into_text(self) -> String;
}

impl IntoText for String {
    fn into_text(self) -> String {
        self
    }
}

impl IntoText for Box<str> {
    fn into_text(self) -> String {
        self.into()
    }
}

impl IntoText for Cow<'_, str> {
    fn into_text(self) -> String {
        self.into()
    }
}

impl<T: AsRef<str> + ?Sized> IntoText for &T {
    fn into_text(self) -> String {
        self.as_ref().to_owned()
    }
}

/// The strings of a list that a program gives.
pub fn strings(items: impl IntoIterator<Item = impl IntoText>) -> Vec<String> {
    items.into_iter().map(IntoText::into_text).collect()
}

/// The elements of a list that a program gives.
pub fn list<T>(items: impl IntoIterator<Item = impl Into<T>>) -> Vec<T> {
    items.into_iter().map(Into::into).collect()
}
