//! Events of the tokio client: who hears what, what a slow one is told, how waiting cannot lose a race.

use futures_core::Stream;
use qemu_qmp::error::Malformed;
use qemu_qmp::qmp::commands::{self, DeviceDel, QueryStatus, Quit};
use qemu_qmp::qmp::events::{AnyEvent, DeviceDeleted, Resume, StopEvent};
use qemu_qmp::session::SessionOptions;
use qemu_qmp::tokio::Events;
use qemu_qmp::{ConnectOptions, ErrorKind, EventMessage, EventSet, Phase};
use serde_json::json;
use std::future::Future;
use std::pin::{pin, Pin};
use support::tokio::*;
use tokio::sync::oneshot;
use tokio::time::{sleep, Instant};

fn deleted(device: &str) -> String {
    event("DEVICE_DELETED", json!({"device": device, "path": "/machine/x"}))
}

/// All that a stream gives until it ends, in short.
async fn all<T>(mut events: Events<T>, short: impl Fn(T) -> String) -> Vec<String> {
    let mut received = Vec::new();
    while let Some(event) = events.next().await {
        received.push(match event {
            Ok(event) => short(event.data),
            Err(error) => format!("{:?}", error.kind()),
        });
    }
    received
}

#[tokio::test]
async fn each_hears_its_own_from_when_it_came() {
    let (vm, script) = client(|mut peer| async move {
        peer.event("EARLY").await;
        peer.answer(STATUS, paused()).await;
        let command = peer.expect(STATUS).await;
        peer.event("STOP").await;
        peer.line(&deleted("a")).await;
        peer.event("X_NEW").await;
        peer.reply(&command, paused()).await;
        let command = peer.expect(STATUS).await;
        peer.line(&deleted("b")).await;
        peer.line(&event("DEVICE_DELETED", json!({"device": "c"}))).await;
        peer.reply(&command, paused()).await;
    })
    .await;
    vm.execute(QueryStatus::new()).await.unwrap();
    let (every, some) = (vm.subscribe(), vm.subscribe_to::<DeviceDeleted>());
    vm.execute(QueryStatus::new()).await.unwrap();
    let late = vm.subscribe();
    vm.execute(QueryStatus::new()).await.unwrap();
    script.await.unwrap();
    let names = |kind: AnyEvent| kind.name().to_owned();
    assert_eq!(
        all(every, names).await,
        ["EARLY", "STOP", "DEVICE_DELETED", "X_NEW", "DEVICE_DELETED", "DEVICE_DELETED", "Closed"],
        "the first subscription has what came before it"
    );
    let devices = |event: DeviceDeleted| event.device.unwrap_or_default();
    assert_eq!(all(some, devices).await, ["a", "b", "Decode", "Closed"]);
    assert_eq!(all(late, names).await, ["DEVICE_DELETED", "DEVICE_DELETED", "Closed"]);
}

#[tokio::test]
async fn slow_subscriber_misses_and_is_told() {
    let options = ConnectOptions::new().session(SessionOptions::new().max_events(10));
    let (vm, script) = connected(options, |mut peer| async move {
        let command = peer.expect(STATUS).await;
        for number in 0..1000 {
            peer.event(if number % 100 == 0 { "STOP" } else { "RESUME" }).await;
        }
        peer.reply(&command, paused()).await;
        peer
    })
    .await;
    let mut slow = vm.subscribe();
    let mut stops = vm.subscribe_to::<StopEvent>();
    let mut quick = vm.subscribe();
    let quick = tokio::spawn(async move {
        let (mut events, mut missed) = (0, 0);
        while events + missed < 1000 {
            match quick.next().await.unwrap() {
                Ok(_) => events += 1,
                Err(error) => missed += error.missed().unwrap(),
            }
        }
    });
    vm.execute(QueryStatus::new()).await.unwrap();
    let error = slow.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.missed()), (ErrorKind::Missed, Some(990)));
    for _ in 0..10 {
        assert_eq!(slow.next().await.unwrap().unwrap().data.name(), "RESUME");
    }
    // A flood of others is no concern of this one.
    for _ in 0..10 {
        stops.next().await.unwrap().unwrap();
    }
    quick.await.unwrap();
    assert!(vm.counters().dropped_events >= 990);
    let mut peer = script.await.unwrap();
    peer.event("STOP").await;
    assert_eq!(slow.next().await.unwrap().unwrap().data.name(), "STOP");
    stops.next().await.unwrap().unwrap();
}

