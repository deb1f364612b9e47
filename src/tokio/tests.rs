//! Tests of the client that need a look from inside, or a stream made for it: that handles may be shared, that waiting
//! takes nothing away from others, and that neither a peer nor a filter holds anything up.

use super::{Client, Events};
use crate::api::EventSet;
use crate::error::{ErrorKind, Result};
use crate::message::EventMessage;
use crate::options::ConnectOptions;
use crate::qmp::commands;
use crate::qmp::events::{AnyEvent, Resume, StopEvent};
use crate::session::SessionOptions;
use crate::wire::Any;
use crate::{GuestAgent, Monitor, StorageDaemon};
use ::tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadBuf};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"major": 9, "minor": 0, "micro": 0}, "package": ""}, "capabilities": []}}"#;

const PATIENCE: Duration = Duration::from_secs(10);

/// A client whose server sends these events between the only command and its reply.
async fn after_events(max_events: usize, names: &[&str]) -> (Client, DuplexStream) {
    let (near, far) = ::tokio::io::duplex(1 << 20);
    let events: String = names.iter().map(|name| format!("{{\"event\": \"{name}\"}}\n")).collect();
    let server = ::tokio::spawn(async move {
        let mut far = BufReader::new(far);
        far.write_all(format!("{GREETING}\n").as_bytes()).await.unwrap();
        for before in ["", &events] {
            let mut line = String::new();
            far.read_line(&mut line).await.unwrap();
            let id = serde_json::from_str::<Any>(&line).unwrap()["id"].clone();
            far.write_all(format!("{before}{{\"return\": {{}}, \"id\": {id}}}\n").as_bytes()).await.unwrap();
        }
        far.into_inner()
    });
    let options = ConnectOptions::new().session(SessionOptions::new().max_events(max_events)).name("vm1");
    let vm = Client::connect_over(near, &options).await.unwrap();
    vm.cmd("x", None, None).await.unwrap();
    (vm, server.await.unwrap())
}

fn names(events: Result<Vec<EventMessage<AnyEvent>>>) -> Vec<String> {
    events.unwrap().iter().map(|event| event.data.name().to_owned()).collect()
}

#[test]
fn handles_are_send_and_sync() {
    fn is<T: Send + Sync>() {}
    is::<Client>();
    is::<Client<Monitor>>();
    is::<Client<StorageDaemon>>();
    is::<Client<GuestAgent>>();
    is::<Events<AnyEvent>>();
}

#[::tokio::test]
async fn learning_of_missed_events_takes_no_other_event() {
    let (vm, _server) = after_events(3, &["GONE", "A", "B", "STOP"]).await;
    let missed = vm.wait_for::<StopEvent>(PATIENCE, |_| true).await.unwrap_err();
    assert_eq!(missed.missed(), Some(1));
    assert_eq!(names(vm.take_events()), ["A", "B", "STOP"]);

    // Nor where none of those that are left is looked for.
    let (vm, _server) = after_events(3, &["GONE", "A", "B", "C"]).await;
    assert!(vm.wait_for::<StopEvent>(PATIENCE, |_| true).await.unwrap_err().missed().is_some());
    assert_eq!(names(vm.take_events()), ["A", "B", "C"]);
}

