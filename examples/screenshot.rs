//! Saves what a machine shows on its screen.
//!
//! ```sh
//! cargo run --example screenshot -- vm.qmp screen.png
//! ```

use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Address, Client};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file] = &*arguments else { return Err("ADDRESS FILE".into()) };
    let mut vm = Client::connect(address.parse::<Address>()?)?;
    let format = if file.ends_with(".png") { ImageFormat::Png } else { ImageFormat::Ppm };
    // QEMU writes the file: the path is its own.
    vm.execute(Screendump::new(std::path::absolute(file)?.display().to_string()).format(format))?;
    Ok(())
}
