//! A QEMU whose monitor is its standard streams: nothing in the file system, and nobody else can connect.
//!
//! ```sh
//! cargo run --example stdio                   # with qemu-system-x86_64, or the program that $QEMU names
//! ```

use qemu_qmp::blocking::PipeTransport;
use qemu_qmp::qmp::commands::{QueryStatus, QueryVersion, Quit};
use qemu_qmp::{Client, ConnectOptions};
use std::error::Error;
use std::process::{Child, Command, Stdio};

fn main() -> Result<(), Box<dyn Error>> {
    let program = std::env::var("QEMU").unwrap_or_else(|_| "qemu-system-x86_64".to_owned());
    let mut process = Command::new(program)
        .args(["-display", "none", "-nodefaults", "-S", "-qmp", "stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;

    let talked = talk(&mut process);
    if talked.is_err() {
        // It may still wait for commands.
        process.kill()?;
    }
    println!("{}", process.wait()?);
    talked
}

fn talk(process: &mut Child) -> Result<(), Box<dyn Error>> {
    let input = process.stdin.take().ok_or("no standard input")?;
    let output = process.stdout.take().ok_or("no standard output")?;

    // A thread reads the output, so that deadlines hold as they do for sockets. On Unix and with the feature `fd`,
    // `FdTransport::new(output, input)` does without.
    let pipe = PipeTransport::new(output, input)?;
    let mut vm = Client::connect_over(pipe, &ConnectOptions::new().name("qemu"))?;
    let version = vm.execute(QueryVersion::new())?.qemu;
    println!(
        "QEMU {}.{}.{} is {}",
        version.major,
        version.minor,
        version.micro,
        vm.execute(QueryStatus::new())?.status
    );
    vm.execute(Quit::new())?;
    Ok(())
}
