//! Frozen file systems: on scripted agents only, because a real one would freeze this machine.

use super::fake::{Fake, Say};
use super::{answered, catch, gone, refuse, synchronize, with_each_agent};
use crate::ops::clients::{block_on, runtime};
use qemu_qmp::ops::guest::{Freeze, FreezeOutcome, Thaw};
use qemu_qmp::{ConnectOptions, ErrorKind, GuestAgent};
use serde_json::json;
use std::future::pending;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{agent, Peer};
use tokio::sync::Notify;

const FREEZE: &str = "guest-fsfreeze-freeze";
const THAW: &str = "guest-fsfreeze-thaw";
const STATUS: &str = "guest-fsfreeze-status";

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn add(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    fn is(&self, expected: &[&str]) {
        assert_eq!(*self.0.lock().unwrap(), expected);
    }

    /// An agent that freezes and thaws.
    fn script(&self) -> impl FnOnce(&mut Peer) + Clone + Send + 'static {
        let log = self.clone();
        move |peer| {
            let freeze = peer.expect(FREEZE);
            log.add("frozen");
            peer.reply(&freeze, json!(2));
            let thaw = peer.expect(THAW);
            log.add("thawed");
            peer.reply(&thaw, json!(3));
        }
    }
}

/// The value, if all went well.
fn thawed<T>(outcome: FreezeOutcome<T>) -> T {
    let FreezeOutcome::Thawed { value, frozen: 2, thawed: 3 } = outcome else { panic!("{outcome}") };
    value
}

#[test]
fn frozen_while_it_is_done() {
    let log = Log::default();
    with_each_agent!(log.script(), |agent| {
        let work = log.clone();
        async move {
            let outcome = Freeze::new(agent).during(async { work.add("done") }).await.unwrap();
            assert_eq!(outcome.to_string(), "2 file systems were frozen, and 3 thawed");
            thawed(outcome);
        }
    });
    log.is(&["frozen", "done", "thawed"].repeat(3));
}

#[test]
fn some_file_systems() {
    let script = |peer: &mut Peer| {
        let frozen = answered(peer, "guest-fsfreeze-freeze-list", json!(0));
        assert_eq!(frozen, json!({"mountpoints": ["/", "/srv"]}));
        answered(peer, THAW, json!(0));
    };
    with_each_agent!(script, |agent| async move {
        let outcome = Freeze::new(agent).mountpoints(["/", "/srv"]).during(async { 5 }).await.unwrap();
        assert!(matches!(outcome, FreezeOutcome::Thawed { value: 5, frozen: 0, thawed: 0 }), "{outcome}");
    });
}

#[test]
fn what_is_done_fails() {
    let log = Log::default();
    with_each_agent!(log.script(), |agent| async move {
        let outcome = Freeze::new(agent).during(async { Err::<(), _>("no space") }).await.unwrap();
        assert_eq!(thawed(outcome), Err("no space"));
    });
    log.is(&["frozen", "thawed"].repeat(3));
}

/// The closures of clients that block.
#[test]
fn closures() {
    let log = Log::default();
    let script = log.script();
    let (mut client, running) = agent(move |mut peer| {
        synchronize(&mut peer);
        for script in [script.clone(), script] {
            script(&mut peer);
        }
    });
    let mut count = 0;
    let outcome = client.freeze().during(|| {
        log.add("done");
        count += 1;
        count
    });
    assert_eq!(thawed(outcome.unwrap()), 1);
    let client = client.share().unwrap();
    assert_eq!(client.freeze().during(|| count + 1).unwrap().thawed().unwrap(), 2);
    drop(client);
    running.finish();
    log.is(&["frozen", "done", "thawed", "frozen", "thawed"]);
}

#[test]
fn what_is_done_panics() {
    let log = Log::default();
    with_each_agent!(log.script(), |agent| async move {
        let outcome = catch(Freeze::new(agent).during(async { panic!("as it must") }));
        let panic = outcome.await.map(|outcome| drop(outcome.map(|_: FreezeOutcome<()>| ()))).unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "as it must");
    });
    let script = log.script();
    let (mut client, running) = agent(move |mut peer| {
        synchronize(&mut peer);
        script(&mut peer);
    });
    let panic =
        catch_unwind(AssertUnwindSafe(|| client.freeze().during(|| panic!("here")).map(|_: FreezeOutcome<()>| ())));
    assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "here");
    drop(client);
    running.finish();
    log.is(&["frozen", "thawed"].repeat(4));
}

