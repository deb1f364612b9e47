//! Names in doc text → links to what they name.
//!
//! A text puts names between two backticks each, as QAPI's own texts do. Most are what the text is about: values of a
//! member's type, members beside it, values of its definition. The others are definitions, values that only one enum has, or
//! `Definition.member` in full. A name that is none of these stays as it is. All links stay within the API, so that none
//! depends on another schema.

use super::Context;
use crate::names;
use crate::schema::{Command, Data, Definition, Member, ObjectId, Schema, Type};
use std::collections::HashMap;

/// The subject of a text.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The name of the definition that has the text or, where the text belongs to a base, shows it.
    pub definition: &'a str,
    /// The type of the member that the text describes.
    pub ty: Option<&'a Type>,
}

impl<'a> About<'a> {
    /// A text about a whole definition.
    pub fn definition(def: &'a Definition) -> Self {
        Self { definition: &def.name, ty: None }
    }
}

/// Where definitions are.
#[derive(Debug, Clone, Copy)]
enum Target {
    Enum(usize),
    Object(usize),
    Alternate(usize),
    Command(usize),
    Event(usize),
}

/// All definitions by name.
#[derive(Default)]
pub struct Links<'a> {
    /// Numbers of the targets.
    names: HashMap<&'a str, usize>,
    targets: Vec<Target>,
}

impl<'a> Links<'a> {
    pub fn of(schema: &'a Schema) -> Self {
        let mut links = Self::default();
        for (index, each) in schema.enums.iter().enumerate() {
            links.insert(&each.def, Target::Enum(index));
        }
        for (index, each) in schema.objects.iter().enumerate() {
            links.insert(&each.def, Target::Object(index));
        }
        for (index, each) in schema.alternates.iter().enumerate() {
            links.insert(&each.def, Target::Alternate(index));
        }
        for (index, each) in schema.commands.iter().enumerate() {
            links.insert(&each.def, Target::Command(index));
        }
        for (index, each) in schema.events.iter().enumerate() {
            links.insert(&each.def, Target::Event(index));
        }
        links
    }

    fn insert(&mut self, def: &'a Definition, target: Target) {
        self.names.insert(&def.name, self.targets.len());
        self.targets.push(target);
    }

    fn get(&self, name: &str) -> Option<Target> {
        self.targets.get(*self.names.get(name)?).copied()
    }
}

/// A code span that leads to this path.
pub fn link(shown: &str, path: &str) -> String {
    format!("[`{shown}`]({path})")
}

