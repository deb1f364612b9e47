//! Programs in the guest.

use super::clock::{garbles, Clocked, Return, Silence, CALL};
use super::Agent;
use crate::ops::clients::{block_on, with_fake};
use qemu_qmp::error::Malformed;
use qemu_qmp::fake::{filled, Fault};
use qemu_qmp::ops::guest::{Program, ProgramOutcome, RunningProgram};
use qemu_qmp::qga::{commands::*, types::*};
use qemu_qmp::ErrorKind;
use serde_json::{from_value, json, Value};
use std::time::Duration;

fn start() -> GuestExecReply {
    filled(|started: &mut GuestExecReply| started.pid = 7)
}

fn starts(fake: &Agent) {
    fake.returns::<GuestExec>(start());
}

fn starts_with(fake: &Agent, arguments: Value) {
    fake.expects::<GuestExec>(from_value(arguments).unwrap(), start());
}

fn shows(fake: &Agent, status: Value) {
    fake.expects(GuestExecStatus::new(7), from_value(status).unwrap());
}

fn runs() -> Value {
    json!({"exited": false})
}

#[test]
fn ends_at_once() {
    let script = |fake: &Agent| {
        starts_with(fake, json!({"path": "df", "arg": ["-h", "/", "/srv"], "capture-output": true}));
        shows(fake, json!({"exited": true, "exitcode": 0, "out-data": "b3V0AP8K"}));
    };
    with_fake!(agent: script, |agent| async move {
        let outcome = Program::new(agent, "df").arg("-h").args(["/", "/srv"]).run().await.unwrap();
        let output = outcome.succeeded().unwrap();
        assert_eq!((&*output.stdout, &*output.stderr), (&b"out\0\xff\n"[..], &b""[..]));
        assert_eq!((output.status.code(), output.status.signal(), output.success()), (Some(0), None, true));
        assert_eq!((output.stdout_truncated, output.stderr_truncated), (false, false));
    });
}

#[test]
fn ends_later_and_not_well() {
    let script = |fake: &Agent| {
        starts(fake);
        shows(fake, runs());
        shows(fake, runs());
        let output = json!({"exited": true, "exitcode": 3, "err-data": "c2VjcmV0", "out-truncated": false,
            "err-truncated": true});
        shows(fake, output);
    };
    with_fake!(agent: script, |agent| async move {
        let output = Program::new(agent, "df").run().await.unwrap().finished().unwrap();
        assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b"secret"[..]));
        assert_eq!((output.stdout_truncated, output.stderr_truncated), (false, true));
        assert!(!output.success());
        let failure = ProgramOutcome::Finished(output).succeeded().unwrap_err();
        assert_eq!(failure.to_string(), "the program in the guest ended with exit code 3");
        assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
    });
}

#[test]
fn other_ends() {
    for (told, shown, truncated) in [
        (json!({"exited": true, "signal": 9, "out-truncated": true}), "signal 9", true),
        (json!({"exited": true}), "an exit status that the agent did not tell", false),
    ] {
        let script = move |fake: &Agent| {
            starts(fake);
            shows(fake, told.clone());
        };
        with_fake!(agent: script, |agent| async move {
            let output = Program::new(agent, "df").run().await.unwrap().finished().unwrap();
            assert_eq!((output.status.to_string(), output.status.success()), (shown.to_owned(), false));
            assert_eq!(output.status.signal(), (shown == "signal 9").then_some(9));
            assert_eq!((output.stdout_truncated, output.stderr_truncated), (truncated, false));
        });
    }
}

