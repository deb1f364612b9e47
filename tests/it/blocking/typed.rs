//! Typed commands and events against a scripted server.

use qemu_qmp::qmp::{self, commands::*, events::*, types::*};
use qemu_qmp::session::SessionOptions;
use qemu_qmp::{ErrorClass, ErrorKind, EventSet, Phase};
use serde_json::{from_str, json, to_string, to_value};
use std::time::Duration;
use support::*;

fn kinds(client: &mut qemu_qmp::Client) -> Vec<String> {
    client.take_events().unwrap().iter().map(|event| event.data.name().to_owned()).collect()
}

fn deleted(device: &str) -> String {
    json!({"event": "DEVICE_DELETED", "data": {"device": device, "path": format!("/{device}")}}).to_string()
}

#[test]
fn replies_are_typed() {
    let (mut vm, script) = connected(|mut peer| {
        let status = json!({"status": "running", "running": true, "singlestep": false});
        let command = peer.answer("query-status", status);
        assert!(command.get("arguments").is_none());
        assert_eq!(peer.answer("device_del", json!({}))["arguments"], json!({"id": "net0"}));
    });
    let status = vm.execute(QueryStatus::new()).unwrap();
    assert_eq!((status.status, status.running), (RunState::Running, true));
    vm.execute(DeviceDel::new("net0")).unwrap();
    script.finish();
}

#[test]
fn server_errors_name_their_command() {
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.expect("device_del");
        peer.error(&command, "DeviceNotFound", "Device 'net0' not found");
    });
    let error = vm.execute(DeviceDel::new("net0")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(error.server_error().unwrap().class, ErrorClass::DeviceNotFound);
    assert_eq!(error.to_string(), "device_del: Device 'net0' not found (DeviceNotFound)");
    script.finish();
}

#[test]
fn a_reply_that_does_not_fit_says_where_and_harms_nothing() {
    let (mut vm, script) = connected(|mut peer| {
        let job = json!({"id": "a", "type": "commit", "status": 5, "current-progress": 0, "total-progress": 1});
        peer.answer("query-jobs", json!([job]));
        peer.answer("query-status", json!({"status": "paused", "running": false}));
    });
    let error = vm.execute(QueryJobs::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let decode_error = error.decode_error().unwrap();
    assert_eq!((decode_error.name(), decode_error.path()), ("query-jobs", "[0].status"));
    assert!(decode_error.expectation().contains("expected") && decode_error.text().starts_with("[{"), "{error}");
    assert!(!vm.execute(QueryStatus::new()).unwrap().running);
    script.finish();
}

#[test]
fn out_of_band() {
    let (mut vm, script) = connected(|mut peer| assert_eq!(peer.answer("yank", json!({}))["exec-oob"], "yank"));
    assert!(vm.oob_enabled());
    vm.execute_oob(Yank::new([])).unwrap();
    script.finish();
    let unwanted = options().session(SessionOptions::new().oob(false));
    let (mut vm, script) = connected_with(&unwanted, |mut peer| peer.wait_for_end());
    assert_eq!(vm.execute_oob(Yank::new([])).unwrap_err().kind(), ErrorKind::OobUnavailable);
    drop(vm);
    script.finish();
}

#[test]
fn events_are_typed_and_taken() {
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.expect("stop");
        let data = json!({"guest": true, "reason": "guest-shutdown"});
        let unknown = json!({"seconds": -1, "microseconds": -1});
        peer.line(&json!({"event": "SHUTDOWN", "data": data, "timestamp": unknown}).to_string());
        peer.line(&json!({"event": "NEW_IN_QEMU_12", "data": {"x": 1}}).to_string());
        peer.reply(&command, json!({}));
    });
    vm.execute(qmp::commands::Stop::new()).unwrap();
    script.finish();
    let mut seen = Vec::new();
    for event in vm.take_events().unwrap() {
        assert_eq!(event.timestamp.since_epoch(), None);
        match &event.data {
            AnyEvent::Shutdown(shutdown) => seen.push(shutdown.reason.to_string()),
            AnyEvent::Unrecognized(other) => seen.push(other.name.to_string()),
            _ => {}
        }
    }
    assert_eq!(seen, ["guest-shutdown", "NEW_IN_QEMU_12"]);
    // With the events taken, nothing is left but to say that the server is gone.
    assert_eq!(vm.take_events().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(vm.next_event(None).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn next_event_waits_and_takes_one() {
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let (mut vm, script) = connected(move |mut peer| {
        peer.event("STOP");
        may_go_on.recv().unwrap();
        peer.event("RESUME");
        peer.wait_for_end();
    });
    assert!(matches!(vm.next_event(PATIENCE).unwrap().unwrap().data, AnyEvent::Stop(_)));
    assert!(vm.next_event(SOON).unwrap().is_none());
    assert!(vm.next_event(Duration::ZERO).unwrap().is_none());
    go_on.send(()).unwrap();
    assert!(matches!(vm.next_event(None).unwrap().unwrap().data, AnyEvent::Resume(_)));
    drop(vm);
    script.finish();
}

#[test]
fn waiting_looks_at_buffered_events_first_and_keeps_all_others() {
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.expect("device_del");
        // The event comes before the reply, and before anybody waits for it.
        peer.event("STOP");
        peer.line(&deleted("other"));
        peer.line(&deleted("net0"));
        peer.event("RESUME");
        peer.reply(&command, json!({}));
        peer.answer("query-name", json!({}));
        peer.event("RESET");
        peer.line(&deleted("net1"));
        peer.wait_for_end();
    });
    vm.execute(DeviceDel::new("net0")).unwrap();
    let mut looked_at = Vec::new();
    let event = vm.wait_for(Duration::ZERO, |event: &DeviceDeleted| {
        looked_at.push(event.path.clone());
        event.device.as_deref() == Some("net0")
    });
    assert_eq!(event.unwrap().data.path, "/net0");
    assert_eq!(looked_at, ["/other", "/net0"]);
    assert_eq!(kinds(&mut vm), ["STOP", "DEVICE_DELETED", "RESUME"]);
    vm.execute(QueryName::new()).unwrap();
    let path = vm.wait_until(PATIENCE, |event| match &event.data {
        AnyEvent::DeviceDeleted(deleted) if deleted.device.as_deref() == Some("net1") => Some(deleted.path.clone()),
        _ => None,
    });
    assert_eq!(path.unwrap(), "/net1");
    let error = vm.wait_for(SOON, |_: &BlockJobReady| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Event));
    assert_eq!(kinds(&mut vm), ["RESET"]);
    drop(vm);
    script.finish();
}

