//! Doc comments and attributes: what the schema says of a definition or member, where an IDE shows it.

use super::Context;
use crate::doc::{Doc, Entry};
use crate::names::{DEPRECATED, UNSTABLE};
use crate::schema::{Condition, Definition, Feature};
use proc_macro2::TokenStream;
use quote::quote;

/// The attributes of one item.
pub struct Docs {
    lines: Vec<String>,
    deprecated: bool,
}

impl Docs {
    /// Attributes that start with this line.
    pub fn new(first: impl Into<String>) -> Self {
        Self { lines: vec![first.into()], deprecated: false }
    }

    /// Adds a paragraph of the generator's own, unless it is empty.
    pub fn paragraph(mut self, text: &str) -> Self {
        if !text.is_empty() {
            self.lines.push(String::new());
            self.lines.extend(text.lines().map(str::to_owned));
        }
        self
    }

    /// Adds a paragraph whose words the schema gives.
    pub fn quoted(self, lead: &str, text: &str) -> Self {
        let escaped: Vec<String> = text.trim().lines().map(escape).collect();
        if escaped.is_empty() {
            self
        } else {
            // A list would not be one after words on its first line.
            let lead =
                if text.trim_start().starts_with("- ") { format!("{}\n\n", lead.trim_end()) } else { lead.into() };
            self.paragraph(&format!("{lead}{}", escaped.join("\n")))
        }
    }

    /// Adds what features mean.
    pub fn features(mut self, features: &[Feature], entries: &[Entry]) -> Self {
        for feature in features {
            let described = entries.iter().find(|entry| entry.name == feature.name).map_or("", |entry| &entry.text);
            let text = match feature.name.as_str() {
                DEPRECATED => {
                    self.deprecated = true;
                    format!("Deprecated in QEMU{}", colon(described))
                }
                UNSTABLE if described.trim().is_empty() => "Unstable: may change or go in any release".to_owned(),
                UNSTABLE => format!("Unstable{}", colon(described)),
                name => format!("Feature `{name}`{}", colon(described)),
            };
            self = self.paragraph(&format!("{}.", text.trim_end_matches('.')));
        }
        self
    }

    /// Adds the condition on QEMU's build.
    pub fn condition(self, condition: Option<&Condition>) -> Self {
        let text = condition.map(|condition| format!("Only in builds of QEMU with {}.", spell(condition, false)));
        self.paragraph(text.as_deref().unwrap_or_default())
    }

    /// Adds the first release.
    pub fn since(self, since: Option<&str>) -> Self {
        let text = since.map(|since| format!("Since QEMU {since}."));
        self.paragraph(text.as_deref().unwrap_or_default())
    }

    /// The attributes.
    pub fn tokens(&self) -> TokenStream {
        self.attributes(self.lines.len())
    }

    /// The attributes with no more than the first paragraph, for an item beside one that has them whole.
    pub fn brief(&self) -> TokenStream {
        self.attributes(self.lines.iter().position(String::is_empty).unwrap_or(self.lines.len()))
    }

    fn attributes(&self, lines: usize) -> TokenStream {
        let lines =
            self.lines.iter().take(lines).map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
        let deprecated = self.deprecated.then(|| quote!(#[deprecated(note = "deprecated in QEMU")]));
        quote!(#(#[doc = #lines])* #deprecated)
    }
}

/// The attributes of an item that only names another, whose docs say all: its name on the wire, and what its docs begin with.
pub fn summary(def: &Definition) -> TokenStream {
    let mut lines = def.doc.summary.trim().lines().take_while(|line| !line.trim().is_empty());
    let first = match lines.next() {
        None => Docs::new(format!("`{}`", def.name)),
        Some(line) => Docs::new(format!("`{}`: {}", def.name, escape(line))),
    };
    let deprecated = def.features.iter().any(|feature| feature.name == DEPRECATED);
    Docs { deprecated, ..first.continued(lines) }.tokens()
}

/// The doc of a definition. `what` says what it is on the wire; words of the schema's own go before it. `anchor` is
/// the kind of definition in the manual's anchors.
pub fn definition(cx: &Context<'_>, def: &Definition, what: &str, anchor: &str) -> Docs {
    let docs = lead(&def.doc, what).features(&def.features, &def.doc.features);
    let docs = docs.condition(def.condition.as_ref()).since(def.doc.since.as_deref());
    docs.paragraph(&manual(cx, def, anchor))
}

fn lead(doc: &Doc, what: &str) -> Docs {
    let summary = doc.summary.trim();
    if summary.is_empty() {
        return Docs::new(what);
    }
    let mut lines = summary.lines().map(escape);
    let first = Docs::new(lines.next().unwrap_or_default());
    let docs = lines.fold(first, |mut docs, line| {
        docs.lines.push(line);
        docs
    });
    docs.paragraph(what)
}

/// The doc of a member, value or branch named `name` on the wire.
pub fn entry(name: &str, entries: &[Entry], features: &[Feature], condition: Option<&Condition>, doc: &Doc) -> Docs {
    let entry = entries.iter().find(|entry| entry.name == name);
    let docs = match entry.map_or("", |entry| entry.text.trim()) {
        "" => Docs::new(format!("`{name}`")),
        text => Docs::new(format!("`{name}`: {}", escape(text.lines().next().unwrap_or_default())))
            .continued(text.lines().skip(1)),
    };
    docs.features(features, &doc.features).condition(condition).since(entry.and_then(|entry| entry.since.as_deref()))
}

impl Docs {
    fn continued<'a>(mut self, lines: impl Iterator<Item = &'a str>) -> Self {
        self.lines.extend(lines.map(escape));
        self
    }
}

fn manual(cx: &Context<'_>, def: &Definition, anchor: &str) -> String {
    let Some((page, namespace)) = &cx.options.manual else {
        return String::new();
    };
    let module = cx.schema.modules.get(def.module).map_or("", |module| &module.name);
    let module = module.rsplit('/').next().unwrap_or_default();
    format!("[QEMU manual]({page}#{anchor}-{namespace}-{module}.{})", def.name)
}

fn colon(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        String::new()
    } else {
        format!(": {}", text.lines().map(escape).collect::<Vec<_>>().join(" "))
    }
}

/// A condition in words.
fn spell(condition: &Condition, nested: bool) -> String {
    let list = |conditions: &[Condition], word: &str| {
        let spelled: Vec<String> = conditions.iter().map(|each| spell(each, true)).collect();
        let joined = spelled.join(word);
        if nested && spelled.len() > 1 {
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

/// Text that rustdoc shall not take for markup of its own.
fn escape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for letter in line.chars() {
        if matches!(letter, '[' | ']' | '<' | '>') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.trim_end().to_owned()
}
