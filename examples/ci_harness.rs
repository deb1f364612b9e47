//! Lets a machine run, and tells how it ended: the heart of a CI harness.
//!
//! ```sh
//! qemu-system-x86_64 -S -qmp unix:vm.qmp,server=on,wait=off … &
//! cargo run --example ci_harness -- vm.qmp 600    # seconds
//! ```

use qemu_qmp::ops::power::MachineEnd;
use qemu_qmp::qmp::commands::Cont;
use qemu_qmp::{Address, Client};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: Address = arguments.next().ok_or("where is the machine?")?.parse()?;
    let limit = Duration::from_secs(arguments.next().ok_or("how many seconds has it?")?.parse()?);

    let mut vm = Client::connect(address)?;
    vm.execute(Cont::new())?;
    let end = vm.wait_for_shutdown().deadline(limit).run()?;
    println!("the machine {end}");
    match end {
        MachineEnd::ShutDown(_) => Ok(ExitCode::SUCCESS),
        MachineEnd::Gone => Ok(ExitCode::FAILURE),
        _ => {
            vm.quit().deadline(Duration::from_secs(10)).run()?;
            Ok(ExitCode::FAILURE)
        }
    }
}
