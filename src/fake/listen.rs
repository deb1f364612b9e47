//! Stand-ins that other programs connect to: one client at a time, as QEMU's monitors have it.

use super::connection::Connection;
use super::core::Core;
use super::stream::Stream;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Listens at a path.
#[cfg(unix)]
pub(super) fn unix(core: &Arc<Core>, path: &std::path::Path) -> io::Result<crate::socket_file::SocketFile> {
    use std::os::unix::net::{UnixListener, UnixStream};
    let listener = UnixListener::bind(path)?;
    let file = crate::socket_file::SocketFile::new(path.to_owned())?;
    let address = listener.local_addr()?;
    core.add_waker(Box::new(move || drop(UnixStream::connect_addr(&address))));
    serve(core, move || listener.accept().map(|(stream, _)| Stream::Unix(stream)))?;
    Ok(file)
}

/// Listens at an address, and says at which port.
pub(super) fn tcp(core: &Arc<Core>, listener: TcpListener) -> io::Result<()> {
    let address = listener.local_addr()?;
    core.add_waker(Box::new(move || drop(TcpStream::connect(address))));
    serve(core, move || {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        Ok(Stream::Tcp(stream))
    })
}

/// Takes one client after the other, in a thread that ends when the stand-in does.
fn serve(core: &Arc<Core>, accept: impl Fn() -> io::Result<Stream> + Send + 'static) -> io::Result<()> {
    let core = Arc::clone(core);
    let serve = move || {
        while let Ok(stream) = accept() {
            if core.is_ended() {
                break;
            }
            // The client is gone when its thread has ended; one without a thread is gone at once.
            if let Ok(client) = Connection::start(&core, stream) {
                let _ = client.join();
            }
        }
    };
    thread::Builder::new().name("qemu-qmp fake listener".to_owned()).spawn(serve).map(drop)
}
