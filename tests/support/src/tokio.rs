//! A server that follows a script, in a task of its own.
//!
//! The pipe is in memory, so that a clock which stands still moves on by itself when everybody waits for it.

pub use crate::programs::{started, Folder};
pub use crate::qemu::Qemu;
pub use crate::{event_with as event, GREETING, PATIENCE};

use ::tokio::io::{
    duplex, split, AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
    ReadHalf, WriteHalf,
};
use ::tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};
use ::tokio::task::JoinHandle;
use qemu_qmp::tokio::{Client, Stream};
use qemu_qmp::{Address, ConnectOptions, Result};
use serde_json::{json, Value};
use std::future::{poll_fn, Future};
use std::pin::{pin, Pin};
use std::task::Poll;
use std::time::Duration;

/// A deadline that is meant to pass.
pub const SOON: Duration = Duration::from_secs(2);

/// The server's end of a connection.
pub struct Peer<S = DuplexStream> {
    /// `None` if a task of its own reads.
    reader: Option<BufReader<ReadHalf<S>>>,
    writer: WriteHalf<S>,
}

impl<S: AsyncRead + AsyncWrite> Peer<S> {
    pub fn new(stream: S) -> Self {
        let (reader, writer) = split(stream);
        Peer { reader: Some(BufReader::new(reader)), writer }
    }

    /// Writes bytes as they are. That the client may be gone by then is no failure of the script.
    pub async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.writer.write_all(bytes).await;
    }

    pub async fn line(&mut self, line: &str) {
        self.raw(format!("{line}\r\n").as_bytes()).await;
    }

    pub async fn event(&mut self, name: &str) {
        self.line(&event(name, json!({}))).await;
    }

    /// The next command; `None` if the client is gone.
    pub async fn next_command(&mut self) -> Option<Value> {
        read_command(self.reader.as_mut()?).await
    }

    /// The next command, which must be this one.
    pub async fn expect(&mut self, name: &str) -> Value {
        let command = self.next_command().await.unwrap_or_else(|| panic!("the client left, instead of {name}"));
        assert_eq!(command.get("execute").or(command.get("exec-oob")).and_then(Value::as_str), Some(name));
        command
    }

    pub async fn reply(&mut self, command: &Value, value: Value) {
        self.line(&json!({"return": value, "id": command["id"]}).to_string()).await;
    }

    pub async fn error(&mut self, command: &Value, class: &str, desc: &str) {
        self.line(&json!({"error": {"class": class, "desc": desc}, "id": command["id"]}).to_string()).await;
    }

    /// Waits for a command, answers it, and gives it.
    pub async fn answer(&mut self, name: &str, value: Value) -> Value {
        let command = self.expect(name).await;
        self.reply(&command, value).await;
        command
    }

    pub async fn negotiate(&mut self) {
        self.line(GREETING).await;
        self.answer("qmp_capabilities", json!({})).await;
    }

    /// Writes nothing more, even if the client still reads.
    pub async fn end(mut self) {
        let _ = self.writer.shutdown().await;
    }

    /// Waits until the client is gone.
    pub async fn wait_for_end(&mut self) {
        while self.next_command().await.is_some() {}
    }
}

impl<S: AsyncRead + AsyncWrite + Send + 'static> Peer<S> {
    /// Commands as they arrive, while this end is left to write.
    pub fn into_commands(mut self) -> (UnboundedReceiver<Value>, Self) {
        let (sender, receiver) = unbounded_channel();
        let reader = self.reader.take();
        ::tokio::spawn(async move {
            let mut reader = reader.expect("this is called once");
            while let Some(command) = read_command(&mut reader).await {
                let _ = sender.send(command);
            }
        });
        (receiver, self)
    }
}

async fn read_command(reader: &mut (impl AsyncBufRead + Unpin)) -> Option<Value> {
    let mut line = Vec::new();
    // A client that goes may break the pipe.
    let _ = reader.read_until(b'\n', &mut line).await;
    let start = line.iter().take_while(|&&byte| byte == 0xff).count();
    (line.last() == Some(&b'\n')).then(|| serde_json::from_slice(&line[start..]).expect("a command is JSON"))
}

/// A pipe whose other end follows the script.
pub fn scripted<T, F>(script: impl FnOnce(Peer) -> F) -> (DuplexStream, JoinHandle<T>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (near, far) = duplex(64 << 10);
    // Of one type, so that a task is compiled once for all scripts.
    let script: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(script(Peer::new(far)));
    (near, ::tokio::spawn(script))
}

/// A client of a server that negotiates and then follows the script.
pub async fn connected<T, F>(
    options: ConnectOptions,
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Client, JoinHandle<T>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (stream, running) = scripted(|mut peer| async move {
        peer.negotiate().await;
        script(peer).await
    });
    (Client::connect_over(stream, &options).await.expect("the script negotiates"), running)
}

/// A monitor's client.
pub async fn connect(address: impl Into<Address>, options: &ConnectOptions) -> Result<Client> {
    Client::connect_with(address, options).await
}

/// A monitor's client over a stream.
pub async fn connect_over(stream: impl Stream, options: &ConnectOptions) -> Result<Client> {
    Client::connect_over(stream, options).await
}

/// A monitor's client over a stream, with all options as they are.
pub async fn over(stream: impl Stream) -> Result<Client> {
    connect_over(stream, &ConnectOptions::new()).await
}

/// A client in command mode, with all options as they are.
pub async fn client<T, F>(script: impl FnOnce(Peer) -> F + Send + 'static) -> (Client, JoinHandle<T>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    connected(ConnectOptions::new(), script).await
}

pub const STATUS: &str = "query-status";

pub fn paused() -> Value {
    json!({"running": false, "status": "paused", "singlestep": false})
}

/// Numbers that look random and are the same in each run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Polls a future so often, and drops it.
pub async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        ::tokio::task::yield_now().await;
    }
    None
}
