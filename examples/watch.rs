//! Watches any number of machines, and tells what happens in each. A machine that goes is waited for until it is back.
//!
//! ```sh
//! cargo run --example watch --features tokio -- /run/*.qmp
//! ```

use qemu_qmp::tokio::Client;
use qemu_qmp::{Address, ConnectOptions, EventSet, Monitor};
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut machines = Vec::new();
    for argument in std::env::args().skip(1) {
        machines.push(tokio::spawn(watch(argument.parse()?)));
    }
    for machine in machines {
        machine.await?;
    }
    Ok(())
}

async fn watch(address: Address) {
    let options = ConnectOptions::new().retry_for(Duration::from_secs(3600));
    while let Ok(vm) = Client::<Monitor>::connect_with(address.clone(), &options).await {
        println!("{address}: QEMU {}", vm.greeting().version);
        let mut events = vm.subscribe();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => println!("{address}: {} {}", event.data.name(), event.data.data()),
                Err(error) => println!("{address}: {error}"),
            }
        }
    }
}
