//! Operations, in all clients, on stand-ins with states of their own.

use crate::ops::clients::{with_fake, Scripted};
use qemu_qmp::fake::filled;
use qemu_qmp::ops::jobs::{Job, JobOutcome};
use qemu_qmp::ops::power::{PowerDown, QuitOutcome, QuitServer, WaitForShutdown};
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::{ErrorClass, ServerError};
use std::sync::{Arc, Mutex};
use support::PATIENCE;

#[test]
fn quitting_what_has_no_handler_for_it() {
    with_fake!(|_: &Scripted| (), |vm| async move {
        assert_eq!(QuitServer::new(vm).deadline(PATIENCE).run().await.unwrap(), QuitOutcome::Gone);
    });
}

#[test]
fn a_guest_that_powers_down() {
    let script = |fake: &Scripted| {
        fake.on_with(|_: SystemPowerdown, cx| {
            cx.set_status(RunState::Shutdown);
            cx.emit_after(&filled(|shutdown: &mut Shutdown| {
                shutdown.guest = true;
                shutdown.reason = ShutdownCause::GuestShutdown;
            }));
            Ok(())
        });
    };
    with_fake!(script, |vm| async move {
        assert!(PowerDown::new(&mut vm).deadline(PATIENCE).run().await.unwrap().is_shut_down());
        // The event is taken, but the status says it still.
        assert!(WaitForShutdown::new(vm).run().await.unwrap().is_shut_down());
    });
}

/// A stand-in with one job, which is over when it was looked at so often.
fn has_job(fake: &Scripted, looks: usize) {
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
            if let (Some(id), JobStatus::Running) = (&*job, &status) {
                cx.emit_json_after("JOB_STATUS_CHANGE", &serde_json::json!({"id": id, "status": "running"}));
            }
            Ok(job.iter().map(info).collect())
        }
    });
    fake.on(move |dismiss: JobDismiss| match job.lock().unwrap().take() {
        Some(id) if id == dismiss.id => Ok(()),
        _ => Err(ServerError::new(ErrorClass::GenericError, "no such job")),
    });
}

#[test]
fn jobs_are_followed_to_their_end() {
    for looks in [0, 3] {
        with_fake!(|fake: &Scripted| has_job(fake, looks), |vm| async move {
            let backup = BlockdevBackup::new("disk", MirrorSyncMode::Full, "copy");
            assert_eq!(Job::new(vm, backup).every(PATIENCE).run().await.unwrap(), JobOutcome::Completed);
        });
    }
}
