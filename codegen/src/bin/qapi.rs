//! `qapi check`: the generator's front half, for people.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut failed = false;
    for file in std::env::args().skip(2) {
        let loaded = qemu_qmp_codegen::load::load(file.as_ref());
        match loaded.and_then(|source| Ok((qemu_qmp_codegen::check::check(&source)?, source))) {
            Ok((schema, source)) => eprintln!(
                "{file}: {} modules, {} definitions, {} warnings",
                schema.modules.len(),
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
