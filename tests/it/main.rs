//! The clients against servers that follow scripts, and against a real QEMU.

#![cfg(unix)]

mod blocking;
mod conformance;
mod examples;
mod fake;
mod odd_values;
mod ops;
mod restarts;
mod secrets;
mod server_ended;
mod tls;
mod tokio;
mod trace;
mod unanswered;
mod unreachable;
