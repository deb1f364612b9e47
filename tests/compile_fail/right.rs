//! What compiles: the calls that the other programs get wrong.

use qemu_qmp::qmp::{commands::{self, *}, events::*, types::*};
use qemu_qmp::{blocking, qga, qom, Client, EventMessage, GuestAgent, Result, StorageDaemon};
use std::time::Duration;

fn pause(vm: &mut Client) -> Result<()> {
    vm.execute(commands::Stop::new())
}

fn pause_soon(vm: &mut Client) -> Result<()> {
    vm.within(Duration::from_secs(1)).execute(commands::Stop::new())
}

fn pause_shared(vm: &blocking::SharedClient) -> Result<()> {
    vm.execute(commands::Stop::new())
}

fn shut_down(agent: &mut blocking::Client<GuestAgent>) -> Result<()> {
    agent.execute(qga::commands::GuestShutdown::new())
}

fn throttle(vm: &mut Client) -> Result<u64> {
    vm.execute(qom::set("/objects/iothread0", "poll-max-ns", 1 << 10))?;
    vm.execute(qom::get("/objects/iothread0", "poll-max-ns"))
}

fn main() -> Result<()> {
    let mut vm = Client::connect_unix("/run/vm.qmp")?;

    pause(&mut vm)?;
    pause_soon(&mut vm)?;
    throttle(&mut vm)?;
    let status: StatusInfo = vm.execute(QueryStatus::new())?;
    assert_eq!(status.status, RunState::Running);

    vm.execute(BlockdevAdd::from(
        BlockdevOptions::qcow2(BlockdevOptionsQcow2::new("disk.qcow2-file")).node_name("disk0"),
    ))?;
    vm.execute(BlockResize::new(1 << 30).node_name("disk0"))?;
    vm.execute(commands::BlockdevBackup::new("disk0", MirrorSyncMode::Full, "copy").job_id("backup"))?;
    vm.execute(DeviceAdd::new("virtio-blk-pci").id("blk0").argument("drive", "disk0"))?;

    let (size, text, words) = (Some(1 << 30), String::from("exit 0"), vec![String::from("-l")]);
    vm.execute(BlockResize::new(size.unwrap_or(0)).maybe(Some("disk0"), BlockResize::device).maybe(None::<&str>, BlockResize::node_name))?;
    let shell = || qga::commands::GuestExec::new("sh");
    drop((shell().arg(["-c", &text]), shell().arg(&["-c", "true"]), shell().arg(&words), shell().arg(words.iter())));
    drop((shell().arg(words), DeviceAdd::new("e1000e").argument("netdev", &text).argument("multifunction", true)));
    let backup = BlockdevBackup::new("disk0", MirrorSyncMode::Full, "copy");
    vm.execute(Transaction::new([TransactionAction::blockdev_backup(backup)]))?;
    vm.execute(SendKey::new([KeyValue::qcode(QKeyCode::A), KeyValue::number(30)]))?;
    drop(SocketAddressLegacy::unix(UnixSocketAddress::new(&text)));

    let jobs: Vec<JobInfo> = vm.execute(QueryJobs::new())?;
    let error: Option<String> = jobs.into_iter().find_map(|job| job.error);
    println!("{error:?}");

    vm.wait_for(None, |gone: &DeviceDeleted| gone.device.as_deref() == Some("blk0"))?;
    for event in vm.take_events()? {
        match &event.data {
            AnyEvent::Shutdown(shutdown) => println!("{}", shutdown.reason),
            AnyEvent::Unrecognized(other) => eprintln!("{}", other.name),
            _ => {}
        }
    }

    vm.execute_oob(MigratePause::new())?;
    let outcome = |event: &EventMessage<AnyEvent>| match &event.data {
        AnyEvent::DeviceDeleted(_) => Some(true),
        AnyEvent::DeviceUnplugGuestError(_) => Some(false),
        _ => None,
    };
    let (_, _gone): (_, bool) = vm.execute_until(DeviceDel::new("blk0"), None, outcome)?;

    let mut agent = blocking::Client::<GuestAgent>::connect("/run/vm.qga")?;
    agent.execute(qga::commands::GuestPing::new())?;
    shut_down(&mut agent)?;
    pause_shared(&Client::connect_unix("/run/vm.qmp")?.share()?)?;
    let mut daemon = blocking::Client::<StorageDaemon>::connect("/run/storage.qmp")?;
    daemon.execute(QueryNamedBlockNodes::new())?;
    daemon.take_events()?;

    let hypervisor: Box<dyn Send + Sync> = Box::new((vm, agent, daemon));
    drop(hypervisor);
    Ok(())
}
