//! Additions, changes and removals between two sets of vendored files, for people.

use super::{facts, File};
use crate::load::Expression;
use crate::print;
use std::collections::BTreeMap;

/// The lines of the report. Each changed definition is followed by the lines that it lost and gained.
pub(super) fn lines(old: &[File], new: &[File]) -> Vec<String> {
    let (before, after) = (by_name(old), by_name(new));
    let mut report = Vec::new();
    for ((program, name), (file, expression)) in &before {
        if !after.contains_key(&(*program, *name)) {
            report.push(format!("gone: {} {name} ({})", facts::kind(expression).unwrap_or_default(), file.name));
        }
    }
    for ((program, name), (file, expression)) in &after {
        let kind = facts::kind(expression).unwrap_or_default();
        let Some((old_file, old_expression)) = before.get(&(*program, *name)) else {
            report.push(format!("new: {kind} {name} ({})", file.name));
            continue;
        };
        let (was, is) = (printed(old_expression), printed(expression));
        if was == is && old_file.name == file.name {
            continue;
        }
        report.push(format!("changed: {kind} {name} ({})", file.name));
        if old_file.name != file.name {
            report.push(format!("    moved from {}", old_file.name));
        }
        let differences = differences(&was, &is);
        if was != is && differences.is_empty() {
            report.push("    other order".into());
        }
        report.extend(differences.iter().map(|line| format!("    {line}")));
    }
    report
}

/// The definitions of all files by program and name.
pub(super) fn by_name(files: &[File]) -> BTreeMap<(&str, &str), (&File, &Expression)> {
    let definitions = files.iter().flat_map(|file| {
        let named = move |expression| Some(((file.program(), facts::name(expression)?), (file, expression)));
        file.definitions.iter().filter_map(named)
    });
    definitions.collect()
}

/// The printed lines of a definition without what differs with their order.
fn printed(expression: &Expression) -> Vec<String> {
    let printed = print::definition(&expression.object, expression.doc.as_ref());
    printed.lines().map(|line| line.trim().trim_end_matches(',').into()).collect()
}

/// `- line` for what is in `old` only, `+ line` for what is in `new` only.
fn differences(old: &[String], new: &[String]) -> Vec<String> {
    let only = |sign: &str, here: &[String], there: &[String]| -> Vec<String> {
        here.iter().filter(|line| !there.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let mut differences = only("-", old, new);
    differences.extend(only("+", new, old));
    differences
}
