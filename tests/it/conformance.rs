//! One core under three clients: given the same bytes in the same order, each client ends every call the same way, and has the
//! same events and counters.
//!
//! The server is in memory. Its bytes come in pieces, a script's bytes cut at each place once, and a piece comes when so many
//! lines were written. Where nothing comes, a deadline passes at once. After each call all events are taken, so that what has
//! come is read before the next command is written.

use qemu_qmp::blocking::{Transport, Wait};
use qemu_qmp::qmp::events::AnyEvent;
use qemu_qmp::session::{Counters, SessionOptions};
use qemu_qmp::{ConnectOptions, Error, ErrorKind, EventMessage, EventSet, Result};
use serde_json::{json, Map, Value};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use support::GREETING;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a server does, and which calls are made meanwhile.
#[derive(Clone)]
struct Script {
    name: &'static str,
    /// What comes after so many lines were written: the first is the negotiation, the others are the calls.
    bytes: Vec<Vec<u8>>,
    /// How the connection ends when all bytes have come.
    end: End,
    /// Whether each call is out-of-band.
    calls: Vec<bool>,
    /// Which line cannot be written.
    broken_line: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    /// It does not.
    Silence,
    Eof,
    Error(io::ErrorKind),
}

const NEGOTIATED: &str = r#"{"return": {}, "id": "qmp#1"}"#;

/// Ids count up: the first call's is `qmp#2`.
fn reply(id: u32, value: Value) -> String {
    json!({"return": value, "id": format!("qmp#{id}")}).to_string()
}

fn event(name: &str) -> String {
    json!({"event": name, "timestamp": {"seconds": 1, "microseconds": 2}}).to_string()
}

fn script(name: &'static str, after_calls: &[&[&str]]) -> Script {
    let lines = |lines: &[&str]| lines.iter().map(|line| format!("{line}\r\n")).collect::<String>().into_bytes();
    let bytes = [&[GREETING] as &[&str], &[NEGOTIATED]].iter().chain(after_calls).map(|part| lines(part)).collect();
    Script { name, bytes, end: End::Silence, calls: vec![false; after_calls.len()], broken_line: None }
}

impl Script {
    fn oob(mut self, call: usize) -> Self {
        self.calls[call] = true;
        self
    }