/// The agent thaws, though nobody awaits it.
#[test]
fn a_future_that_is_dropped() {
    let (log, thawed) = (Log::default(), Arc::new(Notify::new()));
    let (script, told) = (log.script(), thawed.clone());
    let script = move |peer: &mut Peer| {
        script(peer);
        told.notify_one();
        // The client may leave without having read the answer.
        gone(peer);
    };
    with_each_agent!(script, |agent| {
        let (log, thawed, begun) = (log.clone(), thawed.clone(), Notify::new());
        async move {
            let work = async {
                log.add("begun");
                begun.notify_one();
                pending::<()>().await;
            };
            tokio::select! {
                _ = Freeze::new(agent).during(work) => unreachable!("it has no end"),
                () = begun.notified() => {}
            }
            thawed.notified().await;
        }
    });
    log.is(&["frozen", "begun", "thawed"].repeat(3));
}

/// Whoever has frozen them is to thaw them.
#[test]
fn freezing_is_refused() {
    let script = |peer: &mut Peer| refuse(peer, FREEZE, "CommandNotFound", "frozen already");
    with_each_agent!(script, |agent| async move {
        let frozen = Freeze::new(agent).during(async { unreachable!("nothing is frozen") }).await;
        let error = frozen.map(|_: FreezeOutcome<()>| ()).unwrap_err();
        assert_eq!(error.server_error().unwrap().desc, "frozen already");
    });
}

/// An agent that may have frozen is told to thaw.
#[test]
fn freezing_is_not_answered() {
    let freeze = |says: Vec<Say>| {
        let mut fake = Fake::new(says);
        let work = async { unreachable!("it is not known to be frozen") };
        let outcome = block_on(Freeze::new(&mut fake).deadline(Duration::from_secs(5)).during(work));
        (outcome.map(|outcome: FreezeOutcome<()>| outcome), fake)
    };
    for why in [Say::Silence, Say::Garbles] {
        let is_silent = matches!(why, Say::Silence);
        let (outcome, fake) = freeze(vec![why, Say::Returns(json!(2))]);
        assert_eq!(outcome.unwrap_err().is_timeout(), is_silent);
        assert_eq!(fake.names(), [FREEZE, THAW]);
        // Thawing has a time of its own.
        let begun = if is_silent { 5000 } else { 0 };
        assert_eq!((fake.calls[0].2, fake.calls[1].2), (5000, begun + 60_000));
    }
    let (outcome, fake) = freeze(vec![Say::Garbles, Say::Refuses("no"), Say::Returns(json!("thawed"))]);
    assert!(outcome.unwrap_err().is_malformed());
    assert_eq!(fake.names(), [FREEZE, THAW, STATUS]);
    let (outcome, _) = freeze(vec![Say::Silence, Say::Silence]);
    assert!(matches!(outcome.unwrap(), FreezeOutcome::MayBeFrozen { value: None, error } if error.is_timeout()));
    let (outcome, fake) = freeze(vec![Say::Goes, Say::Goes]);
    assert!(matches!(outcome.unwrap(), FreezeOutcome::MayBeFrozen { value: None, error } if error.is_closed()));
    assert_eq!(fake.names(), [FREEZE, THAW]);
}

#[test]
fn the_connection_is_lost_meanwhile() {
    let script = |peer: &mut Peer| {
        answered(peer, FREEZE, json!(2));
        gone(peer);
    };
    with_each_agent!(script, |agent| async move {
        let outcome = Freeze::new(agent).during(async { "a snapshot" }).await.unwrap();
        let FreezeOutcome::MayBeFrozen { value: Some("a snapshot"), error } = &outcome else { panic!("{outcome}") };
        assert!(error.is_disconnected());
        let shown = outcome.thawed().unwrap_err().to_string();
        assert!(shown.contains("may still be frozen; connect again if need be, and thaw: "), "{shown}");
    });
    // The next client.
    let script = |peer: &mut Peer| {
        answered(peer, THAW, json!(2));
    };
    with_each_agent!(script, |agent| async move { assert_eq!(Thaw::new(agent).run().await.unwrap(), 2) });
}

#[test]
fn thawing_is_refused() {
    for (status, was_thawed) in [("thawed", true), ("frozen", false), ("melting", false)] {
        let script = move |peer: &mut Peer| {
            answered(peer, FREEZE, json!(2));
            refuse(peer, THAW, "GenericError", "ten seconds are over");
            answered(peer, STATUS, json!(status));
        };
        with_each_agent!(script, |agent| async move {
            let outcome = Freeze::new(agent).during(async { 5 }).await.unwrap();
            let error = match &outcome {
                FreezeOutcome::ThawedBefore { value: 5, frozen: 2, error } if was_thawed => error,
                FreezeOutcome::MayBeFrozen { value: Some(5), error } if !was_thawed => error,
                _ => panic!("{outcome}"),
            };
            assert_eq!(error.server_error().unwrap().desc, "ten seconds are over");
            let shown = outcome.thawed().unwrap_err().to_string();
            assert_eq!(shown.contains("are thawed, perhaps since before it was done"), was_thawed, "{shown}");
        });
    }
}

