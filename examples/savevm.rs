//! Saves the whole machine, memory and all, into its own qcow2 image, and goes back to it.
//!
//! ```sh
//! cargo run --example savevm -- vm.qmp disk0 save before-upgrade
//! cargo run --example savevm -- vm.qmp disk0 load before-upgrade
//! ```

use qemu_qmp::qmp::commands::*;
use qemu_qmp::{Address, Client};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, node, what, tag] = &*arguments else { return Err("ADDRESS NODE save|load|delete TAG".into()) };
    let mut vm = Client::connect(address.parse::<Address>()?)?;
    let outcome = match &**what {
        "save" => vm.job(SnapshotSave::new("snapshot", tag, node, [node])).run()?,
        "load" => vm.job(SnapshotLoad::new("snapshot", tag, node, [node])).run()?,
        "delete" => vm.job(SnapshotDelete::new("snapshot", tag, [node])).run()?,
        _ => return Err("save, load or delete?".into()),
    };
    Ok(outcome.completed()?)
}
