//! The vendored schemas themselves: they are read, and printing them again changes no byte.

use qemu_qmp_codegen::load::{load, Source};
use qemu_qmp_codegen::print;
use std::path::{Path, PathBuf};

const ROOTS: [&str; 3] = ["qmp", "qga", "storage-daemon"];

fn vendored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../qapi-schema")
}

fn source(root: &str) -> Source {
    load(&vendored().join(root).join("qapi-schema.json")).unwrap()
}

#[test]
fn printing_changes_nothing() {
    let version = std::fs::read_to_string(vendored().join("VERSION")).unwrap();
    for root in ROOTS {
        let source = source(root);
        assert!(source.warnings.is_empty(), "{:?}", source.warnings);
        for (index, module) in source.modules.iter().enumerate() {
            let name = match module.name.strip_prefix("../") {
                Some(name) => name.into(),
                None => format!("{root}/{}", module.name),
            };
            let title = format!("Interface facts of QEMU {}: module {name}", version.trim());
            let definitions = source.expressions.iter().filter(|expression| expression.module == index);
            let printed = print::module(&title, module, definitions);
            let text = std::fs::read_to_string(&module.path).unwrap();
            for (line, (printed, read)) in printed.lines().zip(text.lines()).enumerate() {
                assert_eq!(printed, read, "{}:{}", module.path.display(), line + 1);
            }
            assert_eq!(printed.len(), text.len(), "{}", module.path.display());
        }
    }
}
