//! Golden cases: small schemas and what becomes of them.
//!
//! Each `cases/NAME.json` is a root file. `cases/NAME.err` holds the error that it should be refused with and the
//! warnings before that, one a line; where it is absent the schema should be accepted without a word. Files that are
//! only included live in `cases/included/`. With `BLESS=1` in the environment the `.err` files are written anew.

use qemu_qmp_codegen::{check, load};
use std::fs;
use std::path::Path;

/// What a schema is answered with, in lines.
fn outcome(root: &Path) -> String {
    let mut lines = Vec::new();
    let checked = load::load(root).and_then(|source| {
        lines.extend(source.warnings.iter().map(|warning| format!("{}: warning: {}", warning.at, warning.message)));
        check::check(&source)
    });
    lines.extend(checked.err().map(|error| error.to_string()));
    lines.iter().map(|line| format!("{}\n", line.replace("tests/cases/", ""))).collect()
}

#[test]
fn every_case_comes_out_as_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut roots: Vec<_> = fs::read_dir("tests/cases").unwrap().map(|entry| entry.unwrap().path()).collect();
    roots.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    roots.sort();
    assert!(!roots.is_empty());
    let mut failures = Vec::new();
    for root in roots {
        let expectation = root.with_extension("err");
        let expected = fs::read_to_string(&expectation).unwrap_or_default();
        let found = outcome(&root);
        if found == expected {
            continue;
        }
        if !bless {
            failures.push(format!("{}\nexpected:\n{expected}found:\n{found}", root.display()));
        } else if found.is_empty() {
            fs::remove_file(&expectation).unwrap();
        } else {
            fs::write(&expectation, found).unwrap();
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
