//! Typed client for QEMU's Machine Protocol.
