//! JSON as far as a schema as data needs it. A crate for it would take a build script's machine longer to compile than the generator.

use std::fmt::{self, Display, Formatter, Write};

/// A value; there are no numbers.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// An object that has these members.
pub(super) fn object<'m>(members: impl IntoIterator<Item = (&'m str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A list of texts.
pub(super) fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Json {
    texts.into_iter().map(text).collect()
}

pub(super) fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Json>>(elements: I) -> Self {
        Json::List(elements.into_iter().collect())
    }
}

impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => value.fmt(f),
            Json::Text(text) => write_text(f, text),
            Json::List(elements) => {
                f.write_char('[')?;
                for (index, element) in elements.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    element.fmt(f)?;
                }
                f.write_char(']')
            }
            Json::Object(members) => {
                f.write_char('{')?;
                for (index, (name, value)) in members.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    write_text(f, name)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn write_text(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\0'..='\x1f' => write!(f, "\\u{:04x}", u32::from(c))?,
            _ => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_json() {
        let value = object([
            ("a\"", texts(["\\", "\n\u{1}é"])),
            ("b", object([])),
            ("c", [Json::Null, Json::Bool(true)].into_iter().collect()),
        ]);
        let expected = r#"{"a\"":["\\","\u000a\u0001é"],"b":{},"c":[null,true]}"#;
        assert_eq!(value.to_string(), expected);
    }
}