#[test]
fn choices() {
    let script = |fake: &Agent| {
        let merged = json!({"path": "cat", "env": ["A=b=c", "D="], "input-data": "AP8=", "capture-output": "merged"});
        starts_with(fake, merged);
        starts_with(fake, json!({"path": "cat", "capture-output": false}));
        shows(fake, runs());
        shows(fake, json!({"exited": true, "exitcode": 0}));
    };
    with_fake!(agent: script, |agent| async move {
        let mut agent = agent;
        let merged = Program::new(&mut agent, "cat").env("A", "b=c").env("D", "").input([0, 255]).merged();
        assert!(!format!("{merged:?}").contains("AP8"), "{merged:?}");
        assert_eq!(merged.start().await.unwrap(), 7);
        assert_eq!(Program::new(&mut agent, "cat").discard_output().start().await.unwrap(), 7);
        assert!(RunningProgram::new(agent, 7).run().await.unwrap().succeeded().unwrap().stdout.is_empty());
    });
}

#[test]
fn cannot_be_started() {
    let script = |fake: &Agent| fake.refuses::<GuestExec>("GenericError", "no such file");
    with_fake!(agent: script, |agent| async move {
        let error = Program::new(agent, "df").run().await.unwrap_err();
        assert_eq!(error.server_error().unwrap().desc, "no such file");
    });
}

#[test]
fn forgotten_by_an_agent_that_was_started_anew() {
    let script = |fake: &Agent| {
        starts(fake);
        shows(fake, runs());
        fake.refuses::<GuestExecStatus>("GenericError", "PID 7 does not exist");
    };
    with_fake!(agent: script, |agent| async move {
        let outcome = Program::new(agent, "df").run().await.unwrap();
        let ProgramOutcome::Forgotten { pid: 7, error } = &outcome else { panic!("{outcome}") };
        assert!(error.is_server());
        let shown = outcome.finished().unwrap_err().to_string();
        assert!(shown.contains("not known to the agent any more as process 7"), "{shown}");
        assert!(shown.contains("PID 7 does not exist"), "{shown}");
    });
}

#[test]
fn the_agent_starts_anew_in_the_middle_of_an_answer() {
    let script = |fake: &Agent| {
        starts(fake);
        fake.spoils::<GuestExecStatus>(Fault::Instead(b"{\"return\": {\"exited\":\n".to_vec()));
        fake.refuses::<GuestExecStatus>("GenericError", "PID 7 does not exist");
    };
    with_fake!(agent: script, |agent| async move {
        let outcome = Program::new(agent, "df").run().await.unwrap();
        assert!(matches!(outcome, ProgramOutcome::Forgotten { pid: 7, .. }), "{outcome}");
    });
    let garbage = |fake: &Agent| {
        starts(fake);
        for _ in 0..2 {
            fake.spoils::<GuestExecStatus>(garbles());
        }
    };
    with_fake!(agent: garbage, |agent| async move {
        let outcome = Program::new(agent, "df").run().await.unwrap();
        let ProgramOutcome::Unanswered { pid: 7, error } = &outcome else { panic!("{outcome}") };
        assert_eq!(error.kind(), ErrorKind::Malformed(Malformed::NotJson));
    });
}

#[test]
fn an_agent_that_does_not_answer_this_at_present() {
    let script = |fake: &Agent| {
        starts(fake);
        fake.refuses::<GuestExecStatus>("CommandNotFound", "disabled while frozen");
    };
    with_fake!(agent: script, |agent| async move {
        let outcome = Program::new(agent, "df").run().await.unwrap();
        let ProgramOutcome::Unanswered { pid: 7, error } = &outcome else { panic!("{outcome}") };
        assert!(error.is_server());
        let shown = outcome.finished().unwrap_err().to_string();
        assert!(shown.contains("runs as process 7") && shown.contains("disabled while frozen"), "{shown}");
    });
}

/// The one that was started first, and the number is known; and the one whose number is not.
#[test]
fn the_connection_is_lost() {
    let script = |fake: &Agent| {
        starts(fake);
        fake.spoils::<GuestExecStatus>(Fault::DisconnectBefore);
    };
    with_fake!(agent: script, |agent| async move {
        let outcome = Program::new(agent, "df").run().await.unwrap();
        let ProgramOutcome::Unanswered { pid: 7, error } = &outcome else { panic!("{outcome}") };
        assert!(error.is_disconnected());
    });
    let script = |fake: &Agent| {
        fake.spoils::<GuestExec>(Fault::DisconnectBefore);
    };
    with_fake!(agent: script, |agent| async move {
        assert!(Program::new(agent, "df").run().await.unwrap_err().is_disconnected());
    });
}

