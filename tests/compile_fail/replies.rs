//! A reply taken for another command's, and an optional member for a mandatory one.

use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Client, Result};

fn main() -> Result<()> {
    let mut vm = Client::connect_unix("/run/vm.qmp")?;
    let _: VersionInfo = vm.execute(QueryStatus::new())?; //~ E0308 expected `VersionInfo`, found `StatusInfo`
    let jobs = vm.execute(QueryJobs::new())?;
    let _ = jobs.status; //~ E0609 `status`; Vec<
    for job in jobs {
        let _: String = job.error; //~ E0308 expected `String`, found `Option<String>`
        let _ = job.progress; //~ E0609 `progress`; `current_progress`
    }
    Ok(())
}
