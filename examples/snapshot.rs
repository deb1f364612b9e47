//! Freezes a disk as it is and lets the machine write into an image above it; later, brings both together again.
//!
//! ```sh
//! cargo run --example snapshot -- vm.qmp disk0 disk0.img raw overlay.qcow2
//! ```

use qemu_qmp::ops::jobs::ImageFormat;
use qemu_qmp::qmp::commands::*;
use qemu_qmp::{Address, Client};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, node, file, format, overlay] = &*arguments else {
        return Err("ADDRESS NODE FILE FORMAT OVERLAY".into());
    };
    let mut vm = Client::connect(address.parse::<Address>()?)?;

    let nodes = vm.execute(QueryNamedBlockNodes::new().flat(true))?;
    let disk = nodes.iter().find(|info| info.node_name.as_deref() == Some(node)).ok_or("there is no such node")?;
    let size = u64::try_from(disk.image.virtual_size)?;
    let new = vm.create_image(overlay, ImageFormat::qcow2(), size).backing_file(file, format.parse()?);
    let image = new.node_name("overlay").run()?;
    vm.execute(BlockdevSnapshot::new(node, &image.node_name))?;
    println!("{file} does not change any more: what is written goes to {overlay}");

    // Here one would copy the file away.

    let commit = BlockCommit::new(&image.node_name).base_node(node);
    vm.job(commit).progress(|at| println!("  {:3.0} %, {}", 100.0 * at.fraction(), at.status)).run()?.completed()?;
    vm.close_image(image).run()?;
    println!("{file} has all of it again");
    Ok(())
}
