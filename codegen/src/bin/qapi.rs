//! `qapi`: the generator's front half, for people.
//!
//! Exits with 0 if all is well, with 1 if a schema or a file is not, and with 2 if called in a way it does not know.

use qemu_qmp_codegen::schema::Schema;
use qemu_qmp_codegen::vendor::{self, late, Layout, Tree, Vendored};
use qemu_qmp_codegen::{check, load, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: qapi check [--warnings] FILE...
       qapi vendor QEMU_TREE DEST

check   reads each root file and what it includes, and prints what is wrong as `file:line:column: message`;
        --warnings also prints what is merely bad style; in a vendored tree, what is deprecated must say what to use
        instead
vendor  writes the interface facts of the QEMU sources in QEMU_TREE, or of a vendored tree, into DEST, keeps what DEST
        says about them, and prints what is new, changed or gone, and what has become mandatory without being in
        DEST/late-members.json
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = arguments.iter().skip(1).take_while(|argument| argument.to_string_lossy().starts_with("--")).count();
    let (command, paths) = arguments.split_at(arguments.len().min(1 + options));
    let command: Vec<&str> = command.iter().map(|argument| argument.to_str().unwrap_or_default()).collect();
    match (command.as_slice(), paths) {
        (["check"], [_, ..]) => check_files(paths, false),
        (["check", "--warnings"], [_, ..]) => check_files(paths, true),
        (["vendor"], [tree, dest]) => match vendor_tree(Path::new(tree), Path::new(dest)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Checks each file on its own, so that one that is refused hides nothing about the others.
fn check_files(files: &[OsString], warnings: bool) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let source = load::load(Path::new(file));
        if let (Ok(source), true) = (&source, warnings) {
            for warning in &source.warnings {
                eprintln!("{}: warning: {}", warning.at, warning.message);
            }
        }
        let faults = match source.and_then(|source| check::check(&source)) {
            Ok(schema) if Path::new(file).ancestors().nth(2).is_some_and(is_vendored) => vendor::faults(&schema),
            Ok(_) => Vec::new(),
            Err(error) => vec![error],
        };
        for fault in faults {
            eprintln!("{fault}");
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Reads and checks everything before the first file is written, because `dest` may be `tree` itself.
fn vendor_tree(tree: &Path, dest: &Path) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let version = fs::read_to_string(tree.join("VERSION")).map_err(|error| about(&tree.join("VERSION"), error))?;
    let version = version.trim();
    let layout = if is_vendored(tree) { vendor::VENDORED } else { vendor::QEMU };
    let (new, schemas) = load_checked(tree, layout)?;
    let old = if is_vendored(dest) { Some(load_checked(dest, vendor::VENDORED)?) } else { None };
    let (old, old_schemas) = old.unzip();
    let late =
        report_late(&schemas, version, old_schemas.as_deref().unwrap_or_default(), &dest.join("late-members.json"))?;
    let Vendored { files, gone, report } = vendor::vendor(&new, version, old.as_ref());
    for (path, contents) in files {
        write(&dest.join(path), &contents)?;
    }
    write(&dest.join("VERSION"), &format!("{version}\n"))?;
    for path in gone {
        let path = dest.join(path);
        fs::remove_file(&path).map_err(|error| about(&path, error))?;
    }
    for line in report.into_iter().chain(late) {
        println!("{line}");
    }
    Ok(())
}

fn is_vendored(folder: &Path) -> bool {
    folder.join("qmp/qapi-schema.json").exists()
}

/// Reports members that have become mandatory and are not in the list of late members. A schema may be part of another.
fn report_late(schemas: &[Schema], version: &str, old: &[Schema], list: &Path) -> Result<BTreeSet<String>> {
    let listed = if list.exists() { load::late_members(list)? } else { BTreeMap::new() };
    let reports = schemas
        .iter()
        .enumerate()
        .map(|(index, schema)| late::report(&late::late_members(schema, version, old.get(index)), &listed));
    Ok(reports.flatten().collect())
}

/// A tree, and its schemas in the order of the layout.
fn load_checked(folder: &Path, layout: Layout) -> Result<(Tree, Vec<Schema>)> {
    let tree = Tree::load(folder, layout)?;
    let schemas = tree.sources().iter().map(check::check).collect::<Result<_>>()?;
    Ok((tree, schemas))
}

/// Writes a file, and the folder it is in, unless it says so already.
fn write(path: &Path, contents: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == contents.as_bytes()) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| about(folder, error))?;
    }
    fs::write(path, contents).map_err(|error| about(path, error))
}

/// Adds the path to an error of the operating system.
fn about(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
