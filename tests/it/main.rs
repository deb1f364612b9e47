//! The clients against servers that follow scripts, and against a real QEMU.

#![cfg(unix)]

mod blocking;
mod conformance;
mod restarts;
mod odd_values;
mod secrets;
mod tls;
mod tokio;
mod trace;
mod transcript;
mod unanswered;
