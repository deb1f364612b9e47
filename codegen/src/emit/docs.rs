//! Doc comments and attributes: what the schema says of a definition or member, where an IDE shows it.

use super::links::{link, About};
use super::Context;
use crate::doc::{Doc, Entry};
use crate::names::{DEPRECATED, UNSTABLE};
use crate::schema::{Command, Condition, Definition, Event, Feature, Type};
use crate::text::add;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The attributes of one item.
pub struct Docs {
    /// Lines of doc, with the space that each begins with unless it is empty.
    lines: Vec<String>,
    /// The last paragraph.
    tail: String,
    /// The replacement, if the item is deprecated.
    deprecated: Option<String>,
}

impl Docs {
    /// Attributes that start with this text.
    fn new(first: &str) -> Self {
        let mut docs = Self { lines: Vec::new(), tail: String::new(), deprecated: None };
        docs.push(first);
        docs
    }

    /// Adds the lines of a text.
    fn push(&mut self, text: &str) {
        for line in text.lines() {
            let (line, mut spaced) = (line.trim_end(), String::new());
            if !line.is_empty() {
                spaced.push(' ');
                spaced.push_str(line);
            }
            self.lines.push(spaced);
        }
    }

    /// Adds a paragraph, unless it is empty.
    pub fn paragraph(mut self, text: &str) -> Self {
        if !text.is_empty() {
            self.lines.push(String::new());
            self.push(text);
        }
        self
    }

    /// Adds what features mean, if that is more than their names say.
    fn features(mut self, cx: &Context<'_>, about: About<'_>, features: &[Feature], entries: &[Entry]) -> Self {
        for feature in features {
            let described = described(feature, entries);
            let text = one_line(&cx.linked(about, described));
            let lead = match feature.name.as_str() {
                DEPRECATED => {
                    self.deprecated = Some(note(described));
                    "Deprecated in QEMU".to_owned()
                }
                UNSTABLE => "Unstable".to_owned(),
                name => format!("Feature `{name}`"),
            };
            self = self.paragraph(&format!("{lead}{}{}.", colon(&text), text.trim_end_matches('.')));
        }
        self
    }

    /// Adds the condition on QEMU's build.
    fn condition(self, condition: Option<&Condition>) -> Self {
        let text = condition.map(|condition| format!("Only in builds of QEMU with {}.", spell(condition, false)));
        self.paragraph(text.as_deref().unwrap_or_default())
    }

