//! Questions about what a schema has never had.

use qemu_qmp::ops::probe::{argument, returned, told};
use qemu_qmp::qmp::{commands::*, events::*, types::*};

fn main() {
    let _ = argument!(BlockdevMirror, target_is_zer); //~ E0609 no field `target_is_zer`; target_is_zero
    let _ = argument!(MigrateSetCapabilities, capabilities, capabilty); //~ E0609 no field `capabilty`; capability
    let _ = argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::Qcow3); //~ E0599 named `Qcow3`; similar name
    let _ = argument!(BlockdevMirror, sync = RunState::Running); //~ E0277 a member of the type `MirrorSyncMode` never has a value of
    let _ = argument!(BlockdevAdd, arguments, branch = BlockdevCreateOptionsBranch::File); //~ E0308 found `&BlockdevOptionsBranch`
    let _ = argument!(BlockJobErrorData, device); //~ E0425 BlockJobErrorData
    let _ = argument!(BlockJobError, device); //~ E0277 BlockJobError` is not a command
    let _ = told!(BlockdevMirror, device); //~ E0277 Event
    let _ = returned!(QueryBlock, inserted, drvv); //~ E0609 no field `drvv`; inserted, drv)
    let _ = argument!( //~ E0277 BlockdevAdd
        BlockdevAdd,
        node_name //~ E0609 no field `node_name`; available field is: `arguments`
    );
    let _ = argument!( //~ E0277 `Option<bool>` has no members that a path could go on to; at its end
        BlockdevMirror,
        target_is_zero,
        at
    );
}
