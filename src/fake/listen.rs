//! Sockets that other programs connect to: one client at a time, as QEMU's monitors have it.

use super::stream::Stream;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// The server of clients.
pub(super) trait Host: Send + Sync + 'static {
    fn is_ended(&self) -> bool;
    /// Takes what to call at the end.
    fn add_waker(&self, wake: Box<dyn Fn() + Send>);
    /// Serves a client until it is gone.
    fn serve(self: &Arc<Self>, stream: Stream);
}

/// Listens at a path.
#[cfg(unix)]
pub(super) fn unix(host: &Arc<impl Host>, path: &std::path::Path) -> io::Result<crate::socket_file::SocketFile> {
    use std::os::unix::net::{UnixListener, UnixStream};
    let listener = UnixListener::bind(path)?;
    let file = crate::socket_file::SocketFile::new(path.to_owned())?;
    let address = listener.local_addr()?;
    host.add_waker(Box::new(move || drop(UnixStream::connect_addr(&address))));
    serve(host, move || listener.accept().map(|(stream, _)| Stream::Unix(stream)))?;
    Ok(file)
}

/// Listens at an address.
pub(super) fn tcp(host: &Arc<impl Host>, listener: TcpListener) -> io::Result<()> {
    let address = listener.local_addr()?;
    host.add_waker(Box::new(move || drop(TcpStream::connect(address))));
    serve(host, move || {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        Ok(Stream::Tcp(stream))
    })
}

/// Takes one client after the other, in a thread that ends when the host does.
fn serve(host: &Arc<impl Host>, accept: impl Fn() -> io::Result<Stream> + Send + 'static) -> io::Result<()> {
    let host = Arc::clone(host);
    let serve = move || {
        while let Ok(stream) = accept() {
            if host.is_ended() {
                break;
            }
            host.serve(stream);
        }
    };
    thread::Builder::new().name("qemu-qmp fake listener".to_owned()).spawn(serve).map(drop)
}
