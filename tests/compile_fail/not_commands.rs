//! What cannot be executed, cannot be executed out-of-band, or is no event.

use qemu_qmp::qmp::{commands, events::*, types};
use qemu_qmp::{Client, Result};

fn main() -> Result<()> {
    let mut vm = Client::connect_unix("/run/vm.qmp")?;
    vm.execute(types::StatusInfo::blank())?; //~ E0277 StatusInfo` is not a command; made by `new`
    vm.execute("query-status")?; //~ E0277 `&str` is not a command; `cmd`
    vm.execute(StopEvent::blank())?; //~ E0277 events::StopEvent` is not a command; `qmp::commands`
    vm.execute_oob(commands::QueryStatus::new())?; //~ E0277 `QueryStatus` cannot be executed out-of-band; MigratePause
    vm.wait_for(None, |_: &commands::Stop| true)?; //~ E0277 commands::Stop` is not an event; `qmp::events`
    Ok(())
}