#[test]
fn output_that_is_no_base64() {
    for member in ["out-data", "err-data"] {
        let script = move |fake: &Agent| {
            starts(fake);
            shows(fake, json!({"exited": true, "exitcode": 0, member: "c2Vjcm?0"}));
        };
        with_fake!(agent: script, |agent| async move {
            let error = Program::new(agent, "df").run().await.unwrap_err();
            assert_eq!(error.decode_error().map(|error| error.path().to_owned()), Some(format!(".{member}")));
            let shown = error.to_string();
            assert!(shown.starts_with(&format!("reply to guest-exec-status at .{member}: ")), "{shown}");
            assert!(!shown.contains("c2Vjcm"), "{shown}");
        });
    }
}

#[test]
fn an_answer_of_another_kind() {
    let script = |fake: &Agent| {
        starts(fake);
        fake.fault::<GuestExecStatus>(Fault::Return(json!({"exited": "yes"})));
        shows(fake, runs());
    };
    with_fake!(agent: script, |agent| async move {
        assert_eq!(Program::new(agent, "df").run().await.unwrap_err().kind(), ErrorKind::Decode);
    });
}

/// Pauses grow; the deadline is met; and the last answer counts.
#[test]
fn pauses_and_the_deadline() {
    let started = || Return(json!({"pid": 7}));
    let running = || Return(runs());
    let mut agent = Clocked::new(std::iter::once(started()).chain((0..10).map(|_| running())));
    let outcome = block_on(Program::new(&mut agent, "df").deadline(Duration::from_millis(2000)).run()).unwrap();
    assert!(matches!(outcome, ProgramOutcome::StillRunning { pid: 7 }), "{outcome}");
    assert_eq!(agent.sleeps, [10, 20, 40, 80, 160, 320, 500, 500, 370]);
    assert_eq!(agent.passed(), 2000);
    // A second more for each answer.
    assert!(agent.calls.iter().all(|(_, _, until)| *until == 3000), "{:?}", agent.calls);

    let ended = Return(json!({"exited": true, "exitcode": 0}));
    let mut agent = Clocked::new([running(), ended]);
    let outcome = block_on(RunningProgram::new(&mut agent, 7).deadline(Duration::from_millis(5)).run()).unwrap();
    assert!(outcome.succeeded().is_ok());
    assert_eq!(agent.sleeps, [5]);

    let mut agent = Clocked::new([running()]);
    let outcome = block_on(RunningProgram::new(&mut agent, 7).deadline(Duration::ZERO).run()).unwrap();
    let shown = outcome.finished().unwrap_err().to_string();
    assert_eq!(shown, "the program in the guest was still running at the deadline, as process 7");
    assert_eq!(agent.names(), ["guest-exec-status"]);
}

#[test]
fn an_agent_that_is_silent() {
    let mut agent = Clocked::new([Silence]);
    let outcome = block_on(RunningProgram::new(&mut agent, 7).deadline(Duration::from_secs(5)).run()).unwrap();
    assert!(matches!(outcome, ProgramOutcome::StillRunning { pid: 7 }), "{outcome}");
    assert_eq!(agent.passed(), 6000);
    // The call's own time is over before.
    for deadline in [None, Some(CALL * 2)] {
        let mut agent = Clocked::new([Silence]);
        let outcome = block_on(RunningProgram::new(&mut agent, 7).deadline(deadline).run()).unwrap();
        let ProgramOutcome::Unanswered { pid: 7, error } = &outcome else { panic!("{outcome}") };
        assert!(error.is_timeout());
        assert_eq!(agent.passed(), CALL.as_millis());
    }
    let mut agent = Clocked::new([Silence]);
    assert!(block_on(Program::new(&mut agent, "df").run()).unwrap_err().is_timeout());
}
