//! Expressions → checked [`Schema`]: accepts what QEMU's own generator accepts and refuses what it refuses.
//!
//! In three steps, each over all definitions in source order, so that the first error is also the one that QEMU
//! reports: `shape` looks at each definition alone, `resolve` looks up names and what follows from them, and
//! `docs` finally compares the doc blocks with what there is. Errors point at the line that QEMU would name.
//!
//! Touches no files and emits nothing.

mod docs;
mod name;
mod object;
mod parts;
mod resolve;
mod shape;
mod table;

use crate::ast::Written;
use crate::error::Result;
use crate::load::{self, Source};
use crate::schema::{Module, Schema};
use table::Table;

/// QEMU keeps the features of a whole schema in the bits of one word.
const MAX_FEATURES: usize = 64;

/// Checks a loaded schema.
pub fn check(source: &Source) -> Result<Schema> {
    let dialect = Dialect::of(source);
    let mut definitions = Vec::with_capacity(source.expressions.len());
    for expression in &source.expressions {
        definitions.push(shape::definition(expression, dialect)?);
    }
    let table = Table::new(&definitions)?;
    let mut schema = Schema {
        modules: Vec::with_capacity(source.modules.len()),
        enums: Vec::new(),
        objects: Vec::new(),
        alternates: Vec::new(),
        commands: Vec::new(),
        events: Vec::new(),
    };
    for module in &source.modules {
        let load::Module { name, path, free_docs, .. } = module;
        schema.modules.push(Module { name: name.clone(), path: path.clone(), free_docs: free_docs.clone() });
    }
    resolve::resolve(&definitions, &table, dialect, &mut schema)?;
    for written in &definitions {
        docs::check_exact(written)?;
    }
    check_number_of_features(&definitions)?;
    Ok(schema)
}

/// Which rules the doc blocks follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Those of the newest release.
    Current,
    /// Those of releases before 9.0, which let members go undescribed and commands without a return value
    /// have a section on it.
    Older,
}

impl Dialect {
    /// Sections for notes and examples betray an older schema: every older release has them, newer ones refuse them.
    fn of(source: &Source) -> Self {
        for expression in &source.expressions {
            if expression.doc.as_ref().is_some_and(docs::has_older_section) {
                return Dialect::Older;
            }
        }
        Dialect::Current
    }
}

fn check_number_of_features(definitions: &[Written<'_>]) -> Result<()> {
    let mut seen = resolve::SPECIAL_FEATURES.to_vec();
    for written in definitions {
        for feature in &docs::features(written) {
            if !seen.contains(&feature.name.as_str()) {
                seen.push(&feature.name);
            }
            if seen.len() > MAX_FEATURES {
                let message =
                    format!("feature '{}' is one more than the {MAX_FEATURES} that a schema can have", feature.name);
                return Err(written.context.error(message));
            }
        }
    }
    Ok(())
}
