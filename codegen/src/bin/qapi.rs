//! `qapi check`: the generator's front half, for people.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut failed = false;
    for file in std::env::args().skip(2) {
        match qemu_qmp_codegen::load::load(file.as_ref()) {
            Ok(source) => eprintln!(
                "{file}: {} modules, {} definitions, {} warnings",
                source.modules.len(),
                source.expressions.len(),
                source.warnings.len()
            ),
            Err(error) => {
                eprintln!("{error}");
                failed = true;
            }
        }
    }
    ExitCode::from(u8::from(failed))
}
