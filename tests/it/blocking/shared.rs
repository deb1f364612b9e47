//! One connection in several threads.

use qemu_qmp::blocking::{PipeTransport, SharedClient};
use qemu_qmp::error::Malformed;
use qemu_qmp::qmp::commands::{self, Cont, QueryName};
use qemu_qmp::qmp::events::{AnyEvent, Resume, StopEvent};
use qemu_qmp::{Client, ErrorKind, Phase};
use serde_json::json;
use std::collections::HashSet;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use support::qemu::Qemu;
use support::*;

fn shared<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (SharedClient, Script<T>) {
    let (client, script) = connected(script);
    (client.share().unwrap(), script)
}

/// A call whose reply says which call it answers.
fn echo(vm: &SharedClient, number: u32) {
    let reply = vm.cmd("echo", Some(json!({"number": number})), None).unwrap();
    assert_eq!(reply.result(), Ok(number.to_string().as_str()));
}

#[test]
fn every_reply_finds_its_thread_and_no_event_is_lost() {
    const THREADS: u32 = 6;
    const CALLS: u32 = 200;
    let (vm, script) = shared(|mut peer| {
        // Each thread has one call under way. The replies come in the wrong order.
        for round in 0..CALLS {
            let commands: Vec<_> = (0..THREADS).map(|_| peer.expect("echo")).collect();
            for (count, command) in commands.iter().enumerate().rev() {
                let number = round * THREADS + THREADS - 1 - count as u32;
                peer.line(&json!({"event": "E", "data": {"number": number}}).to_string());
                peer.reply(command, command["arguments"]["number"].clone());
            }
        }
        peer.wait_for_end();
    });
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let vm = vm.clone();
            scope.spawn(move || (0..CALLS).for_each(|call| echo(&vm, thread * CALLS + call)));
        }
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let take = || vm.next_event(PATIENCE).unwrap().unwrap();
                    (0..THREADS * CALLS / 2).map(|_| take()).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut numbers = HashSet::new();
        for thread in threads {
            let taken = thread.join().unwrap();
            let taken = taken.iter().map(|event| qemu_qmp::EventSet::data(&event.data)["number"].as_u64().unwrap());
            let taken: Vec<_> = taken.collect();
            assert!(taken.is_sorted());
            numbers.extend(taken);
        }
        assert_eq!(numbers.len(), (THREADS * CALLS) as usize);
    });
    assert_eq!(vm.counters(), Default::default());
    drop(vm);
    script.finish();
}

#[test]
fn who_reads_for_others_keeps_its_own_deadline_and_hands_over() {
    let (late, is_late) = channel();
    let (vm, script) = shared(move |mut peer| {
        let command = peer.expect("echo");
        is_late.recv().unwrap();
        peer.reply(&command, json!(7));
        peer.wait_for_end();
    });
    thread::scope(|scope| {
        // Whichever of both reads first, the other one is waiting when the deadline passes.
        let call = scope.spawn(|| echo(&vm, 7));
        let error = vm.wait_for(SOON, |_: &StopEvent| true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Event));
        late.send(()).unwrap();
        call.join().unwrap();
    });
    drop(vm);
    script.finish();
}

#[test]
fn a_thread_that_waits_for_ever_does_not_keep_others_from_calling() {
    let (vm, script) = shared(|mut peer| {
        for _ in 0..100 {
            let command = peer.expect("echo");
            peer.reply(&command, command["arguments"]["number"].clone());
        }
        peer.event("STOP");
        peer.wait_for_end();
    });
    let waiting = {
        let vm = vm.clone();
        thread::spawn(move || vm.wait_for(None, |_: &StopEvent| true).map(|_| ()))
    };
    (0..100).for_each(|number| echo(&vm, number));
    waiting.join().unwrap().unwrap();
    drop(vm);
    script.finish();
}

#[test]
fn a_line_that_one_thread_began_is_finished_by_the_next() {
    let (begun, is_begun) = channel();
    let (vm, script) = shared(move |mut peer| {
        is_begun.recv().unwrap();
        let command = peer.expect("large");
        peer.reply(&command, json!("late"));
        let command = peer.expect("echo");
        peer.reply(&command, json!(1));
        peer.wait_for_end();
    });
    let large = Some(json!({"x": "x".repeat(4 << 20)}));
    let error = vm.within(Duration::ZERO).cmd("large", large, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Call));
    begun.send(()).unwrap();
    echo(&vm, 1);
    assert_eq!(vm.counters().late_replies, 1);
    drop(vm);
    script.finish();
}

#[test]
fn closing_wakes_all_who_wait() {
    let (vm, script) = shared(|mut peer| {
        peer.expect("query-name");
        peer.event("RESUME");
        peer.wait_for_end();
    });
    thread::scope(|scope| {
        let event = scope.spawn(|| vm.wait_for(None, |_: &StopEvent| true).unwrap_err().kind());
        let call = scope.spawn(|| vm.within(None).execute(QueryName::new()).unwrap_err().kind());
        vm.wait_for(PATIENCE, |_: &Resume| true).unwrap();
        vm.close();
        assert_eq!(event.join().unwrap(), ErrorKind::NotConnected);
        assert_eq!(call.join().unwrap(), ErrorKind::NotConnected);
    });
    assert_eq!(vm.take_events().unwrap_err().kind(), ErrorKind::NotConnected);
    assert!(!vm.is_connected());
    script.finish();
}

