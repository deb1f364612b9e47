//! Small schemas in `cases/`, each about one rule: `NAME.json` is accepted unless `NAME.err` has the error.
//!
//! With `UPDATE_CASES` in the environment, the errors there are rewritten: read the difference before you keep it.

use qemu_qmp_codegen::check::check;
use qemu_qmp_codegen::load::load;
use std::fs;
use std::path::{Path, PathBuf};

/// Relative to the package, where Cargo runs tests, so that messages are the same everywhere.
const CASES: &str = "tests/cases";

#[test]
fn cases() {
    let files = files();
    let schemas: Vec<_> = files.iter().filter(|file| has_extension(file, "json")).collect();
    assert!(!schemas.is_empty());
    let failures: Vec<_> = schemas.into_iter().filter_map(|schema| failure(schema)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_error_has_its_case() {
    for file in files().iter().filter(|file| has_extension(file, "err")) {
        assert!(file.with_extension("json").exists(), "{} is left over", file.display());
    }
}

/// What went otherwise than it should; `None` if nothing did.
fn failure(schema: &Path) -> Option<String> {
    let expected = fs::read_to_string(schema.with_extension("err")).ok();
    let found = load(schema).and_then(|source| check(&source)).err().map(|error| format!("{error}\n"));
    let found = found.map(|error| error.replace(&format!("{CASES}/"), ""));
    if let (Some(found), Some(_), Some(_)) = (&found, &expected, std::env::var_os("UPDATE_CASES")) {
        fs::write(schema.with_extension("err"), found).unwrap();
        return None;
    }
    let describe = |error: Option<String>| error.unwrap_or_else(|| "accepted\n".into());
    (found != expected)
        .then(|| format!("{}\n expected: {}    found: {}", schema.display(), describe(expected), describe(found)))
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}
