//! Has a storage daemon make an image and give it to others over NBD.
//!
//! ```sh
//! qemu-storage-daemon --chardev socket,path=qsd.qmp,server=on,wait=off,id=c --monitor chardev=c &
//! cargo run --example storage_daemon -- qsd.qmp image.qcow2 1073741824 nbd.sock
//! ```

use qemu_qmp::ops::jobs::ImageFormat;
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{blocking, Address, StorageDaemon};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file, size, socket] = &*arguments else { return Err("ADDRESS FILE SIZE SOCKET".into()) };
    let mut daemon = blocking::Client::<StorageDaemon>::connect(address.parse::<Address>()?)?;

    let image = daemon.create_image(file, ImageFormat::qcow2(), size.parse()?).run()?;
    daemon.execute(NbdServerStart::new(SocketAddressLegacy::unix(UnixSocketAddress::new(socket))))?;
    let export = BlockExportOptions::nbd("export", &image.node_name, BlockExportOptionsNbd::new()).writable(true);
    daemon.execute(BlockExportAdd::from(export))?;
    println!("nbd+unix:///{}?socket={socket}", image.node_name);
    Ok(())
}