#[tokio::test]
async fn buffered_events_outlive_the_connection() {
    let (vm, script) = client(|mut peer| async move {
        let command = peer.expect("quit").await;
        peer.event("SHUTDOWN").await;
        peer.reply(&command, json!({})).await;
    })
    .await;
    let events = vm.subscribe();
    vm.execute(Quit::new()).await.unwrap();
    script.await.unwrap();
    assert_eq!(vm.closed().await.kind(), ErrorKind::Closed);
    assert_eq!(all(events, |kind| kind.name().to_owned()).await, ["SHUTDOWN", "Closed"]);
    // A later subscriber still learns why there is nothing.
    assert_eq!(all(vm.subscribe(), |kind| kind.name().to_owned()).await, ["Closed"]);
    let error = vm.wait_for(None, |_: &StopEvent| true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn waiting_hears_what_comes_before_the_reply() {
    let (vm, script) = client(|mut peer| async move {
        let command = peer.expect("device_del").await;
        peer.line(&deleted("net1")).await;
        peer.line(&deleted("net0")).await;
        peer.reply(&command, json!({})).await;
        peer
    })
    .await;
    let gone = vm.wait_for(PATIENCE, |event: &DeviceDeleted| event.device.as_deref() == Some("net0"));
    vm.execute(DeviceDel::new("net0")).await.unwrap();
    assert_eq!(gone.await.unwrap().data.device.as_deref(), Some("net0"));
    drop(script);
}

#[tokio::test(start_paused = true)]
async fn command_and_its_event() {
    let (vm, script) = client(|mut peer| async move {
        peer.line(&deleted("net0")).await;
        let command = peer.expect("device_del").await;
        peer.line(&deleted("net0")).await;
        peer.reply(&command, json!({})).await;
        let command = peer.expect("device_del").await;
        peer.error(&command, "DeviceNotFound", "it is gone").await;
        sleep(SOON / 2).await;
        peer.answer("device_del", json!({})).await;
        peer.wait_for_end().await;
    })
    .await;
    let is_net0 = |event: &DeviceDeleted| event.device.as_deref() == Some("net0");
    let call = || vm.execute_and_wait(DeviceDel::new("net0"), SOON, is_net0);
    call().await.unwrap();
    assert_eq!(call().await.unwrap_err().kind(), ErrorKind::Server);
    let start = Instant::now();
    assert_eq!(call().await.unwrap_err().kind(), ErrorKind::Timeout(Phase::Event));
    assert_eq!(start.elapsed(), SOON);
    drop(vm);
    script.await.unwrap();
}

#[tokio::test]
async fn waiting_on_a_stream_goes_on() {
    let (vm, _script) = client(|mut peer| async move {
        let command = peer.expect(STATUS).await;
        for device in ["a", "b", "c"] {
            peer.line(&deleted(device)).await;
        }
        peer.reply(&command, paused()).await;
        peer.wait_for_end().await;
    })
    .await;
    let mut events = vm.subscribe_to::<DeviceDeleted>();
    vm.execute(QueryStatus::new()).await.unwrap();
    let is = |name: &'static str| move |event: &DeviceDeleted| event.device.as_deref() == Some(name);
    events.wait_for(PATIENCE, is("b")).await.unwrap();
    events.wait_for(PATIENCE, is("c")).await.unwrap();
    let mut every = vm.subscribe();
    vm.close().await;
    assert_eq!(events.wait_for(None, is("d")).await.unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(every.wait_for(None, |_| true).await.unwrap_err().kind(), ErrorKind::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn waiting_has_a_deadline_from_when_it_began() {
    let (vm, _script) = client(|mut peer| async move { peer.wait_for_end().await }).await;
    let start = Instant::now();
    let waiting = vm.wait_for(SOON, |_: &StopEvent| true);
    sleep(SOON / 2).await;
    let error = waiting.await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout(Phase::Event), SOON));
    let error = vm.subscribe().wait_for(SOON, |_| true).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout(Phase::Event), SOON * 2));
}

#[tokio::test]
async fn waiting_fails_if_the_event_may_be_lost() {
    let options = ConnectOptions::new().session(SessionOptions::new().max_events(1));
    let (vm, _script) = connected(options, |mut peer| async move {
        let command = peer.expect(STATUS).await;
        peer.event("STOP").await;
        peer.event("STOP").await;
        peer.reply(&command, paused()).await;
        peer.expect("stop").await;
        peer.line("not a message").await;
    })
    .await;
    let waiting = vm.wait_for(PATIENCE, |_: &StopEvent| true);
    vm.execute(QueryStatus::new()).await.unwrap();
    assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Missed);
    // Nor did the connection keep both of them.
    assert_eq!(vm.take_events().unwrap_err().kind(), ErrorKind::Missed);
    let waiting = vm.wait_for(PATIENCE, |_: &Resume| true);
    // It concerns the call that waits, and not all who wait for events.
    let error = vm.execute(commands::Stop::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::NotJson));
    assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn unreadable_lines_are_told_to_streams_if_nobody_calls() {
    let (vm, script) = client(|mut peer| async move {
        peer.answer(STATUS, paused()).await;
        peer.line("not a message").await;
        peer.event("STOP").await;
    })
    .await;
    let events = vm.subscribe();
    vm.execute(QueryStatus::new()).await.unwrap();
    script.await.unwrap();
    assert_eq!(all(events, |kind| kind.name().to_owned()).await, ["Malformed(NotJson)", "STOP", "Closed"]);
}

#[tokio::test]
async fn dropped_future_of_the_next_event_loses_nothing() {
    let (go, wait) = oneshot::channel();
    let (vm, _script) = client(|mut peer| async move {
        wait.await.unwrap();
        peer.event("STOP").await;
        peer.wait_for_end().await;
    })
    .await;
    let mut events = vm.subscribe();
    {
        let mut next = pin!(events.next());
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
    }
    go.send(()).unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().data.name(), "STOP");
}

/// The stream is one for everybody's combinators.
#[tokio::test]
async fn streams_are_streams() {
    let (vm, _script) = client(|mut peer| async move {
        let command = peer.expect(STATUS).await;
        peer.event("STOP").await;
        peer.reply(&command, paused()).await;
    })
    .await;
    type Item = qemu_qmp::Result<EventMessage<AnyEvent>>;
    let mut events: Pin<Box<dyn Stream<Item = Item> + Send>> = Box::pin(vm.subscribe());
    vm.execute(QueryStatus::new()).await.unwrap();
    let next = std::future::poll_fn(|cx| events.as_mut().poll_next(cx)).await;
    assert_eq!(next.unwrap().unwrap().data.name(), "STOP");
}
