//! Machines that move between two real QEMUs, and what only a scripted one does.

use super::clients::{on_each_client, runtime, with_each_client, Awaitable, LATE};
use qemu_qmp::ops::migration::{
    Incoming, IncomingOutcome, Migrate, MigrationOutcome, MigrationTarget, RunningMigration,
};
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::Client;
use serde_json::{json, Value};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use support::qemu::Qemu;
use support::{event_with, Peer, PATIENCE};

fn board(folder: &Path, more: &[&str]) -> Vec<String> {
    let monitor = format!("unix:{},server=on,wait=off", folder.join("socket").display());
    let options = ["-machine", "pc", "-m", "64", "-qmp", &monitor];
    options.iter().chain(more).map(|&option| option.to_owned()).collect()
}

fn source() -> Option<Qemu> {
    Qemu::start_with(|folder| board(folder, &[]))
}

fn target() -> Option<Qemu> {
    Qemu::start_with(|folder| board(folder, &["-incoming", "defer"]))
}

fn socket(qemu: &Qemu) -> MigrationTarget {
    MigrationTarget::unix(qemu.folder().join("stream").display())
}

/// Has a new QEMU listen, and gives it and what comes of it.
fn listening() -> (Qemu, JoinHandle<qemu_qmp::Result<IncomingOutcome>>) {
    let target = target().unwrap();
    let (mut vm, from) = (target.connect(), socket(&target));
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || vm.incoming(from).when_listening(move || sender.send(()).unwrap()).run());
    receiver.recv_timeout(PATIENCE).unwrap();
    (target, thread)
}

mod at_the_source {
    use super::*;
    on_each_client!(
        source,
        lend,
        [completes, holds_before_the_switchover, is_cancelled_and_begins_again, fails],
        |vm: &mut Client| {
            let left = vm.take_events().unwrap();
            assert!(left.iter().all(|event| !format!("{event:?}").contains("Migration(")));
        }
    );
}

/// So slow that it does not end by itself.
fn slow() -> MigrateSetParameters {
    MigrateSetParameters::new().max_bandwidth(1000u64)
}

async fn completes(vm: &mut impl Awaitable, _: &Qemu) {
    let (qemu, arriving) = listening();
    let mut told = Vec::new();
    let migrate = Migrate::new(&mut *vm, socket(&qemu)).progress(|at| told.push(at.clone()));
    let info = migrate.run().await.unwrap().completed().unwrap();
    assert_eq!(info.status, Some(MigrationStatus::Completed));
    let last = told.last().unwrap();
    assert!(last.total >= 64 << 20 && last.remaining == 0 && last.status == MigrationStatus::Completed, "{last:?}");
    let arrived = arriving.join().unwrap().unwrap();
    assert!(matches!(arrived, IncomingOutcome::Completed(RunState::Prelaunch | RunState::Paused)), "{arrived}");
    assert_eq!(vm.execute(QueryStatus::new(), None).await.unwrap().reply.status, RunState::Postmigrate);
}

async fn holds_before_the_switchover(vm: &mut impl Awaitable, _: &Qemu) {
    let (qemu, arriving) = listening();
    let migrate = Migrate::new(&mut *vm, socket(&qemu)).capability(MigrationCapability::PauseBeforeSwitchover, true);
    let mut running = migrate.start().await.unwrap();
    let held = running.wait().await.unwrap();
    assert!(matches!(held, MigrationOutcome::PreSwitchover), "{held}");
    assert!(matches!(running.continue_switchover().await.unwrap(), MigrationOutcome::Completed(_)));
    assert!(matches!(arriving.join().unwrap().unwrap(), IncomingOutcome::Completed(_)));
}