    fn ends(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// Adds bytes that are no line.
    fn raw(mut self, after: usize, bytes: &[u8]) -> Self {
        self.bytes[after].extend_from_slice(bytes);
        self
    }

    fn broken_line(mut self, line: usize) -> Self {
        self.broken_line = Some(line);
        self
    }
}

fn scripts() -> Vec<Script> {
    let (one, two, three) = (reply(2, json!(1)), reply(3, json!({"x": "}{\u{e9}"})), reply(4, json!(3)));
    let (one, two, three) = (one.as_str(), two.as_str(), three.as_str());
    let (stop, resume) = (event("STOP"), event("RESUME"));
    let (stop, resume) = (stop.as_str(), resume.as_str());
    let refused = r#"{"error": {"class": "GenericError", "desc": "no"}, "id": "qmp#2"}"#;
    let unidentified = r#"{"error": {"class": "GenericError", "desc": "unreadable"}}"#;
    let deep = "[".repeat(2000);
    let long = format!("\"{}\"", "x".repeat(5000));
    let denied = End::Error(io::ErrorKind::PermissionDenied);
    vec![
        script("replies", &[&[one], &[two], &[three]]),
        script("a refusal", &[&[refused], &[two]]),
        script("events around replies", &[&[stop, one, resume], &[stop, two]]),
        script("more events than are kept", &[&[stop, resume, stop, resume, stop, one], &[resume, two]]),
        script("garbage before a reply", &[&["garbage", one], &[two]]),
        script("garbage instead of a reply", &[&["garbage"], &[two]]),
        script("garbage where no call waits", &[&[one, stop, "garbage", resume], &[two]]),
        script("two lines of garbage for one call", &[&["garbage", "{\"x\": 1}", one], &[two]]),
        script("deep nesting", &[&[&deep, one], &[two]]),
        script("a line over the bound", &[&[&long, one], &[two]]),
        script("bytes that are no text", &[&[], &[two]]).raw(2, b"{\"return\": \"\xff\"}\n"),
        script("blank lines and NULs", &[&["", " ", &format!("\0{one}\0\r\0")], &["\0\0", two]]),
        script("a reply without an id", &[&[r#"{"return": 7}"#, one], &[two]]),
        script("a greeting in the middle", &[&[GREETING, one], &[two]]),
        script("replies that nobody waits for", &[&[&reply(77, json!(0)), one, one], &[two]]),
        script("replies out of order", &[&[two], &[one, three]]),
        script("an error without an id", &[&[unidentified], &[unidentified, unidentified]]),
        script("an error without an id, out-of-band", &[&[unidentified, one], &[two]]).oob(0),
        script("garbage for an out-of-band call", &[&["garbage", one], &[two]]).oob(0),
        script("a late reply", &[&[], &[one, two]]),
        script("garbage in place of a late reply", &[&[], &["garbage", two]]),
        script("no reply at all", &[&[], &[]]),
        script("an end in place of a reply", &[&[one, stop], &[stop], &[]]).ends(End::Eof),
        script("an end after everything", &[&[one], &[two], &[stop]]).ends(End::Eof),
        script("half a line before the end", &[&[one], &[stop]]).raw(3, b"{\"return\"").ends(End::Eof),
        script("a reset", &[&[one], &[stop]]).ends(End::Error(io::ErrorKind::ConnectionReset)),
        script("another error of reading", &[&[one], &[stop]]).ends(denied),
        script("an error of reading after half a line", &[&[one], &[]]).raw(3, b"half").ends(denied),
        script("a line that cannot be written", &[&[one], &[stop], &[two]]).broken_line(2).ends(End::Eof),
        script("a line that cannot be written to a silent server", &[&[one], &[stop]]).broken_line(2),
        Script { bytes: vec![vec![]], ..script("no greeting", &[]) }.ends(End::Eof),
        Script { bytes: vec![b"{\"QMP\": ".to_vec()], ..script("half a greeting", &[]) }.ends(End::Eof),
        Script { bytes: vec![b"220 mail\n".to_vec()], ..script("a wrong greeting", &[]) },
        Script { bytes: vec![format!("{stop}\n{GREETING}\n").into(), b"garbage\n".to_vec()], ..script("garbage", &[]) },
        Script { bytes: vec![format!("{GREETING}\n").into(), format!("{refused}\n").into()], ..script("silence", &[]) },
        Script {
            bytes: vec![format!("{GREETING}\n").into(), format!("{unidentified}\n").into()],
            ..script("a refused negotiation", &[])
        },
    ]
}

/// The server, and its end of the connection.
struct Server {
    /// What comes after so many lines were written, in order.
    pieces: VecDeque<(usize, Vec<u8>)>,
    end: End,
    /// How many lines were written.
    lines: usize,
    broken_line: Option<usize>,
    reader: Option<Waker>,
}

impl Server {
    /// With the bytes cut in two at this place.
    fn new(script: &Script, cut: usize) -> Self {
        let mut pieces = VecDeque::new();
        let mut start = 0;
        for (after, bytes) in script.bytes.iter().enumerate() {
            let (before, behind) = bytes.split_at(cut.saturating_sub(start).min(bytes.len()));
            pieces
                .extend([before, behind].iter().filter(|piece| !piece.is_empty()).map(|piece| (after, piece.to_vec())));
            start += bytes.len();
        }
        Server { pieces, end: script.end, lines: 0, broken_line: script.broken_line, reader: None }
    }

    /// What can be read now; `None` if nothing can.
    fn read(&mut self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        match self.pieces.front_mut() {
            Some((after, _)) if *after > self.lines => None,
            Some((_, piece)) => {
                let count = piece.len().min(buffer.len());
                buffer[..count].copy_from_slice(&piece[..count]);
                piece.drain(..count);
                if piece.is_empty() {
                    self.pieces.pop_front();
                }
                Some(Ok(count))
            }
            None => match self.end {
                End::Silence => None,
                End::Eof => Some(Ok(0)),
                End::Error(kind) => Some(Err(kind.into())),
            },
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(bytes.ends_with(b"\n"), "a line is written at once");
        let is_broken = self.broken_line == Some(self.lines);
        self.lines += 1;
        self.reader.take().into_iter().for_each(Waker::wake);
        if is_broken {
            Err(io::ErrorKind::BrokenPipe.into())
        } else {
            Ok(bytes.len())
        }
    }
}

#[derive(Clone)]
struct Connection(Arc<Mutex<Server>>);

impl Transport for Connection {
    fn receive(&mut self, buffer: &mut [u8], _: Wait) -> io::Result<usize> {
        self.0.lock().unwrap().read(buffer).unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    fn send(&mut self, bytes: &[u8], _: Wait) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn try_split(&mut self) -> io::Result<Box<dyn Transport>> {
        Ok(Box::new(self.clone()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut server = self.0.lock().unwrap();
        match server.read(buf.initialize_unfilled()) {
            Some(count) => {
                buf.advance(count?);
                Poll::Ready(Ok(()))
            }
            None => {
                server.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.lock().unwrap().write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What a client made of a script.
#[derive(Debug, PartialEq, Default)]
struct Record {
    connected: Option<ErrorKind>,
    calls: Vec<String>,
    events: Vec<String>,
    counters: Counters,
}

fn options() -> ConnectOptions {
    let bounds = SessionOptions::new().max_line_len(4000).max_events(4);
    ConnectOptions::new().session(bounds).greeting_timeout(Duration::from_secs(1)).call_timeout(Duration::from_secs(1))
}

fn request(oob: bool) -> Map<String, Value> {
    let execute = if oob { "exec-oob" } else { "execute" };
    Map::from_iter([(execute.to_owned(), json!("echo"))])
}

fn call_ended(outcome: Result<qemu_qmp::message::Reply>) -> String {
    match outcome.as_ref().map(|reply| reply.result()) {
        Ok(Ok(value)) => value.to_owned(),
        Ok(Err(error)) => format!("refused: {}", error.desc),
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

/// `None` at the end.
fn event_came(event: Result<EventMessage<AnyEvent>>) -> Option<String> {
    match event {
        Ok(event) => Some(event.data.name().to_owned()),
        Err(error) if error.is_disconnected() => None,
        Err(error) => Some(shown(&error)),
    }
}

fn shown(error: &Error) -> String {
    format!("{:?} {:?}", error.kind(), error.missed())
}

fn plain(script: &Script, connection: Connection) -> Record {
    let mut vm = match qemu_qmp::Client::connect_over(connection, &options()) {
        Ok(vm) => vm,
        Err(error) => return Record { connected: Some(error.kind()), ..Record::default() },
    };
    let mut record = Record::default();
    for oob in &script.calls {
        record.calls.push(call_ended(vm.cmd_obj(request(*oob))));
        record.events.extend(std::iter::from_fn(|| vm.next_event(Duration::ZERO).transpose().and_then(event_came)));
    }
    Record { counters: vm.counters(), ..record }
}

fn shared(script: &Script, connection: Connection) -> Record {
    let vm = match qemu_qmp::Client::connect_over(connection, &options()) {
        Ok(vm) => vm.share().unwrap(),
        Err(error) => return Record { connected: Some(error.kind()), ..Record::default() },
    };
    let (mut stream, mut record) = (vm.subscribe(), Record::default());
    for oob in &script.calls {
        record.calls.push(call_ended(vm.cmd_obj(request(*oob))));
        record.events.extend(std::iter::from_fn(|| stream.next_event(Duration::ZERO).transpose().and_then(event_came)));
    }
    Record { counters: vm.counters(), ..record }
}

async fn asynchronous(script: &Script, connection: Connection) -> Record {
    let connected: Result<qemu_qmp::tokio::Client> =
        qemu_qmp::tokio::Client::connect_over(connection, &options()).await;
    let vm = match connected {
        Ok(vm) => vm,
        Err(error) => return Record { connected: Some(error.kind()), ..Record::default() },
    };
    let (mut stream, mut record) = (vm.subscribe(), Record::default());
    for oob in &script.calls {
        record.calls.push(call_ended(vm.cmd_obj(request(*oob)).await));
        while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(1), stream.next()).await {
            let Some(event) = event_came(event) else { break };
            record.events.push(event);
        }
    }
    Record { counters: vm.counters(), ..record }
}

#[test]
fn all_clients_end_every_call_the_same_way() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for script in scripts() {
        let len: usize = script.bytes.iter().map(Vec::len).sum();
        // A place in the middle of thousands of equal bytes is like any other of them.
        let places = (0..=len).filter(|place| len < 3000 || place % 97 == 0);
        let mut whole = None;
        for place in places {
            let connection = || Connection(Arc::new(Mutex::new(Server::new(&script, place))));
            let expected = plain(&script, connection());
            let record = runtime.block_on(asynchronous(&script, connection()));
            assert_eq!(record, expected, "tokio: {}, cut at {place}", script.name);
            assert_eq!(shared(&script, connection()), expected, "shared: {}, cut at {place}", script.name);
            // Nor does it matter where the bytes are cut.
            let whole = whole.get_or_insert_with(|| plain(&script, connection()));
            assert_eq!(*whole, expected, "{}, cut at {place}", script.name);
        }
        check(script.name, &whole.unwrap());
    }
    // What was spawned has ended with its client.
    runtime.block_on(poll_fn(|_| Poll::Ready(())));
}

/// Holds what the clients agree on to what is right, where a wrong agreement would be easy to miss.
fn check(name: &str, record: &Record) {
    let calls: Vec<&str> = record.calls.iter().map(|call| call.split(':').next().unwrap_or(call)).collect();
    let events: Vec<&str> = record.events.iter().map(|event| &**event).collect();
    match name {
        "replies" => assert_eq!(record.calls, ["1", r#"{"x":"}{é"}"#, "3"]),
        "blank lines and NULs" => {
            assert_eq!(
                (&*record.calls, record.counters),
                (&["1".to_owned(), r#"{"x":"}{é"}"#.into()][..], Counters::default())
            );
        }
        "more events than are kept" => {
            assert_eq!(events, ["Missed Some(1)", "RESUME", "STOP", "RESUME", "STOP", "RESUME"]);
        }
        "garbage before a reply" => {
            assert_eq!(calls[0], "Malformed(NotJson)");
            assert_eq!((record.counters.late_replies, record.counters.malformed_lines), (1, 1));
        }
        "garbage where no call waits" => {
            assert_eq!((calls[0], calls[1].is_empty()), ("1", false));
            assert_eq!(events, ["STOP", "Malformed(NotJson) None", "RESUME"]);
        }
        "an error without an id, out-of-band" => {
            assert_eq!((calls[0], &events[..]), ("1", &["Malformed(UnidentifiedError) None"][..]));
        }
        "a late reply" => assert_eq!((calls[0], record.counters.late_replies), ("Timeout(Call)", 1)),
        "half a line before the end" => assert_eq!(calls, ["1", "Malformed(HalfLine)"]),
        "another error of reading" => assert_eq!((calls, events), (vec!["1", "Io"], vec!["STOP"])),
        "a line that cannot be written" => assert_eq!(calls, ["1", "Closed", "Closed"]),
        "a refused negotiation" => assert_eq!(record.connected, Some(ErrorKind::Negotiation)),
        "garbage" => assert!(matches!(record.connected, Some(ErrorKind::Malformed(_)))),
        _ => {}
    }
}