#[test]
fn waiting_ends_with_the_connection() {
    let (mut vm, script) = connected(|mut peer| peer.event("STOP"));
    assert_eq!(vm.wait_for(None, |_: &Resume| true).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(kinds(&mut vm), ["STOP"]);
    script.finish();
}

#[test]
fn an_event_that_does_not_fit_is_reported_once() {
    let (mut vm, script) = connected(|mut peer| {
        peer.line(&json!({"event": "DEVICE_DELETED", "data": {"path": 7}}).to_string());
        peer.line(&deleted("net0"));
        peer.wait_for_end();
    });
    let error = vm.wait_for(PATIENCE, |_: &DeviceDeleted| true).unwrap_err();
    let decode_error = error.decode_error().unwrap();
    assert_eq!((decode_error.name(), decode_error.path()), ("DEVICE_DELETED", ".path"));
    assert_eq!(decode_error.text(), r#"{"path":7}"#);
    assert_eq!(vm.wait_for(PATIENCE, |_: &DeviceDeleted| true).unwrap().data.path, "/net0");
    drop(vm);
    script.finish();
}

#[test]
fn the_bound_on_events_drops_the_oldest_and_says_so() {
    let bounded = options().session(SessionOptions::new().max_events(2));
    let (mut vm, script) = connected_with(&bounded, |mut peer| {
        let command = peer.expect("query-name");
        ["A", "B", "C", "D"].iter().for_each(|name| peer.event(name));
        peer.reply(&command, json!({}));
        peer.wait_for_end();
    });
    vm.execute(QueryName::new()).unwrap();
    assert_eq!(vm.take_events().unwrap_err().missed(), Some(2));
    assert_eq!(kinds(&mut vm), ["C", "D"]);
    assert_eq!(vm.counters().dropped_events, 2);
    drop(vm);
    script.finish();
}

#[test]
fn executing_and_waiting_passes_over_what_came_before() {
    let (written, is_written) = std::sync::mpsc::channel();
    let (mut vm, script) = connected(move |mut peer| {
        peer.event("STOP");
        peer.answer("query-name", json!({}));
        // This one is not read yet when the command is executed.
        peer.line(&deleted("net1"));
        written.send(()).unwrap();
        let first = peer.expect("device_del");
        peer.line(&deleted("net0"));
        peer.line(&deleted("net1"));
        peer.reply(&first, json!({}));
        let second = peer.expect("device_del");
        peer.reply(&second, json!({}));
        peer.event("RESUME");
        peer.line(&deleted("net1"));
        let refused = peer.expect("device_del");
        peer.error(&refused, "DeviceNotFound", "none");
        peer.wait_for_end();
    });
    vm.execute(QueryName::new()).unwrap();
    is_written.recv().unwrap();
    let mut looked_at = 0;
    for _ in 0..2 {
        let is_net1 = |gone: &DeviceDeleted| {
            looked_at += 1;
            gone.device.as_deref() == Some("net1")
        };
        vm.execute_and_wait(DeviceDel::new("net1"), PATIENCE, is_net1).unwrap();
    }
    assert_eq!(looked_at, 3, "net0 and net1 of the first command, net1 of the second");
    let any = |_: &DeviceDeleted| true;
    let error = vm.execute_and_wait(DeviceDel::new("net1"), None, any).unwrap_err();
    assert!(error.is_server());
    assert_eq!(kinds(&mut vm), ["STOP", "DEVICE_DELETED", "DEVICE_DELETED", "RESUME"]);
    drop(vm);
    script.finish();
}

#[test]
fn executing_and_waiting_tells_what_did_not_come() {
    let ready = format!("{GREETING}\n{{\"return\": {{}}}}\n");
    let reply = r#"{"return": {}, "id": "qmp#2"}"#.to_owned() + "\n";
    // The first pause is where the client looks whether anything has come before.
    let recorded = Recorded::new([Some(ready.into_bytes()), None, Some(reply.into_bytes())], false);
    let mut vm = qemu_qmp::Client::connect_over(recorded, &options().name("vm")).unwrap();
    for (phase, text) in [(Phase::Event, "vm: no event DEVICE_DELETED"), (Phase::Call, "vm: no reply to device_del")] {
        let error = vm.execute_and_wait(DeviceDel::new("net1"), PATIENCE, |_: &DeviceDeleted| true).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Timeout(phase), format!("{text} within 60s")));
    }
}

