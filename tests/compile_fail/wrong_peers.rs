//! Commands of other peers, and what a peer does not have at all.

use qemu_qmp::qga::commands::GuestPing;
use qemu_qmp::qmp::commands::{MigratePause, QueryPci, QueryStatus};
use qemu_qmp::{blocking, Client, GuestAgent, Result, StorageDaemon};

fn main() -> Result<()> {
    let mut vm = Client::connect_unix("/run/vm.qmp")?;
    vm.execute(GuestPing::new())?; //~ E0277 `GuestPing` is not a command of the peer `Monitor`; `Client<GuestAgent>`

    let mut agent = blocking::Client::<GuestAgent>::connect("/run/vm.qga")?;
    agent.execute(QueryStatus::new())?; //~ E0277 `QueryStatus` is not a command of the peer `GuestAgent`; `Client<Monitor>`
    agent.execute_oob(MigratePause::new())?; //~ E0599 `execute_oob`; GuestAgent: MonitorPeer
    agent.take_events()?; //~ E0599 `take_events`; GuestAgent: MonitorPeer
    agent.greeting(); //~ E0599 `greeting`; GuestAgent: MonitorPeer

    let mut daemon = blocking::Client::<StorageDaemon>::connect("/run/storage.qmp")?;
    daemon.execute(QueryPci::new())?; //~ E0277 `QueryPci` is not a command of the peer `StorageDaemon`; that the storage daemon has
    daemon.within(None).execute(GuestPing::new())?; //~ E0277 `GuestPing` is not a command of the peer `StorageDaemon`
    Ok(())
}