#[::tokio::test]
async fn what_arrived_before_a_command_is_not_its_outcome_and_stays() {
    let stop =
        |time: i64| format!("{{\"event\": \"STOP\", \"timestamp\": {{\"seconds\": {time}, \"microseconds\": 0}}}}\n");
    let (vm, server) = after_events(9, &[]).await;
    let mut server = BufReader::new(server);
    // The client has not read this when the call is made.
    server.write_all(stop(1).as_bytes()).await.unwrap();
    let serve = async {
        let mut line = String::new();
        server.read_line(&mut line).await.unwrap();
        let id = serde_json::from_str::<Any>(&line).unwrap()["id"].clone();
        let reply = format!("{{\"return\": {{}}, \"id\": {id}}}\n");
        server.write_all(format!("{}{reply}{}", stop(2), stop(3)).as_bytes()).await.unwrap();
    };
    let command = commands::Stop::new();
    let stopped = |event: &EventMessage<AnyEvent>| (event.data.name() == "STOP").then_some(event.timestamp.seconds);
    let (outcome, ()) = ::tokio::join!(vm.execute_until(command, PATIENCE, stopped), serve);
    assert_eq!(outcome.unwrap().1, 2);
    let kept: Vec<_> = vm.take_events().unwrap().iter().map(|event| event.timestamp.seconds).collect();
    assert_eq!(kept, [1, 3]);
}

/// The client that a [`Nosy`] event looks at while it is decoded.
static LOOKED_AT: OnceLock<Client> = OnceLock::new();

#[derive(Debug)]
struct Nosy;

impl EventSet for Nosy {
    fn decode(_: &str, _: Option<&str>) -> Self {
        assert!(LOOKED_AT.get().unwrap().is_connected());
        Nosy
    }

    fn name(&self) -> &str {
        "NOSY"
    }

    fn data(&self) -> Any {
        Any::Null
    }
}

#[test]
fn a_schema_of_ones_own_may_use_the_client_while_it_decodes() {
    let (sender, receiver) = mpsc::channel();
    // On a thread of its own, runtime and all: if the lock were held, it would never come back.
    std::thread::spawn(move || {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (vm, _server) = runtime.block_on(after_events(9, &["A", "B"]));
        LOOKED_AT.set(vm.clone()).unwrap();
        sender.send(vm.take_events_as::<Nosy>().map(|events| events.len())).unwrap();
    });
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap().unwrap(), 2);
}

#[::tokio::test]
async fn a_flood_that_is_passed_over_leaves_room_for_others() {
    const COUNT: usize = 2000;
    let (vm, _server) = after_events(COUNT, &["A"; COUNT]).await;
    let looked_at = Arc::new(AtomicUsize::new(0));
    let counter = looked_at.clone();
    let waiting = ::tokio::spawn(vm.wait_until(PATIENCE, move |_: &EventMessage<AnyEvent>| {
        (counter.fetch_add(1, Ordering::Relaxed) + 1 == COUNT).then_some(())
    }));
    ::tokio::task::yield_now().await;
    assert!(looked_at.load(Ordering::Relaxed) < COUNT);
    waiting.await.unwrap().unwrap();
}

/// A stream that is read as fast as it can be misses nothing, on either kind of runtime, with one command in the middle.
async fn all_of_a_flood_arrive() {
    const COUNT: usize = 200_000;
    let (vm, mut server) = after_events(16_384, &[]).await;
    let mut events = vm.subscribe();
    let reading = ::tokio::spawn(async move {
        for index in 0..COUNT {
            let event = events.next().await.unwrap();
            assert!(event.is_ok(), "{index}: {event:?}");
        }
    });
    let flood = ::tokio::spawn(async move {
        let thousand = "{\"event\": \"A\"}\n".repeat(1000);
        for _ in 0..COUNT / 1000 {
            server.write_all(thousand.as_bytes()).await.unwrap();
        }
        server
    });
    ::tokio::time::timeout(6 * PATIENCE, reading).await.unwrap().unwrap();
    flood.await.unwrap();
    assert_eq!(vm.counters().dropped_events, 0);
}

#[::tokio::test]
async fn all_of_a_flood_arrive_on_one_thread() {
    all_of_a_flood_arrive().await;
}

#[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_a_flood_arrive_on_two_threads() {
    all_of_a_flood_arrive().await;
}

