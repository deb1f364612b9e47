//! Arguments that a command does not have, that are not given, and of the wrong type.

use qemu_qmp::qmp::{commands::{self, *}, types::*};

fn main() {
    let _ = BlockResize::new(1 << 30).nodename("disk0"); //~ E0599 `nodename`; `node_name`
    let _ = BlockResize::new(1 << 30).size(1 << 20); //~ E0599 `size`; field, not a method
    let _ = commands::BlockdevBackup::new("disk0", MirrorSyncMode::Full); //~ E0061 takes 3 arguments but 2; argument #3
    let _ = QueryStatus::new("vm"); //~ E0061 takes 0 arguments but 1
    let _ = BlockResize::new("1G"); //~ E0308 expected `i64`, found `&str`
    let _ = BlockResize::new(1 << 30).node_name(7); //~ E0277 `From<{integer}>` is not implemented
    let _ = commands::BlockdevBackup::new("disk0", "full", "copy"); //~ E0308 expected `MirrorSyncMode`, found `&str`
    let _ = BlockdevOptions::qcow2(BlockdevOptionsRaw::new("file")); //~ E0308 expected `BlockdevOptionsQcow2`
}
