//! Golden test of the emitter: a small schema with one of everything, and the Rust that it becomes.
//!
//! `BLESS=1 cargo test -p qemu-qmp-codegen --test emitted` writes down what comes out now; read the difference before
//! committing it.

use qemu_qmp_codegen::{Generated, Generator};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emitted")
}

fn generate() -> Generated {
    let generator = Generator::new(folder().join("api.json"), "lamps");
    let generator = generator.manual("https://example.org/lamps.html", "LAMPS");
    generator.late_members(folder().join("late.json")).generate().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn one_of_everything() {
    let bless = std::env::var_os("BLESS").is_some();
    for (name, text) in generate().files {
        // The name keeps tools that look for `.rs` from taking it for a file of this crate.
        let file = folder().join(format!("{name}.golden"));
        if bless {
            std::fs::write(&file, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        let first = golden.lines().zip(text.lines()).position(|(old, new)| old != new);
        assert!(golden == text, "{name} differs from its golden file, first at line {:?}", first.map(|line| line + 1));
    }
}

#[test]
fn the_same_schema_gives_the_same_text() {
    assert_eq!(generate().files, generate().files);
}

#[test]
fn inputs_are_exactly_the_files_that_were_read() {
    let mut inputs: Vec<_> = generate().inputs.iter().map(|input| input.file_name().map(ToOwned::to_owned)).collect();
    inputs.sort();
    let expected: Vec<_> = ["api.json", "late.json", "types.json"].map(|name| Some(name.into())).into();
    assert_eq!(inputs, expected);
}

#[test]
fn a_type_without_finite_values_is_refused() {
    let folder = std::env::temp_dir().join(format!("qemu-qmp-codegen-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("endless.json");
    let schema = "{ 'struct': 'Hen', 'data': { 'from': 'Egg' } }\n{ 'struct': 'Egg', 'data': { 'from': 'Hen' } }\n";
    std::fs::write(&file, schema).unwrap();
    let error = Generator::new(&file, "hens").generate().map(|_| ()).unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((error.at.line, error.message.contains("'Hen'")), (1, true), "{error}");
}
