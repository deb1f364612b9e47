//! Helpers of the tests: a server that follows a script in a thread of its own, programs to start, and traces to look at.
//!
//! What a script asserts counts: [`Script::finish`] passes its panic on. [`tokio`] has the same as tasks.

#![cfg(unix)]
#![allow(missing_docs, reason = "the helpers are for this repository's tests only")]

pub mod programs;
pub mod qemu;
pub mod tokio;
pub mod trace;

use qemu_qmp::blocking::{self, Transport, Wait};
use qemu_qmp::{Client, ConnectOptions, GuestAgent};
use serde_json::{json, Value};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

/// Far more than anything takes, so that a hanging test fails in the end.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A deadline that is meant to pass.
pub const SOON: Duration = Duration::from_millis(20);

pub const GREETING: &str = r#"{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "a build"}, "capabilities": ["oob"]}}"#;

/// The server's end of a connection.
pub struct Peer {
    reader: BufReader<Box<dyn Read + Send>>,
    writer: Box<dyn Write + Send>,
    /// Ends the connection, even if another process has a copy of the socket.
    shutdown: Option<Box<dyn Fn() + Send>>,
}

impl Peer {
    pub fn unix(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (reader, writer) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        Peer::new(reader, writer, move || drop(stream.shutdown(std::net::Shutdown::Both)))
    }

    pub fn tcp(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (reader, writer) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        Peer::new(reader, writer, move || drop(stream.shutdown(std::net::Shutdown::Both)))
    }

    pub fn new(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        shutdown: impl Fn() + Send + 'static,
    ) -> Self {
        Peer { reader: BufReader::new(Box::new(reader)), writer: Box::new(writer), shutdown: Some(Box::new(shutdown)) }
    }

    /// Writes bytes as they are. That the client may be gone by then is no failure of the script.
    pub fn raw(&mut self, bytes: &[u8]) {
        let _ = self.writer.write_all(bytes).and_then(|()| self.writer.flush());
    }

    pub fn line(&mut self, line: &str) {
        self.raw(format!("{line}\r\n").as_bytes());
    }

    pub fn event(&mut self, name: &str) {
        self.line(&event(name));
    }

    /// The next command; `None` if the client is gone.
    pub fn next_command(&mut self) -> Option<Value> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).expect("the client sends, or goes");
        let start = line.iter().take_while(|&&byte| byte == 0xff).count();
        (!line.is_empty()).then(|| serde_json::from_slice(&line[start..]).expect("a command is JSON"))
    }

    /// Reads so many bytes of what the client writes.
    pub fn skip(&mut self, count: usize) {
        self.reader.read_exact(&mut vec![0; count]).expect("the client sends");
    }

    /// The next command, which must be this one.
    pub fn expect(&mut self, name: &str) -> Value {
        let command = self.next_command().unwrap_or_else(|| panic!("the client left, instead of {name}"));
        assert_eq!(command.get("execute").or(command.get("exec-oob")).and_then(Value::as_str), Some(name));
        command
    }

    /// What the answer to this command looks like.
    pub fn reply_to(command: &Value, value: Value) -> String {
        json!({"return": value, "id": command["id"]}).to_string()
    }

    pub fn reply(&mut self, command: &Value, value: Value) {
        self.line(&Self::reply_to(command, value));
    }

    pub fn error(&mut self, command: &Value, class: &str, desc: &str) {
        self.line(&json!({"error": {"class": class, "desc": desc}, "id": command["id"]}).to_string());
    }

    /// Waits for a command, answers it, and gives it.
    pub fn answer(&mut self, name: &str, value: Value) -> Value {
        let command = self.expect(name);
        self.reply(&command, value);
        command
    }

    pub fn negotiate(&mut self) {
        self.line(GREETING);
        self.answer("qmp_capabilities", json!({}));
    }

    /// Goes without a farewell.
    pub fn vanish(mut self) {
        self.shutdown = None;
    }

    /// Waits until the client is gone.
    pub fn wait_for_end(&mut self) {
        while self.next_command().is_some() {}
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(shutdown) = &self.shutdown {
            shutdown();
        }
    }
}

