//! The way in and out for clients: one JSON text at a time.

use super::builtin::{Any, Empty};
use super::decode::Decode;
use super::macros::apart;
use super::strict::as_it_is;
use super::text::{without_position, Text};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::fmt;

/// Decodes one JSON text as a generated type, or an array of such.
///
/// # Errors
/// Where the text does not fit `T`; the message starts with the path of the member (see
/// [`split_path`](super::path::split_path)).
pub fn decode<T: Decode>(text: &str) -> Result<T, serde_json::Error> {
    let mut value = T::blank();
    apart!(read_all(text, &mut |text| value.read(text)))?;
    Ok(value)
}

/// Reads a text to its end.
fn read_all(
    text: &str,
    read: &mut dyn FnMut(&mut Text<'_>) -> Result<(), serde_json::Error>,
) -> Result<(), serde_json::Error> {
    let mut text = Text::new(text);
    read(&mut text)?;
    text.end()
}

/// Decodes one JSON text that is an object of which nothing is wanted: what a command returns that returns nothing. What a newer
/// QEMU may put in is ignored.
///
/// # Errors
/// Where it is no object.
pub fn nothing_from_json(text: &str) -> Result<(), serde_json::Error> {
    decode::<Empty>(text).map(drop)
}

/// Decodes one JSON text as any type that serde can read. Of a generated type, [`decode`] is faster.
///
/// # Errors
/// Where the text does not fit `T`; of generated types likewise with the path of the member.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).map_err(|error| without_position(&error))
}

/// A value as JSON. What has no JSON form, as a `number` that is infinite, becomes `null`.
pub fn to_any<T: Serialize>(value: &T) -> Any {
    serde_json::to_value(value).unwrap_or_default()
}

/// A value as JSON text, if it has such a form. All that is done with the text alone is compiled once.
fn to_text<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}

/// Returns whether two values are the same on the wire.
// Neither inlined nor called through but by way of `dyn`, like `debug`: for each of 1,200 types, the compiler would copy it
// and look at all that the type is made of.
#[inline(never)]
pub fn equal<T: Serialize>(one: &T, other: &T) -> bool {
    apart!(equal_json(&|| to_text(one), &|| to_text(other)))
}

#[inline]
fn equal_json(one: &dyn Fn() -> Option<String>, other: &dyn Fn() -> Option<String>) -> bool {
    let (Some(one), Some(other)) = as_it_is(|| (one(), other())) else { return false };
    // Objects may be written in another order, if a program has serde_json keep that.
    one == other || matches!((one.parse::<Any>(), other.parse::<Any>()), (Ok(one), Ok(other)) if one == other)
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
    apart!(debug_json(name, secrets, &|| to_text(value), f))
}

fn debug_json(
    name: &str,
    secrets: &[&str],
    text: &dyn Fn() -> Option<String>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let text = as_it_is(text).unwrap_or_else(|| "?".to_owned());
    let of = name.split(' ').next().unwrap_or(name);
    let shown = crate::secrets::members(of, secrets, &text);
    match f.alternate() {
        true => write!(f, "{name} {}", over_several_lines(&shown)),
        false => write!(f, "{name} {shown}"),
    }
}

/// JSON that has no spaces, with one item on each line.
fn over_several_lines(json: &str) -> String {
    let mut lines = String::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if matches!(character, '}' | ']') && !in_string {
            depth = depth.saturating_sub(1);
            new_line(&mut lines, depth);
        }
        lines.push(character);
        match character {
            _ if in_string => {
                in_string = character != '"' || escaped;
                escaped = character == '\\' && !escaped;
            }
            '"' => in_string = true,
            ':' => lines.push(' '),
            ',' => new_line(&mut lines, depth),
            '{' | '[' => match characters.next_if(|next| matches!(next, '}' | ']')) {
                Some(close) => lines.push(close),
                None => {
                    depth += 1;
                    new_line(&mut lines, depth);
                }
            },
            _ => {}
        }
    }
    lines
}

fn new_line(lines: &mut String, depth: usize) {
    lines.push('\n');
    lines.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn several_lines_are_those_of_serde_json() {
        for value in [
            json!({"a": [1, -2.5, [], {}, [[{}]]], "b": {"c": null, "d": {"e": "f"}}, "": true}),
            json!(["{", "}", "[,:]", "\"", "\\", "\\\"{", "é\n: ,"]),
            json!({}),
            json!("x: {"),
            json!(1),
        ] {
            assert_eq!(over_several_lines(&value.to_string()), serde_json::to_string_pretty(&value).unwrap());
        }
        for broken in ["}", "]]}", "{\"a\":[", "\""] {
            over_several_lines(broken);
        }
    }
}
