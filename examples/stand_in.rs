//! A stand-in for QEMU at a socket, for programs that want one where there is none.
//!
//! ```sh
//! cargo run --features fake --example stand_in -- vm.qmp
//! ```

use qemu_qmp::fake::{filled, Fake};
use qemu_qmp::qmp::{commands::*, types::*};
use std::error::Error;
use std::thread;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("where shall the socket be?")?;
    let fake = Fake::new();
    // Beside what a stand-in answers by itself.
    fake.status(RunState::Prelaunch);
    fake.on(|_: QueryCpusFast| Ok(vec![filled(|cpu: &mut CpuInfoFast| cpu.thread_id = 1)]));
    fake.on(|_: QueryBlock| {
        let disk = filled(|disk: &mut BlockInfo| {
            disk.qdev = Some("/machine/peripheral/disk".to_owned());
        });
        Ok(vec![disk])
    });
    fake.listen_unix(path)?;
    loop {
        thread::park();
    }
}