async fn is_cancelled_and_begins_again(vm: &mut impl Awaitable, _: &Qemu) {
    for _ in 0..2 {
        let (qemu, _arriving) = listening();
        let mut running = Migrate::new(&mut *vm, socket(&qemu)).parameters(slow()).start().await.unwrap();
        assert!(running.info().await.unwrap().status.is_some());
        let outcome = running.cancel().await.unwrap();
        assert!(matches!(outcome, MigrationOutcome::Cancelled), "{outcome}");
        assert_eq!(outcome.to_string(), "was cancelled");
    }
    let (qemu, _arriving) = listening();
    let outcome = Migrate::new(&mut *vm, socket(&qemu)).deadline(LATE).run().await.unwrap();
    assert!(matches!(outcome, MigrationOutcome::TimedOut), "{outcome}");
    vm.execute(MigrateCancel::new(), None).await.unwrap();
    let (qemu, _arriving) = listening();
    let outcome = Migrate::new(&mut *vm, socket(&qemu)).deadline(LATE).cancel_at_deadline().run().await.unwrap();
    assert!(matches!(outcome, MigrationOutcome::Cancelled), "{outcome}");
    let fast = MigrateSetParameters::new().max_bandwidth(0u64);
    let (qemu, arriving) = listening();
    let outcome = Migrate::new(&mut *vm, socket(&qemu)).parameters(fast).run().await.unwrap();
    assert!(outcome.is_completed(), "{outcome}");
    assert!(matches!(arriving.join().unwrap().unwrap(), IncomingOutcome::Completed(_)));
}

async fn fails(vm: &mut impl Awaitable, qemu: &Qemu) {
    let nobody = Migrate::new(&mut *vm, socket(qemu)).run().await.unwrap();
    let MigrationOutcome::Failed(reason) = &nobody else { panic!("{nobody}") };
    assert!(reason.contains("No such file"), "{reason}");
    assert!(nobody.completed().is_err());

    let (target, arriving) = listening();
    let mut running = Migrate::new(&mut *vm, socket(&target)).parameters(slow()).start().await.unwrap();
    drop(target);
    let outcome = running.wait().await.unwrap();
    assert!(matches!(outcome, MigrationOutcome::Failed(_)), "{outcome}");
    assert!(arriving.join().unwrap().unwrap_err().is_disconnected());
    assert_eq!(vm.execute(QueryStatus::new(), None).await.unwrap().reply.status, RunState::Prelaunch);
    let refused = MigrateSetParameters::new().downtime_limit(u64::MAX);
    assert!(Migrate::new(&mut *vm, socket(qemu)).parameters(refused).run().await.unwrap_err().is_server());
}

/// Into a file and back, as blocking programs write it; the descriptor is passed on the way back.
#[test]
fn into_a_file_and_back() {
    let Some(qemu) = source() else { return };
    let file = qemu.folder().join("state");
    let mut vm = qemu.connect();
    vm.migrate(MigrationTarget::exec(format!("cat > {}", file.display()))).run().unwrap().completed().unwrap();
    let target = target().unwrap();
    let mut vm = target.connect();
    // QEMU 10 and later do not take a file for a stream.
    let (stream, mut writer) = UnixStream::pair().unwrap();
    vm.with_fds(&[stream.as_fd()]).execute(Getfd::new("stream")).unwrap();
    thread::spawn(move || writer.write_all(&std::fs::read(file).unwrap()));
    let outcome = vm.incoming(MigrationTarget::fd("stream")).run().unwrap();
    assert!(matches!(outcome, IncomingOutcome::Completed(_)), "{outcome}");
}

/// Releases since 8.2 write files by themselves, and take channels.
#[test]
fn into_a_file_without_a_shell_and_over_channels() {
    let Some(qemu) = source() else { return };
    let mut vm = qemu.connect();
    let version = vm.greeting().version;
    if (version.major, version.minor) < (8, 2) {
        let refused = vm.migrate(MigrationTarget::file("/nowhere")).run().unwrap();
        assert!(matches!(refused, MigrationOutcome::Failed(_)), "{refused}");
        return;
    }
    let file = || MigrationTarget::file(qemu.folder().join("state").display());
    vm.migrate(file()).run().unwrap().completed().unwrap();
    let (middle, end) = (target().unwrap(), target().unwrap());
    let mut vm = middle.connect();
    assert!(matches!(vm.incoming(file()).run().unwrap(), IncomingOutcome::Completed(_)));
    let socket = || {
        let path = UnixSocketAddress::new(end.folder().join("stream").display().to_string());
        let address = MigrationAddress::socket(SocketAddress::unix(path));
        MigrationTarget::channels([MigrationChannel::new(MigrationChannelType::Main, address)])
    };
    let (sender, receiver) = mpsc::channel();
    let (mut arriving, from) = (end.connect(), socket());
    let arriving =
        thread::spawn(move || arriving.incoming(from).when_listening(move || sender.send(()).unwrap()).run().unwrap());
    receiver.recv_timeout(PATIENCE).unwrap();
    vm.migrate(socket()).run().unwrap().completed().unwrap();
    assert!(matches!(arriving.join().unwrap(), IncomingOutcome::Completed(_)));
}

