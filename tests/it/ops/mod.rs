//! Operations, in all clients: against servers that follow scripts, and against a real QEMU.

pub mod clients;
mod devices;
mod guest;
mod jobs;
mod live;
mod machine;
mod migration;
mod power;
mod probe;
