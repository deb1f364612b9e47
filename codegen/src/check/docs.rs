//! Doc blocks against the definitions below them.
//!
//! Looks at what is described, never at style. Schemas of releases before 9.0 describe less than newer ones must;
//! see [`Dialect`].

use super::Dialect;
use crate::ast::{Context, Kind, Meta, Written};
use crate::doc::{Doc, Entry};
use crate::error::{Error, Location, Result};
use crate::load::Expression;
use crate::schema::Feature;

/// Checks that a definition has a doc block if it must, and that the block can be about it.
pub(super) fn check_block(context: &Context<'_>, expression: &Expression, dialect: Dialect) -> Result<()> {
    let Some(doc) = &expression.doc else {
        return match expression.pragma.doc_required {
            true => Err(context.error("needs a doc block, because the pragma 'doc-required' is set")),
            false => Ok(()),
        };
    };
    let symbol = doc.symbol.as_deref().unwrap_or_default();
    if symbol != context.name {
        return Err(context.error(format_args!("the doc block above it is about '{symbol}'")));
    }
    if context.meta != Meta::Command {
        if let Some(section) = &doc.returns {
            return Err(error_at(&section.at, context, "only commands can have a section 'Returns:'"));
        }
        if let Some(section) = &doc.errors {
            return Err(error_at(&section.at, context, "only commands can have a section 'Errors:'"));
        }
    } else if let Some(returns) = &doc.returns {
        if dialect == Dialect::Current && expression.object.get("returns").is_none() {
            return Err(error_at(&returns.at, context, "has a section 'Returns:', but returns nothing"));
        }
    }
    Ok(())
}

/// Checks that the doc block, if any, describes all members and features.
pub(super) fn check_complete(written: &Written<'_>, dialect: Dialect) -> Result<()> {
    let Some(doc) = written.doc else {
        return Ok(());
    };
    let context = &written.context;
    let exempt = dialect == Dialect::Older || written.pragma.documentation_exceptions.contains(context.name);
    for name in &members(written) {
        if !exempt && !describes(&doc.members, name) {
            return Err(context.error(format_args!("the doc block does not describe '{name}'")));
        }
    }
    for feature in &features(written) {
        if !describes(&doc.features, &feature.name) {
            return Err(context.error(format_args!("the doc block does not describe feature '{}'", feature.name)));
        }
    }
    Ok(())
}

/// Checks that the doc block, if any, describes no members and features that do not exist.
pub(super) fn check_exact(written: &Written<'_>) -> Result<()> {
    let Some(doc) = written.doc else {
        return Ok(());
    };
    let unknown = |entry: &Entry, what: &str| {
        let message = format!("the doc block describes {what} '{}', which does not exist", entry.name);
        Err(error_at(&entry.at, &written.context, &message))
    };
    let members = members(written);
    for entry in &doc.members {
        if !members.contains(&entry.name.as_str()) {
            return unknown(entry, "member");
        }
    }
    let features = features(written);
    for entry in &doc.features {
        if !features.iter().any(|feature| feature.name == entry.name) {
            return unknown(entry, "feature");
        }
    }
    Ok(())
}

/// Returns whether the block has a section that releases before 9.1 knew and newer ones refuse.
pub(super) fn has_older_section(doc: &Doc) -> bool {
    let tags = ["Note: ", "Notes: ", "Example: ", "Examples: "];
    doc.other.iter().any(|section| tags.iter().any(|tag| section.starts_with(tag)))
}

/// An error about a line of the doc block.
fn error_at(at: &Location, context: &Context<'_>, message: &str) -> Error {
    Error::new(at, format!("{context}: {message}"))
}

fn describes(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| entry.name == name)
}

/// The names of members, values or alternatives that stand in the definition itself. Branches are described by the
/// types that they name.
fn members<'a>(written: &'a Written<'a>) -> Vec<&'a str> {
    let mut names = Vec::new();
    match &written.kind {
        Kind::Enum { values, .. } => {
            for value in values {
                names.push(value.name.as_str());
            }
        }
        Kind::Alternate { alternatives } => {
            for alternative in alternatives {
                names.push(alternative.name);
            }
        }
        kind => {
            for member in kind.inline_members() {
                names.push(member.name);
            }
        }
    }
    names
}

/// The features of the definition and of everything in it.
pub(super) fn features<'a>(written: &'a Written<'a>) -> Vec<&'a Feature> {
    let mut features = Vec::new();
    let mut add = |more: &'a [Feature]| {
        for feature in more {
            features.push(feature);
        }
    };
    add(&written.features);
    if let Kind::Enum { values, .. } = &written.kind {
        for value in values {
            add(&value.features);
        }
    }
    for member in written.kind.inline_members() {
        add(&member.features);
    }
    features
}
