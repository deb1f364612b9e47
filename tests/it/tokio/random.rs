//! Random interleavings: calls, cancels, events and the end, over a pipe so narrow that lines are cut anywhere.
//!
//! Every call ends once and with its own reply, events keep their order, and nothing is lost.

use qemu_qmp::qmp::events::AnyEvent;
use qemu_qmp::tokio::{Client, Events};
use qemu_qmp::{ErrorKind, EventSet};
use serde_json::{json, Value};
use std::future::{poll_fn, Future};
use std::pin::pin;
use std::task::Poll;
use support::tokio::*;
use tokio::io::duplex;

const TASKS: u64 = 6;
const CALLS: u64 = 60;

/// Answers in an order of its own, with events in between; leaves after so many commands, if ever. Gives the number of
/// events.
async fn serve(mut peer: Peer, mut random: Random, leave_after: Option<u64>) -> u64 {
    peer.negotiate().await;
    let (mut commands, mut peer) = peer.into_commands();
    let (mut held, mut events, mut served) = (Vec::<Value>::new(), 0, 0);
    while leave_after.is_none_or(|bound| served < bound) {
        if random.below(3) == 0 {
            peer.line(&event("X_COUNT", json!({"n": events}))).await;
            events += 1;
        }
        let arrived = match held.len() {
            0 => Some(match commands.recv().await {
                Some(command) => command,
                None => break,
            }),
            _ if random.below(2) == 0 => None,
            _ => commands.try_recv().ok(),
        };
        match arrived {
            Some(command) => {
                served += 1;
                held.push(command);
            }
            None => {
                let command = held.swap_remove(random.below(held.len() as u64) as usize);
                peer.reply(&command, command["arguments"].clone()).await;
            }
        }
    }
    peer.end().await;
    events
}

/// Calls, some of which it drops; gives how many ended with a reply, and how many with the end of the connection.
async fn work(vm: Client, task: u64, mut random: Random) -> (u64, u64) {
    let (mut replies, mut ends) = (0, 0);
    for number in 0..CALLS {
        let arguments = json!({"task": task, "n": number});
        let mut call = pin!(vm.cmd("echo", Some(arguments.clone()), None));
        let polls = if random.below(3) == 0 { random.below(6) } else { u64::MAX };
        let mut polled = 0;
        let outcome = poll_fn(|cx| {
            if polled == polls {
                return Poll::Ready(None);
            }
            polled += 1;
            if polls != u64::MAX {
                // It is to be dropped after so many polls, whether there was reason for them or not.
                cx.waker().wake_by_ref();
            }
            call.as_mut().poll(cx).map(Some)
        });
        match outcome.await {
            None => {}
            Some(Ok(reply)) => {
                assert_eq!(serde_json::from_str::<Value>(reply.result().unwrap()).unwrap(), arguments);
                replies += 1;
            }
            Some(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Closed);
                ends += 1;
            }
        }
    }
    (replies, ends)
}

/// Numbers follow each other up to the last; gives it.
async fn listen(mut events: Events<AnyEvent>) -> Option<u64> {
    let mut last: Option<u64> = None;
    while let Some(event) = events.next().await {
        let Ok(event) = event else { continue };
        let number = event.data.data()["n"].as_u64().unwrap();
        assert!(last.is_none_or(|last| number == last + 1), "{number} after {last:?}");
        last = Some(number);
    }
    last
}

async fn round(seed: u64) {
    let leave_after = (seed % 2 == 0).then_some(seed % (TASKS * CALLS));
    let (near, far) = duplex(29);
    let server = tokio::spawn(serve(Peer::new(far), Random(seed), leave_after));
    let vm = over(near).await.unwrap();
    let listeners: Vec<_> = (0..3).map(|_| tokio::spawn(listen(vm.subscribe()))).collect();
    let workers: Vec<_> =
        (0..TASKS).map(|task| tokio::spawn(work(vm.clone(), task, Random(seed * 31 + task + 1)))).collect();
    let (mut replies, mut ends) = (0, 0);
    for worker in workers {
        let counts = worker.await.unwrap();
        (replies, ends) = (replies + counts.0, ends + counts.1);
    }
    drop(vm);
    let events = server.await.unwrap();
    for listener in listeners {
        let last = listener.await.unwrap();
        // Handles that are dropped end the streams with what was not read yet, and the server's end does not.
        assert!(leave_after.is_none() || last.is_none_or(|last| last + 1 == events), "{last:?} of {events}");
    }
    match leave_after {
        None => assert!(ends == 0 && replies > TASKS * CALLS / 2, "{replies} replies, {ends} ends"),
        Some(_) => assert!(ends > 0, "{replies} replies"),
    }
}

#[tokio::test]
async fn on_one_thread() {
    for seed in 1..=30 {
        tokio::time::timeout(PATIENCE, round(seed)).await.expect("nothing hangs");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads() {
    for seed in 31..=60 {
        tokio::time::timeout(PATIENCE, round(seed)).await.expect("nothing hangs");
    }
}
