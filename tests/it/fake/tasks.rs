//! Stand-ins in tasks of tokio's: with clocks that stand still, no test waits.

use qemu_qmp::fake::{filled, Fake, Fault};
use qemu_qmp::ops::devices::UnplugOutcome;
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::tokio::Client;
use qemu_qmp::{ConnectOptions, EventSet, GuestAgent};
use std::time::Duration;
use support::PATIENCE;
use tokio::time::Instant;

const HOUR: Duration = Duration::from_secs(3600);

fn patient() -> ConnectOptions {
    ConnectOptions::new().call_timeout(3 * HOUR)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_late_that_takes_no_time() {
    let fake = Fake::new();
    let vm = fake.tokio_client_with(&ConnectOptions::new().call_timeout(Duration::from_millis(1))).await.unwrap();
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(vm.execute(QueryStatus::new()).await.unwrap().status, RunState::Running);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn delays_are_by_the_clock() {
    let fake = Fake::new();
    fake.fault::<QueryStatus>(Fault::Delay(HOUR)).fault::<QueryStatus>(Fault::Delay(HOUR));
    fake.on_with(|_: SystemPowerdown, cx| {
        cx.emit_json("POWERDOWN", &serde_json::json!({}));
        cx.delay(HOUR);
        cx.emit(&filled(|down: &mut Shutdown| down.reason = ShutdownCause::GuestShutdown));
        cx.delay(HOUR);
        Ok(())
    });
    let vm = fake.tokio_client_with(&patient()).await.unwrap();
    let mut events = vm.subscribe();
    let start = Instant::now();
    assert!(vm.within(HOUR / 2).execute(QueryStatus::new()).await.unwrap_err().is_timeout());
    assert_eq!(start.elapsed(), HOUR / 2);
    // It waits for the end of the first.
    vm.execute(QueryStatus::new()).await.unwrap();
    assert_eq!(start.elapsed(), 2 * HOUR);
    let (outcome, ()) = tokio::join!(vm.execute(SystemPowerdown::new()), async {
        assert_eq!(events.next().await.unwrap().unwrap().data.name(), "POWERDOWN");
        assert_eq!(start.elapsed(), 2 * HOUR);
        assert_eq!(events.next().await.unwrap().unwrap().data.name(), "SHUTDOWN");
        assert_eq!(start.elapsed(), 3 * HOUR);
    });
    outcome.unwrap();
    assert_eq!(start.elapsed(), 4 * HOUR);
}

#[tokio::test(start_paused = true)]
async fn out_of_band_commands_overtake() {
    let fake = Fake::new();
    fake.fault::<QueryStatus>(Fault::Delay(HOUR));
    fake.on_with(|_: MigratePause, cx| {
        cx.delay(Duration::from_secs(1));
        Ok(())
    });
    let vm = fake.tokio_client_with(&patient()).await.unwrap();
    let start = Instant::now();
    let (slow, fast) = tokio::join!(vm.execute(QueryStatus::new()), async {
        vm.execute_oob(MigratePause::new()).await.unwrap();
        start.elapsed()
    });
    slow.unwrap();
    assert_eq!((fast, start.elapsed()), (Duration::from_secs(1), HOUR));
}

#[tokio::test(start_paused = true)]
async fn operations_wait_for_hours() {
    let fake = Fake::new();
    fake.on(|_: DeviceDel| Ok(())).on(|_: QomList| Ok(Vec::new()));
    let vm = fake.tokio_client().await.unwrap();
    let outcome = vm.unplug("disk1").deadline(HOUR).run().await.unwrap();
    assert_eq!(outcome, UnplugOutcome::NotAnswered);
}

#[tokio::test]
async fn ends_are_told() {
    let fake = Fake::new();
    let vm = fake.tokio_client().await.unwrap();
    vm.execute(Quit::new()).await.unwrap();
    assert!(vm.execute(QueryStatus::new()).await.unwrap_err().is_disconnected());

    for fault in [Fault::DisconnectBefore, Fault::DisconnectWithin] {
        let fake = Fake::new();
        fake.fault::<QueryStatus>(fault);
        let vm = fake.tokio_client().await.unwrap();
        assert!(vm.execute(QueryStatus::new()).await.unwrap_err().is_disconnected());
        // Others can be made.
        fake.tokio_client().await.unwrap().execute(QueryStatus::new()).await.unwrap();
    }

    let fake = Fake::new();
    let vm = fake.tokio_client().await.unwrap();
    drop(fake);
    assert!(vm.execute(QueryStatus::new()).await.unwrap_err().is_disconnected());
}

#[test]
fn a_runtime_that_ends_takes_its_connections_along() {
    let fake = Fake::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = support::programs::Folder::new();
    let path = folder.socket();
    runtime().block_on(async { fake.tokio_listen_unix(&path) }).unwrap();
    // Nobody listens any more.
    qemu_qmp::Client::connect_unix(&path).unwrap_err();
    let vm = runtime().block_on(fake.tokio_client()).unwrap();
    assert!(runtime().block_on(vm.execute(QueryStatus::new())).unwrap_err().is_disconnected());
}

#[tokio::test]
async fn sockets_serve_one_client_at_a_time() {
    let fake = Fake::new();
    let folder = support::programs::Folder::new();
    let path = folder.socket();
    fake.tokio_listen_unix(&path).unwrap();
    let vm = Client::connect_unix(&path).await.unwrap();
    let impatient = ConnectOptions::new().greeting_timeout(support::SOON);
    assert!(Client::<qemu_qmp::Monitor>::connect_with(&*path, &impatient).await.unwrap_err().is_timeout());
    vm.close().await;
    Client::<qemu_qmp::Monitor>::connect_unix(&path).await.unwrap().execute(QueryStatus::new()).await.unwrap();

    let address = fake.tokio_listen_tcp(("127.0.0.1", 0)).unwrap();
    let address = (address.ip().to_string(), address.port());
    let vm = Client::connect_tcp(address.clone()).await.unwrap();
    let mut events = vm.subscribe();
    fake.emit_json("RESUME", &serde_json::json!({}));
    assert_eq!(events.next().await.unwrap().unwrap().data.name(), "RESUME");
    drop(fake);
    assert!(vm.execute(QueryStatus::new()).await.unwrap_err().is_disconnected());
    assert!(!path.exists());
    let refused = Client::<qemu_qmp::Monitor>::connect_tcp(address).await.unwrap_err();
    assert!(refused.io_error().is_some(), "{refused}");
}

#[tokio::test]
async fn calls_are_waited_for() {
    let fake = Fake::new();
    let vm = fake.tokio_client().await.unwrap();
    let asked = tokio::spawn(async move { vm.execute(BlockdevDel::new("disk1")).await });
    assert_eq!(fake.tokio_wait_for_call::<BlockdevDel>(PATIENCE).await.unwrap().node_name, "disk1");
    assert!(fake.tokio_wait_for_call::<BlockdevDel>(Duration::ZERO).await.is_none());
    asked.await.unwrap().unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn guest_agents_too() {
    let fake = Fake::<GuestAgent>::of_peer();
    fake.otherwise(|_| Ok(serde_json::json!({})));
    fake.fault_next(Fault::Delay(HOUR));
    let agent = fake.tokio_client().await.unwrap();
    assert!(agent.execute(qemu_qmp::qga::commands::GuestPing::new()).await.unwrap_err().is_timeout());
    agent.within(HOUR).execute(qemu_qmp::qga::commands::GuestPing::new()).await.unwrap();
}
