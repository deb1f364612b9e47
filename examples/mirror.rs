//! Moves a disk to another file while the machine uses it.
//!
//! ```sh
//! cargo run --example mirror -- vm.qmp disk0 /fast/disk0.qcow2
//! ```

use qemu_qmp::ops::jobs::{ImageFormat, JobOutcome};
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Address, Client};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, node, file] = &*arguments else { return Err("ADDRESS NODE FILE".into()) };
    let mut vm = Client::connect(address.parse::<Address>()?)?;
    let nodes = vm.execute(QueryNamedBlockNodes::new().flat(true))?;
    let disk = nodes.iter().find(|info| info.node_name.as_deref() == Some(node)).ok_or("there is no such node")?;
    let target = vm.create_image(file, ImageFormat::qcow2(), u64::try_from(disk.image.virtual_size)?).run()?;

    let mut mirror = vm.job(BlockdevMirror::new(node, &target.node_name, MirrorSyncMode::Full)).start()?;
    let reached = mirror.until_ready()?;
    println!("the copy {reached}");
    if reached == JobOutcome::Ready {
        // From here on each write goes to both. Now is the time to pause what must not change.
        mirror.complete()?.completed()?;
        println!("the machine uses {file}");
    }
    Ok(())
}
