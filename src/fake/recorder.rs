//! Records conversations: a proxy between any client and a real server.
//!
//! Forwards bytes as they come, and notes each line before it is forwarded, so that what answers a line stands below it. Never
//! holds back what is not a whole line.

use super::listen::{self, Host};
use super::outlet::lock;
use super::stream::Stream;
use crate::address::Address;
use crate::session::{Line, Lines};
use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::thread;

/// Stands between clients and a server, and writes down what they say, in the form that [`Fake::replay`](super::Fake::replay)
/// reads.
///
/// What is written has all secrets that were said. Lines are written as they are, but those of a monitor with `pretty=on` are
/// joined. It ends, with its connections and sockets, when it is dropped.
pub struct Recorder {
    proxy: Arc<Proxy>,
    #[cfg(unix)]
    files: Vec<crate::socket_file::SocketFile>,
}

struct Proxy {
    server: Address,
    log: Mutex<Box<dyn Write + Send>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_ended: bool,
    wakers: Vec<Box<dyn Fn() + Send>>,
    /// Both ends of the present conversation.
    streams: Vec<Stream>,
}

impl Recorder {
    /// Records what clients say to this server, and it to them.
    pub fn new(server: impl Into<Address>, log: impl Write + Send + 'static) -> Self {
        let (server, log) = (server.into(), Mutex::new(Box::new(log) as Box<dyn Write + Send>));
        Recorder {
            proxy: Arc::new(Proxy { server, log, state: Mutex::default() }),
            #[cfg(unix)]
            files: Vec::new(),
        }
    }

    /// Listens at a path for clients, one at a time.
    ///
    /// # Errors
    ///
    /// Those of binding a socket.
    #[cfg(unix)]
    pub fn listen_unix(&mut self, path: impl AsRef<std::path::Path>) -> io::Result<()> {
        self.files.push(listen::unix(&self.proxy, path.as_ref())?);
        Ok(())
    }

    /// The same at an address; says which it is.
    ///
    /// # Errors
    ///
    /// Those of binding a socket.
    pub fn listen_tcp(&mut self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        listen::tcp(&self.proxy, listener)?;
        Ok(address)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let wakers = {
            let mut state = lock(&self.proxy.state);
            state.is_ended = true;
            state.streams.iter().for_each(Stream::shutdown);
            std::mem::take(&mut state.wakers)
        };
        wakers.iter().for_each(|wake| wake());
    }
}

impl Host for Proxy {
    fn is_ended(&self) -> bool {
        lock(&self.state).is_ended
    }

    fn add_waker(&self, wake: Box<dyn Fn() + Send>) {
        lock(&self.state).wakers.push(wake);
    }

    /// A client whose server cannot be reached is gone at once.
    fn serve(self: &Arc<Self>, client: Stream) {
        let Ok(server) = Stream::connect(&self.server) else { return client.shutdown() };
        let (Ok(client_end), Ok(server_end)) = (client.try_clone(), server.try_clone()) else { return };
        {
            let mut state = lock(&self.state);
            if state.is_ended {
                return;
            }
            state.streams = vec![client_end, server_end];
        }
        let from_server = || self.forward(&server, &client, "<- ");
        thread::scope(|scope| {
            let started = thread::Builder::new().name("qemu-qmp recorder".to_owned()).spawn_scoped(scope, from_server);
            match started {
                Ok(_) => self.forward(&client, &server, "-> "),
                Err(_) => client.shutdown(),
            }
        });
        lock(&self.state).streams.clear();
    }
}

impl Proxy {
    /// Until one of them is gone, with which the other goes.
    fn forward(&self, from: &Stream, to: &Stream, mark: &str) {
        let mut lines = Lines::new(usize::MAX);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            let mut rest = bytes;
            while let Some(line) = lines.next(&mut rest) {
                match line {
                    Line::Whole(line) => self.note(mark, &line),
                    Line::TooLong(line, _) => self.note(mark, line),
                }
            }
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        if let Some((line, _)) = lines.rest() {
            self.note(mark, line);
        }
        from.shutdown();
        to.shutdown();
    }

    /// Writes a message on one line. There is nobody to tell that the log takes no more.
    fn note(&self, mark: &str, line: &[u8]) {
        let line = line.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect::<Vec<_>>().concat();
        if !line.is_empty() {
            let mut log = lock(&self.log);
            let _ = log.write_all(&[mark.as_bytes(), &line, b"\n"].concat()).and_then(|()| log.flush());
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("server", &self.proxy.server).finish_non_exhaustive()
    }
}
