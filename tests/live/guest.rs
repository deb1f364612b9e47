//! A guest played by hand: what a PC's guest would write to its ports makes the events that only guests cause.
//!
//! The monitor writes to ports as the processor would. Only the last step runs firmware, which reads a disk that fails.

use crate::binaries::Binary;
use crate::conversation::Conversation;
use crate::machine::{self, option};
use crate::report::Report;
use serde_json::json;

/// Ports of a PC.
const RTC: u16 = 0x70;
const WATCHDOG: u16 = 0x443;
const PANIC: u16 = 0x505;
const POWER: u16 = 0x600;
const POWER_CONTROL: u16 = POWER + 4;
const MEMORY: u16 = 0xa00;
const PCI_ADDRESS: u16 = 0xcf8;
const PCI_DATA: u16 = 0xcfc;
const RESET: u16 = 0xcf9;

/// Causes events one by one.
pub fn converse(binary: &Binary, report: &mut Report) -> Result<(), String> {
    let mut guest = machine::plain(binary, report, |_| {
        let failing = r#"{"driver":"blkdebug","node-name":"failing","image":
            {"driver":"null-co","size":1048576},"inject-error":[{"event":"none","iotype":"read","errno":5}]}"#;
        vec![
            option("-blockdev", failing),
            option("-device", "virtio-blk-pci,drive=failing,rerror=stop,id=disk,bootindex=0"),
            option("-device", "pvpanic"),
            option("-device", "ib700"),
            option("-object", "memory-backend-ram,id=dimm,size=128M"),
            option("-device", "pc-dimm,memdev=dimm,id=module"),
            option("-action", "panic=none,watchdog=none"),
        ]
    })?;
    panic(&mut guest);
    set_clock(&mut guest);
    give_memory_back(&mut guest);
    bark(&mut guest);
    read_disk(&mut guest);
    drop(guest);
    sleep(&mut machine::plain(binary, report, |_| Vec::new())?);
    Ok(())
}

/// What a guest writes to a port; `size` is b, h or w, for one, two or four bytes.
fn write(guest: &mut Conversation<'_>, size: char, port: u16, value: u32) {
    guest.run("human-monitor-command", json!({"command-line": format!("o /{size} {port:#x} {value:#x}")}));
}

fn panic(guest: &mut Conversation<'_>) {
    guest.forget_events();
    write(guest, 'b', PANIC, 1);
    guest.wait("GUEST_PANICKED", |data| data["action"].is_string());
    write(guest, 'b', PANIC, 2);
    guest.wait("GUEST_CRASHLOADED", |_| true);
    guest.run("query-status", json!({}));
}

fn set_clock(guest: &mut Conversation<'_>) {
    const YEAR: u32 = 9;
    guest.forget_events();
    write(guest, 'b', RTC, YEAR);
    write(guest, 'b', RTC + 1, 0x42);
    guest.wait("RTC_CHANGE", |data| data["offset"].is_i64());
}

/// Ejects a memory module, and says so.
fn give_memory_back(guest: &mut Conversation<'_>) {
    const SLOT: u16 = 0;
    const EVENT: u16 = 4;
    const STATUS: u16 = 8;
    const CONTROL: u16 = 20;
    const EJECT: u32 = 8;
    guest.forget_events();
    write(guest, 'w', MEMORY + SLOT, 0);
    write(guest, 'w', MEMORY + EVENT, 1);
    write(guest, 'w', MEMORY + STATUS, 0);
    guest.wait("ACPI_DEVICE_OST", |data| data["info"]["slot"] == "0");
    guest.run("query-acpi-ospm-status", json!({}));
    guest.run("device_del", json!({"id": "module"}));
    guest.attempt("device_del", json!({"id": "module"}));
    write(guest, 'b', MEMORY + CONTROL, EJECT);
    guest.wait("DEVICE_DELETED", |data| data["device"] == "module");
}

/// Suspends to memory, and is woken up.
fn sleep(guest: &mut Conversation<'_>) {
    const LPC: u32 = 0x8000_f800;
    const BASE: u32 = 0x40;
    const ENABLE: u32 = 0x44;
    for (register, value) in [(BASE, u32::from(POWER) | 1), (ENABLE, 0x80)] {
        write(guest, 'w', PCI_ADDRESS, LPC | register);
        write(guest, 'w', PCI_DATA, value);
    }
    guest.run("cont", json!({}));
    guest.forget_events();
    write(guest, 'h', POWER_CONTROL, 0x2400);
    guest.wait("SUSPEND", |_| true);
    guest.run("query-status", json!({}));
    guest.run("system_wakeup", json!({}));
    guest.wait("WAKEUP", |_| true);
    guest.run("stop", json!({}));
}

fn bark(guest: &mut Conversation<'_>) {
    const AT_ONCE: u32 = 15;
    guest.forget_events();
    write(guest, 'b', WATCHDOG, AT_ONCE);
    guest.run("cont", json!({}));
    guest.wait("WATCHDOG", |data| data["action"].is_string());
}

/// Firmware reads the disk that it is to boot from.
fn read_disk(guest: &mut Conversation<'_>) {
    guest.wait("BLOCK_IO_ERROR", |data| data["node-name"] == "failing" && data["action"] == "stop");
    guest.wait("STOP", |_| true);
    guest.run("query-status", json!({}));
    guest.run("query-block", json!({}));
    guest.run("query-blockstats", json!({}));
    guest.run("set-action", json!({"reboot": "reset"}));
    write(guest, 'b', RESET, 6);
    guest.wait("RESET", |data| data["guest"] == true);
}
