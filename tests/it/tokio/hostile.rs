//! The tokio client against servers that are broken, slow or hostile: each gives the documented error in time.

use qemu_qmp::error::Malformed;
use qemu_qmp::qmp::commands::{QueryName, QueryStatus};
use qemu_qmp::qmp::events::AnyEvent;
use qemu_qmp::session::SessionOptions;
use qemu_qmp::{ConnectOptions, Error, ErrorKind, EventSet, Phase};
use serde_json::json;
use std::time::Duration;
use support::tokio::*;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, Instant};

/// What becomes of a client whose server sends this, and then waits or leaves.
async fn greeted(bytes: &[u8], leave: bool) -> Error {
    let bytes = bytes.to_owned();
    let (stream, _script) = scripted(|mut peer| async move {
        peer.raw(&bytes).await;
        if !leave {
            peer.wait_for_end().await;
        }
    });
    over(stream).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn greetings() {
    let silent = greeted(b"", false).await;
    assert_eq!(silent.kind(), ErrorKind::Timeout(Phase::Greeting));
    assert!(silent.is_greeting());
    let gone = greeted(b"", true).await;
    assert!(gone.is_greeting() && gone.is_closed(), "{gone}");
    for wrong in ["QEMU 7.2 monitor\n(qemu) ", "{}\n", "{\"return\": {}}\n", "{\"QMP\": {}}\n", "{\0}\n", "\u{fffd}\n"]
    {
        assert_eq!(greeted(wrong.as_bytes(), false).await.kind(), ErrorKind::Greeting, "{wrong}");
    }
    assert_eq!(greeted(&GREETING.as_bytes()[..40], false).await.kind(), ErrorKind::Timeout(Phase::Greeting));
    assert_eq!(greeted(&GREETING.as_bytes()[..40], true).await.kind(), ErrorKind::Greeting);
}

#[tokio::test(start_paused = true)]
async fn negotiations() {
    let greeting = format!("{GREETING}\r\n");
    let after = |rest: &str| (greeting.clone() + rest).into_bytes();
    assert_eq!(greeted(&after(""), false).await.kind(), ErrorKind::Timeout(Phase::Negotiation));
    assert_eq!(greeted(&after("{\0}\n"), false).await.kind(), ErrorKind::Malformed(Malformed::NotJson));
    // Space, as a serial line may have it.
    assert_eq!(greeted(&after("\0\n"), false).await.kind(), ErrorKind::Timeout(Phase::Negotiation));
    assert_eq!(greeted(&after(&greeting), false).await.kind(), ErrorKind::Timeout(Phase::Negotiation));
    let refused = greeted(&after("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\n"), false).await;
    assert_eq!((refused.kind(), &*refused.server_error().unwrap().desc), (ErrorKind::Negotiation, "no"));

    let (stream, script) = scripted(|mut peer| async move {
        peer.event("EARLY").await;
        peer.line(GREETING).await;
        peer.expect("qmp_capabilities").await;
        peer.event("EARLY").await;
    });
    assert_eq!(over(stream).await.unwrap_err().kind(), ErrorKind::Closed);
    script.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn byte_a_second() {
    async fn slowly(mut stream: tokio::io::DuplexStream) {
        loop {
            for byte in format!("{GREETING}\r\n{{\"return\": {{}}}}\r\n").bytes() {
                sleep(Duration::from_secs(1)).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
    }
    let start = Instant::now();
    let (near, far) = tokio::io::duplex(64 << 10);
    tokio::spawn(slowly(far));
    let error = over(near).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    // It is a matter of patience only.
    let (near, far) = tokio::io::duplex(64 << 10);
    tokio::spawn(slowly(far));
    let vm = connect_over(near, &ConnectOptions::new().greeting_timeout(None)).await.unwrap();
    assert!(vm.is_connected());
}

/// As fast as the client reads, but so that the clock can go on.
async fn endlessly(peer: &mut Peer) {
    loop {
        peer.raw(&[b'x'; 1024]).await;
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn endless_line() {
    let options = || ConnectOptions::new().session(SessionOptions::new().max_line_len(64 << 10));
    let (stream, _script) = scripted(|mut peer| async move { endlessly(&mut peer).await });
    let error = connect_over(stream, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));

    let (vm, _script) = connected(options(), |mut peer| async move { endlessly(&mut peer).await }).await;
    let start = Instant::now();
    let error = vm.within(SOON).execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout(Phase::Call), SOON));
}

#[tokio::test]
async fn line_over_the_bound_costs_one_call() {
    let options = ConnectOptions::new().session(SessionOptions::new().max_line_len(1000));
    let (vm, script) = connected(options, |mut peer| async move {
        peer.answer(STATUS, json!("x".repeat(10_000))).await;
        peer.answer(STATUS, paused()).await;
        peer.line(&event("LONG", json!({"x": "y".repeat(10_000)}))).await;
        peer.event("SHORT").await;
    })
    .await;
    let mut events = vm.subscribe();
    let error = vm.execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::TooLong));
    assert!(error.malformed_line().unwrap().line_len() > 10_000);
    vm.execute(QueryStatus::new()).await.unwrap();
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::TooLong));
    assert_eq!(events.next().await.unwrap().unwrap().data.name(), "SHORT");
    script.await.unwrap();
}

