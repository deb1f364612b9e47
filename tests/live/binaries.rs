//! Which programs to converse with.
//!
//! A test never passes by silence: what is not there is said to be skipped, or fails where the environment requires it.

use crate::report::Report;
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Names the programs to test: paths, separated by colons or white space.
const BINARIES: &str = "QEMU_QMP_BINARIES";
/// Set to anything but `0` or nothing, a missing program is a failure.
const REQUIRED: &str = "QEMU_QMP_REQUIRE_QEMU";

/// What a program is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    X86,
    Arm,
    StorageDaemon,
    GuestAgent,
}

impl Kind {
    const ALL: [(Kind, &'static str); 4] = [
        (Kind::X86, "qemu-system-x86_64"),
        (Kind::Arm, "qemu-system-aarch64"),
        (Kind::StorageDaemon, "qemu-storage-daemon"),
        (Kind::GuestAgent, "qemu-ga"),
    ];

    /// The name under which the program is installed.
    pub fn program(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    fn of(path: &Path) -> Option<Kind> {
        let name = path.file_name()?.to_str()?;
        Self::ALL.iter().find(|(_, program)| name.starts_with(program)).map(|(kind, _)| *kind)
    }
}

/// A program to test.
#[derive(Debug, Clone)]
pub struct Binary {
    pub kind: Kind,
    pub path: PathBuf,
}

/// Runs a scenario on each program of these kinds, says so for a kind without any, and fails if anything did.
pub fn each(scenario: &str, kinds: &[Kind], mut test: impl FnMut(&Binary, &mut Report) -> Result<(), String>) {
    let all = all();
    let mut failures = Vec::new();
    for kind in kinds {
        let binaries: Vec<&Binary> = all.iter().filter(|binary| binary.kind == *kind).collect();
        if binaries.is_empty() {
            let missing = format!("{scenario}: there is no {}; {BINARIES} may name one", kind.program());
            // Who names programs wants those.
            assert!(!is_required() || env::var_os(BINARIES).is_some(), "{missing}");
            say(&format!("SKIPPED {missing}"));
        }
        for binary in binaries {
            let mut report = Report::new(format!("{scenario} {}", kind.program()));
            if let Err(failure) = test(binary, &mut report) {
                report.fail(failure);
            }
            failures.extend(report.finish());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Prints a line that is seen without `--nocapture`, too.
pub fn say(line: &str) {
    // Where standard error is closed, there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "live: {line}");
}

/// Whether what is missing is an error.
pub fn is_required() -> bool {
    env::var(REQUIRED).is_ok_and(|value| !matches!(value.as_str(), "" | "0"))
}

/// The programs that the environment names, or else those that are installed.
fn all() -> Vec<Binary> {
    let Ok(named) = env::var(BINARIES) else {
        return Kind::ALL
            .iter()
            .filter_map(|(kind, name)| Some(Binary { kind: *kind, path: installed(name)? }))
            .collect();
    };
    let paths = named.split([':', ' ', '\t', '\n']).filter(|path| !path.is_empty()).map(PathBuf::from);
    paths
        .map(|path| {
            let kind = Kind::of(&path).unwrap_or_else(|| panic!("{BINARIES}: {} is none of ours", path.display()));
            assert!(path.is_file(), "{BINARIES}: {} does not exist", path.display());
            Binary { kind, path }
        })
        .collect()
}

fn installed(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // The guest agent is a system program, and those are not on everybody's PATH.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}
