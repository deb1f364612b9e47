//! Any bytes are a schema or an error, and what can be printed is printed the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qemu_qmp_codegen::load::{load_with, Source};
use qemu_qmp_codegen::{check, print};
use std::io;
use std::path::Path;

fn load(bytes: &[u8]) -> Option<Source> {
    let read = |path: &Path| match path.to_str() {
        Some("root.json") => Ok(bytes.to_vec()),
        Some("a.json") => Ok(Vec::new()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    load_with(Path::new("root.json"), read).ok()
}

fn printed(source: &Source) -> String {
    let definitions = source.expressions.iter().filter(|expression| expression.module == 0);
    print::module("Facts", &source.modules[0], definitions)
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(source) = load(bytes) {
        let _ = check::check(&source);
        let once = printed(&source);
        let again = load(once.as_bytes()).expect("printed text can be read");
        assert_eq!(once, printed(&again));
    }
});
