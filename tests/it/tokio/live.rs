//! The tokio client against a real QEMU, if there is one.
//!
//! Without one, each test says that it was skipped; with `QEMU_QMP_REQUIRE_QEMU=1` in the environment it fails instead.
//! `QEMU_QMP_QEMU` names another program than `qemu-system-x86_64`.

use qemu_qmp::qmp::{commands, commands::*, events, types::*};
use qemu_qmp::{ConnectOptions, ErrorKind, EventSet, Phase};
use serde_json::json;
use std::fs::File;
use std::future::{poll_fn, Future};
use std::io::Read;
use std::pin::{pin, Pin};
use std::task::Poll;
use std::time::Duration;
use support::tokio::{connect, Qemu, Random, PATIENCE};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// How many calls eight tasks make in total, unless `QEMU_QMP_CALLS` says otherwise.
const CALLS: u64 = 10_000;

#[tokio::test]
async fn commands_events_and_the_end() {
    let Some(qemu) = Qemu::start() else { return };
    let vm = qemu.connect_tokio().await;
    assert!(vm.greeting().version.major >= 6);
    assert_eq!(vm.execute(QueryStatus::new()).await.unwrap().status, RunState::Prelaunch);
    vm.execute_oob(Yank::new([])).await.unwrap();
    let mut events = vm.subscribe();
    let resumed = vm.wait_for(PATIENCE, |_: &events::Resume| true);
    vm.execute(Cont::new()).await.unwrap();
    resumed.await.unwrap();
    let stopped = vm.wait_for(PATIENCE, |_: &events::StopEvent| true);
    vm.execute(commands::Stop::new()).await.unwrap();
    assert!(stopped.await.unwrap().timestamp.since_epoch().is_some());
    let shutdown = vm.wait_for(PATIENCE, |_: &events::Shutdown| true);
    vm.execute(Quit::new()).await.unwrap();
    assert_eq!(shutdown.await.unwrap().data.reason, ShutdownCause::HostQmpQuit);
    assert_eq!(vm.closed().await.kind(), ErrorKind::Closed);
    let mut names = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => names.push(event.data.name().to_owned()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
        }
    }
    assert_eq!(names, ["RESUME", "STOP", "SHUTDOWN"]);
    assert_eq!(vm.execute(QueryStatus::new()).await.unwrap_err().kind(), ErrorKind::Closed);
}

/// More in-band commands wait than QEMU's queue holds: if they had been sent all, QEMU would not read on.
#[tokio::test]
async fn out_of_band_commands_overtake() {
    let Some(qemu) = Qemu::start() else { return };
    let vm = qemu.connect_tokio().await;
    let fifo = qemu.fifo();
    let mut save = pin!(vm.execute(Pmemsave::new(0, 1, fifo.to_string_lossy())));
    let mut queries = Vec::from_iter((0..20).map(|_| Box::pin(vm.execute(QueryStatus::new()))));
    // What is polled is sent, in this order.
    assert!(is_pending(&mut save).await);
    for query in &mut queries {
        assert!(is_pending(query).await);
    }
    vm.execute_oob(Yank::new([])).await.unwrap();
    assert_eq!(vm.execute_oob(MigratePause::new()).await.unwrap_err().kind(), ErrorKind::Server);
    assert!(is_pending(&mut save).await);
    for query in &mut queries {
        assert!(is_pending(query).await);
    }

    let fifo = File::options().read(true).write(true).open(fifo).unwrap();
    save.await.unwrap();
    for query in queries {
        assert_eq!(query.await.unwrap().status, RunState::Prelaunch);
    }
    (&fifo).read_exact(&mut [0]).unwrap();
}

async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// QEMU has one monitor slot: a dropped or closed connection must leave it free.
#[tokio::test]
async fn slot_is_free_again() {
    let Some(qemu) = Qemu::start() else { return };
    let vm = qemu.connect_tokio().await;
    let hasty = || ConnectOptions::new().greeting_timeout(Duration::from_millis(300));
    let error = connect(qemu.socket(), &hasty()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
    let (other, events) = (vm.clone(), vm.subscribe());
    drop(vm);
    other.execute(QueryStatus::new()).await.unwrap();
    drop(other);
    let vm = qemu.connect_tokio().await;
    drop(events);
    vm.close().await;
    let after = qemu.connect_tokio().await;
    assert!(!vm.is_connected());
    // Who has the stream back goes on in command mode.
    let stream = after.into_inner::<UnixStream>().await.unwrap();
    stream.writable().await.unwrap();
    stream.try_write(b"{\"execute\": \"query-name\", \"id\": 1}\n").unwrap();
    stream.readable().await.unwrap();
    let mut answer = [0; 100];
    let count = stream.try_read(&mut answer).unwrap();
    assert_eq!(&answer[..count], b"{\"return\": {}, \"id\": 1}\r\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_tasks_share_a_monitor() {
    let Some(qemu) = Qemu::start() else { return };
    let vm = qemu.connect_tokio().await;
    let calls = std::env::var("QEMU_QMP_CALLS").map_or(CALLS, |count| count.parse().expect("a number of calls"));
    let mut tasks = JoinSet::new();
    for task in 1..=8 {
        let vm = vm.clone();
        tasks.spawn(async move {
            let mut random = Random(task * 7919);
            let (mut answered, mut cancelled) = (0, 0);
            for number in 0..calls / 8 {
                // The id comes back, so that a reply that went to another call would show.
                let id = json!({"task": task, "number": number});
                let call = vm.cmd("query-name", None, Some(id.clone()));
                let reply = match random.below(4) {
                    0 => tokio::time::timeout(Duration::from_micros(random.below(800)), call).await.ok(),
                    _ => Some(call.await),
                };
                match reply {
                    Some(reply) => {
                        let reply = reply.unwrap();
                        assert_eq!(reply.result(), Ok("{}"));
                        assert_eq!(serde_json::from_str::<serde_json::Value>(reply.id().unwrap()).unwrap(), id);
                        answered += 1;
                    }
                    None => cancelled += 1,
                }
            }
            (answered, cancelled)
        });
    }
    let (mut answered, mut cancelled) = (0, 0);
    for counts in tasks.join_all().await {
        (answered, cancelled) = (answered + counts.0, cancelled + counts.1);
    }
    assert_eq!(answered + cancelled, calls / 8 * 8);
    // What was sent last is answered last, so that by now all late replies are here.
    vm.execute(QueryStatus::new()).await.unwrap();
    let counters = vm.counters();
    println!("{answered} answered, {cancelled} cancelled, {} of them too late", counters.late_replies);
    assert_eq!(counters.unknown_replies, 0);
    assert!(counters.late_replies <= cancelled && cancelled > 0, "{cancelled}");
}
