//! Moves a machine to another QEMU, which was started with `-incoming defer`. One program has both sides.
//!
//! ```sh
//! cargo run --example migrate --features tokio -- source.qmp target.qmp /tmp/stream
//! ```

use qemu_qmp::ops::migration::MigrationTarget;
use qemu_qmp::tokio::Client;
use qemu_qmp::{Address, Monitor};
use std::error::Error;
use tokio::sync::oneshot;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target, stream] = &*arguments else { return Err("SOURCE TARGET STREAM".into()) };
    let source = Client::<Monitor>::connect(source.parse::<Address>()?).await?;
    let target = Client::<Monitor>::connect(target.parse::<Address>()?).await?;
    let stream = MigrationTarget::unix(stream);

    let (listens, begin) = oneshot::channel();
    let arriving = target.incoming(stream.clone()).when_listening(|| listens.send(()).unwrap_or_default()).run();
    let leaving = async {
        begin.await.map_err(|_| "the target does not listen")?;
        let migrate = source.migrate(stream).progress(|at| println!("{}: {} bytes left", at.status, at.remaining));
        Ok::<_, Box<dyn Error>>(migrate.run().await?.completed()?)
    };
    let (left, arrived) = tokio::join!(leaving, arriving);
    let statistics = left?;
    println!("migration {}; down for {:?} ms", arrived?, statistics.downtime.unwrap_or_default());
    Ok(())
}
