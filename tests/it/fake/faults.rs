//! What goes wrong on purpose, and what clients make of it.

use qemu_qmp::fake::{Fake, Fault, Opening};
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Client, ConnectOptions, ErrorClass, ErrorKind, EventSet, ServerError};
use serde_json::json;
use std::time::Duration;
use support::{options, PATIENCE, SOON};

/// A client whose next command goes wrong.
fn with(fault: Fault) -> (Fake, Client) {
    let fake = Fake::new();
    fake.fault::<QueryStatus>(fault);
    let vm = fake.client_with(&options()).unwrap();
    (fake, vm)
}

fn is_well(vm: &mut Client) {
    assert_eq!(vm.execute(QueryStatus::new()).unwrap().status, RunState::Running);
}

#[test]
fn connections_end_around_the_answer() {
    for fault in [Fault::DisconnectBefore, Fault::DisconnectWithin] {
        let (fake, mut vm) = with(fault);
        vm.execute(QueryName::new()).unwrap();
        assert!(vm.execute(QueryStatus::new()).unwrap_err().is_disconnected());
        is_well(&mut fake.client().unwrap());
    }
    let (_fake, mut vm) = with(Fault::DisconnectAfter);
    is_well(&mut vm);
    assert!(vm.execute(QueryStatus::new()).unwrap_err().is_disconnected());
}

#[test]
fn answers_stay_away() {
    for fault in [Fault::Silence, Fault::HalfLine] {
        let (_fake, mut vm) = with(fault);
        assert!(vm.within(SOON).execute(QueryStatus::new()).unwrap_err().is_timeout());
    }
    let (_fake, mut vm) = with(Fault::Silence);
    assert!(vm.within(SOON).execute(QueryStatus::new()).unwrap_err().is_timeout());
    is_well(&mut vm);
}

#[test]
fn answers_are_not_what_they_should_be() {
    let refused = ServerError::new(ErrorClass::DeviceNotFound, "it is not there");
    let (fake, mut vm) = with(Fault::Error(refused.clone()));
    assert_eq!(vm.execute(QueryStatus::new()).unwrap_err().server_error(), Some(&refused));
    is_well(&mut vm);
    assert_eq!(fake.calls_of::<QueryStatus>().len(), 2);

    let (_fake, mut vm) = with(Fault::Return(json!({"status": "running"})));
    assert_eq!(vm.execute(QueryStatus::new()).unwrap_err().kind(), ErrorKind::Decode);
    is_well(&mut vm);

    let (_fake, mut vm) = with(Fault::OtherId(json!("somebody's")));
    assert!(vm.within(SOON).execute(QueryStatus::new()).unwrap_err().is_timeout());
    is_well(&mut vm);

    let (_fake, mut vm) = with(Fault::Twice);
    is_well(&mut vm);
    is_well(&mut vm);
    assert_eq!(vm.counters().late_replies + vm.counters().unknown_replies, 1);

    let (_fake, mut vm) = with(Fault::Instead(b"{\"return\": \r\n".to_vec()));
    assert!(vm.within(SOON).execute(QueryStatus::new()).is_err());

    let (_fake, mut vm) = with(Fault::Delay(Duration::from_millis(1)));
    is_well(&mut vm);
}

#[test]
fn the_last_fault_of_a_handler_counts_and_orders_come_in_turn() {
    let fake = Fake::new();
    fake.on_with(|_: SystemReset, cx| {
        cx.fault(Fault::Silence);
        cx.fault(Fault::Error(ServerError::new("X", "y")));
        Ok(())
    });
    fake.fault::<QueryName>(Fault::Error(ServerError::new("First", "")));
    fake.fault::<QueryName>(Fault::Error(ServerError::new("Second", "")));
    let mut vm = fake.client().unwrap();
    let class = |error: qemu_qmp::Error| error.server_error().unwrap().class.to_string();
    assert_eq!(class(vm.execute(SystemReset::new()).unwrap_err()), "X");
    fake.fault_next(Fault::Error(ServerError::new("Next", "")));
    is_well_refused(&mut vm, "Next");
    is_well(&mut vm);
    assert_eq!(class(vm.execute(QueryName::new()).unwrap_err()), "First");
    assert_eq!(class(vm.execute(QueryName::new()).unwrap_err()), "Second");
    vm.execute(QueryName::new()).unwrap();
}

fn is_well_refused(vm: &mut Client, class: &str) {
    let error = vm.execute(QueryStatus::new()).unwrap_err();
    assert_eq!(error.server_error().unwrap().class.as_str(), class);
}

#[test]
fn answers_come_out_of_order() {
    let fake = Fake::new();
    fake.fault::<QueryStatus>(Fault::AfterNext);
    let mut raw = super::raw::connect(&fake);
    raw.line();
    raw.send(r#"{"execute": "qmp_capabilities", "id": 0}"#);
    raw.send(r#"{"execute": "query-status", "id": 1}"#);
    raw.send(r#"{"execute": "query-name", "id": 2}"#);
    let ids: Vec<_> = (0..3).map(|_| raw.line().parse::<serde_json::Value>().unwrap()["id"].clone()).collect();
    assert_eq!(ids, [json!(0), json!(2), json!(1)]);
}

#[test]
fn answers_lack_their_id() {
    let fake = Fake::new();
    fake.fault::<QueryName>(Fault::WithoutId).fault::<QueryStatus>(Fault::Garbage(b"noise\r\n".to_vec()));
    let mut raw = super::raw::connect(&fake);
    raw.line();
    raw.send(r#"{"execute": "qmp_capabilities"}"#);
    raw.line();
    raw.send(r#"{"execute": "query-name", "id": 1}"#);
    assert_eq!(raw.line(), r#"{"return": {}}"#);
    raw.send(r#"{"execute": "query-status", "id": 1}"#);
    assert_eq!(raw.line(), "noise");
    assert!(raw.line().contains("running"));
}

#[test]
fn conversations_begin_otherwise() {
    let fake = Fake::new();
    let refused = ServerError::new(ErrorClass::GenericError, "not today");
    let event = b"{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n".to_vec();
    fake.opening(Opening::Disconnect)
        .opening(Opening::NoGreeting)
        .opening(Opening::Instead(b"220 mail ready\r\n".to_vec()))
        .opening(Opening::Refuse(refused.clone()))
        .opening(Opening::Before(event));
    let client = |options: ConnectOptions| fake.client_with(&options);
    assert!(client(options()).unwrap_err().is_disconnected());
    assert!(client(options().greeting_timeout(SOON)).unwrap_err().is_timeout());
    assert_eq!(client(options()).unwrap_err().kind(), ErrorKind::Greeting);
    let error = client(options()).unwrap_err();
    assert_eq!((error.kind(), error.server_error()), (ErrorKind::Negotiation, Some(&refused)));
    let mut vm = client(options()).unwrap();
    assert_eq!(vm.next_event(PATIENCE).unwrap().unwrap().data.name(), "STOP");
    is_well(&mut vm);
}
