//! The stand-in for QEMU: what programs test themselves with.

mod agreement;
mod faults;
mod handlers;
mod listeners;
mod operations;
mod peers;
mod python;
mod raw;
mod recordings;
mod tasks;
