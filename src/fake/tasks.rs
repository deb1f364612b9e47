//! A connection in tokio's tasks: what it waits for, it waits for by the clock of tokio's, which tests can stop.
//!
//! One task reads and executes, another one writes. Handlers do not wait: what they say goes to a lane of their own, pauses
//! included, which is played before the next command is executed. Out-of-band commands have lanes beside it.

use super::connection::{Connection, Mode, Server};
use super::framer::Framer;
use super::listen::Host;
use super::outlet::{Lane, Outlet, Output, Tasks};
use super::stream::Stream;
use ::tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use ::tokio::net::{UnixListener, UnixStream};
use ::tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
use ::tokio::time::{sleep_until, timeout_at};
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

/// The stand-in's end of a connection.
struct Socket {
    stream: TokioStream,
    /// The same socket, which can be ended from everywhere.
    copy: Stream,
}

enum TokioStream {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    fn new(stream: Stream) -> io::Result<Self> {
        stream.set_nonblocking()?;
        let copy = stream.try_clone()?;
        let stream = match stream {
            #[cfg(unix)]
            Stream::Unix(stream) => TokioStream::Unix(UnixStream::from_std(stream)?),
            Stream::Tcp(stream) => TokioStream::Tcp(TcpStream::from_std(stream)?),
        };
        Ok(Socket { stream, copy })
    }

    /// Loses nothing if it is dropped.
    async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &self.stream {
                #[cfg(unix)]
                TokioStream::Unix(stream) => stream.readable().await.and_then(|()| stream.try_read(buffer)),
                TokioStream::Tcp(stream) => stream.readable().await.and_then(|()| stream.try_read(buffer)),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match &self.stream {
                #[cfg(unix)]
                TokioStream::Unix(stream) => stream.writable().await.and_then(|()| stream.try_write(bytes)),
                TokioStream::Tcp(stream) => stream.writable().await.and_then(|()| stream.try_write(bytes)),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => bytes = bytes.get(written?..).unwrap_or_default(),
            }
        }
        Ok(())
    }
}

/// A runtime that ends drops its tasks, and with them the connection.
impl Drop for Socket {
    fn drop(&mut self) {
        self.copy.shutdown();
    }
}

/// A conversation with a client, to be had in a task.
pub(super) struct Conversation<S: Server> {
    server: Arc<S>,
    socket: Arc<Socket>,
    connection: Arc<Connection>,
}

impl<S: Server> Conversation<S> {
    /// # Panics
    ///
    /// Outside of a runtime.
    pub(super) fn new(server: &Arc<S>, stream: Stream) -> io::Result<Self> {
        let copy = stream.try_clone()?;
        let socket = Arc::new(Socket::new(stream)?);
        let (writer, outputs) = unbounded_channel();
        let outlet = Outlet::Tasks(Tasks { writer, lane: Mutex::default() });
        let connection = Arc::new(Connection::new(&**server, copy, outlet));
        // It ends with the connection.
        drop(::tokio::spawn(write(Arc::clone(&socket), outputs)));
        Ok(Conversation { server: Arc::clone(server), socket, connection })
    }

    /// Serves the client until it is gone.
    pub(super) async fn hold(self) {
        self.server.begin(&self.connection);
        self.serve().await;
    }

    async fn serve(&self) {
        let Some(outlet) = self.connection.tasks() else { return };
        let (mut framer, mut buffer) = (Framer::default(), vec![0; 64 << 10]);
        let (mut commands, mut lane, mut until) = (VecDeque::new(), Lane::new(), None);
        let mut client_listens_only = false;
        loop {
            while until.is_none() {
                until = outlet.play(&mut lane);
                if until.is_none() {
                    let Some(command) = commands.pop_front() else { break };
                    lane = outlet.lane_of(|| self.server.take(&self.connection, command));
                }
            }
            let read = match until {
                // What was asked is answered, if anybody still listens.
                None if client_listens_only => return,
                Some(time) if client_listens_only => {
                    sleep_until(time).await;
                    None
                }
                None => Some(self.socket.read(&mut buffer).await),
                Some(time) => timeout_at(time, self.socket.read(&mut buffer)).await.ok(),
            };
            match read {
                None => until = None,
                _ if self.connection.is_ended() => return,
                Some(Ok(count @ 1..)) => framer.feed(buffer.get(..count).unwrap_or_default()),
                Some(_) => client_listens_only = true,
            }
            while let Some(command) = framer.next() {
                let is_oob = command.as_ref().is_ok_and(|command| command.get("exec-oob").is_some());
                if is_oob && self.connection.mode() == (Mode::Command { oob: true }) {
                    self.overtake(outlet, command);
                } else {
                    commands.push_back(command);
                }
            }
        }
    }

    /// Executes a command out-of-band.
    fn overtake(&self, outlet: &Tasks, command: Result<Value, String>) {
        let mut lane = outlet.lane_of(|| self.server.take(&self.connection, command));
        let mut until = outlet.play(&mut lane);
        if until.is_none() {
            return;
        }
        let connection = Arc::clone(&self.connection);
        drop(::tokio::spawn(async move {
            let Some(outlet) = connection.tasks() else { return };
            while let Some(time) = until {
                sleep_until(time).await;
                until = outlet.play(&mut lane);
            }
        }));
    }
}

impl<S: Server> Drop for Conversation<S> {
    fn drop(&mut self) {
        self.connection.close();
        self.server.forget(&self.connection);
    }
}

async fn write(socket: Arc<Socket>, mut outputs: UnboundedReceiver<Output>) {
    while let Some(Output::Bytes(bytes)) = outputs.recv().await {
        if socket.write_all(&bytes).await.is_err() {
            break;
        }
    }
    socket.copy.shutdown();
}

/// A socket that clients connect to.
pub(super) enum Listener {
    #[cfg(unix)]
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<Stream> {
        match self {
            #[cfg(unix)]
            Listener::Unix(listener) => listener.accept().await?.0.into_std().map(Stream::Unix),
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                stream.into_std().map(Stream::Tcp)
            }
        }
    }
}

/// Takes one client after the other, in a task that ends when the host does.
pub(super) fn listen(host: &Arc<impl Host + Server>, listener: Listener) {
    let server = Arc::clone(host);
    let task = ::tokio::spawn(async move {
        while let Ok(stream) = listener.accept().await {
            if let Ok(conversation) = Conversation::new(&server, stream) {
                conversation.hold().await;
            }
        }
    });
    host.add_waker(Box::new(move || task.abort()));
}
