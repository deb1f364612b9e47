//! Plugs a disk into a running machine, and unplugs it.
//!
//! ```sh
//! cargo run --example hotplug -- vm.qmp plug image.qcow2 disk7
//! cargo run --example hotplug -- vm.qmp unplug disk7
//! ```

use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Address, Client};
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<&str> = std::env::args().skip(1).map(|argument| &*argument.leak()).collect();
    match *arguments {
        [address, "plug", file, id] => {
            let mut vm = Client::connect(address.parse::<Address>()?)?;
            let file = BlockdevOptions::file(BlockdevOptionsFile::new(file));
            let node = BlockdevOptions::qcow2(BlockdevOptionsQcow2::new(file)).node_name(format!("{id}-image"));
            vm.execute(BlockdevAdd::from(node))?;
            vm.execute(DeviceAdd::new("usb-storage").id(id).argument("drive", format!("{id}-image")))?;
            println!("{id} is plugged in");
        }
        [address, "unplug", id] => {
            let mut vm = Client::connect(address.parse::<Address>()?)?;
            let unplug = vm.unplug(id).and_blockdev(format!("{id}-image")).deadline(Duration::from_secs(30));
            unplug.run()?.gone()?;
            println!("{id} is gone");
        }
        _ => return Err("ADDRESS plug FILE ID, or ADDRESS unplug ID".into()),
    }
    Ok(())
}
