//! Definitions → schema text in the one form that vendored files have.
//!
//! 4 spaces, one member, value, branch or feature a line, keys in a fixed order, every doc block laid out the same way:
//! printing what was read from printed text gives the same bytes. Comments that are not doc blocks, free-form blocks
//! and the line breaks of the original do not survive. Knows no more of the meaning than which keys open a list.

use crate::doc::{indentation, Doc, Entry};
use crate::load::{Expression, Module};
use crate::parser::{Object, Value};
use std::fmt::Write;

/// The keys of definitions, members, values and features in the order in which they are printed.
const KEYS: [&str; 21] = [
    "enum",
    "struct",
    "union",
    "alternate",
    "command",
    "event",
    "name",
    "type",
    "base",
    "discriminator",
    "data",
    "prefix",
    "returns",
    "if",
    "features",
    "boxed",
    "gen",
    "success-response",
    "allow-oob",
    "allow-preconfig",
    "coroutine",
];

/// Longest line of a doc block, in characters.
const DOC_WIDTH: usize = 70;

/// Prints a file: `title` as its first comment, then its pragmas, includes and definitions.
pub fn module<'e>(title: &str, module: &Module, definitions: impl IntoIterator<Item = &'e Expression>) -> String {
    let mut out = format!("# {title}\n");
    if !module.pragmas.is_empty() {
        out.push_str("\n{ 'pragma': {\n");
        let pragmas: Vec<String> = module.pragmas.iter().map(|(key, value)| entry(&key.value, value, 1)).collect();
        out.push_str(&pragmas.join(",\n"));
        out.push_str("\n} }\n");
    }
    if !module.includes.is_empty() {
        out.push('\n');
    }
    for include in &module.includes {
        let _ = writeln!(out, "{{ 'include': {} }}", quoted(include));
    }
    for expression in definitions {
        out.push('\n');
        out.push_str(&definition(&expression.object, expression.doc.as_ref()));
    }
    out
}

/// Prints a definition and the doc block above it.
pub fn definition(object: &Object, doc: Option<&Doc>) -> String {
    let mut out = doc.map(doc_block).unwrap_or_default();
    let entries: Vec<String> = ordered(object).map(|(key, value)| entry(key, value, 1)).collect();
    let _ = writeln!(out, "{{\n{}\n}}", entries.join(",\n"));
    out
}

/// Prints a doc block.
pub fn doc_block(doc: &Doc) -> String {
    let mut lines = Vec::new();
    if let Some(symbol) = &doc.symbol {
        lines.push(format!("@{symbol}:"));
    }
    let mut paragraphs = Vec::new();
    if !doc.summary.is_empty() {
        paragraphs.push(doc.summary.clone());
    }
    paragraphs.extend(doc.members.iter().map(doc_entry));
    let mut features = doc.features.iter().map(doc_entry);
    if let Some(first) = features.next() {
        paragraphs.push(format!("Features:\n\n{first}"));
    }
    paragraphs.extend(features);
    paragraphs.extend(doc.returns.iter().map(|section| tagged("Returns:", &section.text)));
    paragraphs.extend(doc.errors.iter().map(|section| tagged("Errors:", &section.text)));
    paragraphs.extend(doc.other.iter().map(|text| match text.split_once(": ") {
        Some((tag @ ("Note" | "Notes" | "Example" | "Examples" | "TODO"), text)) => tagged(&format!("{tag}:"), text),
        _ => text.clone(),
    }));
    paragraphs.extend(doc.since.iter().map(|since| tagged("Since:", since)));
    for paragraph in &paragraphs {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(paragraph.lines().map(String::from));
    }
    let mut out = String::from("##\n");
    for line in lines {
        out.push_str(if line.is_empty() { "#" } else { "# " });
        out.push_str(&line);
        out.push('\n');
    }
    out.push_str("##\n");
    out
}

/// `@name: text (since X)`
fn doc_entry(entry: &Entry) -> String {
    let mut printed = tagged(&format!("@{}:", entry.name), &entry.text);
    if let Some(since) = &entry.since {
        let note = format!("(since {since})");
        let gap = match printed.chars().last() {
            _ if entry.text.is_empty() => " ",
            Some('.' | '!' | '?') => "  ",
            _ => " ",
        };
        let last = printed.lines().next_back().unwrap_or_default();
        let width = "# ".len() + last.chars().count() + gap.len() + note.len();
        printed.push_str(if width > DOC_WIDTH { "\n    " } else { gap });
        printed.push_str(&note);
    }
    printed
}

/// `Tag: text`, whose second and later lines are indented.
///
/// The second line must not be indented more than a later one, or that would seem to be outside; such a text starts
/// below its tag, and so does a list.
fn tagged(tag: &str, text: &str) -> String {
    let indents = text.lines().skip(1).filter(|line| !line.is_empty()).map(indentation);
    let second = indents.clone().next();
    let below = indents.min() < second || text.starts_with("- ") || text.starts_with("* ");
    let mut printed = String::from(tag);
    for (index, line) in text.lines().enumerate() {
        match index {
            0 if !below => printed.push(' '),
            _ if line.is_empty() => printed.push('\n'),
            _ => printed.push_str("\n    "),
        }
        printed.push_str(line);
    }
    printed
}

/// `'key': value` in an object that has one entry a line.
fn entry(key: &str, value: &Value, depth: usize) -> String {
    let indent = "    ".repeat(depth);
    let value = match (key, value) {
        ("data" | "base", Value::Object(object)) if depth == 1 && !object.members.is_empty() => {
            let members: Vec<String> = object.members.iter().map(|(key, value)| entry(&key.value, value, 2)).collect();
            format!("{{\n{}\n{indent}}}", members.join(",\n"))
        }
        // Arrays on the definition's level hold values, features or names, but that of `returns` holds a type.
        (key, Value::Array(elements, _)) if depth == 1 && key != "returns" && !elements.is_empty() => {
            let elements: Vec<String> =
                elements.iter().map(|element| format!("{indent}    {}", inline(element, ""))).collect();
            format!("[\n{}\n{indent}]", elements.join(",\n"))
        }
        (key, value) => inline(value, if key == "if" { " " } else { "" }),
    };
    format!("{indent}{}: {value}", quoted(key))
}

/// A value on one line; `pad` goes inside the brackets of its arrays.
fn inline(value: &Value, pad: &str) -> String {
    match value {
        Value::Bool(value, _) => value.to_string(),
        Value::String(text) => quoted(&text.value),
        Value::Array(elements, _) if elements.is_empty() => "[]".into(),
        Value::Array(elements, _) => {
            let elements: Vec<String> = elements.iter().map(|element| inline(element, pad)).collect();
            format!("[{pad}{}{pad}]", elements.join(", "))
        }
        Value::Object(object) if object.members.is_empty() => "{}".into(),
        Value::Object(object) => {
            let pad = |key: &str| if key == "if" { " " } else { pad };
            let members = ordered(object).map(|(key, value)| format!("{}: {}", quoted(key), inline(value, pad(key))));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The entries of an object whose keys are the language's own, in printing order; unknown ones come last.
fn ordered(object: &Object) -> impl Iterator<Item = (&str, &Value)> {
    let mut entries: Vec<(&str, &Value)> =
        object.members.iter().map(|(key, value)| (key.value.as_str(), value)).collect();
    entries.sort_by_key(|(key, _)| KEYS.iter().position(|known| known == key).unwrap_or(KEYS.len()));
    entries.into_iter()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\"))
}
