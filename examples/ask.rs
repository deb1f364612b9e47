//! Asks a QEMU what it can do, before it is made use of.
//!
//! ```sh
//! cargo run --example ask -- vm.qmp
//! ```

use qemu_qmp::ops::probe::argument;
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Address, Client};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let address: Address = std::env::args().nth(1).ok_or("where is the machine?")?.parse()?;
    let mut vm = Client::connect(address)?;
    let schema = vm.schema().run()?;
    let say = |what: &str, is_there: bool| println!("{what}: {}", if is_there { "yes" } else { "no" });
    say("inject CXL events", schema.has_command::<CxlInjectGeneralMediaEvent>());
    say("mirror onto zeroes", schema.supports(argument!(BlockdevMirror, target_is_zero)));
    let switchover = argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::SwitchoverAck);
    say("acknowledge the switchover", schema.supports(switchover));
    let io_uring = argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::IoUring);
    say("read disks through io_uring's driver", schema.supports(io_uring));

    let mut probe = vm.probe();
    say("virtio disks with a queue for each I/O thread", {
        probe.device_property("virtio-blk-pci", "iothread-vq-mapping")?.is_some()
    });
    say("machines of 2022", probe.has_machine("pc-q35-7.2")?);
    say("CPUs like Skylake", probe.has_cpu_model("Skylake-Client")? == Some(true));
    Ok(())
}
