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
use std::fmt::Display;

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
        for (section, name) in [(&doc.returns, "Returns"), (&doc.errors, "Errors")] {
            if let Some(section) = section {
                return Err(error_at(&section.at, context, format_args!("only commands can have a section '{name}:'")));
            }
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
    if let Some(name) = members(written).into_iter().find(|name| !exempt && !describes(&doc.members, name)) {
        return Err(context.error(format_args!("the doc block does not describe '{name}'")));
    }
    match features(written).into_iter().find(|feature| !describes(&doc.features, &feature.name)) {
        Some(feature) => Err(context.error(format_args!("the doc block does not describe feature '{}'", feature.name))),
        None => Ok(()),
    }
}

/// Checks that the doc block, if any, describes no members and features that do not exist.
pub(super) fn check_exact(written: &Written<'_>) -> Result<()> {
    let Some(doc) = written.doc else {
        return Ok(());
    };
    let members = members(written);
    let features: Vec<_> = features(written).into_iter().map(|feature| feature.name.as_str()).collect();
    for (entries, known, what) in [(&doc.members, members, "member"), (&doc.features, features, "feature")] {
        if let Some(entry) = entries.iter().find(|entry| !known.contains(&entry.name.as_str())) {
            let message = format!("the doc block describes {what} '{}', which does not exist", entry.name);
            return Err(error_at(&entry.at, &written.context, message));
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
fn error_at(at: &Location, context: &Context<'_>, message: impl Display) -> Error {
    Error::new(at, format!("{context}: {message}"))
}

fn describes(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| entry.name == name)
}

/// The names of members, values or alternatives that stand in the definition itself. Branches are described by the
/// types that they name.
fn members<'a>(written: &'a Written<'a>) -> Vec<&'a str> {
    match &written.kind {
        Kind::Enum { values, .. } => values.iter().map(|value| value.name.as_str()).collect(),
        Kind::Alternate { alternatives } => alternatives.iter().map(|alternative| alternative.name).collect(),
        _ => written.kind.inline_members().iter().map(|member| member.name).collect(),
    }
}

/// The features of the definition and of everything in it.
pub(super) fn features<'a>(written: &'a Written<'a>) -> Vec<&'a Feature> {
    let own = written.features.iter();
    match &written.kind {
        Kind::Enum { values, .. } => own.chain(values.iter().flat_map(|value| &value.features)).collect(),
        kind => own.chain(kind.inline_members().iter().flat_map(|member| &member.features)).collect(),
    }
}
