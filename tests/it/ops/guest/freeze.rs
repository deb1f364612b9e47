//! Frozen file systems: on stand-ins only, because a real one would freeze this machine.

use super::clock::{garbles, refuses, Clocked, Return, Silence};
use super::{catch, Agent};
use crate::ops::clients::{block_on, runtime, with_fake};
use qemu_qmp::fake::Fault;
use qemu_qmp::ops::guest::{Freeze, FreezeOutcome, Thaw};
use qemu_qmp::qga::commands::*;
use qemu_qmp::qga::types::GuestFsfreezeStatusReply;
use qemu_qmp::{ErrorKind, GuestAgent};
use serde_json::json;
use std::future::pending;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::Duration;
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
    fn script(&self) -> impl Fn(&Agent) + '_ {
        |fake| {
            let (freezing, thawing) = (self.clone(), self.clone());
            fake.next(move |_: GuestFsfreezeFreeze, _| {
                freezing.add("frozen");
                Ok(2)
            });
            fake.next(move |_: GuestFsfreezeThaw, _| {
                thawing.add("thawed");
                Ok(3)
            });
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
    with_fake!(agent: log.script(), |agent| {
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
    let script = |fake: &Agent| {
        let mountpoints = ["/", "/srv"].map(str::to_owned);
        fake.expects(GuestFsfreezeFreezeList::new().mountpoints(mountpoints), 0);
        fake.returns::<GuestFsfreezeThaw>(0);
    };
    with_fake!(agent: script, |agent| async move {
        let outcome = Freeze::new(agent).mountpoints(["/", "/srv"]).during(async { 5 }).await.unwrap();
        assert!(matches!(outcome, FreezeOutcome::Thawed { value: 5, frozen: 0, thawed: 0 }), "{outcome}");
    });
}

#[test]
fn what_is_done_fails() {
    let log = Log::default();
    with_fake!(agent: log.script(), |agent| async move {
        let outcome = Freeze::new(agent).during(async { Err::<(), _>("no space") }).await.unwrap();
        assert_eq!(thawed(outcome), Err("no space"));
    });
    log.is(&["frozen", "thawed"].repeat(3));
}

/// The closures of clients that block.
#[test]
fn closures() {
    let log = Log::default();
    let fake = Agent::new(|fake| [log.script(), log.script()].iter().for_each(|script| script(fake)));
    let mut client = fake.client();
    let mut count = 0;
    let outcome = client.freeze().during(|| {
        log.add("done");
        count += 1;
        count
    });
    assert_eq!(thawed(outcome.unwrap()), 1);
    let client = client.share().unwrap();
    assert_eq!(client.freeze().during(|| count + 1).unwrap().thawed().unwrap(), 2);
    fake.finish();
    log.is(&["frozen", "done", "thawed", "frozen", "thawed"]);
}

#[test]
fn what_is_done_panics() {
    let log = Log::default();
    with_fake!(agent: log.script(), |agent| async move {
        let outcome = catch(Freeze::new(agent).during(async { panic!("as it must") }));
        let panic = outcome.await.map(|outcome| drop(outcome.map(|_: FreezeOutcome<()>| ()))).unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "as it must");
    });
    let fake = Agent::new(log.script());
    let mut client = fake.client();
    let panic =
        catch_unwind(AssertUnwindSafe(|| client.freeze().during(|| panic!("here")).map(|_: FreezeOutcome<()>| ())));
    assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "here");
    fake.finish();
    log.is(&["frozen", "thawed"].repeat(4));
}

