//! How connections of the tokio client end, and who is told what: dropped and closed handles, the stream taken back, a server
//! or a runtime that is gone.

use qemu_qmp::qmp::commands::QueryStatus;
use qemu_qmp::{ErrorKind, EventSet};
use serde_json::{json, Value};
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use support::tokio::*;
use tokio::io::{duplex, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::timeout;

#[tokio::test]
async fn last_handle_closes() {
    let (vm, script) = client(|mut peer| async move {
        peer.answer(STATUS, paused()).await;
        peer.wait_for_end().await;
    })
    .await;
    let other = vm.clone();
    let mut events = vm.subscribe();
    drop(vm);
    other.execute(QueryStatus::new()).await.unwrap();
    drop(other);
    // The stream of events did not keep it open.
    script.await.unwrap();
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn close_is_for_all_and_waits() {
    let (vm, script) = client(|mut peer| async move {
        peer.expect(STATUS).await;
        peer
    })
    .await;
    let call = tokio::spawn({
        let vm = vm.clone();
        async move { vm.execute(QueryStatus::new()).await }
    });
    let mut peer = script.await.unwrap();
    assert!(vm.is_connected());
    vm.close().await;
    assert!(!vm.is_connected());
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(vm.execute(QueryStatus::new()).await.unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(vm.closed().await.kind(), ErrorKind::NotConnected);
    assert!(peer.next_command().await.is_none());
    vm.close().await;
}

#[tokio::test]
async fn everybody_learns_why_it_ended() {
    let (vm, script) = client(|mut peer| async move {
        for _ in 0..3 {
            peer.expect(STATUS).await;
        }
    })
    .await;
    let mut events = vm.subscribe();
    let (a, b, c) =
        tokio::join!(vm.execute(QueryStatus::new()), vm.execute(QueryStatus::new()), vm.execute(QueryStatus::new()));
    for call in [a, b, c] {
        assert_eq!(call.unwrap_err().kind(), ErrorKind::Closed);
    }
    assert_eq!(events.next().await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert!(events.next().await.is_none());
    assert_eq!(vm.execute(QueryStatus::new()).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(vm.closed().await.kind(), ErrorKind::Closed);
    vm.close().await;
    assert_eq!(vm.closed().await.kind(), ErrorKind::Closed);
    script.await.unwrap();
}

#[tokio::test]
async fn stream_can_be_had_back() {
    let (vm, script) = client(|mut peer| async move {
        assert_eq!(peer.next_command().await.unwrap()["execute"], "by-hand");
        peer
    })
    .await;
    let other = vm.clone();
    let vm = vm.into_inner::<DuplexStream>().await.unwrap_err();
    drop(other);
    let vm = vm.into_inner::<tokio::net::TcpStream>().await.unwrap_err();
    let mut events = vm.subscribe();
    let mut stream = vm.into_inner::<DuplexStream>().await.unwrap();
    assert!(events.next().await.is_none());
    stream.write_all(b"{\"execute\": \"by-hand\"}\n").await.unwrap();
    let mut peer = script.await.unwrap();
    peer.raw(b"{}").await;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"{}");
}

#[tokio::test]
async fn stream_cannot_be_had_back_from_what_has_ended() {
    let (vm, script) = client(|mut peer| async move { peer.wait_for_end().await }).await;
    vm.close().await;
    let vm = vm.into_inner::<DuplexStream>().await.unwrap_err();
    assert!(!vm.is_connected());
    script.await.unwrap();
    let (vm, script) = client(|_| async {}).await;
    script.await.unwrap();
    vm.closed().await;
    let vm = vm.into_inner::<DuplexStream>().await.unwrap_err();
    assert_eq!(vm.closed().await.kind(), ErrorKind::Closed);
}

/// A server that says its last words when the second command is to be written to it, which fails.
struct LastWords {
    readable: Vec<u8>,
    reader: Option<Waker>,
    writes: usize,
}

impl AsyncRead for LastWords {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.readable.is_empty() && self.writes < 2 {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buf.put_slice(&std::mem::take(&mut self.readable));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LastWords {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.writes += 1;
        self.reader.take().into_iter().for_each(Waker::wake);
        if self.writes == 1 {
            self.readable = b"{\"return\": {}}\n".to_vec();
            return Poll::Ready(Ok(buf.len()));
        }
        self.readable = format!("{}\n{{\"ev", event("SHUTDOWN", json!({"guest": false, "reason": "x"}))).into();
        Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn last_words_are_heard_although_nothing_can_be_written() {
    let server = LastWords { readable: format!("{GREETING}\n").into(), reader: None, writes: 0 };
    let vm = over(server).await.unwrap();
    let mut events = vm.subscribe();
    let error = vm.execute(QueryStatus::new()).await.unwrap_err();
    assert!(error.is_closed() && error.malformed_line().is_some(), "{error}");
    assert_eq!(events.next().await.unwrap().unwrap().data.name(), "SHUTDOWN");
    assert!(events.next().await.unwrap().unwrap_err().is_closed());
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn detaching_finishes_the_line_but_not_for_a_future_that_is_dropped() {
    for leave in [false, true] {
        let (near, mut far) = duplex(64);
        let connecting = tokio::spawn(over(near));
        far.write_all(format!("{GREETING}\r\n").as_bytes()).await.unwrap();
        let mut negotiation = Vec::new();
        while !negotiation.ends_with(b"\n") {
            negotiation.push(far.read_u8().await.unwrap());
        }
        let sent: Value = serde_json::from_slice(&negotiation).unwrap();
        far.write_all(format!("{}\n", json!({"return": {}, "id": sent["id"]})).as_bytes()).await.unwrap();
        let vm = connecting.await.unwrap().unwrap();
        // More than the pipe holds, so that it is being written when its caller leaves.
        let long = json!({"x": "y".repeat(1000)});
        assert!(drop_after(3, vm.cmd("long", Some(long), None)).await.is_none());
        let mut detach = Box::pin(vm.into_inner::<DuplexStream>());
        assert!(poll_fn(|cx| Poll::Ready(detach.as_mut().poll(cx))).await.is_pending());
        let mut sent = Vec::new();
        if leave {
            drop(detach);
            far.read_to_end(&mut sent).await.unwrap();
            assert!(!sent.ends_with(b"\n"));
        } else {
            // More than the pipe holds this way, too: a server that cannot write may not read.
            far.write_all(format!("{}\n", "z".repeat(1000)).as_bytes()).await.unwrap();
            while !sent.ends_with(b"\n") {
                sent.push(far.read_u8().await.unwrap());
            }
            assert_eq!(serde_json::from_slice::<Value>(&sent).unwrap()["execute"], "long");
            drop(detach.await.unwrap());
        }
    }
}

/// A client that lives on when its runtime does not.
#[test]
fn end_of_the_runtime_is_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (sender, receiver) = oneshot::channel();
    runtime.spawn(async move {
        let (vm, _script) = client(|mut peer| async move { peer.wait_for_end().await }).await;
        let _ = sender.send(vm);
        std::future::pending::<()>().await;
    });
    let vm = receiver.blocking_recv().unwrap();
    let mut events = vm.subscribe();
    runtime.shutdown_background();
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    other.block_on(async {
        assert_eq!(timeout(PATIENCE, vm.closed()).await.unwrap().kind(), ErrorKind::NotConnected);
        assert!(timeout(PATIENCE, events.next()).await.unwrap().is_none());
        assert_eq!(vm.execute(QueryStatus::new()).await.unwrap_err().kind(), ErrorKind::NotConnected);
    });
}
