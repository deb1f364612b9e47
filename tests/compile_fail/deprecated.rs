//! What QEMU deprecates is marked for those who use it: commands, arguments and values.
#![deny(deprecated)]

use qemu_qmp::qmp::{commands::BlockCommit, types::BlockdevDriver};

fn main() {
    let _ = qemu_qmp::qmp::commands::QueryKvm::new(); //~ deprecated `qemu_qmp::qmp::commands::QueryKvm`
    let _ = BlockCommit::new("disk0").base("base.qcow2"); //~ deprecated method `qemu_qmp::qmp::commands::BlockCommit::base`
}