/// The agent thaws, though nobody awaits it.
#[test]
fn a_future_that_is_dropped() {
    let (log, thawed) = (Log::default(), Arc::new(Notify::new()));
    let script = |fake: &Agent| {
        let (freezing, thawing, told) = (log.clone(), log.clone(), thawed.clone());
        fake.next(move |_: GuestFsfreezeFreeze, _| {
            freezing.add("frozen");
            Ok(2)
        });
        fake.next(move |_: GuestFsfreezeThaw, _| {
            thawing.add("thawed");
            told.notify_one();
            Ok(3)
        });
    };
    with_fake!(agent: script, |agent| {
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
    let script = |fake: &Agent| fake.refuses::<GuestFsfreezeFreeze>("CommandNotFound", "frozen already");
    with_fake!(agent: script, |agent| async move {
        let frozen = Freeze::new(agent).during(async { unreachable!("nothing is frozen") }).await;
        let error = frozen.map(|_: FreezeOutcome<()>| ()).unwrap_err();
        assert_eq!(error.server_error().unwrap().desc, "frozen already");
    });
}

/// An agent that may have frozen is told to thaw.
#[test]
fn freezing_is_not_answered() {
    let freeze = |says: Vec<Fault>| {
        let mut agent = Clocked::new(says);
        let work = async { unreachable!("it is not known to be frozen") };
        let outcome = block_on(Freeze::new(&mut agent).deadline(Duration::from_secs(5)).during(work));
        (outcome.map(|outcome: FreezeOutcome<()>| outcome), agent)
    };
    for why in [Silence, garbles()] {
        let is_silent = matches!(why, Silence);
        let (outcome, agent) = freeze(vec![why, Return(json!(2))]);
        assert_eq!(outcome.unwrap_err().is_timeout(), is_silent);
        assert_eq!(agent.names(), [FREEZE, THAW]);
        // Thawing has a time of its own.
        let begun = if is_silent { 5000 } else { 0 };
        assert_eq!((agent.calls[0].2, agent.calls[1].2), (5000, begun + 60_000));
    }
    let (outcome, agent) = freeze(vec![garbles(), refuses("no"), Return(json!("thawed"))]);
    assert!(outcome.unwrap_err().is_malformed());
    assert_eq!(agent.names(), [FREEZE, THAW, STATUS]);
    let (outcome, _) = freeze(vec![Silence, Silence]);
    assert!(matches!(outcome.unwrap(), FreezeOutcome::MayBeFrozen { value: None, error } if error.is_timeout()));
    let (outcome, agent) = freeze(vec![Fault::DisconnectBefore, Fault::DisconnectBefore]);
    assert!(matches!(outcome.unwrap(), FreezeOutcome::MayBeFrozen { value: None, error } if error.is_closed()));
    assert_eq!(agent.names(), [FREEZE, THAW]);
}

#[test]
fn the_connection_is_lost_meanwhile() {
    let script = |fake: &Agent| {
        fake.next(|_: GuestFsfreezeFreeze, exchange| {
            exchange.fault(Fault::DisconnectAfter);
            Ok(2)
        });
    };
    with_fake!(agent: script, |agent| async move {
        let outcome = Freeze::new(agent).during(async { "a snapshot" }).await.unwrap();
        let FreezeOutcome::MayBeFrozen { value: Some("a snapshot"), error } = &outcome else { panic!("{outcome}") };
        assert!(error.is_disconnected());
        let shown = outcome.thawed().unwrap_err().to_string();
        assert!(shown.contains("may still be frozen; connect again if need be, and thaw: "), "{shown}");
    });
    // The next client.
    let script = |fake: &Agent| fake.returns::<GuestFsfreezeThaw>(2);
    with_fake!(agent: script, |agent| async move { assert_eq!(Thaw::new(agent).run().await.unwrap(), 2) });
}

#[test]
fn thawing_is_refused() {
    for (status, was_thawed) in [("thawed", true), ("frozen", false), ("melting", false)] {
        let script = move |fake: &Agent| {
            fake.returns::<GuestFsfreezeFreeze>(2);
            fake.refuses::<GuestFsfreezeThaw>("GenericError", "ten seconds are over");
            fake.returns::<GuestFsfreezeStatus>(status.into());
        };
        with_fake!(agent: script, |agent| async move {
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
    let script = |fake: &Agent| {
        fake.returns::<GuestFsfreezeFreeze>(2);
        fake.spoils::<GuestFsfreezeThaw>(garbles());
        fake.returns::<GuestFsfreezeStatus>(GuestFsfreezeStatusReply::Frozen);
        fake.returns::<GuestFsfreezeThaw>(3);
    };
    with_fake!(agent: script, |agent| async move { thawed(Freeze::new(agent).during(async {}).await.unwrap()) });
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
    let mut agent = Clocked::new([Return(json!(2)), Return(json!(2))]);
    let guard = Dropped(log.clone());
    let work = async move {
        let _guard = guard;
        pending::<()>().await
    };
    let outcome = block_on(Freeze::new(&mut agent).deadline(Duration::from_secs(5)).during(work)).unwrap();
    assert!(matches!(outcome, FreezeOutcome::TimedOut), "{outcome}");
    assert!(outcome.thawed().unwrap_err().to_string().contains("not done in time; they are thawed"));
    assert_eq!((agent.names(), agent.passed()), (vec![FREEZE, THAW], 5000));
    log.is(&["dropped"]);

    let mut agent = Clocked::new([Return(json!(2)), Silence]);
    let work = pending::<()>();
    let outcome = block_on(Freeze::new(&mut agent).deadline(Duration::from_secs(5)).during(work)).unwrap();
    assert!(matches!(outcome, FreezeOutcome::MayBeFrozen { value: None, .. }), "{outcome}");
}

#[test]
fn thaw() {
    let run = |says: Vec<Fault>, deadline: Option<Duration>| {
        let mut agent = Clocked::new(says);
        let thawed = block_on(Thaw::new(&mut agent).deadline(deadline).run());
        (thawed, agent)
    };
    let second = Some(Duration::from_secs(100));
    // Silence and garbage pass, and it is asked again.
    let (thawed, agent) = run(vec![Silence, garbles(), Return(json!("frozen")), Return(json!(2))], second);
    assert_eq!(thawed.unwrap(), 2);
    assert_eq!((agent.names(), &*agent.sleeps), (vec![THAW, THAW, STATUS, THAW], &[500, 500][..]));
    let (thawed, _) = run(vec![refuses("hook"), Return(json!("thawed"))], None);
    assert_eq!(thawed.unwrap(), 0);
    let (thawed, _) = run(vec![refuses("hook"), Return(json!("frozen"))], None);
    assert_eq!(thawed.unwrap_err().server_error().unwrap().desc, "hook");
    let (thawed, _) = run(vec![Fault::DisconnectBefore], None);
    assert!(thawed.unwrap_err().is_closed());
    let (thawed, agent) = run(vec![Silence, Silence], second);
    assert_eq!(thawed.unwrap_err().kind(), ErrorKind::Timeout(qemu_qmp::Phase::Call));
    assert_eq!(agent.passed(), 100_000);
}

/// Tokio's client itself, in a task.
#[test]
fn futures_can_be_spawned() {
    let log = Log::default();
    let fake = Agent::new(log.script());
    runtime().block_on(async {
        let client = fake.tokio_client().await;
        let task = tokio::spawn(async move { client.freeze().during(async { tokio::task::yield_now().await }).await });
        thawed(task.await.unwrap().unwrap());
    });
    fake.finish();
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
