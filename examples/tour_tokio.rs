//! The tour with the asynchronous client: starts a QEMU, looks around in it, runs jobs side by side, and quits it.
//!
//! ```sh
//! cargo run --features tokio --example tour_tokio                 # with qemu-system-x86_64, or what $QEMU names
//! cargo run --features tokio --example tour_tokio -- /run/vm.qmp  # in a QEMU that runs already; also HOST:PORT
//! ```
//!
//! In a QEMU that it has not started, the tour only looks.

use qemu_qmp::ops::jobs::ImageFormat;
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::tokio::{Client, Events};
use qemu_qmp::{Address, ConnectOptions, ErrorKind};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;
use std::{env, fs, process};

/// Nothing here takes long. A deadline keeps a mistake from waiting for ever.
const PATIENCE: Duration = Duration::from_secs(30);

// One thread is enough for any number of connections.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some(address) = env::args().nth(1) {
        let vm: Client = Client::connect(address.parse::<Address>()?).await?;
        look_around(&vm).await?;
        vm.close().await;
        return Ok(());
    }

    let mut machine = Machine::start()?;
    let vm = machine.connect().await?;
    look_around(&vm).await?;

    // The first stream of events has them all from the connection's beginning on, whatever other streams there are.
    let chronicle = tokio::spawn(write_down(vm.subscribe()));

    println!("\nTwo jobs at a time, one for each image, and one to copy one into the other:");
    tokio::try_join!(
        create_disk(&vm, "original", &machine.directory, 64 << 20),
        create_disk(&vm, "copy", &machine.directory, 64 << 20),
    )?;
    back_up(&vm, "original", "copy").await?;

    println!("\nThe end:");
    quit(&vm).await?;
    println!("  {}", machine.process.wait()?);

    println!("\nWhat happened meanwhile:");
    for line in chronicle.await? {
        println!("  {line}");
    }
    Ok(())
}

/// Each command is a type of its own, and knows the type of its reply. All of these are sent before the first reply comes.
async fn look_around(vm: &Client) -> qemu_qmp::Result<()> {
    let (version, status, cpus, blocks) = tokio::try_join!(
        vm.execute(QueryVersion::new()),
        vm.execute(QueryStatus::new()),
        vm.execute(QueryCpusFast::new()),
        // A call can have a deadline of its own. Other calls and the connection do not mind when it passes.
        vm.within(PATIENCE).execute(QueryBlock::new()),
    )?;
    println!("QEMU {}.{}.{}", version.qemu.major, version.qemu.minor, version.qemu.micro);
    println!("  is {}", status.status);
    for cpu in cpus {
        println!("  CPU {} is thread {} of the host", cpu.cpu_index, cpu.thread_id);
    }
    for block in blocks {
        let medium = block.inserted.map_or("no medium".to_owned(), |medium| medium.file);
        println!("  block device {}: {medium}", block.qdev.unwrap_or(block.device));
    }
    Ok(())
}

/// Creates a raw image, and opens it as the block node `name`: an operation, which takes QEMU four commands and a job.
async fn create_disk(vm: &Client, name: &str, directory: &Path, size: u64) -> Result<(), Box<dyn Error>> {
    let path = directory.join(name).to_string_lossy().into_owned();
    let image = vm.create_image(path, ImageFormat::Raw, size).node_name(name).deadline(PATIENCE).run().await?;
    println!("  {}: {size} bytes", image.filename);
    Ok(())
}

/// Copies one block node into another.
async fn back_up(vm: &Client, from: &str, to: &str) -> Result<(), Box<dyn Error>> {
    let backup = BlockdevBackup::new(from, MirrorSyncMode::Full, to).job_id("backup");
    let outcome = vm.job(backup).deadline(PATIENCE).run().await?;
    println!("  the backup {outcome}");
    Ok(outcome.completed()?)
}

/// Has QEMU quit, and waits until it is gone.
async fn quit(vm: &Client) -> qemu_qmp::Result<()> {
    let outcome = vm.quit().deadline(PATIENCE).run().await?;
    println!("  QEMU is {outcome:?}: {}", vm.closed().await);
    Ok(())
}

/// Takes events until the connection ends. A stream that is read too slowly is told so, and holds up nothing.
async fn write_down(mut events: Events<AnyEvent>) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(event) = events.next().await {
        lines.push(match event.map(|event| event.data) {
            Ok(AnyEvent::JobStatusChange(change)) => format!("job {} is {}", change.id, change.status),
            // An event of a QEMU that is newer than this crate.
            Ok(AnyEvent::Unrecognized(other)) => format!("{}: {}", other.name, other.data),
            Ok(_) => continue,
            Err(error) if error.kind() == ErrorKind::Closed => "the connection ended".to_owned(),
            Err(error) => error.to_string(),
        });
    }
    lines
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
        let directory = env::temp_dir().join(format!("qemu-qmp-tour-tokio-{}", process::id()));
        fs::create_dir(&directory)?;
        let process = Command::new(&program)
            .args(["-display", "none", "-nodefaults", "-S", "-qmp"])
            .arg(format!("unix:{},server=on,wait=off", directory.join("qmp").display()))
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        Ok(Machine { process, directory })
    }

    /// Connects as soon as QEMU listens.
    async fn connect(&self) -> qemu_qmp::Result<Client> {
        Client::connect_with(self.directory.join("qmp"), &ConnectOptions::new().retry_for(PATIENCE)).await
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
