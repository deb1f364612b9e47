//! `qapi`: the generator's front half, for people.
//!
//! Exits with 0 if all is well, with 1 if a schema or a file is not, and with 2 if called in a way it does not know.

use qemu_qmp_codegen::{check, load};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: qapi check [--warnings] FILE...

check   reads each root file and what it includes, and prints what is wrong as `file:line:column: message`;
        --warnings also prints what is merely bad style
";

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--help" | "-h" | "help"] | [_, "--help" | "-h"] => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        ["check", "--warnings", files @ ..] if are_files(files) => check_files(files, true),
        ["check", files @ ..] if are_files(files) => check_files(files, false),
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn are_files(arguments: &[&str]) -> bool {
    !arguments.is_empty() && !arguments.iter().any(|argument| argument.starts_with("--"))
}

/// Checks each file on its own, so that one that is refused hides nothing about the others.
fn check_files(files: &[&str], warnings: bool) -> ExitCode {
    let mut failed = false;
    for file in files {
        let source = load::load(Path::new(file));
        if let (Ok(source), true) = (&source, warnings) {
            for warning in &source.warnings {
                eprintln!("{}: warning: {}", warning.at, warning.message);
            }
        }
        if let Err(error) = source.and_then(|source| check::check(&source)) {
            eprintln!("{error}");
            failed = true;
        }
    }
    ExitCode::from(u8::from(failed))
}
