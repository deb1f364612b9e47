//! Devices and power of a real machine, whose guest is played by hand: what a PC's guest would write to its ports.

use super::clients::{on_each_client, Awaitable, LATE};
use qemu_qmp::ops::devices::{Unplug, UnplugOutcome};
use qemu_qmp::ops::power::{MachineEnd, PowerDown, QuitOutcome, QuitServer, ResetMachine, WaitForShutdown};
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::Client;
use std::thread;
use support::qemu::Qemu;
use support::{options, PATIENCE};

/// Ports of a PC with the chipset of 2009.
const PANIC: u16 = 0x505;
const POWER_CONTROL: u16 = 0x604;
const MEMORY: u16 = 0xa00;
const MEMORY_CONTROL: u16 = MEMORY + 20;
const PCI_ADDRESS: u16 = 0xcf8;
const PCI_DATA: u16 = 0xcfc;
const RESET: u16 = 0xcf9;

/// What the guest is asked for, and what it does.
const REMOVING: u8 = 4;
const EJECT: u32 = 8;
const SLEEP: u32 = 0x2000;

/// The second monitor is the guest's.
fn machine() -> Option<Qemu> {
    Qemu::start_with(|folder| {
        let monitor = |name: &str| format!("unix:{},server=on,wait=off", folder.join(name).display());
        let options = [
            "-qmp",
            &monitor("socket"),
            "-qmp",
            &monitor("guest"),
            "-machine",
            "q35",
            "-m",
            "64,slots=2,maxmem=1G",
            "-action",
            "panic=none",
            "-device",
            "pvpanic",
            "-device",
            "qemu-xhci",
            "-netdev",
            "hubport,id=hub,hubid=0",
            "-device",
            "usb-net,netdev=hub,id=wire",
            "-blockdev",
            "null-co,node-name=disk",
            "-device",
            "usb-storage,drive=disk,id=stick",
            "-device",
            "pcie-root-port,id=root,slot=1,chassis=1",
            "-device",
            "virtio-rng-pci,bus=root,id=rng",
            "-object",
            "memory-backend-ram,id=dimm,size=128M",
            "-device",
            "pc-dimm,memdev=dimm,id=module",
        ];
        options.map(str::to_owned).to_vec()
    })
}

mod on_a_machine {
    use super::*;
    on_each_client!(
        machine,
        lend_with_kept,
        [devices_that_go, memory_that_the_guest_gives_back, ends, shuts_down],
        |_: &mut Client| {}
    );
}

/// What a guest writes to a port; `size` is b, h or w, for one, two or four bytes.
fn out(size: char, port: u16, value: u32) -> HumanMonitorCommand {
    HumanMonitorCommand::new(format!("o /{size} {port:#x} {value:#x}"))
}

async fn devices_that_go(vm: &mut impl Awaitable, _: &Qemu) {
    // These do not ask the guest.
    let outcome = Unplug::new(&mut *vm, "stick").and_blockdev("disk").run().await.unwrap();
    assert_eq!(outcome, UnplugOutcome::Gone);
    assert!(vm.execute(QueryNamedBlockNodes::new(), None).await.unwrap().reply.is_empty());
    let outcome = Unplug::new(&mut *vm, "/machine/peripheral/wire").and_netdev("hub").run().await.unwrap();
    assert_eq!(outcome, UnplugOutcome::Gone);
    assert!(Unplug::new(&mut *vm, "wire").run().await.unwrap_err().is_server());
    // There is no guest to be asked; the second time QEMU waits for the first answer still.
    for _ in 0..2 {
        let outcome = Unplug::new(&mut *vm, "rng").deadline(LATE).run().await.unwrap();
        assert_eq!(outcome, UnplugOutcome::NotAnswered);
    }
    assert!(Unplug::new(&mut *vm, "nothing").run().await.unwrap_err().is_server());
}

async fn memory_that_the_guest_gives_back(vm: &mut impl Awaitable, qemu: &Qemu) {
    let socket = qemu.folder().join("guest");
    let guest = thread::spawn(move || {
        let mut guest = Client::connect_with(socket, &options()).unwrap();
        guest.execute(out('w', MEMORY, 0)).unwrap();
        // It answers once it is asked.
        let ask = HumanMonitorCommand::new(format!("i /b {MEMORY_CONTROL:#x}"));
        for _ in 0..10_000 {
            let shown = guest.execute(ask.clone()).unwrap();
            let (_, value) = shown.trim().rsplit_once("0x").unwrap();
            if u8::from_str_radix(value, 16).unwrap() & REMOVING != 0 {
                return guest.execute(out('b', MEMORY_CONTROL, EJECT)).map(drop).unwrap();
            }
        }
        panic!("it was never asked")
    });
    let outcome = Unplug::new(&mut *vm, "module").deadline(PATIENCE).run().await.unwrap();
    assert_eq!(outcome, UnplugOutcome::Gone);
    guest.join().unwrap();
}

async fn ends(vm: &mut impl Awaitable, _: &Qemu) {
    vm.execute(out('b', PANIC, 1), None).await.unwrap();
    let end = WaitForShutdown::new(&mut *vm).run().await.unwrap();
    let MachineEnd::Panicked(panic) = end else { panic!("{end}") };
    assert!(panic.info.is_none());
    let end = ResetMachine::new(&mut *vm).deadline(PATIENCE).run().await.unwrap();
    assert_eq!(end, MachineEnd::Reset(ShutdownCause::HostQmpSystemReset));
    vm.execute(Cont::new(), None).await.unwrap();
    let end = PowerDown::new(&mut *vm).deadline(LATE).press_again_every(LATE / 8).run().await.unwrap();
    assert_eq!(end, MachineEnd::TimedOut);
    vm.execute(out('b', RESET, 6), None).await.unwrap();
    let end = WaitForShutdown::new(&mut *vm).deadline(PATIENCE).run().await.unwrap();
    assert_eq!(end, MachineEnd::Reset(ShutdownCause::GuestReset));
}

/// Before any firmware has run, which would set the chipset up in its own way.
async fn shuts_down(vm: &mut impl Awaitable, _: &Qemu) {
    const LPC: u32 = 0x8000_f800;
    for (register, value) in [(0x40, 0x601), (0x44, 0x80)] {
        vm.execute(out('w', PCI_ADDRESS, LPC | register), None).await.unwrap();
        vm.execute(out('w', PCI_DATA, value), None).await.unwrap();
    }
    vm.execute(out('h', POWER_CONTROL, SLEEP), None).await.unwrap();
    let end = WaitForShutdown::new(&mut *vm).through_resets().deadline(PATIENCE).run().await.unwrap();
    assert_eq!(end, MachineEnd::ShutDown(ShutdownCause::GuestShutdown));
    assert_eq!(QuitServer::new(&mut *vm).deadline(PATIENCE).run().await.unwrap(), QuitOutcome::Gone);
}

/// As programs write it.
#[test]
fn quits() {
    let Some(qemu) = Qemu::start() else { return };
    assert_eq!(qemu.connect().quit().run().unwrap(), QuitOutcome::Gone);
}