    /// The attributes.
    pub fn tokens(&self) -> TokenStream {
        let mut out = described_by(&self.lines);
        if !self.tail.is_empty() {
            let tail = format!(" {}", self.tail);
            out.extend(quote!(#[doc = ""] #[doc = #tail]));
        }
        out.extend(self.deprecated());
        out
    }

    /// The attributes with no more than the first paragraph, for an item beside one that has them whole.
    pub fn brief(&self) -> TokenStream {
        let end = self.lines.iter().position(String::is_empty).unwrap_or(self.lines.len());
        let mut out = described_by(&self.lines[..end]);
        out.extend(self.deprecated());
        out
    }

    fn deprecated(&self) -> TokenStream {
        match &self.deprecated {
            Some(note) => quote!(#[deprecated(note = #note)]),
            None => TokenStream::new(),
        }
    }
}

fn described_by(lines: &[String]) -> TokenStream {
    let mut out = TokenStream::new();
    for line in lines {
        let line = literal(line);
        out.extend(quote!(#[doc = #line]));
    }
    out
}

/// A literal of a text. Most consist of nothing that a literal spells otherwise, and to have each letter escaped is a notable
/// part of a generator's time.
fn literal(text: &str) -> Literal {
    for byte in text.as_bytes() {
        if !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\') {
            return Literal::string(text);
        }
    }
    let quoted = format!("\"{text}\"");
    quoted.parse().unwrap_or_else(|_| Literal::string(text))
}

/// The attributes of an item that only names another, whose docs say all: its name on the wire, and what its docs begin with.
pub fn summary(cx: &Context<'_>, def: &Definition) -> TokenStream {
    let first = first_paragraph(&def.doc.summary).0;
    let name = format!("{}`{}`{}", warning(&def.features), def.name, colon(first));
    let text = format!("{name}{}", cx.linked(About::definition(def), first));
    let deprecated = def.features.iter().find(|feature| feature.name == DEPRECATED);
    let deprecated = deprecated.map(|feature| note(described(feature, &def.doc.features)));
    Docs { deprecated, ..Docs::new(&text) }.tokens()
}

/// The doc of a definition. `what` says what it is on the wire; words of the schema's own go before it. `anchor` is
/// the kind of definition in the manual's anchors.
pub fn definition(cx: &Context<'_>, def: &Definition, what: &str, anchor: &str) -> Docs {
    introduced(cx, def, &def.doc.summary, what, anchor)
}

fn introduced(cx: &Context<'_>, def: &Definition, summary: &str, what: &str, anchor: &str) -> Docs {
    let about = About::definition(def);
    let warning = warning(&def.features);
    let docs = match first_paragraph(summary) {
        ("", _) => Docs::new(&format!("{warning}{what}")),
        (first, rest) => Docs::new(&format!("{warning}{}", cx.linked(about, first)))
            .paragraph(&cx.linked(about, rest))
            .paragraph(what),
    };
    let docs = docs.features(cx, about, &def.features, &def.doc.features).condition(def.condition.as_ref());
    let since = def.doc.since.as_deref().map(since);
    let mut tail = since.unwrap_or_default();
    if let Some(manual) = manual(cx, def, anchor) {
        add(&mut tail, " ", &manual);
    }
    Docs { tail, ..docs }
}

/// The doc of a command.
pub fn command(cx: &Context<'_>, command: &Command) -> Docs {
    let (def, about) = (&command.def, About::definition(&command.def));
    let what = match command.success_response {
        true => format!("Command `{}`.", def.name),
        false => format!("Command `{}`. QEMU answers only if it fails.", def.name),
    };
    let docs = introduced(cx, def, def.doc.introduction(), &what, "command");
    let returned = command.returns.as_ref().map(|ty| format!("Returns {}", reply(cx, ty)));
    let docs = match (returned, &def.doc.returns) {
        (Some(returned), Some(section)) => docs.paragraph(&joined(&returned, &cx.linked(about, &section.text))),
        (Some(returned), None) => docs.paragraph(&format!("{returned}.")),
        (None, _) => docs,
    };
    let errors = def.doc.errors.as_ref().map(|section| cx.linked(about, section.text.trim()));
    let docs = match errors {
        Some(errors) => docs.paragraph(&format!("# Errors\n{errors}")),
        None => docs,
    };
    let events = def.doc.events();
    let mut listed = String::from("# Events\n");
    for (index, text) in events.iter().enumerate() {
        listed.push_str(if index > 0 { "\n\n" } else { "" });
        listed.push_str(&cx.linked(about, text));
    }
    if events.is_empty() {
        return docs;
    }
    docs.paragraph(&listed)
}

/// The doc of an event.
pub fn event(cx: &Context<'_>, event: &Event) -> Docs {
    let name = &event.def.name;
    let quoted = format!("``{name}``");
    let mut causes = String::new();
    for command in &cx.schema.commands {
        let causes_it = command.def.doc.events().iter().any(|text| text.contains(&quoted));
        let path = if causes_it { cx.definition_path(&command.def.name) } else { None };
        if let Some(path) = path {
            add(&mut causes, ", ", &link(&command.def.name, &path));
        }
    }
    let docs = definition(cx, &event.def, &format!("Event `{name}`."), "event");
    docs.paragraph(&if causes.is_empty() { String::new() } else { format!("Follows {causes}.") })
}

/// The doc of a member, value or branch named `name` on the wire, in a list of entries of `doc`.
pub fn entry(
    cx: &Context<'_>,
    about: About<'_>,
    name: &str,
    features: &[Feature],
    condition: Option<&Condition>,
    doc: &Doc,
) -> Docs {
    let entry = doc.members.iter().find(|entry| entry.name == name);
    let text = cx.linked(about, entry.map_or("", |entry| entry.text.trim()));
    let docs = Docs::new(&format!("{}`{name}`{}{text}", warning(features), colon(&text)));
    let docs = docs.features(cx, about, features, &doc.features).condition(condition);
    let since = entry.and_then(|entry| entry.since.as_deref()).map(since);
    docs.paragraph(&since.unwrap_or_default())
}

/// The words before everything else.
fn warning(features: &[Feature]) -> &'static str {
    if features.iter().any(|feature| feature.name == UNSTABLE) {
        "**Unstable.** "
    } else {
        ""
    }
}

/// The type of a reply in words.
fn reply(cx: &Context<'_>, ty: &Type) -> String {
    match ty {
        Type::Array(element) => format!("a list of {}", reply(cx, element)),
        Type::Builtin(_) => format!("`{}`", cx.ty(ty, &TokenStream::new()).to_string().replace("wire :: ", "")),
        Type::Enum(_) | Type::Object(_) | Type::Alternate(_) => {
            let ident = cx.ty(ty, &TokenStream::new()).to_string();
            link(&ident, &format!("super::types::{ident}"))
        }
    }
}

/// The separator between a name and a text, if there is one.
fn colon(text: &str) -> &'static str {
    if text.is_empty() {
        ""
    } else {
        ": "
    }
}

/// A text after a lead. A list would not be one after words on its first line.
fn joined(lead: &str, text: &str) -> String {
    let text = text.trim();
    let gap = if text.starts_with("- ") { ":\n\n" } else { ": " };
    format!("{lead}{gap}{text}")
}

fn since(release: &str) -> String {
    format!("Since QEMU {release}.")
}

fn described<'e>(feature: &Feature, entries: &'e [Entry]) -> &'e str {
    entries.iter().find(|entry| entry.name == feature.name).map_or("", |entry| entry.text.trim())
}

