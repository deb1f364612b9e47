//! The blocking client against a real QEMU, if there is one.
//!
//! Where it is, and what happens if there is none, is in `support`.

use qemu_qmp::blocking::{FdTransport, PipeTransport};
use qemu_qmp::qmp::{self, commands::*, events::*, types::*};
use qemu_qmp::{Client, ConnectOptions, ErrorClass, ErrorKind, Phase};
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::time::Duration;
use support::qemu::Qemu;
use support::{PATIENCE, SOON};

#[test]
fn commands_replies_errors_and_events() {
    let Some(qemu) = Qemu::start() else { return };
    let mut vm = qemu.connect();
    assert!(vm.greeting().version.major >= 6);
    let status = vm.execute(QueryStatus::new()).unwrap();
    assert!(!status.running);
    let version = vm.execute(QueryVersion::new()).unwrap();
    assert_eq!(version.qemu.major, i64::from(vm.greeting().version.major));

    let error = vm.execute(DeviceDel::new("no-such-device")).unwrap_err();
    assert_eq!(error.server_error().unwrap().class, ErrorClass::DeviceNotFound);
    let error = vm.cmd("no-such-command", None, None).unwrap();
    assert_eq!(error.error().unwrap().class, ErrorClass::CommandNotFound);

    vm.execute(Cont::new()).unwrap();
    let resumed = vm.wait_for(PATIENCE, |_: &Resume| true).unwrap();
    assert!(resumed.timestamp.since_epoch().is_some());
    vm.execute(qmp::commands::Stop::new()).unwrap();
    let names: Vec<_> =
        vm.take_events().unwrap().iter().map(|event| qemu_qmp::EventSet::name(&event.data).to_owned()).collect();
    assert_eq!(names, ["STOP"]);

    vm.execute(Quit::new()).unwrap();
    let shutdown = vm.wait_for(PATIENCE, |_: &Shutdown| true).unwrap();
    assert_eq!(shutdown.data.reason, ShutdownCause::HostQmpQuit);
    assert_eq!(vm.next_event(None).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn ids_come_back_whatever_they_are() {
    let Some(qemu) = Qemu::start() else { return };
    let mut vm = qemu.connect();
    let ids = [
        json!(null),
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1.0),
        json!(0.1),
        json!(1e300),
        json!("é\u{1f600}\\\"\n"),
        json!({"b": [1, 2.0, {"z": null, "a": {}}], "a": "x", "longer": []}),
        json!("qmp#3"),
    ];
    for id in ids {
        let reply = vm.cmd("query-name", None, Some(id.clone())).unwrap();
        assert!(reply.id().is_some(), "{id}");
        assert_eq!(reply.result(), Ok("{}"));
    }
    assert_eq!(vm.counters(), qemu_qmp::session::Counters::default());
}

#[test]
fn out_of_band_and_large_replies() {
    let Some(qemu) = Qemu::start() else { return };
    let mut vm = qemu.connect();
    assert!(vm.oob_enabled());
    vm.execute_oob(Yank::new([])).unwrap();
    let error = vm.execute_oob(MigratePause::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    let schema = vm.cmd("query-qmp-schema", None, None).unwrap();
    assert!(schema.result().unwrap().len() > 100_000);
}

/// More in-band commands wait than QEMU's queue holds: if they had been sent all, QEMU would not read on.
#[test]
fn out_of_band_commands_overtake() {
    let Some(qemu) = Qemu::start() else { return };
    let mut vm = qemu.connect();
    let fifo = qemu.fifo();
    let save = Pmemsave::new(0, 1, fifo.to_string_lossy());
    let late = ErrorKind::Timeout(Phase::Call);
    assert_eq!(vm.within(SOON).execute(save).unwrap_err().kind(), late);
    for _ in 0..20 {
        assert_eq!(vm.within(SOON).execute(QueryStatus::new()).unwrap_err().kind(), late);
    }
    vm.execute_oob(Yank::new([])).unwrap();

    let vm = vm.share().unwrap();
    let queries = Vec::from_iter((0..4).map(|_| {
        let vm = vm.clone();
        std::thread::spawn(move || vm.execute(QueryStatus::new()).unwrap())
    }));
    for _ in 0..10 {
        let error = vm.execute_oob(MigratePause::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
    }
    assert!(queries.iter().all(|query| !query.is_finished()));
    assert_eq!(vm.counters().late_replies, 0);

    let fifo = File::options().read(true).write(true).open(fifo).unwrap();
    for query in queries {
        assert_eq!(query.join().unwrap().status, RunState::Prelaunch);
    }
    // Those that were sent: what was cancelled before it could be written was not.
    assert_eq!(vm.counters().late_replies, 8);
    (&fifo).read_exact(&mut [0]).unwrap();
}

#[test]
fn what_overflows_the_parser_is_not_sent() {
    let Some(qemu) = Qemu::start() else { return };
    let mut vm = qemu.connect();
    // Two levels are the request's own.
    let nested = |depth| Some(json!({"x": (2..depth).fold(json!(1), |inner, _| json!([inner]))}));
    let reply = vm.cmd("query-name", nested(1024), None).unwrap();
    assert_eq!(reply.error().unwrap().class, ErrorClass::GenericError);
    assert!(reply.as_json().contains("\"id\""), "QEMU read it to its end");
    let error = vm.cmd("query-name", nested(1025), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert!(!vm.execute(QueryStatus::new()).unwrap().running);
}

#[test]
fn one_client_at_a_time() {
    let Some(qemu) = Qemu::start() else { return };
    let first = qemu.connect();
    let options = ConnectOptions::new().greeting_timeout(Duration::from_millis(300));
    let error = Client::connect_with(qemu.socket(), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Greeting));
    drop(first);
    qemu.connect();
}

#[test]
fn a_monitor_that_prints_over_several_lines() {
    let qemu = Qemu::start_with(|folder| {
        let socket = folder.join("socket").display().to_string();
        ["-qmp-pretty".to_owned(), format!("unix:{socket},server=on,wait=off")].to_vec()
    });
    let Some(qemu) = qemu else { return };
    let mut vm = qemu.connect();
    assert!(vm.execute(QueryCommands::new()).unwrap().len() > 100);
    vm.execute_and_wait(Cont::new(), PATIENCE, |_: &Resume| true).unwrap();
    assert_eq!(vm.execute(QueryStatus::new()).unwrap().status, RunState::Running);
    assert_eq!(vm.counters(), qemu_qmp::session::Counters::default());
}

/// A QEMU with a second monitor on a pseudo-terminal, and where that is.
fn with_terminal() -> Option<(Qemu, String)> {
    let qemu = Qemu::start_with(|folder| {
        let socket = folder.join("socket").display().to_string();
        let chardev = ["-chardev", "pty,id=terminal", "-mon", "chardev=terminal,mode=control", "-qmp"];
        let chardev = chardev.iter().map(|&option| option.to_owned());
        chardev.chain([format!("unix:{socket},server=on,wait=off")]).collect()
    })?;
    let devices = qemu.connect().execute(QueryChardev::new()).unwrap();
    let path = devices.iter().find_map(|device| device.filename.strip_prefix("pty:")).unwrap().to_owned();
    Some((qemu, path))
}

/// There QEMU greets before it is opened and after that.
#[test]
fn a_monitor_on_a_pseudo_terminal() {
    let Some((_qemu, path)) = with_terminal() else { return };
    let terminal = File::options().read(true).write(true).open(path).unwrap();
    let pipe = PipeTransport::new(terminal.try_clone().unwrap(), terminal).unwrap();
    let mut vm = Client::connect_over(pipe, &support::options()).unwrap();
    vm.execute_and_wait(Cont::new(), PATIENCE, |_: &Resume| true).unwrap();
    assert!(vm.execute(QueryCommands::new()).unwrap().len() > 100);
}

/// Nothing of an earlier client takes what QEMU sends to a later one.
#[test]
fn clients_on_a_pseudo_terminal_one_after_the_other() {
    let Some((qemu, path)) = with_terminal() else { return };
    let mut other = qemu.connect();
    for _ in 0..3 {
        let mut vm = Client::connect_over(FdTransport::open(&path).unwrap(), &support::options()).unwrap();
        vm.execute_and_wait(Cont::new(), PATIENCE, |_: &Resume| true).unwrap();
        vm.execute_and_wait(Stop::new(), PATIENCE, |_: &StopEvent| true).unwrap();
        assert!(vm.execute(QueryCommands::new()).unwrap().len() > 100);
        // Waits in vain, so that a transport which reads ahead does.
        assert!(vm.next_event(SOON).unwrap().is_none());
        drop(vm);
        // QEMU, which otherwise does not greet again, notices that it is gone before it does the second one of these.
        (0..2).for_each(|_| drop(other.execute(QueryStatus::new()).unwrap()));
    }
    let mut vm = Client::connect_over(FdTransport::open(&path).unwrap(), &support::options()).unwrap();
    assert!(!vm.execute(QueryStatus::new()).unwrap().running);
    drop(qemu);
    assert!(vm.execute(QueryStatus::new()).unwrap_err().is_closed());
}

#[test]
fn a_monitor_on_standard_streams() {
    let program = std::env::var_os("QEMU_QMP_QEMU").unwrap_or_else(|| "qemu-system-x86_64".into());
    let process = std::process::Command::new(&program)
        .args(["-display", "none", "-nodefaults", "-S", "-machine", "none", "-qmp", "stdio"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Some(mut process) = support::programs::started(&program, process) else { return };
    let streams = FdTransport::new(process.stdout.take().unwrap(), process.stdin.take().unwrap()).unwrap();
    let vm = Client::connect_over(streams, &support::options()).unwrap().share().unwrap();
    assert!(!vm.execute(QueryStatus::new()).unwrap().running);
    vm.execute(Quit::new()).unwrap();
    assert!(process.wait().unwrap().success());
    assert!(vm.execute(QueryStatus::new()).unwrap_err().is_closed());
}
