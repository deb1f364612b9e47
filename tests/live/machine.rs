//! The virtual machine that conversations are about: much of everything that can be asked about, nothing that runs.
//!
//! A device that a build does not have is left out, so that every build starts.

use crate::binaries::{Binary, Kind};
use crate::conversation::Conversation;
use crate::process::Folder;
use crate::report::Report;
use std::process::Command;

/// How large the disks are; what runs over them takes a moment, but not long.
const DISK: u64 = 4 << 20;

/// Both architectures number their devices alike: a machine's own devices first.
const MEMORY: &str = "256M,slots=4,maxmem=2G";

/// Starts the machine with everything on it.
pub fn rich<'a>(binary: &Binary, report: &'a mut Report) -> Result<Conversation<'a>, String> {
    start(binary, report, |folder, offered| {
        let mut arguments = base(binary.kind);
        arguments.extend(disks(folder)?);
        arguments.extend(devices(binary.kind, folder).into_iter().filter(|[option, value]| {
            let device = value.split(',').next().unwrap_or_default();
            option != "-device" || offered.contains(&format!("name \"{device}\""))
        }));
        Ok(arguments)
    })
}

/// Starts a machine with nothing but memory, processors, and these options.
pub fn plain<'a>(
    binary: &Binary,
    report: &'a mut Report,
    options: impl FnOnce(&Folder) -> Vec<[String; 2]>,
) -> Result<Conversation<'a>, String> {
    start(binary, report, |folder, _| {
        let mut arguments = base(binary.kind);
        arguments.extend(options(folder));
        Ok(arguments)
    })
}

/// The options of any machine that is only a monitor, without a board's memory and processors.
pub fn bare<'a>(
    binary: &Binary,
    report: &'a mut Report,
    options: Vec<[String; 2]>,
) -> Result<Conversation<'a>, String> {
    start(binary, report, |_, _| Ok(options))
}

/// Starts a machine that waits, before it is built, for what may be said then.
pub fn preconfigured<'a>(
    binary: &Binary,
    report: &'a mut Report,
    mut options: Vec<[String; 2]>,
) -> Result<Conversation<'a>, String> {
    options.push(["--preconfig", "-S"].map(str::to_owned));
    start(binary, report, |_, _| Ok(options))
}

/// An option and its value.
pub fn option(name: &str, value: impl Into<String>) -> [String; 2] {
    [name.to_owned(), value.into()]
}

fn start<'a>(
    binary: &Binary,
    report: &'a mut Report,
    options: impl FnOnce(&Folder, &str) -> std::io::Result<Vec<[String; 2]>>,
) -> Result<Conversation<'a>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", binary.path.display());
    let folder = Folder::new().map_err(failed)?;
    let help = Command::new(&binary.path).args(["-device", "help"]).output().map_err(failed)?;
    let offered = String::from_utf8_lossy(&help.stdout);
    let mut arguments: Vec<String> = ["-nodefaults", "-no-user-config", "-S"].map(str::to_owned).into();
    let monitor = format!("unix:{},server=on,wait=off", folder.text("qmp"));
    let fixed = [option("-display", "none"), option("-accel", "tcg"), option("-qmp", monitor)];
    arguments.extend(fixed.into_iter().chain(options(&folder, &offered).map_err(failed)?).flatten());
    Conversation::with_monitor(binary, &arguments, folder, report)
}

fn base(kind: Kind) -> Vec<[String; 2]> {
    let (machine, cpu, smp) = match kind {
        Kind::Arm => ("virt,gic-version=3", "cortex-a57", "2"),
        _ => ("q35", "max", "2,sockets=4,cores=1,threads=1,maxcpus=4"),
    };
    let cpus = if kind == Kind::Arm { [",cpus=0", ",cpus=1"] } else { [",cpus=0-1", ",cpus=2-3"] };
    let mut options = vec![option("-machine", machine), option("-cpu", cpu), option("-smp", smp), option("-m", MEMORY)];
    for (node, cpus) in cpus.iter().enumerate() {
        options.push(option("-object", format!("memory-backend-ram,id=ram{node},size=128M")));
        options.push(option("-numa", format!("node,nodeid={node},memdev=ram{node}{cpus}")));
    }
    options.push(option("-name", "live,process=live"));
    options.push(option("-uuid", "0b5e4f1e-9a52-4a3c-8e3c-7f1f6a1d2c3b"));
    options
}