/// The compiler's words to those who use a deprecated item.
fn note(described: &str) -> String {
    match described {
        "" => "deprecated in QEMU".to_owned(),
        text => one_line(&text.replace("``", "`")).trim_end_matches('.').to_owned(),
    }
}

/// The paragraph that a text begins with, and the rest.
fn first_paragraph(text: &str) -> (&str, &str) {
    let (first, rest) = text.trim().split_once("\n\n").unwrap_or((text.trim(), ""));
    (first, rest.trim_matches('\n'))
}

fn one_line(text: &str) -> String {
    let mut line = String::new();
    for (index, each) in text.lines().enumerate() {
        line.push_str(if index > 0 { " " } else { "" });
        line.push_str(each.trim());
    }
    line
}

fn manual(cx: &Context<'_>, def: &Definition, anchor: &str) -> Option<String> {
    let (page, namespace) = cx.options.manual.as_ref()?;
    let module = cx.schema.modules.get(def.module).map_or("", |module| &module.name);
    let module = module.rsplit('/').next().unwrap_or_default();
    Some(format!("[QEMU manual]({page}#{anchor}-{namespace}-{module}.{})", def.name))
}

/// A condition in words.
fn spell(condition: &Condition, nested: bool) -> String {
    let list = |conditions: &[Condition], word: &str| {
        let mut joined = String::new();
        for each in conditions {
            add(&mut joined, word, &spell(each, true));
        }
        if nested && conditions.len() > 1 {
            format!("({joined})")
        } else {
            joined
        }
    };
    match condition {
        Condition::Symbol(symbol) => format!("`{symbol}`"),
        Condition::All(conditions) => list(conditions, " and "),
        Condition::Any(conditions) => list(conditions, " or "),
        Condition::Not(condition) => format!("not {}", spell(condition, true)),
    }
}
