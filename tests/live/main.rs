//! Conversations with real programs: every message that goes over the wire is compared with its typed value.
//!
//! Each test starts programs, makes them say as much as it can, and compares what came with the typed value that the
//! client made of it, encoded again: arguments, replies, errors, events and greetings. The two must be equal. The only
//! differences permitted are members that the schema does not know because they were removed after the program's
//! release, as `qapi-schema/removed-since-6.0.json` has it; they are printed.
//!
//! # Which programs
//!
//! `cargo test --test live` takes what is installed of `qemu-system-x86_64`, `qemu-system-aarch64`,
//! `qemu-storage-daemon` and `qemu-ga`. Others are named, separated by colons or spaces; what a program is, its file's name
//! says by how it begins, so that several releases go in one run:
//!
//!     QEMU_QMP_BINARIES="/opt/qemu-9.2/bin/qemu-system-x86_64:/opt/qemu-10.1/bin/qemu-system-x86_64" \
//!         cargo test --test live
//!
//! A program that is missing makes a test print `SKIPPED`; with `QEMU_QMP_REQUIRE_QEMU=1` it fails instead, unless others were
//! named. Questions that end some releases are listed, passed over and printed.
//! No virtualization is used, nothing can be reached from other hosts, and all files are in folders that are removed at
//! the end.
//! The guest agent runs here, on the host, and is told to block every command that would change it.
//!
//! # Recordings
//!
//! With `QEMU_QMP_TRANSCRIPTS=FOLDER` each conversation is written to a file of that folder: one line per message, `-> ` in
//! front of what the client sent and `<- ` in front of what came. With or without, the crate `transcript` has to find in
//! each recording what the conversation did.
//!
//! # What it must never do
//!
//! Depend on time (deadlines are there to end a test that hangs), leave a program running, or change the host.
#![cfg(unix)]

mod binaries;
mod blocks;
mod compare;
mod conversation;
mod cxl;
mod deadly;
mod devices;
mod guest;
mod guest_agent;
mod jobs;
mod machine;
mod migration;
mod preconfig;
mod process;
mod qom;
mod queries;
mod recording;
mod report;
mod running;
mod storage_daemon;
mod table;
mod tape;

use binaries::{each, Kind};

const SYSTEMS: [Kind; 2] = [Kind::X86, Kind::Arm];

#[test]
fn queries() {
    each("queries", &SYSTEMS, |binary, report| {
        let cpu = if binary.kind == Kind::Arm { "max" } else { "qemu64" };
        let mut conversation = machine::rich(binary, report)?;
        queries::ask_all(&mut conversation);
        queries::check_introspection(&mut conversation);
        queries::ask_with_arguments(&mut conversation, cpu);
        queries::ask_virtio(&mut conversation);
        Ok(())
    });
}

#[test]
fn storage_daemon() {
    each("storage_daemon", &[Kind::StorageDaemon], storage_daemon::converse);
}

#[test]
fn guest_agent() {
    each("guest_agent", &[Kind::GuestAgent], guest_agent::converse);
}

#[test]
fn blocks() {
    each("blocks", &SYSTEMS, |binary, report| {
        let mut conversation = machine::bare(binary, report, vec![machine::option("-machine", "none")])?;
        blocks::converse(&mut conversation);
        queries::ask_again(&mut conversation);
        Ok(())
    });
}

#[test]
fn objects() {
    each("objects", &SYSTEMS, |binary, report| {
        qom::converse(&mut machine::rich(binary, report)?);
        Ok(())
    });
}

#[test]
fn devices() {
    each("devices", &SYSTEMS, |binary, report| {
        let mut conversation = machine::rich(binary, report)?;
        devices::converse(&mut conversation);
        queries::ask_again(&mut conversation);
        Ok(())
    });
}

#[test]
fn running() {
    each("running", &SYSTEMS, |binary, report| {
        running::converse(&mut machine::rich(binary, report)?);
        Ok(())
    });
}

#[test]
fn migration() {
    each("migration", &SYSTEMS, migration::converse);
}

#[test]
fn preconfig() {
    each("preconfig", &[Kind::X86], preconfig::converse);
}

#[test]
fn guest() {
    each("guest", &[Kind::X86], guest::converse);
}

#[test]
fn cxl() {
    each("cxl", &[Kind::X86], cxl::converse);
}
