//! The vendored schemas themselves: they are read, and printing them again changes no byte.

use qemu_qmp_codegen::load::{self, load, Source};
use qemu_qmp_codegen::schema::Data;
use qemu_qmp_codegen::vendor::{self, late};
use qemu_qmp_codegen::{check, print};
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

#[test]
fn our_words_say_what_they_must() {
    for root in ROOTS {
        assert_eq!(vendor::faults(&check::check(&source(root)).unwrap()), []);
    }
}

/// Releases of members tell which of them are late. Those of arguments do not all have one, so the list may have more.
#[test]
fn late_members_are_listed() {
    let listed = load::late_members(&vendored().join("late-members.json")).unwrap();
    let mut found = 0;
    for root in ROOTS {
        let late = late::late_members(&check::check(&source(root)).unwrap(), "99.1", None);
        assert_eq!(late::report(&late, &listed), Vec::<String>::new());
        found += late.len();
    }
    assert!(found > 30, "only {found}");
}

#[test]
fn listed_members_exist_and_are_mandatory() {
    let schema = check::check(&source("qmp")).unwrap();
    for (owner, members) in load::late_members(&vendored().join("late-members.json")).unwrap() {
        for member in members.keys() {
            let objects = schema.objects.iter().map(|object| (&object.def, &object.members));
            let messages = schema.events.iter().map(|event| (&event.def, &event.data));
            let messages = messages.chain(schema.commands.iter().map(|command| (&command.def, &command.data)));
            let inline = messages.filter_map(|(def, data)| match data {
                Data::Members(members) => Some((def, members)),
                Data::Object(_) => None,
            });
            let declared = objects.chain(inline).find(|(def, _)| def.name == owner).map(|(_, members)| members);
            let found = declared.and_then(|members| members.iter().find(|each| each.name == *member));
            assert!(found.is_some_and(|found| !found.optional), "{owner}.{member}");
        }
    }
}
