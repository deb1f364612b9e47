//! Checks a recorded QMP conversation against the types of `qemu-qmp`.
//!
//! Each message is decoded as what it is (a command's arguments, its reply, an event's data) and encoded again. The result
//! tells whether the message fits, and what in it the types do not know. Every command and event of the schema is covered,
//! by the lists that are generated with the types. The program `transcript` does it for people; the tests of `qemu-qmp` do it
//! with what they recorded.

#![allow(missing_docs, reason = "the library is for this repository's tests only")]

pub mod api;
pub mod compare;
pub mod conversation;
pub mod mark;
pub mod report;
