//! The stand-in for QEMU: what programs test themselves with.

mod faults;
mod handlers;
mod listeners;
mod peers;
mod raw;
