//! What is written almost right: the compiler says how it is written.

use qemu_qmp::qga::commands::GuestExec;
use qemu_qmp::qmp::{commands::*, events::*, types};
use qemu_qmp::{Client, ConnectOptions, Result};

fn main() -> Result<()> {
    let mut vm = Client::connect_unix("/run/vm.qmp")?;
    vm.execute(QueryStatus)?; //~ E0277 WithoutNew<qemu_qmp::qmp::commands::QueryStatus>` is not a command; made by `new`; `QueryStatus::new()`
    vm.execute(BlockResize)?; //~ E0277 WithoutNew<qemu_qmp::qmp::commands::BlockResize>` is not a command; made by `new`
    vm.execute_oob(MigratePause)?; //~ E0277 WithoutNew<qemu_qmp::qmp::commands::MigratePause>`; made by `new`
    vm.within(5).execute(QueryStatus::new())?; //~ E0277 `{integer}` is not a timeout; `Duration::from_secs(5)`
    vm.wait_for(5, |_: &DeviceDeleted| true)?; //~ E0277 `{integer}` is not a timeout; `Duration::from_secs(5)`; `None` waits for ever
    vm.execute_and_wait(Quit::new(), 2.5, |_: &Shutdown| true)?; //~ E0277 `{float}` is not a timeout; `Duration::from_secs(5)`
    let _ = ConnectOptions::new().call_timeout("5s"); //~ E0277 `&str` is not a timeout; `Duration::from_secs(5)`
    let backup = types::BlockdevBackup::new("disk0", types::MirrorSyncMode::Full, "copy");
    let status = vm.execute(QueryStatus::new())?.status;
    let _ = status == "running"; //~ E0308 expected `RunState`, found `&str`
    let _ = types::StatusInfo { status, running: true }; //~ E0639 StatusInfo
    let _ = GuestExec::new("true").arg([1]); //~ E0277 `{integer}` is not taken for a string of the list; `&str`
    let _ = Transaction::new([backup]); //~ E0271 expected `TransactionAction`, found `BlockdevBackup`
    Ok(())
}
