//! One connection. Threads read, execute and write, so that neither a slow client nor a slow handler holds up the rest; in
//! [tasks](super::tasks) instead, where the client is tokio's.
//!
//! Commands are executed one after the other in a thread of their own. The reading thread executes those that are
//! out-of-band, which therefore overtake. What is to be written is queued without a bound, as in QEMU.

use super::framer::Framer;
use super::outlet::{lock, Outlet, Output};
use super::stream::Stream;
use crate::error::ServerError;
use serde_json::Value;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Negotiation,
    Command { oob: bool },
}

/// The address that connections are made to.
pub(super) trait Server: Send + Sync + 'static {
    /// Returns whether conversations begin with a greeting and a negotiation.
    fn greets(&self) -> bool;
    /// A client has come.
    fn begin(&self, connection: &Arc<Connection>);
    /// Takes what a client sent: a JSON value, or what is wrong with it.
    fn take(&self, connection: &Connection, sent: Result<Value, String>);
    /// A client is gone.
    fn forget(&self, connection: &Arc<Connection>);
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    outlet: Outlet,
    /// Changed with the server locked, so that no event comes between a change and its reply.
    mode: Mutex<Mode>,
    /// Answers that wait for another.
    held: Mutex<Vec<u8>>,
    /// The error to refuse the negotiation with.
    refusal: Mutex<Option<ServerError>>,
    ended: AtomicBool,
    line_end: &'static str,
}

impl Connection {
    pub(super) fn new(server: &impl Server, stream: Stream, outlet: Outlet) -> Self {
        let (mode, line_end) = match server.greets() {
            true => (Mode::Negotiation, "\r\n"),
            false => (Mode::Command { oob: false }, "\n"),
        };
        Connection {
            stream,
            outlet,
            mode: Mutex::new(mode),
            held: Mutex::default(),
            refusal: Mutex::default(),
            ended: AtomicBool::new(false),
            line_end,
        }
    }

    /// Begins a conversation. The thread ends with it.
    pub(super) fn start(server: &Arc<impl Server>, stream: Stream) -> io::Result<JoinHandle<()>> {
        let (output, outputs) = mpsc::channel();
        let (reader, writer) = (stream.try_clone()?, stream.try_clone()?);
        let connection = Arc::new(Connection::new(&**server, stream, Outlet::Thread(output)));
        thread::Builder::new().name("qemu-qmp fake writer".to_owned()).spawn(move || write(&writer, &outputs))?;
        let server = Arc::clone(server);
        let named = thread::Builder::new().name("qemu-qmp fake reader".to_owned());
        named.spawn(move || {
            server.begin(&connection);
            read(&server, &connection, &reader);
            connection.close();
            server.forget(&connection);
        })
    }

    pub(super) fn mode(&self) -> Mode {
        *lock(&self.mode)
    }

    pub(super) fn set_mode(&self, mode: Mode) {
        *lock(&self.mode) = mode;
    }

    /// Refuses the negotiation to come.
    pub(super) fn refuse(&self, error: ServerError) {
        *lock(&self.refusal) = Some(error);
    }

    pub(super) fn take_refusal(&self) -> Option<ServerError> {
        lock(&self.refusal).take()
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Writes bytes as they are.
    pub(super) fn write(&self, bytes: impl Into<Vec<u8>>) {
        self.outlet.put(Output::Bytes(bytes.into()));
    }

    pub(super) fn line(&self, line: &str) {
        self.write(self.bytes_of(line));
    }

    /// The bytes of a line.
    pub(super) fn bytes_of(&self, line: &str) -> Vec<u8> {
        format!("{line}{}", self.line_end).into_bytes()
    }

    /// Keeps bytes until the next answer is written.
    pub(super) fn hold(&self, bytes: &[u8]) {
        lock(&self.held).extend_from_slice(bytes);
    }

    /// Writes an answer, and those that waited for it.
    pub(super) fn answer(&self, bytes: Vec<u8>) {
        let held = std::mem::take(&mut *lock(&self.held));
        self.write(bytes);
        if !held.is_empty() {
            self.write(held);
        }
    }

    /// Lets what is said from now on wait so long: in a thread by waiting, which `wait` does.
    pub(super) fn pause(&self, time: Duration, wait: impl FnOnce(Duration)) {
        match &self.outlet {
            Outlet::Thread(_) => wait(time),
            #[cfg(feature = "tokio")]
            Outlet::Tasks(tasks) => tasks.put(Output::Pause(time)),
        }
    }

    /// Where output goes in tasks.
    #[cfg(feature = "tokio")]
    pub(super) fn tasks(&self) -> Option<&super::outlet::Tasks> {
        match &self.outlet {
            Outlet::Thread(_) => None,
            Outlet::Tasks(tasks) => Some(tasks),
        }
    }

    /// Ends the connection when everything is written.
    pub(super) fn close(&self) {
        self.ended.store(true, Ordering::Release);
        self.outlet.put(Output::Close);
    }

    /// Ends the connection at once.
    pub(super) fn abort(&self) {
        self.ended.store(true, Ordering::Release);
        self.stream.shutdown();
        self.outlet.put(Output::Close);
    }
}

fn write(stream: &Stream, outputs: &mpsc::Receiver<Output>) {
    for output in outputs {
        match output {
            Output::Bytes(bytes) if stream.write_all(&bytes).is_ok() => {}
            _ => break,
        }
    }
    stream.shutdown();
}

fn read(server: &Arc<impl Server>, connection: &Arc<Connection>, stream: &Stream) {
    let (commands, queue) = mpsc::channel::<Result<Value, String>>();
    let (worker_server, worker_connection) = (Arc::clone(server), Arc::clone(connection));
    let worker = thread::Builder::new().name("qemu-qmp fake worker".to_owned());
    let started = worker.spawn(move || {
        for command in queue {
            worker_server.take(&worker_connection, command);
        }
    });
    let Ok(worker) = started else { return };
    read_commands(server, connection, stream, &commands);
    // What was asked is answered, if anybody still listens.
    drop(commands);
    let _ = worker.join();
}

fn read_commands(
    server: &Arc<impl Server>,
    connection: &Connection,
    stream: &Stream,
    commands: &mpsc::Sender<Result<Value, String>>,
) {
    let mut framer = Framer::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => framer.feed(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        }
        while let Some(command) = framer.next() {
            let is_oob = command.as_ref().is_ok_and(|command| command.get("exec-oob").is_some());
            if is_oob && connection.mode() == (Mode::Command { oob: true }) {
                server.take(connection, command);
            } else if commands.send(command).is_err() {
                return;
            }
        }
    }
}