/// Needs a kernel that lets a process handle its own page faults.
#[test]
fn postcopy_that_is_paused_and_recovered() {
    let Some(from) = source() else { return };
    let to = target().unwrap();
    let target = to.connect().share().unwrap();
    let on = || (MigrationCapability::PostcopyRam, true);
    let postcopy = MigrationCapabilityStatus::new(on().0, true);
    if let Err(error) = target.execute(MigrateSetCapabilities::new([postcopy])) {
        return eprintln!("\n*** SKIPPED: no postcopy here: {error} ***\n");
    }
    let (sender, receiver) = mpsc::channel();
    let arriving = thread::spawn({
        let (target, socket) = (target.clone(), socket(&to));
        move || target.incoming(socket).when_listening(move || sender.send(()).unwrap()).run().unwrap()
    });
    receiver.recv_timeout(PATIENCE).unwrap();
    let mut source = from.connect();
    let slow = MigrateSetParameters::new().max_bandwidth(100_000u64).max_postcopy_bandwidth(10_000u64);
    let mut running =
        source.migrate(socket(&to)).capability(on().0, true).parameters(slow).deadline(PATIENCE).start().unwrap();
    running.start_postcopy().unwrap();
    loop {
        // Broken before the target has all that it needs to run, it would fail.
        let sides = [running.info().unwrap(), target.execute(QueryMigrate::new()).unwrap()].map(|side| side.status);
        assert!(!sides.contains(&Some(MigrationStatus::Failed)), "{sides:?}");
        if sides.iter().all(|side| *side == Some(MigrationStatus::PostcopyActive)) {
            break;
        }
    }
    assert!(matches!(running.pause_postcopy().unwrap(), MigrationOutcome::PostcopyPaused));
    drop(running);
    source.execute(MigrateSetParameters::new().max_postcopy_bandwidth(0u64)).unwrap();
    let recover = MigrateRecover::new(format!("unix:{}", to.folder().join("second").display()));
    while target.execute_oob(recover.clone()).is_err() {}
    let second = MigrationTarget::unix(to.folder().join("second").display());
    let mut running = source.running_migration().deadline(PATIENCE).start().unwrap();
    assert!(running.recover(second).unwrap().is_completed());
    assert!(matches!(arriving.join().unwrap(), IncomingOutcome::Completed(_)));
}

/// Both sides in one program, and the receiving side in each client.
#[test]
fn arrives_in_each_client() {
    let Some(from) = source() else { return };
    let to = target().unwrap();
    runtime().block_on(async {
        let (source, target) = (from.connect_tokio().await, to.connect_tokio().await);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let arriving = target.incoming(socket(&to)).when_listening(|| sender.send(()).unwrap()).run();
        let leaving = async {
            receiver.await.unwrap();
            source.migrate(socket(&to)).run().await
        };
        let (left, arrived) = tokio::join!(leaving, arriving);
        left.unwrap().completed().unwrap();
        assert!(matches!(arrived.unwrap(), IncomingOutcome::Completed(_)));
    });
    let from = source().unwrap();
    let to = target().unwrap();
    let (shared, socket) = (to.connect().share().unwrap(), socket(&to));
    let (sender, receiver) = mpsc::channel();
    let away = socket.clone();
    let leaving = thread::spawn(move || {
        receiver.recv_timeout(PATIENCE).unwrap();
        from.connect().migrate(away).run().unwrap().is_completed()
    });
    let arrived = shared.incoming(socket).when_listening(move || sender.send(()).unwrap()).run().unwrap();
    assert!(leaving.join().unwrap() && matches!(arrived, IncomingOutcome::Completed(_)));
    assert!(shared.incoming(MigrationTarget::tcp("::1", 0)).run().unwrap_err().is_server());
}

// What follows is scripted.

fn event(status: &str) -> String {
    event_with("MIGRATION", json!({"status": status}))
}

fn begins(peer: &mut Peer) {
    peer.answer("query-migrate", json!({}));
    let set = peer.answer("migrate-set-capabilities", json!({}));
    assert_eq!(set["arguments"]["capabilities"][0], json!({"capability": "events", "state": true}));
    peer.answer("migrate", json!({}));
}

