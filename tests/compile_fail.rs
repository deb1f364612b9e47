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
use std::{env, fs};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn wrong_calls_do_not_compile_and_the_compiler_helps() -> Result<(), Box<dyn Error>> {
    let programs = programs()?;
    assert!(programs.len() > 5, "found only {:?}", programs.keys());
    let Outcome { mut refusals, log } = check(&programs)?;
    let mut wrong = Vec::new();
    for (name, path) in &programs {
        let found = refusals.remove(name).unwrap_or_default();
        wrong.extend(compare(&fs::read_to_string(path)?, &found).into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}\n{log}", wrong.join("\n"));
    Ok(())
}

/// What cargo made of the programs.
struct Outcome {
    /// By program.
    refusals: BTreeMap<String, Vec<Refusal>>,
    /// What cargo printed.
    log: String,
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

/// Has cargo check all programs as parts of one package.
fn check(programs: &BTreeMap<String, PathBuf>) -> Result<Outcome, Box<dyn Error>> {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = temporary.join("compile_fail");
    fs::create_dir_all(&directory)?;
    let mut manifest = format!(
        "[package]\nname = \"programs\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [dependencies]\nqemu-qmp = {{ path = {REPOSITORY:?} }}\n\n[workspace]\n"
    );
    for (name, path) in programs {
        manifest += &format!("\n[[bin]]\nname = \"{name}\"\npath = {path:?}\n");
    }
    fs::write(directory.join("Cargo.toml"), manifest)?;
    // The same versions as the tests have, so that nothing is to be downloaded.
    fs::copy(Path::new(REPOSITORY).join("Cargo.lock"), directory.join("Cargo.lock"))?;
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--bins", "--keep-going", "--offline", "--message-format=json"])
        .current_dir(&directory)
        // Where most of what the programs need is built already.
        .env("CARGO_TARGET_DIR", temporary.parent().ok_or("no target directory")?)
        .stdin(Stdio::null())
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut refusals = BTreeMap::<String, Vec<Refusal>>::new();
    let mut seen = 0;
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let Some(name) = message["target"]["name"].as_str().filter(|name| programs.contains_key(*name)) else {
            continue;
        };
        seen += 1;
        refusals.entry(name.to_owned()).or_default().extend(refusal(&message["message"]));
    }
    assert!(seen >= programs.len(), "cargo did not come to the programs:\n{log}");
    Ok(Outcome { refusals, log })
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
