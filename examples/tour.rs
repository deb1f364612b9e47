//! A tour: starts a QEMU, looks around in it, runs jobs to their ends, and quits it.
//!
//! ```sh
//! cargo run --example tour                        # with qemu-system-x86_64, or the program that $QEMU names
//! cargo run --example tour -- /run/vm.qmp         # in a QEMU that runs already; also HOST:PORT
//! ```
//!
//! In a QEMU that it has not started, the tour only looks.

use qemu_qmp::ops::jobs::ImageFormat;
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::{Address, Client, ConnectOptions, EventSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;
use std::{env, fs, process};

/// Nothing here takes long. A deadline keeps a mistake from waiting for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(address) = env::args().nth(1) {
        let options = ConnectOptions::new().retry_for(PATIENCE);
        let mut vm = Client::connect_with(address.parse::<Address>()?, &options)?;
        return Ok(look_around(&mut vm)?);
    }

    let mut machine = Machine::start()?;
    let mut vm = machine.connect()?;
    look_around(&mut vm)?;

    println!("\nTwo disk images, one of them in a disk of the machine's:");
    create_image(&mut vm, "original", &machine.directory, 64 << 20)?;
    create_image(&mut vm, "copy", &machine.directory, 64 << 20)?;
    plug_in(&mut vm, "original")?;

    println!("\nA copy of it:");
    back_up(&mut vm, "original", "copy")?;

    println!("\nThe machine:");
    start(&mut vm)?;

    println!("\nThe end:");
    quit(&mut vm)?;
    machine.wait()
}

/// Each command is a type of its own, and knows the type of its reply.
fn look_around(vm: &mut Client) -> qemu_qmp::Result<()> {
    let version = vm.execute(QueryVersion::new())?.qemu;
    println!("QEMU {}.{}.{}", version.major, version.minor, version.micro);

    // A `StatusInfo`. Values of QAPI's enums print as QEMU writes them.
    let status = vm.execute(QueryStatus::new())?;
    println!("  is {}", status.status);
    if status.status == RunState::Prelaunch {
        println!("  has not started its CPUs yet");
    }

    for cpu in vm.execute(QueryCpusFast::new())? {
        println!("  CPU {} is thread {} of the host", cpu.cpu_index, cpu.thread_id);
    }

    print_disks(vm)
}

fn print_disks(vm: &mut Client) -> qemu_qmp::Result<()> {
    for block in vm.execute(QueryBlock::new())? {
        // What may be absent is an `Option`.
        let medium = block.inserted.map_or("no medium".to_owned(), |medium| medium.file);
        println!("  block device {}: {medium}", block.qdev.unwrap_or(block.device));
    }
    Ok(())
}

/// Creates a raw image, and opens it as the block node `name`: an operation, which takes QEMU four commands and a job.
fn create_image(vm: &mut Client, name: &str, directory: &Path, size: u64) -> Result<(), Box<dyn Error>> {
    let path = directory.join(name).to_string_lossy().into_owned();
    let image = vm.create_image(path, ImageFormat::Raw, size).node_name(name).deadline(PATIENCE).run()?;
    println!("  {}: {size} bytes", image.filename);
    Ok(())
}

/// Gives the machine a disk with the contents of a block node.
fn plug_in(vm: &mut Client, node: &str) -> qemu_qmp::Result<()> {
    // Each device has arguments of its own, which no schema lists.
    vm.execute(DeviceAdd::new("virtio-blk-pci").id("disk").argument("drive", node))?;
    print_disks(vm)
}

/// Copies one block node into another, and prints what happens meanwhile.
fn back_up(vm: &mut Client, from: &str, to: &str) -> Result<(), Box<dyn Error>> {
    // Mandatory arguments go to `new`, optional ones into setters.
    let backup = BlockdevBackup::new(from, MirrorSyncMode::Full, to).job_id("backup");
    let job = vm.job(backup).deadline(PATIENCE).progress(|at| println!("  {} bytes, {}", at.current, at.status));
    // An operation tells every way in which it can end. To this function only one is good.
    Ok(job.run()?.completed()?)
}

/// Starts the CPUs, and sees it happen. Events that nobody waits for are kept.
fn start(vm: &mut Client) -> qemu_qmp::Result<()> {
    vm.execute_and_wait(Cont::new(), PATIENCE, |_: &Resume| true)?;
    for event in vm.take_events()? {
        match event.data {
            AnyEvent::Reset(_) => println!("  was reset"),
            // An event of a QEMU that is newer than this crate.
            AnyEvent::Unrecognized(other) => println!("  {}: {}", other.name, other.data),
            other => println!("  {}", other.name()),
        }
    }
    println!("  is {}", vm.execute(QueryStatus::new())?.status);
    Ok(())
}

/// Has QEMU quit, and waits until it is gone.
fn quit(vm: &mut Client) -> qemu_qmp::Result<()> {
    let outcome = vm.quit().deadline(PATIENCE).run()?;
    println!("  QEMU is {outcome:?}");
    Ok(())
}

/// A QEMU of our own, with a directory for its files. Both are gone when this is dropped.
struct Machine {
    process: Child,
    directory: PathBuf,
}

impl Machine {
    /// Starts QEMU with a monitor, no devices and stopped CPUs.
    fn start() -> Result<Self, Box<dyn Error>> {
        let program = env::var("QEMU").unwrap_or_else(|_| "qemu-system-x86_64".to_owned());
        let directory = env::temp_dir().join(format!("qemu-qmp-tour-{}", process::id()));
        fs::create_dir(&directory)?;
        let process = Command::new(&program)
            .args(["-display", "none", "-nodefaults", "-S", "-qmp"])
            .arg(format!("unix:{},server=on,wait=off", directory.join("qmp").display()))
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        Ok(Machine { process, directory })
    }

    /// Connects as soon as QEMU listens.
    fn connect(&self) -> qemu_qmp::Result<Client> {
        Client::connect_with(self.directory.join("qmp"), &ConnectOptions::new().retry_for(PATIENCE))
    }

    fn wait(&mut self) -> Result<(), Box<dyn Error>> {
        println!("  {}", self.process.wait()?);
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // If it has ended already, there is nothing to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
