//! Runs a program in the guest, and copies files in and out.
//!
//! ```sh
//! cargo run --example guest -- vm.qga run df -h
//! cargo run --example guest -- vm.qga get /etc/hostname hostname
//! cargo run --example guest -- vm.qga put motd /etc/motd
//! ```

use qemu_qmp::blocking::Client;
use qemu_qmp::{Address, ConnectOptions, GuestAgent};
use std::error::Error;
use std::fs::File;
use std::io::{stderr, stdout, Write};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<&str> = std::env::args().skip(1).map(|argument| &*argument.leak()).collect();
    let [address, ref task @ ..] = *arguments else { return Err("where is the agent?".into()) };
    // A guest that still boots is waited for.
    let options = ConnectOptions::new().retry_for(Duration::from_secs(60));
    let mut agent = Client::<GuestAgent>::connect_with(address.parse::<Address>()?, &options)?;
    match *task {
        ["run", program, ref arguments @ ..] => {
            let output = agent.program(program).args(arguments).deadline(Duration::from_secs(600)).run()?.finished()?;
            stdout().write_all(&output.stdout)?;
            stderr().write_all(&output.stderr)?;
            Ok(if output.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        ["get", from, to] => {
            agent.read_file(from).copy_to(File::create(to)?)?;
            Ok(ExitCode::SUCCESS)
        }
        ["put", from, to] => {
            agent.write_file_from(to, File::open(from)?).run()?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err("run PROGRAM ARGUMENT…, get FROM TO, or put FROM TO".into()),
    }
}
