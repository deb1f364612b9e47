//! Backs up a block node into a new image, with a bar; and then only what has changed since.
//!
//! ```sh
//! cargo run --example backup -- vm.qmp disk0 full.qcow2
//! cargo run --example backup -- vm.qmp disk0 monday.qcow2 full.qcow2    # what has changed since that one
//! ```

use indicatif::ProgressBar;
use qemu_qmp::ops::jobs::{ImageFormat, JobOutcome};
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Address, Client};
use std::error::Error;

/// What remembers the changes since the last backup.
const BITMAP: &str = "since-backup";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("{what} is missing"));
    let mut vm = Client::connect(next("the machine")?.parse::<Address>()?)?;
    let (node, file, base) = (next("the node")?, next("the image")?, next("the base").ok());

    let nodes = vm.execute(QueryNamedBlockNodes::new().flat(true))?;
    let source = nodes.iter().find(|info| info.node_name.as_deref() == Some(&*node)).ok_or("there is no such node")?;
    let size = u64::try_from(source.image.virtual_size)?;
    let mut new = vm.create_image(file, ImageFormat::qcow2(), size).node_name("backup-target");
    if let Some(base) = &base {
        // For those who read the image: what is not in it is in its base.
        new = new.backing_file(base, BlockdevDriver::Qcow2);
    }
    let image = new.run()?;

    let backup = BlockdevBackup::new(&node, MirrorSyncMode::Full, &image.node_name);
    let actions = match &base {
        // From here on changes are remembered.
        None => vec![
            TransactionAction::block_dirty_bitmap_add(BlockDirtyBitmapAdd::new(&node, BITMAP)),
            TransactionAction::blockdev_backup(backup),
        ],
        Some(_) => {
            let changes = BlockdevBackup::new(&node, MirrorSyncMode::Incremental, &image.node_name).bitmap(BITMAP);
            vec![TransactionAction::blockdev_backup(changes)]
        }
    };
    let bar = ProgressBar::new(0);
    let jobs = vm.jobs(Transaction::new(actions)).progress(|at| {
        bar.set_length(at.total);
        bar.set_position(at.current);
    });
    let outcomes = jobs.run()?;
    bar.finish();
    for (job, outcome) in outcomes {
        println!("{job} {outcome}");
        if outcome != JobOutcome::Completed {
            return Err("there is no backup".into());
        }
    }
    Ok(vm.close_image(image).run()?)
}
