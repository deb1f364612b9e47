//! The way in and out for clients: one JSON text at a time.

use super::builtin::{Any, ArraySeed, Empty};
use super::strict::as_it_is;
use super::text::Text;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;

/// Decodes one JSON text.
///
/// # Errors
/// Where the text does not fit `T`; the message starts with the path of the member (see
/// [`split_path`](super::path::split_path)).
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    decode(text, PhantomData)
}

/// Decodes one JSON text as what a seed makes of it.
fn decode<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, serde_json::Error> {
    let mut text = Text::new(text);
    let value = seed.deserialize(&mut text)?;
    text.end()?;
    Ok(value)
}

/// Decodes one JSON text that is an array, with the element in the path of an error.
///
/// # Errors
/// Like [`from_json`].
pub fn array_from_json<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, serde_json::Error> {
    decode(text, ArraySeed(PhantomData))
}

/// Decodes one JSON text that is an object of which nothing is wanted: what a command returns that returns nothing. What a newer
/// QEMU may put in is ignored.
///
/// # Errors
/// Where it is no object.
pub fn nothing_from_json(text: &str) -> Result<(), serde_json::Error> {
    from_json::<Empty>(text).map(drop)
}

/// A value as JSON. What has no JSON form, as a `number` that is infinite, becomes `null`.
pub fn to_any<T: Serialize>(value: &T) -> Any {
    serde_json::to_value(value).unwrap_or_default()
}

/// Returns whether two values are the same on the wire.
// Neither inlined nor called through but by way of `dyn`, like `debug`: for each of 1,200 types, the compiler would copy it
// and look at all that the type is made of.
#[inline(never)]
pub fn equal<T: Serialize>(one: &T, other: &T) -> bool {
    equal_json(&|| as_it_is(|| to_any(one)), &|| as_it_is(|| to_any(other)))
}

#[inline]
fn equal_json(one: &dyn Fn() -> Any, other: &dyn Fn() -> Any) -> bool {
    one() == other()
}

/// Writes a type's name and what its value is on the wire, over several lines for `{:#?}`, without the secrets that the table of
/// secrets has.
#[inline(never)]
pub fn debug<T: Serialize>(name: &str, value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    debug_hiding(name, &[], value, f)
}

/// The same, and without members of these names.
#[inline]
pub fn debug_hiding<T: Serialize>(name: &str, secrets: &[&str], value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let encode = |pretty| if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) }.ok();
    let text = |pretty| as_it_is(|| encode(pretty));
    debug_json(name, secrets, &text, f)
}

fn debug_json(
    name: &str,
    secrets: &[&str],
    text: &dyn Fn(bool) -> Option<String>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let text = text(f.alternate());
    let of = name.split(' ').next().unwrap_or(name);
    write!(f, "{name} {}", crate::secrets::members(of, secrets, text.as_deref().unwrap_or("?")))
}