impl Context<'_> {
    /// The text with links, its lines as they were. Outside of code, nothing in it is markup to rustdoc.
    pub fn linked(&self, about: About<'_>, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 4);
        let mut rest = text;
        while let Some((before, code, after)) = span(rest, "``") {
            escape(before, &mut out);
            match self.target(about, code) {
                Some(path) => out.push_str(&link(code, &path)),
                None => out += &format!("``{code}``"),
            }
            rest = after;
        }
        escape(rest, &mut out);
        out
    }

    /// The path of what a name means in a text.
    fn target(&self, about: About<'_>, name: &str) -> Option<String> {
        if let Some((definition, part)) = name.split_once('.') {
            return self.part(self.links.get(definition)?, part);
        }
        if name == about.definition {
            return None;
        }
        if let Some(value) = about.ty.and_then(|ty| self.value(ty, name)) {
            return Some(value);
        }
        let home = self.links.get(about.definition);
        if let Some(part) = home.and_then(|home| self.part(home, name)) {
            return Some(part);
        }
        if let Some(definition) = self.definition_path(name) {
            return Some(definition);
        }
        let value = home.and_then(|home| self.value_of_member(home, name));
        value.or_else(|| self.value_of_one_enum(name))
    }

    /// The path of the definition of this name.
    pub fn definition_path(&self, name: &str) -> Option<String> {
        Some(self.path(self.links.get(name)?))
    }

    fn path(&self, target: Target) -> String {
        let (module, ident) = match target {
            Target::Enum(index) => ("types", &self.names.enums[index]),
            Target::Object(index) => ("types", &self.names.objects[index]),
            Target::Alternate(index) => ("types", &self.names.alternates[index]),
            Target::Command(index) => ("commands", &self.names.commands[index]),
            Target::Event(index) => ("events", &self.names.events[index]),
        };
        format!("super::{module}::{ident}")
    }

    /// The path of a member or value of a definition.
    fn part(&self, target: Target, name: &str) -> Option<String> {
        match target {
            Target::Enum(index) => self.variant(index, name),
            Target::Object(index) => self.field(target, ObjectId(index), name),
            Target::Alternate(_) => None,
            Target::Command(index) => self.message_field(target, &self.schema.commands[index].data, name),
            Target::Event(index) => self.message_field(target, &self.schema.events[index].data, name),
        }
    }

    fn variant(&self, index: usize, value: &str) -> Option<String> {
        let position = self.schema.enums[index].values.iter().position(|known| known.name == value)?;
        let variant = self.names.variants[index].get(position)?;
        Some(format!("{}::{variant}", self.path(Target::Enum(index))))
    }

    fn field(&self, target: Target, id: ObjectId, name: &str) -> Option<String> {
        let object = &self.schema[id];
        let members = self.schema.all_members(object);
        let is_tag = object.branches.as_ref().is_some_and(|branches| branches.tag == name);
        let path = self.path(target);
        if is_tag {
            return Some(format!("field@{path}::{}", names::BRANCH));
        }
        plain_field(&members, name).map(|ident| format!("field@{path}::{ident}"))
    }

    fn message_field(&self, target: Target, data: &Data, name: &str) -> Option<String> {
        match data {
            Data::Object(id) if self.schema[*id].branches.is_some() || self.is_item(target, *id) => {
                self.field(Target::Object(id.0), *id, name)
            }
            Data::Object(id) => self.field(target, *id, name),
            Data::Members(_) => {
                let ident = plain_field(&self.schema.data_members(data), name)?;
                Some(format!("field@{}::{ident}", self.path(target)))
            }
        }
    }

    /// Returns whether the command is the type of its arguments.
    fn is_item(&self, target: Target, id: ObjectId) -> bool {
        let is_item = |command: &Command| super::identifiers::is_item(self.schema, &self.direction, command, id);
        matches!(target, Target::Command(index) if is_item(&self.schema.commands[index]))
    }

    /// The path of a value of this type.
    fn value(&self, ty: &Type, name: &str) -> Option<String> {
        match ty {
            Type::Enum(id) => self.variant(id.0, name),
            Type::Array(element) => self.value(element, name),
            _ => None,
        }
    }

    /// The path of a value that members of only one type have.
    fn value_of_member(&self, home: Target, name: &str) -> Option<String> {
        let members = match home {
            Target::Object(index) => self.schema.all_members(&self.schema.objects[index]),
            Target::Command(index) => self.schema.data_members(&self.schema.commands[index].data),
            Target::Event(index) => self.schema.data_members(&self.schema.events[index].data),
            Target::Enum(_) | Target::Alternate(_) => return None,
        };
        let mut only = None;
        for member in &members {
            let path = self.value(&member.ty, name);
            if only.is_some() && path.is_some() && path != only {
                return None;
            }
            only = only.or(path);
        }
        only
    }

    /// The path of a value that no other enum has.
    fn value_of_one_enum(&self, name: &str) -> Option<String> {
        let mut only = None;
        for index in 0..self.schema.enums.len() {
            let path = self.variant(index, name);
            if only.is_some() && path.is_some() {
                return None;
            }
            only = only.or(path);
        }
        only
    }
}

/// The identifier of a member's field, unless that depends on what else its struct has.
fn plain_field(members: &[&Member], name: &str) -> Option<String> {
    const TAKEN: [&str; 4] = [names::BRANCH, names::TAGGED, names::ARGUMENT, names::EXTRA];
    let ident = names::member_name(members.iter().find(|member| member.name == name)?.name.as_str());
    let is_taken = names::METHODS.contains(&ident.as_str()) || TAKEN.contains(&ident.as_str());
    let mut same = 0;
    for member in members {
        same += usize::from(names::member_name(&member.name) == ident);
    }
    (!is_taken && same == 1).then_some(ident)
}

/// The text before the first code between two such fences, the code, and the rest. No code goes on in another paragraph.
fn span<'t>(text: &'t str, fence: &str) -> Option<(&'t str, &'t str, &'t str)> {
    let (before, rest) = text.split_once(fence)?;
    let (code, after) = rest.split_once(fence)?;
    (!code.contains("\n\n")).then_some((before, code, after))
}

/// Adds text that rustdoc shall not take for markup of its own. Code between single backticks is no markup anyway.
fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, code, after)) = span(rest, "`") {
        escape_plain(before, out);
        out.push_str(&format!("`{code}`"));
        rest = after;
    }
    escape_plain(rest, out);
}

fn escape_plain(text: &str, out: &mut String) {
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if matches!(byte, b'[' | b']' | b'<' | b'>') {
            out.push_str(&text[start..at]);
            out.push('\\');
            start = at;
        }
    }
    out.push_str(&text[start..]);
}
