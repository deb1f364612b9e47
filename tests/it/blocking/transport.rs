//! What transports may answer besides bytes: an interrupted call, a write of nothing, a broken connection.

use qemu_qmp::blocking::{Transport, Wait};
use qemu_qmp::{Client, ConnectOptions, ErrorKind};
use serde_json::json;
use std::collections::VecDeque;
use std::io;
use support::{options, Recorded, SOON};

type Answers<T> = VecDeque<io::Result<T>>;

/// A transport that answers what it was told to; when it has no more to read, it waits in vain.
struct Scripted {
    reads: Answers<&'static str>,
    writes: Answers<usize>,
    /// The half to write to, once it is split off.
    writer: Option<Box<Scripted>>,
}

impl Scripted {
    fn new(reads: impl IntoIterator<Item = io::Result<&'static str>>, writes: Answers<usize>) -> Self {
        Scripted { reads: reads.into_iter().collect(), writes, writer: None }
    }
}

impl Transport for Scripted {
    fn receive(&mut self, buffer: &mut [u8], _: Wait) -> io::Result<usize> {
        let text = self.reads.pop_front().unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))?;
        buffer[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }

    /// Takes all where nothing else was asked for.
    fn send(&mut self, bytes: &[u8], _: Wait) -> io::Result<usize> {
        self.writes.pop_front().unwrap_or(Ok(bytes.len()))
    }

    fn try_split(&mut self) -> io::Result<Box<dyn Transport>> {
        let writer = self.writer.take().ok_or(io::ErrorKind::Unsupported)?;
        Ok(writer)
    }
}

const GREETING: &str =
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}, \"capabilities\": []}}\n";
const NEGOTIATION: &str = "{\"execute\":\"qmp_capabilities\",\"id\":\"qmp#1\"}\n";
const NEGOTIATED: &str = "{\"return\": {}, \"id\": \"qmp#1\"}\n";
const ANSWER: &str = "{\"return\": 1, \"id\": \"qmp#2\"}\n";

fn interrupted<T>() -> io::Result<T> {
    Err(io::ErrorKind::Interrupted.into())
}

#[test]
fn an_interrupted_operation_is_tried_again() {
    let reads = [interrupted(), Ok(GREETING), interrupted(), Ok(NEGOTIATED), interrupted(), Ok(ANSWER)];
    let mut vm = Client::connect_over(
        Scripted::new(reads, [interrupted(), Ok(9), interrupted()].into()),
        &ConnectOptions::new(),
    )
    .unwrap();
    assert_eq!(vm.cmd("first", None, None).unwrap().result(), Ok("1"));

    let writer = Scripted::new([], [interrupted(), Ok(9), interrupted()].into());
    let mut reader = Scripted::new([Ok(GREETING), Ok(NEGOTIATED), interrupted(), Ok(ANSWER)], VecDeque::new());
    reader.writer = Some(Box::new(writer));
    let vm = Client::connect_over(reader, &ConnectOptions::new()).unwrap();
    assert_eq!(vm.share().unwrap().cmd("first", None, None).unwrap().result(), Ok("1"));
}

#[test]
fn a_transport_that_takes_nothing_is_closed() {
    let transport = Scripted::new([Ok(GREETING), Ok(NEGOTIATED)], [Ok(NEGOTIATION.len()), Ok(0)].into());
    let mut vm = Client::connect_over(transport, &ConnectOptions::new()).unwrap();
    let error = vm.cmd("first", None, None).unwrap_err();
    let kind = error.io_error().map(io::Error::kind);
    assert_eq!((error.kind(), kind), (ErrorKind::Closed, Some(io::ErrorKind::WriteZero)));
}

#[test]
fn how_a_connection_broke_before_the_greeting_is_told() {
    let broken = Scripted::new([Err(io::ErrorKind::ConnectionReset.into())], VecDeque::new());
    let error = Client::connect_over(broken, &ConnectOptions::new()).unwrap_err();
    let kind = error.io_error().map(io::Error::kind);
    assert_eq!((error.kind(), kind), (ErrorKind::Greeting, Some(io::ErrorKind::ConnectionReset)));
    assert!(error.is_closed());
}

#[test]
fn one_write_for_each_command() {
    let pieces = [Some(format!("{GREETING}{NEGOTIATED}").into_bytes())];
    let recorded = Recorded::new(pieces, false);
    let writes = recorded.writes.clone();
    let mut client = Client::connect_over(recorded, &options().call_timeout(SOON)).unwrap();
    let arguments = json!({"filename": "x".repeat(100_000)});
    assert!(client.cmd("screendump", Some(arguments), None).unwrap_err().is_timeout());
    let writes = writes.lock().unwrap();
    assert_eq!(writes.len(), 2);
    assert!(writes.iter().all(|write| write.ends_with(b"\n")));
}
