//! Wrong calls do not compile, and the compiler says what would be right.
//!
//! Each file of `tests/compile_fail/` is a user's program. A line that has to be refused ends in
//! `//~ CODE fragment; fragment`: the compiler reports an error of this code on this line, and what it prints contains the
//! fragments. Nothing else may be refused, so a program without such a line has to compile. Whole messages are not
//! compared, because their wording is the compiler's, and changes with it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, thread};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn wrong_calls_do_not_compile_and_the_compiler_helps() -> Result<(), Box<dyn Error>> {
    let programs = programs()?;
    assert!(programs.len() > 5, "found only {:?}", programs.keys());
    let library = library()?;
    let check = |path: &PathBuf| refusals(&library, path).map_err(|error| error.to_string());
    let found = thread::scope(|scope| {
        let checks: Vec<_> = programs.values().map(|path| scope.spawn(|| check(path))).collect();
        checks.into_iter().map(|check| check.join().expect("it does not panic")).collect::<Vec<_>>()
    });
    let mut wrong = Vec::new();
    for ((name, path), found) in programs.iter().zip(found) {
        wrong.extend(compare(&fs::read_to_string(path)?, &found?).into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What the compiler has against a program, as far as it matters.
struct Refusal {
    line: u64,
    code: String,
    rendered: String,
}

/// What a program expects on one of its lines.
struct Expected<'a> {
    line: u64,
    code: &'a str,
    fragments: Vec<&'a str>,
}

impl Expected<'_> {
    fn fits(&self, found: &Refusal) -> bool {
        self.line == found.line
            && self.code == found.code
            && self.fragments.iter().all(|fragment| found.rendered.contains(fragment))
    }
}

fn programs() -> Result<BTreeMap<String, PathBuf>, Box<dyn Error>> {
    let mut programs = BTreeMap::new();
    for entry in fs::read_dir(Path::new(REPOSITORY).join("tests/compile_fail"))? {
        let path = entry?.path();
        let name = path.file_stem().ok_or("a file without a name")?.to_string_lossy().into_owned();
        programs.insert(name, path);
    }
    Ok(programs)
}

/// Where the library is, which `scripts/test` has built: with all features, and with what the dependencies of the tests turn on.
fn library() -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        // What cargo tells this test is not to be told to build scripts, some of which would run again.
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|told| name.to_string_lossy().starts_with(told)) {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .args(["build", "--workspace", "--all-features", "--example", "tour", "--offline", "--message-format=json"])
        .current_dir(REPOSITORY)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target directory")?)
        .stdin(Stdio::null())
        .output()?;
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        if message["target"]["name"] == "qemu_qmp" {
            let files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
            return Ok(files
                .map(PathBuf::from)
                .find(|file| file.extension().is_some_and(|it| it == "rlib"))
                .ok_or(line)?);
        }
    }
    Err(String::from_utf8_lossy(&output.stderr).into())
}

/// What the compiler has against a program that uses the library.
fn refusals(library: &Path, program: &Path) -> Result<Vec<Refusal>, Box<dyn Error>> {
    let folder = library.parent().ok_or("a library without a folder")?.to_string_lossy();
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2021", "--crate-type=bin", "--emit=metadata", "--error-format=json"])
        .arg("--extern=qemu_qmp=".to_owned() + &library.to_string_lossy())
        .args([format!("-Ldependency={folder}"), format!("-Ldependency={folder}/deps")])
        .arg("--out-dir")
        .args([Path::new(env!("CARGO_TARGET_TMPDIR")), program])
        .stdin(Stdio::null())
        .output()?;
    let messages = String::from_utf8(output.stderr)?;
    let messages: Vec<Value> = messages.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let refusals: Vec<_> = messages.iter().filter_map(refusal).collect();
    if refusals.is_empty() != output.status.success() {
        return Err(format!("{}: {messages:?}", program.display()).into());
    }
    Ok(refusals)
}

/// An error that has a span. The one that counts the errors has none.
fn refusal(message: &Value) -> Option<Refusal> {
    let mut span = message["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    // What a macro wrote is refused where the program calls it.
    while span["expansion"]["span"].is_object() {
        span = &span["expansion"]["span"];
    }
    (message["level"] == "error").then(|| Refusal {
        line: span["line_start"].as_u64().unwrap_or_default(),
        code: message["code"]["code"].as_str().unwrap_or_default().to_owned(),
        rendered: without_expectations(message["rendered"].as_str().unwrap_or_default()),
    })
}

/// The compiler quotes the lines that it refuses, with the fragments that are to be looked for.
fn without_expectations(rendered: &str) -> String {
    rendered.lines().filter_map(|line| line.split("//~").next()).collect::<Vec<_>>().join("\n")
}

fn compare(source: &str, found: &[Refusal]) -> Vec<String> {
    let expected: Vec<_> = (1..).zip(source.lines()).filter_map(|(number, line)| expectation(number, line)).collect();
    let missed = expected.iter().filter(|expected| !found.iter().any(|found| expected.fits(found)));
    let missed = missed.map(|missed| format!("line {}: no {} with {:?}", missed.line, missed.code, missed.fragments));
    let surplus = found.iter().filter(|found| !expected.iter().any(|expected| expected.fits(found)));
    missed.chain(surplus.map(|found| format!("line {}: {}", found.line, found.rendered))).collect()
}

fn expectation(line: u64, text: &str) -> Option<Expected<'_>> {
    let (_, expected) = text.split_once("//~ ")?;
    let (code, fragments) = expected.split_once(' ')?;
    Some(Expected { line, code, fragments: fragments.split("; ").collect() })
}
