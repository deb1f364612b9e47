//! Stand-ins for other peers, and the other clients.

use qemu_qmp::fake::{filled, Fake, Fault, Opening};
use qemu_qmp::qmp::{commands::*, events::*};
use qemu_qmp::{qga, GuestAgent, ServerError, StorageDaemon};
use support::{options, PATIENCE, SOON};

#[test]
fn agents_are_synchronized_with() {
    let fake = Fake::<GuestAgent>::of_peer();
    fake.on(|exec: qga::commands::GuestExec| {
        Ok(filled(|running: &mut qga::types::GuestExecReply| running.pid = exec.path.len() as i64))
    });
    let mut agent = fake.client().unwrap();
    agent.execute(qga::commands::GuestPing::new()).unwrap();
    assert_eq!(agent.execute(qga::commands::GuestExec::new("/bin/true")).unwrap().pid, 9);
    let info = agent.execute(qga::commands::GuestInfo::new()).unwrap();
    let shutdown = info.supported_commands.iter().find(|info| info.name == "guest-shutdown").unwrap();
    assert!(!shutdown.success_response);
    assert_eq!(fake.calls().len(), 3);
}

#[test]
fn agents_answer_some_commands_only_if_they_fail() {
    let fake = Fake::<GuestAgent>::of_peer();
    fake.on(|shutdown: qga::commands::GuestShutdown| match shutdown.mode.as_deref() {
        Some("odd") => Err(ServerError::new("GenericError", "no such mode")),
        _ => Ok(()),
    });
    let mut agent = fake.client_with(&options().refusal_timeout(SOON)).unwrap();
    agent.execute(qga::commands::GuestShutdown::new()).unwrap();
    fake.fault::<qga::commands::GuestShutdown>(Fault::DisconnectBefore);
    agent.execute(qga::commands::GuestShutdown::new()).unwrap();
    let mut agent = fake.client_with(&options().refusal_timeout(PATIENCE)).unwrap();
    assert!(agent.execute(qga::commands::GuestShutdown::new().mode("odd")).unwrap_err().is_server());
}

#[test]
fn guests_that_never_answer() {
    let fake = Fake::<GuestAgent>::of_peer();
    fake.fault::<qga::commands::GuestPing>(Fault::Silence);
    let mut agent = fake.client().unwrap();
    assert!(agent.within(SOON).execute(qga::commands::GuestPing::new()).unwrap_err().is_timeout());
    agent.execute(qga::commands::GuestPing::new()).unwrap();
    fake.opening(Opening::Disconnect);
    assert!(fake.client().unwrap_err().is_disconnected());
}

#[test]
fn storage_daemons_have_their_commands() {
    let fake = Fake::<StorageDaemon>::of_peer();
    fake.on(|_: QueryBlockExports| Ok(Vec::new()));
    let mut storage = fake.client().unwrap();
    assert!(storage.execute(QueryBlockExports::new()).unwrap().is_empty());
    let unknown = storage.cmd("query-status", None, None).unwrap();
    assert_eq!(unknown.error().unwrap().desc, "The command query-status has not been found");
    storage.execute(Quit::new()).unwrap();
    assert!(storage.execute(QueryVersion::new()).unwrap_err().is_disconnected());
    assert!(storage.take_events().unwrap_or_default().is_empty());
}

#[test]
fn shared_clients() {
    let fake = Fake::new();
    fake.on_with(|del: DeviceDel, cx| {
        cx.emit_after(&filled(|gone: &mut DeviceDeleted| gone.device = Some(del.id)));
        Ok(())
    });
    let vm = fake.client().unwrap().share().unwrap();
    let mut gone = vm.subscribe_to::<DeviceDeleted>();
    std::thread::scope(|scope| {
        for index in 0..8 {
            let vm = &vm;
            scope.spawn(move || vm.execute(DeviceDel::new(format!("net{index}"))).unwrap());
        }
    });
    let mut ids: Vec<_> = (0..8).map(|_| gone.next().unwrap().unwrap().data.device.unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids.concat(), (0..8).map(|index| format!("net{index}")).collect::<String>());
    assert_eq!(fake.calls_of::<DeviceDel>().len(), 8);
}

#[tokio::test]
async fn clients_of_tokio() {
    let fake = Fake::new();
    fake.on_with(|del: DeviceDel, cx| {
        cx.emit_after(&filled(|gone: &mut DeviceDeleted| gone.device = Some(del.id)));
        Ok(())
    });
    let vm = fake.tokio_client().await.unwrap();
    let is_it = |gone: &DeviceDeleted| gone.device.as_deref() == Some("net1");
    vm.execute_and_wait(DeviceDel::new("net1"), PATIENCE, is_it).await.unwrap();
    fake.fault::<QueryStatus>(Fault::DisconnectWithin);
    assert!(vm.execute(QueryStatus::new()).await.unwrap_err().is_disconnected());
    let agent = Fake::<GuestAgent>::of_peer();
    agent.tokio_client().await.unwrap().execute(qga::commands::GuestPing::new()).await.unwrap();
}