pub fn event(name: &str) -> String {
    json!({"event": name, "timestamp": {"seconds": 1, "microseconds": 2}}).to_string()
}

/// The same with data.
pub fn event_with(name: &str, data: Value) -> String {
    json!({"event": name, "data": data, "timestamp": {"seconds": 1, "microseconds": 2}}).to_string()
}

/// A script that runs.
pub struct Script<T = ()>(JoinHandle<T>);

impl<T: Send + 'static> Script<T> {
    pub fn start(script: impl FnOnce() -> T + Send + 'static) -> Self {
        // Of one type, so that starting a thread is compiled once for all scripts.
        let script: Box<dyn FnOnce() -> T + Send> = Box::new(script);
        Script(std::thread::spawn(script))
    }

    /// Waits for the script's end, and fails if it failed.
    pub fn finish(self) -> T {
        match self.0.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// What a client finds at the other end of a socket that follows the script: a greeting, or whatever the script says.
pub fn attempted<T: Send + 'static>(
    options: &ConnectOptions,
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (qemu_qmp::Result<Client>, Script<T>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let script = Script::start(move || script(Peer::unix(theirs)));
    (Client::connect_over(ours, options), script)
}

/// A client in command mode.
pub fn connected<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (Client, Script<T>) {
    connected_with(&options(), script)
}

pub fn connected_with<T: Send + 'static>(
    options: &ConnectOptions,
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (Client, Script<T>) {
    let (client, script) = attempted(options, |mut peer| {
        peer.negotiate();
        script(peer)
    });
    (client.unwrap(), script)
}

/// A guest agent's client, over a socket whose other end follows the script, synchronization included.
pub fn agent<T: Send + 'static>(
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (blocking::Client<GuestAgent>, Script<T>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let script = Script::start(move || script(Peer::unix(theirs)));
    (blocking::Client::connect_over(ours, &options()).unwrap(), script)
}

/// Deadlines that do not pass.
pub fn options() -> ConnectOptions {
    ConnectOptions::new().connect_timeout(PATIENCE).greeting_timeout(PATIENCE).call_timeout(PATIENCE)
}

/// A server that follows the script with the first client that comes.
pub fn listen_unix<T: Send + 'static>(path: &Path, script: impl FnOnce(Peer) -> T + Send + 'static) -> Script<T> {
    let listener = UnixListener::bind(path).unwrap();
    Script::start(move || script(Peer::unix(listener.accept().unwrap().0)))
}

/// The same on a TCP port of this address, which it gives.
pub fn listen_tcp<T: Send + 'static>(
    address: &str,
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> io::Result<(u16, Script<T>)> {
    let listener = TcpListener::bind((address, 0))?;
    let port = listener.local_addr()?.port();
    Ok((port, Script::start(move || script(Peer::tcp(listener.accept().unwrap().0)))))
}

/// A transport on which everything that the server will ever say is there already, in these pieces; after that nothing
/// comes, or the end. Shows how deadlines between pieces do, without a clock: where there is a pause, the time is over.
pub struct Recorded {
    pieces: std::collections::VecDeque<Option<Vec<u8>>>,
    ends: bool,
    pub writes: std::sync::Arc<std::sync::Mutex<Vec<Vec<u8>>>>,
}

impl Recorded {
    /// `None` is a pause.
    pub fn new(pieces: impl IntoIterator<Item = Option<Vec<u8>>>, ends: bool) -> Self {
        Recorded { pieces: pieces.into_iter().collect(), ends, writes: Default::default() }
    }
}

impl Transport for Recorded {
    fn receive(&mut self, buffer: &mut [u8], _: Wait) -> io::Result<usize> {
        match self.pieces.pop_front() {
            Some(Some(piece)) => {
                buffer[..piece.len()].copy_from_slice(&piece);
                Ok(piece.len())
            }
            None if self.ends => Ok(0),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn send(&mut self, bytes: &[u8], _: Wait) -> io::Result<usize> {
        self.writes.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }
}
