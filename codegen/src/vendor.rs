//! A QEMU source tree → the facts-only form of `qapi-schema/`.
//!
//! Takes names, types, optionality, features, conditions and releases from the tree, and every word from what is
//! vendored already: descriptions of things that are still there stay, and no text of QEMU's ever passes through.
//! Assumes that the schemas have been checked. Reads files by way of [`crate::load`] only, and writes none.

mod facts;
pub mod late;
mod report;
mod words;

use crate::error::{Location, Result};
use crate::load::{self, Expression, Module, Source};
use crate::parser::{Text, Value};
use crate::print;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
pub use words::faults;

/// Where the three schemas are in a tree: their folders, and what those are called when vendored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout([(&'static str, &'static str); 3]);

/// QEMU's own tree.
pub const QEMU: Layout = Layout([("qapi", "qmp"), ("qga", "qga"), ("storage-daemon/qapi", "storage-daemon")]);
/// A vendored tree, whose texts are ours.
pub const VENDORED: Layout = Layout([("qmp", "qmp"), ("qga", "qga"), ("storage-daemon", "storage-daemon")]);

/// The schemas of a tree.
#[derive(Debug, Clone)]
pub struct Tree {
    layout: Layout,
    /// One for each root file.
    sources: Vec<Source>,
    /// All files, each once.
    files: Vec<File>,
}

/// A schema file of a tree.
#[derive(Debug, Clone)]
struct File {
    /// Its vendored path without `.json`, such as `qmp/block-core`.
    name: String,
    /// Its path in the tree without `.json`, such as `qapi/block-core`.
    origin: String,
    module: Module,
    definitions: Vec<Expression>,
}

/// The result of vendoring a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendored {
    /// Paths, relative to the destination, and contents of all schema files.
    pub files: Vec<(String, String)>,
    /// Files that were vendored before and are no more.
    pub gone: Vec<String>,
    /// Additions, changes and removals, in lines for people.
    pub report: Vec<String>,
}

impl Tree {
    /// Reads the three schemas of the tree in `folder`.
    pub fn load(folder: &Path, layout: Layout) -> Result<Self> {
        let mut tree = Self { layout, sources: Vec::new(), files: Vec::new() };
        for (root, _) in layout.0 {
            let source = load::load(&folder.join(root).join("qapi-schema.json"))?;
            for (index, module) in source.modules.iter().enumerate() {
                let origin = resolve(root, &module.name);
                if tree.files.iter().any(|file| file.origin == origin) {
                    continue;
                }
                let definitions = source.expressions.iter().filter(|expression| expression.module == index);
                tree.files.push(File {
                    name: layout.vendored(&origin),
                    origin,
                    module: module.clone(),
                    definitions: definitions.cloned().collect(),
                });
            }
            tree.sources.push(source);
        }
        Ok(tree)
    }

    /// The schemas, to be checked.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The vendored paths of a schema's files, in the order of its modules.
    fn names<'t>(&'t self, source: &'t Source, root: &'static str) -> impl Iterator<Item = String> + 't {
        source.modules.iter().map(move |module| self.layout.vendored(&resolve(root, &module.name)))
    }
}

impl File {
    /// The folder it is vendored in, which names the program whose schema it is part of.
    fn program(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

impl Layout {
    /// The vendored path of a file, both without `.json`.
    fn vendored(self, origin: &str) -> String {
        for (folder, vendored) in self.0 {
            if let Some(file) = origin.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
                return format!("{vendored}/{file}");
            }
        }
        origin.into()
    }
}

/// Turns `new`, QEMU's schemas of release `version`, into vendored files. `old` is what is vendored already.
pub fn vendor(new: &Tree, version: &str, old: Option<&Tree>) -> Vendored {
    let known = report::by_name(old.map_or(&[], |old| &old.files));
    let mut files = new.files.clone();
    for file in &mut files {
        let program = file.program().to_string();
        for expression in &mut file.definitions {
            let Some(name) = facts::name(expression).map(String::from) else { continue };
            let vendored = known.get(&(program.as_str(), name.as_str())).and_then(|(_, known)| known.doc.as_ref());
            let texts = vendored.or(expression.doc.as_ref().filter(|_| new.layout == VENDORED));
            expression.doc = Some(facts::doc(&name, expression, texts));
        }
    }
    let undescribed = undescribed(new, &files);
    for file in &mut files {
        set_directives(file, new.layout, undescribed.get(&file.name));
    }
    let print = |file: &File| {
        let title = format!("Interface facts of QEMU {version}: module {}", file.name);
        (format!("{}.json", file.name), print::module(&title, &file.module, &file.definitions))
    };
    let gone = old.iter().flat_map(|old| &old.files).map(|file| &file.name);
    let gone = gone.filter(|name| files.iter().all(|file| file.name != **name));
    Vendored {
        gone: gone.map(|name| format!("{name}.json")).collect(),
        report: report::lines(old.map_or(&[], |old| &old.files), &files),
        files: files.iter().map(print).collect(),
    }
}

/// For each file that has the pragmas of a schema, the definitions that want for a description.
fn undescribed(new: &Tree, files: &[File]) -> BTreeMap<String, BTreeSet<String>> {
    let mut undescribed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (source, (root, _)) in new.sources.iter().zip(new.layout.0) {
        let part_of_it: BTreeSet<String> = new.names(source, root).collect();
        let part_of_it: Vec<&File> = files.iter().filter(|file| part_of_it.contains(&file.name)).collect();
        let with_pragmas = part_of_it.iter().find(|file| !file.module.pragmas.is_empty());
        let Some(home) = with_pragmas.or(part_of_it.first()) else { continue };
        let definitions = part_of_it.iter().flat_map(|file| &file.definitions);
        let names = definitions.filter(|expression| facts::is_undescribed(expression)).filter_map(facts::name);
        undescribed.entry(home.name.clone()).or_default().extend(names.map(String::from));
    }
    undescribed
}

/// Rewrites a file's includes to the vendored layout and its pragmas to what bears on the interface.
fn set_directives(file: &mut File, layout: Layout, undescribed: Option<&BTreeSet<String>>) {
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.into());
    let (from, origin) = (folder(&file.name), folder(&file.origin));
    for include in &mut file.module.includes {
        let target = layout.vendored(&resolve(&origin, include.strip_suffix(".json").unwrap_or(include)));
        let target = match target.strip_prefix(&format!("{from}/")) {
            Some(beside) => beside.into(),
            None => "../".repeat(from.split('/').count()) + &target,
        };
        *include = format!("{target}.json");
    }
    let pragmas = &mut file.module.pragmas;
    pragmas.retain(|(key, _)| !matches!(key.value.as_str(), "doc-required" | "documentation-exceptions"));
    if let Some(names) = undescribed.filter(|names| !names.is_empty()) {
        let nowhere = Location { file: Arc::from(Path::new("")), line: 0, column: 0 };
        let text = |value: &str| Text { value: value.into(), at: nowhere.clone() };
        let names = names.iter().map(|name| Value::String(text(name))).collect();
        pragmas.push((text("documentation-exceptions"), Value::Array(names, nowhere.clone())));
    }
}

/// Follows `path`, which may start with `..`, from `folder`.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