fn shows(peer: &mut Peer, status: &str) {
    peer.answer("query-migrate", json!({"status": status}));
}

fn migrate<K: Awaitable>(vm: K) -> Migrate<'static, K> {
    Migrate::new(vm, MigrationTarget::tcp("::1", 4444)).every(PATIENCE)
}

async fn start<K: Awaitable>(vm: K) -> RunningMigration<'static, K> {
    migrate(vm).start().await.unwrap()
}

#[test]
fn postcopy_that_breaks_and_is_recovered() {
    let script = |mut peer: Peer| {
        begins(&mut peer);
        peer.answer("migrate-start-postcopy", json!({}));
        shows(&mut peer, "postcopy-active");
        peer.line(&event("postcopy-paused"));
        shows(&mut peer, "postcopy-paused");
        let refused = peer.expect("migrate");
        peer.error(&refused, "GenericError", "unreachable");
        let again: Value = peer.answer("migrate", json!({}));
        assert_eq!(again["arguments"], json!({"uri": "tcp:other:1", "resume": true}));
        // It is paused still for a moment.
        shows(&mut peer, "postcopy-paused");
        peer.line(&event("postcopy-recover"));
        shows(&mut peer, "postcopy-recover");
        peer.line(&event("completed"));
        shows(&mut peer, "completed");
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let mut running = start(vm).await;
        running.start_postcopy().await.unwrap();
        assert!(matches!(running.wait().await.unwrap(), MigrationOutcome::PostcopyPaused));
        let other = MigrationTarget::tcp("other", 1);
        let MigrationOutcome::Failed(reason) = running.recover(other.clone()).await.unwrap() else { panic!() };
        assert_eq!(reason, "unreachable");
        assert!(running.recover(other).await.unwrap().is_completed());
    });
}

#[test]
fn waits_for_what_is_left_of_an_earlier_one() {
    let script = |mut peer: Peer| {
        peer.answer("query-migrate", json!({"status": "cancelled"}));
        peer.answer("query-yank", json!([{"type": "chardev", "id": "x"}, {"type": "migration"}]));
        peer.answer("query-yank", json!([{"type": "chardev", "id": "x"}]));
        peer.answer("migrate-set-capabilities", json!({}));
        let command = peer.expect("migrate");
        peer.error(&command, "GenericError", "blocked");
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let outcome = migrate(vm).run().await.unwrap();
        assert_eq!(outcome.completed().unwrap_err().to_string(), "migration failed: blocked");
    });
}

#[test]
fn a_question_that_is_not_answered_in_time() {
    let script = |mut peer: Peer| {
        begins(&mut peer);
        peer.expect("query-migrate");
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let outcome = migrate(vm).deadline(LATE).run().await.unwrap();
        assert!(matches!(outcome, MigrationOutcome::TimedOut), "{outcome}");
    });
}

#[test]
fn an_arrival_that_fails() {
    let script = |mut peer: Peer| {
        peer.answer("migrate-set-capabilities", json!({}));
        peer.answer("migrate-incoming", json!({}));
        shows(&mut peer, "active");
        peer.line(&event("failed"));
        peer.answer("query-migrate", json!({"status": "failed", "error-desc": "too small"}));
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let outcome = Incoming::new(vm, MigrationTarget::uri("tcp:0:1")).run().await.unwrap();
        assert_eq!(outcome, IncomingOutcome::Failed("too small".to_owned()));
    });
    let script = |mut peer: Peer| {
        peer.answer("migrate-set-capabilities", json!({}));
        peer.answer("migrate-incoming", json!({}));
        shows(&mut peer, "setup");
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let incoming = Incoming::new(vm, MigrationTarget::uri("tcp:0:1")).deadline(LATE);
        assert_eq!(incoming.run().await.unwrap(), IncomingOutcome::TimedOut);
    });
}

#[test]
fn what_a_target_is_shown_as() {
    let shown = |target: MigrationTarget| format!("{target:?}");
    assert_eq!(shown(MigrationTarget::tcp("::1", 4444)), r#"MigrationTarget("tcp:[::1]:4444")"#);
    assert_eq!(shown(MigrationTarget::unix("/a")), r#"MigrationTarget("unix:/a")"#);
    assert_eq!(shown(MigrationTarget::file("/a")), r#"MigrationTarget("file:/a")"#);
}