fn disks(folder: &Folder) -> std::io::Result<Vec<[String; 2]>> {
    for name in ["plain", "drive", "nvdimm", "cd"] {
        folder.sparse(name, DISK)?;
    }
    let blockdevs = [
        format!(r#"{{"driver":"file","node-name":"plain-file","filename":"{}"}}"#, folder.text("plain")),
        r#"{"driver":"raw","node-name":"plain","file":"plain-file","detect-zeroes":"on"}"#.to_owned(),
        r#"{"driver":"throttle","node-name":"throttled","throttle-group":"group0","file":"plain"}"#.to_owned(),
        r#"{"driver":"null-co","node-name":"null0","size":4194304,"read-zeroes":true}"#.to_owned(),
        r#"{"driver":"null-aio","node-name":"null1","size":4194304}"#.to_owned(),
        r#"{"driver":"copy-on-read","node-name":"cor","file":"null0"}"#.to_owned(),
        r#"{"driver":"blkdebug","node-name":"debug","image":"null1","inject-error":
            [{"event":"none","iotype":"flush","errno":5,"once":true}]}"#
            .to_owned(),
        r#"{"driver":"quorum","node-name":"quorum","vote-threshold":1,"children":
            [{"driver":"null-co","size":4194304,"read-zeroes":true},
             {"driver":"null-co","size":4194304,"read-zeroes":true}]}"#
            .to_owned(),
    ];
    let mut options = vec![
        option(
            "-object",
            r#"{"qom-type":"throttle-group","id":"group0","limits":{"iops-total":1000,"bps-read":1048576}}"#,
        ),
        option(
            "-drive",
            format!("if=none,id=drive0,format=raw,file={},cache=writeback,bps=1048576", folder.text("drive")),
        ),
    ];
    options.extend(blockdevs.map(|json| option("-blockdev", json)));
    Ok(options)
}

fn devices(kind: Kind, folder: &Folder) -> Vec<[String; 2]> {
    let mut options = Vec::new();
    let mut add = |name: &str, value: &str| options.push(option(name, value));
    for (id, object) in [
        ("iothread0", "iothread,poll-max-ns=1000"),
        ("random0", "rng-builtin"),
        ("crypto0", "cryptodev-backend-builtin"),
        ("secret0", "secret,data=letmein"),
        ("rules0", "authz-list,policy=deny"),
        ("dimm0", "memory-backend-ram,size=128M"),
        ("elastic0", "memory-backend-ram,size=128M"),
    ] {
        let (kind, properties) = object.split_once(',').unwrap_or((object, ""));
        add("-object", format!("{kind},id={id},{properties}").trim_end_matches(','));
    }
    for port in 0..6 {
        add("-device", &format!("pcie-root-port,id=port{port},chassis={}", port + 1));
    }
    add("-netdev", "user,id=net0");
    add("-netdev", "hubport,id=net1,hubid=0");
    add("-chardev", "ringbuf,id=ring0,size=4096");
    add("-chardev", "null,id=null0");
    add("-audiodev", "none,id=audio0");
    add("-vnc", &format!("unix:{},password=on", folder.text("vnc")));
    add("-vnc", &format!("unix:{},id=open", folder.text("open-vnc")));
    for device in [
        "virtio-blk-pci,drive=throttled,id=disk0,serial=live,share-rw=on",
        "virtio-scsi-pci,id=scsi0,iothread=iothread0",
        "scsi-hd,bus=scsi0.0,drive=drive0,id=disk1",
        "scsi-cd,bus=scsi0.0,id=cd0",
        "virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:12:34:56",
        "e1000e,netdev=net1,id=nic1",
        "virtio-serial-pci,id=serial0",
        "virtserialport,bus=serial0.0,chardev=ring0,name=live.port,id=port-ring",
        "virtio-balloon-pci,id=balloon0",
        "virtio-rng-pci,rng=random0",
        "virtio-crypto-pci,cryptodev=crypto0",
        "virtio-mem-pci,memdev=elastic0,id=elastic,requested-size=0",
        "pc-dimm,memdev=dimm0,id=dimm",
        "qemu-xhci,id=usb0",
        "usb-tablet,id=tablet",
        "usb-kbd,id=keyboard",
        "intel-hda,id=hda",
        "hda-duplex,audiodev=audio0",
        "rocker,name=switch0",
        "pvpanic-pci",
        "nvme,serial=nvme0,drive=cor",
        "virtio-keyboard-pci",
    ] {
        // The Arm board takes memory at run time only if firmware helps it.
        let is_memory = device.starts_with("pc-dimm") || device.starts_with("virtio-mem");
        if !(is_memory && kind == Kind::Arm) {
            add("-device", device);
        }
    }
    let board: &[&str] = match kind {
        Kind::Arm => &["bochs-display,id=screen"],
        _ => &[
            "VGA,id=screen",
            "vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87",
            "i6300esb",
            "isa-serial,chardev=null0",
        ],
    };
    board.iter().for_each(|device| add("-device", device));
    options
}