/// What a program writes down of an event is what QEMU sent.
#[test]
fn events_are_data_in_the_form_of_the_protocol() {
    use qemu_qmp::message::Message;
    use qemu_qmp::{EventMessage, Timestamp};

    let time = json!({"seconds": 1_258_551_470, "microseconds": 802_384});
    let shutdown = json!({"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}, "timestamp": time});
    for line in [
        shutdown.clone(),
        json!({"event": "STOP", "timestamp": time}),
        json!({"event": "X_LATER", "data": {"a": [1.5, null]}, "timestamp": time}),
        json!({"event": "SHUTDOWN", "data": {"guest": 7}, "timestamp": {"seconds": -1, "microseconds": -1}}),
    ] {
        let Ok(Message::Event(raw)) = Message::parse(line.to_string().as_bytes()) else { panic!("{line}") };
        let event: EventMessage<AnyEvent> = raw.decode_as();
        assert_eq!(to_value(&event).unwrap(), line);
        assert_eq!(from_str::<EventMessage<AnyEvent>>(&to_string(&event).unwrap()).unwrap(), event);
    }
    let one: EventMessage<Shutdown> = from_str(&shutdown.to_string()).unwrap();
    assert_eq!((one.data.guest, to_value(&one).unwrap()), (true, shutdown.clone()));
    assert_eq!(from_str::<Timestamp>(&to_string(&one.timestamp).unwrap()).unwrap(), one.timestamp);
    assert_eq!(to_value(one.timestamp).unwrap(), time);
    assert_eq!(from_str::<Timestamp>("{}").unwrap(), Timestamp::UNKNOWN);
    let error = from_str::<EventMessage<Powerdown>>(&shutdown.to_string()).unwrap_err().to_string();
    assert!(error.contains("event SHUTDOWN instead of POWERDOWN"), "{error}");
    assert!(from_str::<EventMessage<AnyEvent>>(r#"{"data": {}}"#).unwrap_err().to_string().contains("`event`"));
}

#[test]
fn what_returns_nothing_is_nothing() {
    fn pause(vm: &mut qemu_qmp::Client) -> qemu_qmp::Result<()> {
        vm.execute(qmp::commands::Stop::new())
    }
    let (mut vm, script) = connected(|mut peer| {
        peer.answer("stop", json!({}));
        peer.answer("stop", json!({"later": [{"x": null}]}));
        peer.answer("stop", json!([]));
    });
    pause(&mut vm).unwrap();
    pause(&mut vm).unwrap();
    let error = pause(&mut vm).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    script.finish();
}

#[test]
fn properties_have_the_type_that_the_caller_knows() {
    use qemu_qmp::qom;
    let (mut vm, script) = connected(|mut peer| {
        let path = "/objects/iothread0";
        for value in [json!(32768), json!("x"), json!(null), json!({"guest": true, "reason": "new"}), json!("secret")] {
            let arguments = peer.answer("qom-get", value)["arguments"].clone();
            assert_eq!(arguments, json!({"path": path, "property": "poll-max-ns"}));
        }
        let set = |value| json!({"path": path, "property": "poll-max-ns", "value": value});
        assert_eq!(peer.answer("qom-set", json!({}))["arguments"], set(json!(7)));
        assert_eq!(peer.answer("qom-set", json!({}))["arguments"], set(json!(["a", null])));
    });
    let (path, property) = ("/objects/iothread0".to_owned(), "poll-max-ns");
    let number: u64 = vm.execute(qom::get(&*path, property)).unwrap();
    assert_eq!(number, 32768);
    assert_eq!(vm.execute(qom::get::<String>(&*path, property)).unwrap(), "x");
    assert_eq!(vm.within(PATIENCE).execute(qom::get::<Option<bool>>(&*path, property)).unwrap(), None);
    assert!(vm.execute(qom::get::<Shutdown>(&*path, property)).unwrap().guest);
    let error = vm.execute(qom::get::<u64>(&*path, property)).unwrap_err();
    assert_eq!(error.to_string(), "reply to qom-get: invalid type: string \"***\", expected u64");
    vm.execute(qom::set(&*path, property, 7_u8)).unwrap();
    vm.execute(qom::set(&*path, property, (&"a", None::<bool>))).unwrap();
    let odd = std::collections::BTreeMap::from([(vec![1], 1)]);
    let error = vm.execute(qom::set(&*path, property, odd)).unwrap_err();
    assert_eq!(error.to_string(), "cannot encode qom-set: key must be a string");
    drop(vm);
    script.finish();
    let shown = format!("{:?} {:?}", qom::get::<u64>("/a", "data"), qom::set("/a", "data", "hunter2"));
    assert!(shown.contains(r#"{"path":"/a","property":"data"}"#) && !shown.contains("hunter2"), "{shown}");
}

/// That this compiles is the test: the storage daemon has both commands, and clients of each kind take them.
#[test]
fn properties_are_for_each_client_whose_peer_has_objects() {
    use qemu_qmp::{blocking, qom, Monitor, StorageDaemon};
    fn of_a_daemon(daemon: &mut blocking::Client<StorageDaemon>) -> qemu_qmp::Result<u64> {
        daemon.execute(qom::set("/a", "b", true))?;
        daemon.execute(qom::get("/a", "b"))
    }
    fn of_threads(vm: &blocking::SharedClient<Monitor>) -> qemu_qmp::Result<()> {
        vm.execute(qom::set("/a", "b", vm.execute(qom::get::<u64>("/a", "b"))?))
    }
    async fn of_tasks(vm: &qemu_qmp::tokio::Client) -> qemu_qmp::Result<()> {
        vm.execute(qom::set("/a", "b", vm.execute(qom::get::<u64>("/a", "b")).await?)).await
    }
    let _ = (of_a_daemon as fn(&mut _) -> _, of_threads as fn(&_) -> _, of_tasks);
}
