//! The programs that a test starts, and where they put their files.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// What became of a program. `None`, loudly, if it is not there and `QEMU_QMP_REQUIRE_QEMU` does not say that it must be.
pub fn started<T>(program: impl AsRef<OsStr>, outcome: io::Result<T>) -> Option<T> {
    let program = program.as_ref();
    match outcome {
        Ok(started) => Some(started),
        Err(error) if std::env::var("QEMU_QMP_REQUIRE_QEMU").as_deref() == Ok("1") => {
            panic!("{program:?} is required, but does not start: {error}")
        }
        Err(error) => {
            eprintln!("\n*** SKIPPED: {program:?} does not start: {error} ***\n");
            None
        }
    }
}

/// An example of the crate, which `cargo test` builds beside the tests, and `scripts/test` before them.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let program = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "run `cargo build --all-features --examples` first");
    program
}

/// An empty folder, removed with this value.
pub struct Folder(PathBuf);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("qemu-qmp-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }

    /// A new named pipe.
    pub fn fifo(&self) -> PathBuf {
        let path = self.0.join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
