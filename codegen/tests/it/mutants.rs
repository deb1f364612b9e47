//! Thousands of broken schemas: whatever is read, the answer is a schema or one error with a place in the text, never
//! a panic. What can be read can be printed, and printing what was printed changes nothing.
//!
//! The inputs are the same in every run: a seed makes them, and a failure prints the input.

use qemu_qmp_codegen::load::{load_with, Source};
use qemu_qmp_codegen::{check, print};
use std::io;
use std::path::Path;

/// What mutants are made of: pieces that mean something to the language, and some that do not.
#[rustfmt::skip]
const PIECES: [&str; 52] = [
    "{", "}", "[", "]", ":", ",", "'", "\\", "true", "false", "\n", "##\n", "#", "# ", "# @", "@a:", ": ", "\t", "\r",
    "##\n# @A:\n##\n", "# Features:\n", "# Since: 1.0\n", "# Since:\n", "# Returns: x\n", "# Errors:\n", "# Note:\n",
    "#     deep\n", "# (since 2.0).\n", "# .. qmp-example::\n", "# ::\n", "#\n", "'enum': 'A'", "'struct': 'A'",
    "'union': 'A'", "'alternate': 'A'", "'command': 'a'", "'event': 'A'", "'data': ", "'base': 'A'", "'returns': ['A']",
    "'discriminator': 'a'", "'if': { 'not': 'A' }", "'features': [ 'unstable' ]", "'boxed': true", "'*a': 'A'",
    "'a': ['int']", "{ 'include': 'a.json' }\n", "{ 'pragma': { 'doc-required': true } }\n", "é", "\u{2028}", "\0", "0",
];

/// Schemas to be broken.
fn originals() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vendored = ["qmp/job.json", "qmp/control.json", "qmp/sockets.json", "qmp/acpi.json", "qmp/qdev.json"];
    let mut paths: Vec<_> = vendored.iter().map(|name| here.join("../qapi-schema").join(name)).collect();
    paths.extend(
        ["doc-old-style", "doc-new-style", "doc-style"].map(|name| here.join(format!("tests/cases/{name}.json"))),
    );
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Marsaglia's xorshift, which is random enough for this.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// A place in the text where a character starts, or its end.
    fn place(&mut self, text: &str) -> usize {
        let mut place = self.below(text.len() + 1);
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        place
    }

    /// Two places that are not far apart.
    fn span(&mut self, text: &str) -> (usize, usize) {
        let start = self.place(text);
        let mut end = (start + 1 + self.below(40)).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        (start, end.max(start))
    }

    fn piece(&mut self) -> &'static str {
        PIECES[self.below(PIECES.len())]
    }

    fn mutate(&mut self, text: &mut String) {
        let (start, end) = self.span(text);
        match self.below(6) {
            0 => text.replace_range(start..end, ""),
            1 => text.replace_range(start..end, self.piece()),
            2 | 3 => text.insert_str(start, self.piece()),
            4 => {
                let copy = text[start..end].to_string();
                let place = self.place(text);
                text.insert_str(place, &copy);
            }
            _ => {
                let line = text[start..].find('\n').map_or(text.len(), |length| start + length + 1);
                text.replace_range(start..line, "");
            }
        }
    }
}

fn load(text: &str) -> Result<Source, String> {
    let read = |path: &Path| match path.to_str() {
        Some("root.json") => Ok(text.as_bytes().to_vec()),
        Some("a.json" | "common.json" | "sockets.json") => Ok(Vec::new()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    load_with(Path::new("root.json"), read).map_err(|error| {
        let lines = text.matches(['\n', '\r']).count() + 1;
        assert!(error.at.line >= 1 && error.at.column >= 1 && error.at.line as usize <= lines, "{error}\n{text}");
        assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error}\n{text}");
        error.to_string()
    })
}

fn printed(source: &Source) -> String {
    let definitions = source.expressions.iter().filter(|expression| expression.module == 0);
    print::module("Facts", &source.modules[0], definitions)
}

/// Whether the text could be read and whether it was a valid schema.
fn exercise(text: &str) -> (bool, bool) {
    let Ok(source) = load(text) else { return (false, false) };
    let valid = check::check(&source).is_ok();
    let once = printed(&source);
    let again = load(&once).unwrap_or_else(|error| panic!("{error}\n--- from\n{text}\n--- printed\n{once}"));
    let twice = printed(&again);
    assert!(once == twice, "--- from\n{text}\n--- once\n{once}\n--- twice\n{twice}");
    (true, valid)
}

#[test]
fn mutants_of_schemas() {
    let originals = originals();
    let mut random = Random(0x5eed);
    let (mut read, mut valid) = (0, 0);
    for round in 0..4000 {
        let mut text = originals[round % originals.len()].clone();
        for _ in 0..1 + random.below(3) {
            random.mutate(&mut text);
        }
        let outcome = exercise(&text);
        read += usize::from(outcome.0);
        valid += usize::from(outcome.1);
    }
    assert!((400..3600).contains(&read) && valid >= 100, "{read} could be read, {valid} were valid");
}

#[test]
fn soup() {
    let mut random = Random(0x50f7);
    for _ in 0..4000 {
        let text: String = (0..random.below(60)).map(|_| random.piece()).collect();
        exercise(&text);
    }
}

/// What a fuzzer found to be printed differently each time.
#[test]
fn printing_twice_is_printing_once() {
    // What is white space for one language is none for another.
    let text = "##\n# @A:\n#\n# @a: text\n# \u{c}\u{1d}deep\n#\n# \u{c}less\n##\n{ 'struct': 'A', 'data': {} }";
    assert!(exercise(text).0, "{text}");
}
