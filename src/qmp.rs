//! The API of the system emulator and, in part, of the storage daemon: QMP.
//!
//! Every command is for a [`Monitor`](crate::Monitor); those that the storage daemon has as well are also for a
//! [`StorageDaemon`](crate::StorageDaemon).

include!(concat!(env!("OUT_DIR"), "/qmp.rs"));
