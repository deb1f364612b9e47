//! Operations, in all clients, on stand-ins that play the races which a real QEMU has only by chance.

use qemu_qmp::fake::{filled, Fake, Fault};
use qemu_qmp::ops::devices::{Unplug, UnplugOutcome};
use qemu_qmp::ops::jobs::{Job, JobOutcome};
use qemu_qmp::ops::power::{MachineEnd, PowerDown, QuitOutcome, QuitServer, WaitForShutdown};
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::{ErrorClass, ServerError};
use std::sync::{Arc, Mutex};
use support::{options, PATIENCE};

/// Runs the scenario with each client, on a stand-in of its own.
macro_rules! with_each_client {
    ($fake:expr, |$connection:ident| $scenario:expr) => {{
        use crate::ops::clients::{block_on, runtime, Awaited};
        let fake: Fake = $fake();
        let mut vm = fake.client_with(&options()).unwrap();
        let $connection = Awaited(vm.lend());
        block_on($scenario);

        let fake: Fake = $fake();
        let vm = fake.client_with(&options()).unwrap().share().unwrap();
        let $connection = Awaited(vm.lend());
        block_on($scenario);

        let fake: Fake = $fake();
        runtime().block_on(async {
            let vm = fake.tokio_client_with(&options()).await.unwrap();
            let $connection = Awaited(vm.lend());
            $scenario.await;
        });
    }};
}

fn deleted(id: &str) -> DeviceDeleted {
    filled(|gone: &mut DeviceDeleted| {
        gone.device = Some(id.to_owned());
        gone.path = format!("/machine/peripheral/{id}");
    })
}

#[test]
fn unplugging_whenever_the_event_comes() {
    let before = || {
        let fake = Fake::new();
        fake.on_with(|del: DeviceDel, cx| {
            cx.emit(&deleted("another"));
            cx.emit(&deleted(&del.id));
            Ok(())
        });
        fake
    };
    let after = || {
        let fake = Fake::new();
        fake.on_with(|del: DeviceDel, cx| {
            cx.emit_after(&deleted(&del.id));
            Ok(())
        });
        fake
    };
    // Another client asked already, and the guest refuses that request.
    let pending = || {
        let fake = after();
        fake.once_with(|del: DeviceDel, cx| {
            cx.emit_after(&filled(|refused: &mut DeviceUnplugGuestError| refused.device = Some(del.id.clone())));
            let desc = format!("Device {} is already in the process of unplug", del.id);
            Err(ServerError::new(ErrorClass::GenericError, desc))
        });
        fake
    };
    for fake in [&before as &dyn Fn() -> Fake, &after, &pending] {
        with_each_client!(fake, |vm| async move {
            assert_eq!(Unplug::new(vm, "net1").deadline(PATIENCE).run().await.unwrap(), UnplugOutcome::Gone);
        });
    }
}

#[test]
fn quitting_with_an_answer_and_without() {
    let silent = || {
        let fake = Fake::new();
        fake.fault::<Quit>(Fault::DisconnectBefore);
        fake
    };
    for fake in [&Fake::new as &dyn Fn() -> Fake, &silent] {
        with_each_client!(fake, |vm| async move {
            let outcome = QuitServer::new(vm).deadline(PATIENCE).run().await.unwrap();
            assert!(matches!(outcome, QuitOutcome::Gone), "{outcome:?}");
        });
    }
}

#[test]
fn a_guest_that_powers_down() {
    let fake = || {
        let fake = Fake::new();
        fake.on_with(|_: SystemPowerdown, cx| {
            cx.emit(&Powerdown::blank());
            cx.set_status(RunState::Shutdown);
            cx.emit_after(&filled(|shutdown: &mut Shutdown| {
                shutdown.guest = true;
                shutdown.reason = ShutdownCause::GuestShutdown;
            }));
            Ok(())
        });
        fake
    };
    with_each_client!(fake, |vm| async move {
        let end = PowerDown::new(vm).deadline(PATIENCE).run().await.unwrap();
        assert!(end.is_shut_down(), "{end:?}");
    });
}

/// Somebody else has taken the event.
#[test]
fn a_machine_that_has_ended_already() {
    let fake = || {
        let fake = Fake::new();
        fake.status(RunState::Shutdown);
        fake
    };
    with_each_client!(fake, |vm| async move {
        let end: MachineEnd = WaitForShutdown::new(vm).run().await.unwrap();
        assert!(end.is_shut_down(), "{end:?}");
    });
}

/// A stand-in with one job, which is over when it was looked at so often.
fn with_job(looks: usize) -> Fake {
    let fake = Fake::new();
    let job: Arc<Mutex<Option<String>>> = Arc::default();
    fake.on({
        let job = Arc::clone(&job);
        move |backup: BlockdevBackup| {
            *job.lock().unwrap() = backup.job_id;
            Ok(())
        }
    });
    fake.on_with({
        let job = Arc::clone(&job);
        move |_: QueryJobs, cx| {
            let job = job.lock().unwrap();
            let status = if cx.count() > looks { JobStatus::Concluded } else { JobStatus::Running };
            let info = |id: &String| {
                filled(|info: &mut JobInfo| {
                    (info.id, info.type_, info.status) = (id.clone(), JobType::Backup, status.clone());
                })
            };
            if let Some(id) = &*job {
                cx.emit_json_after("JOB_STATUS_CHANGE", &serde_json::json!({"id": id, "status": "running"}));
            }
            Ok(job.iter().map(info).collect())
        }
    });
    fake.on(move |dismiss: JobDismiss| match job.lock().unwrap().take() {
        Some(id) if id == dismiss.id => Ok(()),
        _ => Err(ServerError::new(ErrorClass::GenericError, "no such job")),
    });
    fake
}

#[test]
fn jobs_are_followed_to_their_end() {
    for looks in [0, 3] {
        with_each_client!(|| with_job(looks), |vm| async move {
            let backup = BlockdevBackup::new("disk", MirrorSyncMode::Full, "copy");
            assert_eq!(Job::new(vm, backup).every(PATIENCE).run().await.unwrap(), JobOutcome::Completed);
        });
    }
}