#[test]
fn an_answer_to_thawing_that_is_garbled() {
    let script = |peer: &mut Peer| {
        answered(peer, FREEZE, json!(2));
        peer.expect(THAW);
        peer.line("garbage");
        answered(peer, STATUS, json!("frozen"));
        answered(peer, THAW, json!(3));
    };
    with_each_agent!(script, |agent| async move { thawed(Freeze::new(agent).during(async {}).await.unwrap()) });
}

/// What is not over by the deadline is dropped before the agent thaws.
#[test]
fn the_deadline() {
    struct Dropped(Log);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let log = Log::default();
    let mut fake = Fake::new([Say::Returns(json!(2)), Say::Returns(json!(2))]);
    let guard = Dropped(log.clone());
    let work = async move {
        let _guard = guard;
        pending::<()>().await
    };
    let outcome = block_on(Freeze::new(&mut fake).deadline(Duration::from_secs(5)).during(work)).unwrap();
    assert!(matches!(outcome, FreezeOutcome::TimedOut), "{outcome}");
    assert!(outcome.thawed().unwrap_err().to_string().contains("not done in time; they are thawed"));
    assert_eq!((fake.names(), fake.passed()), (vec![FREEZE, THAW], 5000));
    log.is(&["dropped"]);

    let mut fake = Fake::new([Say::Returns(json!(2)), Say::Silence]);
    let work = pending::<()>();
    let outcome = block_on(Freeze::new(&mut fake).deadline(Duration::from_secs(5)).during(work)).unwrap();
    assert!(matches!(outcome, FreezeOutcome::MayBeFrozen { value: None, .. }), "{outcome}");
}

#[test]
fn thaw() {
    let run = |says: Vec<Say>, deadline: Option<Duration>| {
        let mut fake = Fake::new(says);
        let thawed = block_on(Thaw::new(&mut fake).deadline(deadline).run());
        (thawed, fake)
    };
    let second = Some(Duration::from_secs(100));
    // Silence and garbage pass, and it is asked again.
    let (thawed, fake) =
        run(vec![Say::Silence, Say::Garbles, Say::Returns(json!("frozen")), Say::Returns(json!(2))], second);
    assert_eq!(thawed.unwrap(), 2);
    assert_eq!((fake.names(), &*fake.sleeps), (vec![THAW, THAW, STATUS, THAW], &[500, 500][..]));
    let (thawed, _) = run(vec![Say::Refuses("hook"), Say::Returns(json!("thawed"))], None);
    assert_eq!(thawed.unwrap(), 0);
    let (thawed, _) = run(vec![Say::Refuses("hook"), Say::Returns(json!("frozen"))], None);
    assert_eq!(thawed.unwrap_err().server_error().unwrap().desc, "hook");
    let (thawed, _) = run(vec![Say::Goes], None);
    assert!(thawed.unwrap_err().is_closed());
    let (thawed, fake) = run(vec![Say::Silence, Say::Silence], second);
    assert_eq!(thawed.unwrap_err().kind(), ErrorKind::Timeout(qemu_qmp::Phase::Call));
    assert_eq!(fake.passed(), 100_000);
}

/// Tokio's client itself, in a task.
#[test]
fn futures_can_be_spawned() {
    let log = Log::default();
    let script = log.script();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let running = support::Script::start(move || {
        let mut peer = Peer::unix(theirs);
        synchronize(&mut peer);
        script(&mut peer);
    });
    runtime().block_on(async {
        ours.set_nonblocking(true).unwrap();
        let ours = tokio::net::UnixStream::from_std(ours).unwrap();
        let client = qemu_qmp::tokio::Client::<GuestAgent>::connect_over(ours, &ConnectOptions::new()).await.unwrap();
        let task = tokio::spawn(async move { client.freeze().during(async { tokio::task::yield_now().await }).await });
        thawed(task.await.unwrap().unwrap());
    });
    running.finish();
    log.is(&["frozen", "thawed"]);
}

/// All operations can go to another thread, whatever they are made of.
#[allow(dead_code, reason = "compiling it is the test")]
fn are_send(agent: &qemu_qmp::tokio::Client<GuestAgent>) {
    fn is_send(_: impl Send) {}
    is_send(agent.program("a").run());
    is_send(agent.running_program(1).run());
    is_send(agent.read_file("a").run());
    is_send(agent.read_file("a").copy_to(Vec::new()));
    is_send(agent.write_file("a", "b").run());
    is_send(agent.freeze().during(async {}));
    is_send(agent.thaw().run());
    is_send(agent.wait_until_up().run());
}
