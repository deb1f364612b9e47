//! Jobs on scripted servers: what no real QEMU does when it is asked to.

use super::clients::{with_each_client, Awaitable, LATE};
use qemu_qmp::ops::jobs::{CancelledBy, ExistingJob, Job, JobFailure, JobOutcome};
use qemu_qmp::ops::Connection;
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::ErrorKind;
use serde_json::{json, Value};
use std::time::Duration;
use support::{event_with as event, Peer, PATIENCE};

fn backup() -> BlockdevBackup {
    BlockdevBackup::new("disk", MirrorSyncMode::Full, "copy").job_id("job")
}

/// A job that is asked about when an event says so, and hardly ever otherwise.
fn job<K: Awaitable, C>(vm: K, command: C) -> Job<'static, K, C> {
    Job::new(vm, command).every(PATIENCE)
}

fn info(status: &str, error: Option<&str>) -> Value {
    let mut info = json!({"id": "job", "type": "backup", "status": status, "current-progress": 1, "total-progress": 2});
    if let Some(error) = error {
        info["error"] = json!(error);
    }
    json!([info, {"id": "other", "type": "stream", "status": "running", "current-progress": 0, "total-progress": 9}])
}

fn ended(name: &str, id: &str, error: Option<&str>) -> String {
    let mut data = json!({"type": "backup", "device": id, "len": 2, "offset": 2, "speed": 0});
    if let Some(error) = error {
        data["error"] = json!(error);
    }
    event(name, data)
}

fn changed(status: &str) -> String {
    event("JOB_STATUS_CHANGE", json!({"id": "job", "status": status}))
}

/// Answers `query-jobs` with this status.
fn shows(peer: &mut Peer, status: &str) {
    peer.answer("query-jobs", info(status, None));
}

/// Answers the question about a job that has concluded, and sees it dismissed.
fn concludes(peer: &mut Peer, error: Option<&str>) {
    peer.answer("query-jobs", info("concluded", error));
    peer.answer("job-dismiss", json!({}));
}

fn starts(peer: &mut Peer) {
    let command = peer.answer("blockdev-backup", json!({}));
    assert_eq!(command["arguments"]["auto-dismiss"], false);
}

#[test]
fn over_before_the_first_event() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        concludes(&mut peer, None);
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(job(vm, backup()).run().await.unwrap(), JobOutcome::Completed);
    });
}

#[test]
fn a_job_without_an_id_gets_one() {
    let script = |mut peer: Peer| {
        let command = peer.answer("blockdev-backup", json!({}));
        let id = command["arguments"]["job-id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("qmp-job-") && id.len() == 24, "{id}");
        peer.answer(
            "query-jobs",
            json!([{"id": id, "type": "backup", "status": "concluded",
            "current-progress": 0, "total-progress": 0}]),
        );
        assert_eq!(peer.answer("job-dismiss", json!({}))["arguments"]["id"], id);
    };
    with_each_client!(script, |vm| async move {
        let command = BlockdevBackup::new("disk", MirrorSyncMode::Full, "copy");
        assert_eq!(job(vm, command).run().await.unwrap(), JobOutcome::Completed);
    });
}

#[test]
fn events_before_the_reply_and_events_of_others() {
    let script = |mut peer: Peer| {
        let command = peer.expect("blockdev-backup");
        peer.line(&changed("created"));
        peer.line(&changed("running"));
        peer.reply(&command, json!({}));
        shows(&mut peer, "running");
        shows(&mut peer, "running");
        shows(&mut peer, "running");
        peer.line(&changed("aborting"));
        shows(&mut peer, "aborting");
        peer.line(&event("BLOCK_JOB_ERROR", json!({"device": "job", "operation": "write", "action": "report"})));
        shows(&mut peer, "aborting");
        peer.line(&ended("BLOCK_JOB_COMPLETED", "job", Some("no space")));
        peer.line(&changed("concluded"));
        concludes(&mut peer, Some("no space"));
    };
    with_each_client!(script, |vm| async move {
        let outcome = job(vm, backup()).run().await.unwrap();
        assert_eq!(outcome.to_string(), "failed: no space, after an error of the operation `write`");
        assert!(outcome.completed().is_err());
    });
}

/// Also once without any event.
#[test]
fn a_job_that_another_client_dismissed() {
    for (told, expected) in [
        (Some(("BLOCK_JOB_COMPLETED", None)), JobOutcome::Completed),
        (Some(("BLOCK_JOB_CANCELLED", None)), JobOutcome::Cancelled(CancelledBy::SomebodyElse)),
        (None, JobOutcome::Unknown),
    ] {
        let script = move |mut peer: Peer| {
            starts(&mut peer);
            shows(&mut peer, "running");
            peer.line(&changed("running"));
            let question = peer.expect("query-jobs");
            if let Some((name, error)) = told {
                peer.line(&ended(name, "job", error));
            }
            peer.reply(&question, json!([]));
        };
        with_each_client!(script, |vm| {
            let expected = expected.clone();
            async move { assert_eq!(job(vm, backup()).run().await.unwrap(), expected) }
        });
    }
    let script = |mut peer: Peer| {
        let question = peer.expect("query-jobs");
        peer.line(&ended("BLOCK_JOB_COMPLETED", "job", Some("bad sector")));
        peer.reply(&question, json!([]));
    };
    with_each_client!(script, |vm| async move {
        let JobOutcome::Failed(JobFailure { error, .. }) = job(vm, ExistingJob::new("job")).run().await.unwrap() else {
            panic!("it failed")
        };
        assert_eq!(error, "bad sector");
    });
}

/// The event of a job that had the same id before tells nothing of this one: not while it is waited for, nor in the end.
#[test]
fn an_event_of_an_earlier_job() {
    for is_seen in [false, true] {
        let script = move |mut peer: Peer| {
            let question = peer.expect("query-status");
            peer.line(&ended("BLOCK_JOB_CANCELLED", "job", None));
            peer.reply(&question, json!({"running": true, "status": "running"}));
            starts(&mut peer);
            if is_seen {
                // It is an event of the job's id all the same, and makes the operation look once more.
                shows(&mut peer, "running");
            }
            peer.answer("query-jobs", json!([]));
        };
        with_each_client!(script, |vm| async move {
            vm.execute(QueryStatus::new(), None).await.unwrap();
            assert_eq!(job(vm, backup()).run().await.unwrap(), JobOutcome::Unknown);
        });
    }
}

#[test]
fn no_event_ever() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        for _ in 0..5 {
            shows(&mut peer, "running");
        }
        concludes(&mut peer, None);
    };
    with_each_client!(script, |vm| async move {
        let mut told = 0;
        let job = Job::new(vm, backup()).every(Duration::from_millis(1)).progress(|_| told += 1);
        assert_eq!(job.run().await.unwrap(), JobOutcome::Completed);
        assert_eq!(told, 6);
    });
}

