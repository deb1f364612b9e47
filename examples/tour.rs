//! A tour: starts a QEMU, looks around in it, runs two jobs to their ends, and quits it.
//!
//! ```sh
//! cargo run --example tour                        # with qemu-system-x86_64, or the program that $QEMU names
//! cargo run --example tour -- /run/vm.qmp         # in a QEMU that runs already; also HOST:PORT
//! ```
//!
//! In a QEMU that it has not started, the tour only looks.

use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::{Address, Client, ConnectOptions, ErrorKind};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;
use std::{env, fs, process};

/// Nothing here takes long. A deadline keeps a mistake from waiting for ever.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(address) = env::args().nth(1) {
        let mut vm = Client::connect(address.parse::<Address>()?)?;
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

/// Creates a raw image, and opens it as the block node `name`.
fn create_image(vm: &mut Client, name: &str, directory: &Path, size: u64) -> qemu_qmp::Result<()> {
    let path = directory.join(name).to_string_lossy().into_owned();

    // A reply says only that this job has begun. Events say how it goes on. What else happens meanwhile is kept.
    let job = format!("create-{name}");
    let image = BlockdevCreateOptions::file(BlockdevCreateOptionsFile::new(&path, size));
    let is_over = |change: &JobStatusChange| change.id == job && change.status == JobStatus::Concluded;
    vm.execute_and_wait(BlockdevCreate::new(&job, image), PATIENCE, is_over)?;
    for info in vm.execute(QueryJobs::new())? {
        println!("  job {} ({}): {}", info.id, info.type_, info.error.as_deref().unwrap_or("done"));
    }
    // QEMU keeps what became of a job of this kind until it is told that somebody has seen it.
    vm.execute(JobDismiss::new(job))?;

    // Mandatory arguments go to `new`, optional ones into setters.
    let node = BlockdevOptions::file(BlockdevOptionsFile::new(path)).node_name(name);
    vm.execute(BlockdevAdd::from(node))?;
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
    // What happened before is of no interest.
    vm.take_events()?;
    // `types` has a `BlockdevBackup`, too: the same as an action of `Transaction`.
    vm.execute(BlockdevBackup::new(from, MirrorSyncMode::Full, to).job_id("backup"))?;
    while let Some(event) = vm.next_event(PATIENCE)? {
        match event.data {
            AnyEvent::JobStatusChange(change) => println!("  job {} is {}", change.id, change.status),
            AnyEvent::BlockJobCompleted(job) if job.device == "backup" => {
                println!("  job {}: {} of {} bytes", job.device, job.offset, job.len);
                return job.error.map_or(Ok(()), |error| Err(error.into()));
            }
            // An event of a QEMU that is newer than this crate.
            AnyEvent::Unrecognized(other) => println!("  {}: {}", other.name, other.data),
            _ => {}
        }
    }
    Err("the backup takes too long".into())
}

/// Has QEMU quit, and reads what it says last.
fn quit(vm: &mut Client) -> qemu_qmp::Result<()> {
    vm.execute(Quit::new())?;
    let shutdown = vm.wait_for(PATIENCE, |_: &Shutdown| true)?;
    println!("  QEMU quits because of {}", shutdown.data.reason);
    // Then it closes the connection, which is an error of waiting for another event.
    loop {
        match vm.next_event(PATIENCE) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Closed => {
                println!("  {error}");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
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