/// Nor does what a server sends at once, before the program can subscribe: the runtime lets a task of its own have many turns for one
/// of the program that blocks on it.
#[::tokio::test]
async fn a_flood_waits_for_the_program_that_connects() {
    const COUNT: usize = 100_000;
    let (near, far) = ::tokio::io::duplex(1 << 20);
    let flood = ::tokio::spawn(async move {
        let mut far = BufReader::new(far);
        far.write_all(format!("{GREETING}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        far.read_line(&mut line).await.unwrap();
        let id = serde_json::from_str::<Any>(&line).unwrap()["id"].clone();
        far.write_all(format!("{{\"return\": {{}}, \"id\": {id}}}\n").as_bytes()).await.unwrap();
        far.write_all("{\"event\": \"A\"}\n".repeat(COUNT).as_bytes()).await.unwrap();
        far
    });
    let vm = Client::<Monitor>::connect_over(near, &ConnectOptions::new()).await.unwrap();
    let mut events = vm.subscribe();
    for index in 0..COUNT {
        let event = ::tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap();
        assert!(event.is_ok(), "{index}: {event:?}");
    }
    assert_eq!(vm.counters().dropped_events, 0);
    flood.await.unwrap();
}

#[::tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_is_waited_for_once() {
    let (vm, server) = after_events(1000, &[]).await;
    let mut server = BufReader::new(server);
    let mut events = vm.subscribe();
    let serve = async {
        for _ in 0..20 {
            let mut line = String::new();
            server.read_line(&mut line).await.unwrap();
            let id = serde_json::from_str::<Any>(&line).unwrap()["id"].clone();
            let flood = "{\"event\": \"A\"}\n".repeat(5000);
            let reply = format!("{flood}{{\"return\": {{}}, \"id\": {id}}}\n");
            server.write_all(reply.as_bytes()).await.unwrap();
        }
    };
    let start = ::tokio::time::Instant::now();
    let call = async {
        for _ in 0..20 {
            vm.cmd("x", None, None).await.unwrap();
        }
    };
    ::tokio::join!(serve, call);
    assert!(start.elapsed() < Duration::from_millis(150), "{:?}", start.elapsed());
    assert_eq!(events.next().await.unwrap().unwrap_err().missed(), Some(99_000));
}

#[::tokio::test(start_paused = true)]
async fn deadlines_of_streams_name_the_event() {
    let (vm, _server) = after_events(9, &[]).await;
    let late = |what| format!("vm1: no event {what} within 1s");
    let second = Duration::from_secs(1);
    let mut stops = vm.subscribe_to::<Resume>();
    assert_eq!(stops.wait_for(second, |_| true).await.unwrap_err().to_string(), late("RESUME"));
    assert_eq!(stops.wait_until(second, |_| Some(())).await.unwrap_err().to_string(), late("RESUME"));
    assert_eq!(vm.wait_for::<StopEvent>(second, |_| true).await.unwrap_err().to_string(), late("STOP"));
    let mut all = vm.subscribe();
    assert_eq!(all.wait_for(second, |_| true).await.unwrap_err().to_string(), late("that is waited for"));
}

/// A server that reads only the first line, and from the second on never ends to send events.
#[derive(Default)]
struct Flood {
    readable: Vec<u8>,
    reader: Option<Waker>,
    writes: usize,
}

impl AsyncRead for Flood {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.writes > 1 {
            buf.put_slice(b"{\"event\": \"A\"}\n");
        } else if self.readable.is_empty() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        } else {
            buf.put_slice(&std::mem::take(&mut self.readable));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes += 1;
        self.reader.take().into_iter().for_each(Waker::wake);
        if self.writes > 1 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.readable = b"{\"return\": {}}\n".to_vec();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[::tokio::test]
async fn a_flood_does_not_keep_a_broken_connection() {
    let server = Flood { readable: format!("{GREETING}\n").into(), ..Flood::default() };
    let vm = Client::<Monitor>::connect_over(server, &ConnectOptions::new()).await.unwrap();
    let lost = vm.within(PATIENCE).cmd("x", None, None).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Closed, "{lost}");
    assert!(vm.closed().await.is_closed());
}