#[test]
fn another_client_completes_pauses_and_dismisses() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        shows(&mut peer, "paused");
        let block_jobs = json!([{"device": "job", "type": "backup", "len": 2, "offset": 1, "busy": false, "paused": true,
            "speed": 0, "io-status": "ok", "ready": false, "status": "paused", "auto-finalize": true, "auto-dismiss": false}]);
        peer.answer("query-block-jobs", block_jobs);
        peer.line(&changed("ready"));
        shows(&mut peer, "ready");
        let complete = peer.expect("job-complete");
        peer.error(&complete, "GenericError", "Job 'job' in state 'waiting' cannot accept command verb 'complete'");
        shows(&mut peer, "waiting");
        peer.line(&changed("concluded"));
        peer.answer("query-jobs", info("concluded", None));
        let dismiss = peer.expect("job-dismiss");
        peer.error(&dismiss, "DeviceNotActive", "Job not found");
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(job(vm, backup()).run().await.unwrap(), JobOutcome::Completed);
    });
}

/// A job of a transaction is pending while it waits for the others, and goes on by itself.
#[test]
fn a_job_that_is_pending_and_not_held() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        for holds in [false, true] {
            shows(&mut peer, "pending");
            let block_jobs = json!([{"device": "job", "type": "backup", "len": 2, "offset": 1, "busy": false,
                "paused": false, "speed": 0, "io-status": "ok", "ready": false, "status": "pending",
                "auto-finalize": !holds, "auto-dismiss": false}]);
            peer.answer("query-block-jobs", block_jobs);
            peer.line(&changed("pending"));
        }
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(job(&mut vm, backup()).run().await.unwrap(), JobOutcome::Pending);
        // The last event came when all was decided.
        vm.find_event(None, |_, _| Some(())).await.unwrap();
    });
}

#[test]
fn a_job_that_cannot_be_completed() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        shows(&mut peer, "ready");
        let complete = peer.expect("job-complete");
        peer.error(&complete, "GenericError", "not now");
        shows(&mut peer, "ready");
    };
    with_each_client!(script, |vm| async move {
        let error = job(vm, backup()).run().await.unwrap_err();
        assert_eq!(error.server_error().unwrap().desc, "not now");
    });
}

#[test]
fn a_deadline_that_passes_while_a_question_is_not_answered() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        peer.expect("query-jobs");
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let job = job(vm, backup()).deadline(LATE);
        assert_eq!(job.run().await.unwrap(), JobOutcome::TimedOut);
    });
}

#[test]
fn a_job_that_ends_by_itself_while_its_deadline_cancels_it() {
    for (error, expected) in
        [(None, JobOutcome::Completed), (Some("Operation canceled"), JobOutcome::Cancelled(CancelledBy::Deadline))]
    {
        let script = move |mut peer: Peer| {
            starts(&mut peer);
            shows(&mut peer, "running");
            loop {
                let command = peer.next_command().unwrap();
                if command["execute"] == "job-cancel" {
                    peer.error(&command, "GenericError", "Job 'job' in state 'concluded' cannot accept 'cancel'");
                    break;
                }
                peer.reply(&command, info("running", None));
            }
            concludes(&mut peer, error);
        };
        with_each_client!(script, |vm| {
            let expected = expected.clone();
            async move {
                let job = job(vm, backup()).deadline(LATE).cancel_at_deadline();
                assert_eq!(job.run().await.unwrap(), expected);
            }
        });
    }
}

#[test]
fn the_connection_ends() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        shows(&mut peer, "running");
    };
    with_each_client!(script, |vm| async move {
        let error = job(vm, backup()).run().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Closed | ErrorKind::Io) && error.is_disconnected(), "{error:?}");
    });
}

#[test]
fn what_is_not_understood_is_no_outcome() {
    let script = |mut peer: Peer| {
        starts(&mut peer);
        shows(&mut peer, "contemplating");
        // Whatever an event says, and however broken it is: the question decides.
        peer.line("garbage");
        shows(&mut peer, "contemplating");
        peer.line(&changed("concluded"));
        concludes(&mut peer, None);
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(job(vm, backup()).run().await.unwrap(), JobOutcome::Completed);
    });
}
