//! Calls of the tokio client: who gets which reply, what a deadline or a dropped future leaves behind.

use qemu_qmp::qga::commands::GuestShutdown;
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::session::SessionOptions;
use qemu_qmp::tokio::Client;
use qemu_qmp::{ConnectOptions, ErrorClass, ErrorKind, GuestAgent, Phase};
use serde_json::json;
use std::pin::Pin;
use std::task::{Context, Poll};
use support::tokio::*;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{sleep, Instant};

#[tokio::test]
async fn typed_and_untyped() {
    let (vm, script) = client(|mut peer| async move {
        peer.answer(STATUS, paused()).await;
        let command = peer.expect("device_del").await;
        assert_eq!(command["arguments"], json!({"id": "net0"}));
        peer.error(&command, "DeviceNotFound", "no net0").await;
        let command = peer.answer("x-new", json!([1])).await;
        assert_eq!((&command["id"], &command["arguments"]), (&json!({"a": [1.5]}), &json!({"x": null})));
        let command = peer.answer("x-new", json!(2)).await;
        assert_eq!(command["id"], 7);
    })
    .await;
    assert_eq!(vm.greeting().package, "a build");
    assert_eq!(vm.execute(QueryStatus::new()).await.unwrap().status, RunState::Paused);
    let error = vm.execute(DeviceDel::new("net0")).await.unwrap_err();
    assert_eq!(error.server_error().unwrap().class, ErrorClass::DeviceNotFound);
    let id = json!({"a": [1.5]});
    let reply = vm.cmd("x-new", Some(json!({"x": null})), Some(id.clone())).await.unwrap();
    assert_eq!((reply.result().unwrap(), reply.id().unwrap()), ("[1]", r#"{"a":[1.5]}"#));
    let request = json!({"execute": "x-new", "id": 7}).as_object().unwrap().clone();
    assert_eq!(vm.cmd_obj(request).await.unwrap().id(), Some("7"));
    script.await.unwrap();
}

#[tokio::test]
async fn several_at_a_time_get_their_own_replies() {
    let (vm, script) = client(|mut peer| async move {
        let mut commands = Vec::new();
        for _ in 0..3 {
            commands.push(peer.next_command().await.unwrap());
        }
        for command in commands.iter().rev() {
            peer.reply(command, command["arguments"].clone()).await;
        }
    })
    .await;
    let call = |number| vm.cmd("echo", Some(json!({"n": number})), None);
    let (a, b, c) = tokio::join!(call(1), call(2), call(3));
    let replies = [a, b, c].map(|reply| reply.unwrap().result().unwrap().to_owned());
    assert_eq!(replies, [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
    script.await.unwrap();
}

#[tokio::test]
async fn out_of_band_goes_first() {
    let (vm, script) = client(|mut peer| async move {
        // Eight are on their way; the others queue, and the out-of-band command overtakes them.
        let mut commands = Vec::new();
        for _ in 0..8 {
            commands.push(peer.expect(STATUS).await);
        }
        let urgent = peer.expect("yank").await;
        assert!(urgent.get("exec-oob").is_some());
        peer.reply(&urgent, json!({})).await;
        for command in &commands {
            peer.reply(command, paused()).await;
        }
        for _ in 0..4 {
            peer.answer(STATUS, paused()).await;
        }
    })
    .await;
    assert!(vm.oob_enabled());
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let vm = vm.clone();
            tokio::spawn(async move { vm.execute(QueryStatus::new()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    vm.execute_oob(Yank::new([])).await.unwrap();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    script.await.unwrap();
}

#[tokio::test]
async fn out_of_band_only_if_negotiated() {
    let options = ConnectOptions::new().session(SessionOptions::new().oob(false));
    let (vm, _script) = connected(options, |mut peer| async move { peer.wait_for_end().await }).await;
    assert_eq!(vm.execute_oob(Yank::new([])).await.unwrap_err().kind(), ErrorKind::OobUnavailable);
}

#[tokio::test(start_paused = true)]
async fn deadlines() {
    let (mut vm, script) = client(|mut peer| async move {
        let late = [peer.expect(STATUS).await, peer.expect(STATUS).await];
        let patient = peer.expect("query-name").await;
        sleep(SOON * 100).await;
        for command in &late {
            peer.reply(command, json!("too late")).await;
        }
        peer.reply(&patient, json!({})).await;
    })
    .await;
    let start = Instant::now();
    let error = vm.within(SOON).execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout(Phase::Call), SOON));
    vm.set_call_timeout(SOON * 2);
    let error = vm.execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout(Phase::Call), SOON * 3));
    assert_eq!(vm.within(None).execute(QueryName::new()).await.unwrap().name, None);
    assert_eq!(vm.counters().late_replies, 2);
    script.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn deadlines_of_the_greeting() {
    let options = || ConnectOptions::new().greeting_timeout(SOON);
    let (stream, _silent) = scripted(|mut peer| async move { peer.wait_for_end().await });
    let error = connect_over(stream, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));

    let (stream, script) = scripted(|mut peer| async move {
        peer.line(GREETING).await;
        peer.wait_for_end().await;
    });
    let error = connect_over(stream, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Negotiation));
    // A client that gives up goes.
    script.await.unwrap();

    let (stream, script) = scripted(|mut peer| async move { peer.wait_for_end().await });
    let error = Client::<GuestAgent>::connect_over(stream, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Sync));
    script.await.unwrap();
}

#[tokio::test]
async fn guest_agents_synchronize_and_may_not_answer() {
    let (stream, script) = scripted(|mut peer| async move {
        peer.line(r#"{"return": "for somebody else"}"#).await;
        let sync = peer.expect("guest-sync-delimited").await;
        peer.raw(b"\xff").await;
        peer.reply(&sync, sync["arguments"]["id"].clone()).await;
        peer.expect("guest-shutdown").await;
        peer.answer("guest-ping", json!({})).await;
    });
    let agent = Client::<GuestAgent>::connect_over(stream, &ConnectOptions::new()).await.unwrap();
    agent.execute(GuestShutdown::new()).await.unwrap();
    agent.execute(qemu_qmp::qga::commands::GuestPing::new()).await.unwrap();
    assert_eq!(agent.counters().stale_lines, 1);
    script.await.unwrap();
}

#[tokio::test]
async fn dropped_calls_leave_no_trace() {
    let (vm, script) = client(|mut peer| async move {
        let mut held = Vec::new();
        let mut served = Vec::new();
        while let Some(command) = peer.next_command().await {
            let number = command["arguments"]["n"].as_u64().unwrap();
            served.push(number);
            held.push((command, number));
            if number >= 100 {
                for (command, number) in held.drain(..) {
                    peer.reply(&command, json!(number)).await;
                }
            }
        }
        served
    })
    .await;
    for polls in 0..6 {
        let call = vm.cmd("echo", Some(json!({"n": polls})), None);
        assert!(drop_after(polls, call).await.is_none());
        let number = polls + 100;
        let reply = vm.cmd("echo", Some(json!({"n": number})), None).await.unwrap();
        assert_eq!(reply.result(), Ok(&*number.to_string()));
    }
    assert_eq!((vm.counters().late_replies, vm.counters().unknown_replies), (5, 0));
    drop(vm);
    // The one that was not polled at all was not sent.
    assert_eq!(script.await.unwrap(), [100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105]);
}

/// Counts writes, and keeps what is written until it is flushed.
struct Buffering {
    inner: DuplexStream,
    held: Vec<u8>,
    writes: mpsc::UnboundedSender<usize>,
}

impl AsyncRead for Buffering {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Buffering {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.held.extend_from_slice(buf);
        let _ = self.writes.send(buf.len());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while !self.held.is_empty() {
            let this = &mut *self;
            let count = std::task::ready!(Pin::new(&mut this.inner).poll_write(cx, &this.held))?;
            self.held.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.held.extend_from_slice(b"\"farewell\"\n");
        std::task::ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn one_write_and_flush_per_command_and_a_farewell() {
    for close in [true, false] {
        let (inner, script) = scripted(|mut peer| async move {
            peer.negotiate().await;
            for _ in 0..2 {
                peer.answer(STATUS, paused()).await;
            }
            assert_eq!(peer.next_command().await, Some(json!("farewell")));
            peer.wait_for_end().await;
        });
        let (writes, mut written) = mpsc::unbounded_channel();
        let vm = over(Buffering { inner, held: Vec::new(), writes }).await.unwrap();
        let (a, b) = tokio::join!(vm.execute(QueryStatus::new()), vm.execute(QueryStatus::new()));
        assert!(a.is_ok() && b.is_ok());
        if close {
            vm.close().await;
        }
        drop(vm);
        script.await.unwrap();
        let mut count = 0;
        while written.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 3);
    }
}

#[test]
fn handles_and_futures_go_from_thread_to_thread() {
    fn check<T: Send + Sync>(_: &T) {}
    fn check_send<T: Send>(_: &T) {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (vm, _script) = client(|mut peer| async move { peer.wait_for_end().await }).await;
        check(&vm);
        check_send(&vm.subscribe());
        check_send(&vm.execute(QueryStatus::new()));
        check_send(&vm.wait_for(None, |_: &qemu_qmp::qmp::events::StopEvent| true));
        check_send(&vm.close());
        check_send(&vm.clone().into_inner::<DuplexStream>());
        check_send(&Client::connect_unix("/run/vm.qmp"));
    });
}