#[test]
fn closing_wakes_a_thread_that_writes_while_another_reads() {
    let (closed, is_closed) = channel::<()>();
    let (vm, script) = shared(move |mut peer| {
        peer.skip(1);
        peer.event("RESUME");
        // The rest is never read.
        is_closed.recv().unwrap();
    });
    thread::scope(|scope| {
        let event = scope.spawn(|| vm.wait_for(None, |_: &StopEvent| true).unwrap_err().kind());
        let large = Some(json!({"x": "x".repeat(8 << 20)}));
        let call = scope.spawn(|| vm.within(None).cmd("large", large, None).unwrap_err().kind());
        vm.wait_for(PATIENCE, |_: &Resume| true).unwrap();
        vm.close();
        assert_eq!(event.join().unwrap(), ErrorKind::NotConnected);
        assert_eq!(call.join().unwrap(), ErrorKind::NotConnected);
    });
    closed.send(()).unwrap();
    script.finish();
}

#[test]
fn the_end_of_the_connection_reaches_all() {
    let (vm, script) = shared(|mut peer| {
        let command = peer.expect("echo");
        peer.event("STOP");
        peer.expect("query-name");
        peer.raw(&Peer::reply_to(&command, json!(1)).as_bytes()[..10]);
    });
    thread::scope(|scope| {
        let calls = [
            scope.spawn(|| vm.cmd("echo", None, None).unwrap_err()),
            scope.spawn(|| {
                // After the other one.
                vm.wait_for(PATIENCE, |_: &StopEvent| true).unwrap();
                vm.execute(QueryName::new()).unwrap_err()
            }),
            scope.spawn(|| vm.wait_for(None, |_: &Resume| true).unwrap_err()),
        ];
        let errors = calls.map(|call| call.join().unwrap());
        assert!(errors.iter().all(|error| error.is_closed()), "{errors:?}");
        assert!(errors.iter().any(|error| error.kind() == ErrorKind::Malformed(Malformed::HalfLine)), "{errors:?}");
    });
    assert!(vm.execute(QueryName::new()).unwrap_err().is_closed());
    script.finish();
}

#[test]
fn a_line_that_is_no_message_fails_one_call_or_one_look_at_events() {
    let (written, is_written) = channel();
    let (vm, script) = shared(move |mut peer| {
        let command = peer.expect("echo");
        peer.line("garbage");
        peer.reply(&command, json!(1));
        peer.answer("echo", json!(2));
        peer.line("garbage");
        peer.event("STOP");
        written.send(()).unwrap();
        peer.wait_for_end();
    });
    let error = vm.cmd("echo", None, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::NotJson));
    echo(&vm, 2);
    is_written.recv().unwrap();
    assert_eq!(vm.take_events().unwrap_err().kind(), ErrorKind::Malformed(Malformed::NotJson));
    assert!(matches!(vm.next_event(None).unwrap().unwrap().data, AnyEvent::Stop(_)));
    drop(vm);
    script.finish();
}

#[test]
fn what_was_kept_goes_along_and_pipes_can_be_shared() {
    let (reader, their_writer) = UnixStream::pair().unwrap();
    let (their_reader, writer) = UnixStream::pair().unwrap();
    let script = Script::start(move || {
        let mut peer = Peer::new(their_reader, their_writer, || ());
        peer.event("STOP");
        peer.negotiate();
        peer.event("RESUME");
        peer.answer("echo", json!(1));
        peer.wait_for_end();
    });
    let pipe = PipeTransport::new(reader, writer).unwrap();
    let vm = Client::connect_over(pipe, &options()).unwrap().share().unwrap();
    echo(&vm, 1);
    assert_eq!(vm.take_events().unwrap().len(), 2);
    drop(vm);
    script.finish();
    let pieces = [Some(format!("{GREETING}\n{{\"return\": {{}}}}\n").into_bytes())];
    let vm = Client::connect_over(Recorded::new(pieces, false), &options()).unwrap();
    assert_eq!(vm.share().unwrap_err().io_error().unwrap().kind(), std::io::ErrorKind::Unsupported);
}

#[test]
fn qemu_serves_several_threads() {
    let Some(qemu) = Qemu::start() else { return };
    let vm = qemu.connect().share().unwrap();
    assert!(vm.oob_enabled() && vm.greeting().version.major >= 6);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            (0..50).for_each(|_| {
                vm.wait_for(PATIENCE, |_: &Resume| true).unwrap();
            });
        });
        for _ in 0..3 {
            scope.spawn(|| (0..200).for_each(|_| assert_eq!(vm.execute(QueryName::new()).unwrap().name, None)));
        }
        scope.spawn(|| {
            for _ in 0..50 {
                vm.execute(Cont::new()).unwrap();
                vm.execute_and_wait(commands::Stop::new(), PATIENCE, |_: &StopEvent| true).unwrap();
            }
        });
        watcher.join().unwrap();
    });
    assert_eq!((vm.take_events().unwrap().len(), vm.counters()), (0, Default::default()));
}