#[tokio::test]
async fn half_a_reply() {
    let (vm, script) = client(|mut peer| async move {
        let command = peer.expect(STATUS).await;
        peer.raw(format!(r#"{{"id": {}, "return": {{"run"#, command["id"]).as_bytes()).await;
    })
    .await;
    let mut events = vm.subscribe();
    for error in [
        vm.execute(QueryStatus::new()).await.unwrap_err(),
        vm.execute(QueryStatus::new()).await.unwrap_err(),
        events.next().await.unwrap().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::HalfLine));
        assert!(error.is_closed());
    }
    script.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replies_to_nobody_and_twice() {
    let (vm, script) = client(|mut peer| async move {
        let command = peer.expect(STATUS).await;
        peer.reply(&json!({"id": "another"}), paused()).await;
        peer.reply(&json!({"id": 1}), paused()).await;
        peer.expect(STATUS).await;
        peer.reply(&command, paused()).await;
        let command = peer.answer("query-name", json!({"name": "first"})).await;
        peer.reply(&command, json!({"name": "second"})).await;
        peer.answer("query-name", json!({"name": "third"})).await;
        peer.line(r#"{"return": {}}"#).await;
        peer.answer("query-name", json!({})).await;
    })
    .await;
    let error = vm.within(SOON).execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    assert_eq!(vm.counters().unknown_replies, 2);
    let error = vm.within(SOON).execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    assert_eq!(vm.counters().late_replies, 1);
    assert_eq!(vm.execute(QueryName::new()).await.unwrap().name.as_deref(), Some("first"));
    assert_eq!(vm.execute(QueryName::new()).await.unwrap().name.as_deref(), Some("third"));
    assert_eq!(vm.counters().unknown_replies, 3);
    // A reply without an id is nobody's, but it may have been the next one's.
    let error = vm.execute(QueryName::new()).await.map(drop);
    assert!(error.is_ok() || error.unwrap_err().kind() == ErrorKind::Malformed(Malformed::UnidentifiedReply));
    drop(vm);
    script.await.unwrap();
}

#[tokio::test]
async fn garbage_between_messages() {
    let garbage: [(&[u8], Malformed); 7] = [
        (b"(qemu) ", Malformed::NotJson),
        // Around a message they would be space.
        (b"{\0\0\0}", Malformed::NotJson),
        (b"{\"event\": \"\xff\"}", Malformed::NotUtf8),
        (b"{\"event\": \"\xed\xa0\x80\"}", Malformed::NotUtf8),
        (b"[1, 2]", Malformed::NotQmp),
        (b"{\"event\": 7}", Malformed::NotQmp),
        (b"{\"return\": {}}", Malformed::UnidentifiedReply),
    ];
    let (vm, script) = client(move |mut peer| async move {
        let command = peer.expect(STATUS).await;
        peer.reply(&command, paused()).await;
        for (line, _) in garbage {
            peer.raw(line).await;
            peer.raw(b"\n\r\n \n").await;
            peer.event("STOP").await;
        }
        for (line, _) in garbage {
            let command = peer.expect(STATUS).await;
            peer.raw(line).await;
            peer.raw(b"\n").await;
            peer.reply(&command, paused()).await;
            peer.answer(STATUS, paused()).await;
        }
    })
    .await;
    let mut events = vm.subscribe();
    vm.execute(QueryStatus::new()).await.unwrap();
    for (_, kind) in garbage {
        let error = events.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed(kind));
        assert!(matches!(events.next().await.unwrap().unwrap().data, AnyEvent::Stop(_)));
    }
    for (number, (_, kind)) in (1..).zip(garbage) {
        let error = vm.execute(QueryStatus::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed(kind));
        vm.execute(QueryStatus::new()).await.unwrap();
        // The call's true reply came after all, and reached nobody.
        assert_eq!(vm.counters().late_replies, number);
    }
    script.await.unwrap();
}

#[tokio::test]
async fn nesting_and_decode_errors() {
    let deep = "[".repeat(20_000) + &"]".repeat(20_000);
    let line = deep.clone();
    let (vm, script) = client(move |mut peer| async move {
        for _ in 0..2 {
            let command = peer.expect(STATUS).await;
            peer.line(&format!(r#"{{"return": {line}, "id": {}}}"#, command["id"])).await;
        }
        let command = peer.expect(STATUS).await;
        peer.line(&format!(r#"{{"event": "DEEP", "data": {line}}}"#)).await;
        peer.reply(&command, json!({"running": "\u{0}", "status": 7})).await;
        peer.answer(STATUS, paused()).await;
    })
    .await;
    let mut events = vm.subscribe();
    let error = vm.execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.decode_error().unwrap().text()), (ErrorKind::Decode, &*deep));
    let reply = vm.cmd(STATUS, None, None).await.unwrap();
    assert_eq!(reply.result(), Ok(&*deep));
    let error = vm.execute(QueryStatus::new()).await.unwrap_err();
    assert_eq!(error.decode_error().unwrap().path(), ".running");
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event.data.name(), "DEEP");
    vm.execute(QueryStatus::new()).await.unwrap();
    script.await.unwrap();
}

/// A server that does not read: what is to be written waits with its calls, and deadlines hold.
#[tokio::test(start_paused = true)]
async fn deaf_server() {
    let (vm, _script) = client(|mut peer| async move {
        sleep(SOON * 10).await;
        peer.wait_for_end().await;
    })
    .await;
    let long = json!({"x": "y".repeat(100_000)});
    let call = |_| vm.within(SOON).cmd("long", Some(long.clone()), None);
    let (a, b, c) = tokio::join!(call(1), call(2), call(3));
    for call in [a, b, c] {
        assert_eq!(call.unwrap_err().kind(), ErrorKind::Timeout(Phase::Call));
    }
    vm.close().await;
}

/// A server that does not read until it could write: the client must read while it writes.
#[tokio::test]
async fn both_sides_write_at_a_time() {
    let (vm, script) = client(|mut peer| async move {
        let mut commands = Vec::new();
        commands.push(peer.expect("long").await);
        for _ in 0..100 {
            peer.line(&event("LONG", json!({"x": "y".repeat(10_000)}))).await;
        }
        commands.push(peer.expect("long").await);
        for command in commands {
            peer.reply(&command, json!({})).await;
        }
    })
    .await;
    let long = json!({"x": "y".repeat(200_000)});
    let call = || vm.cmd("long", Some(long.clone()), None);
    let (a, b) = tokio::join!(call(), call());
    assert!(a.is_ok() && b.is_ok());
    script.await.unwrap();
}
