//! Handlers, answers without handlers, events and calls.

use qemu_qmp::fake::{filled, Fake};
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::{ErrorClass, ErrorKind, ServerError};
use serde_json::{json, Value};
use std::time::Duration;
use support::{PATIENCE, SOON};

/// What a server refused.
fn refusal<T: std::fmt::Debug>(outcome: qemu_qmp::Result<T>) -> (ErrorClass, String) {
    let error = outcome.unwrap_err();
    let error = error.server_error().unwrap_or_else(|| panic!("{error}"));
    (error.class.clone(), error.desc.clone())
}

fn generic(desc: &str) -> (ErrorClass, String) {
    (ErrorClass::GenericError, desc.to_owned())
}

#[test]
fn handlers_have_types_and_state() {
    let fake = Fake::new();
    let mut count = 0;
    fake.on(move |resize: BlockResize| {
        count += resize.size;
        if count > 10 {
            return Err(ServerError::new("GenericError", format!("{count} is too much")));
        }
        Ok(())
    });
    fake.on(|_: QueryUuid| Ok(filled(|uuid: &mut UuidInfo| uuid.uuid = "a uuid".into())));
    let mut vm = fake.client().unwrap();
    vm.execute(BlockResize::new(7)).unwrap();
    assert_eq!(refusal(vm.execute(BlockResize::new(4))), generic("11 is too much"));
    assert_eq!(vm.execute(QueryUuid::new()).unwrap().uuid, "a uuid");
}

#[test]
fn sequences_come_before_what_holds_always() {
    let fake = Fake::new();
    let name = |name: &'static str| move |_: QueryName| Ok(filled(|info: &mut NameInfo| info.name = Some(name.into())));
    fake.once(name("first")).once(name("second")).on(name("other"));
    let mut vm = fake.client().unwrap();
    let names: Vec<_> = (0..4).map(|_| vm.execute(QueryName::new()).unwrap().name.unwrap()).collect();
    assert_eq!(names, ["first", "second", "other", "other"]);
}

#[test]
fn what_has_no_handler_is_answered_as_qemu_does() {
    let fake = Fake::new();
    let mut vm = fake.client().unwrap();
    let unknown = (ErrorClass::CommandNotFound, "The command x-nonsense has not been found".to_owned());
    assert_eq!(refusal(vm.execute_cmd("x-nonsense")), unknown);
    let unhandled = "The stand-in for QEMU has no handler for the command query-uuid";
    assert_eq!(refusal(vm.execute(QueryUuid::new())), generic(unhandled));
    // QEMU, too, looks at arguments first.
    let odd = vm.cmd("device_del", Some(json!({"id": 3})), None).unwrap();
    assert_eq!(odd.error().unwrap().desc, "Invalid parameter type for 'id', expected: string");

    fake.otherwise(|cx| Ok(json!({"UUID": cx.name()})));
    assert_eq!(vm.execute(QueryUuid::new()).unwrap().uuid, "query-uuid");
    assert_eq!(refusal(vm.execute_cmd("x-nonsense")), unknown);
    fake.on_name("x-nonsense", |cx| Ok(Value::Object(cx.arguments().clone())));
    let reply = vm.cmd("x-nonsense", Some(json!({"a": [1]})), None).unwrap();
    assert_eq!(reply.result(), Ok(r#"{"a": [1]}"#));
}

/// `cmd` gives a server's error as a reply.
trait ExecuteCmd {
    fn execute_cmd(&mut self, name: &str) -> qemu_qmp::Result<Value>;
}

impl ExecuteCmd for qemu_qmp::Client {
    fn execute_cmd(&mut self, name: &str) -> qemu_qmp::Result<Value> {
        self.cmd(name, None, None)?.decode_as(name)
    }
}

#[test]
fn a_handler_that_panics_fails_its_command_alone() {
    let fake = Fake::new();
    fake.on(|del: DeviceDel| {
        assert_eq!(del.id, "net1");
        Ok(())
    });
    let mut vm = fake.client().unwrap();
    let (_, desc) = refusal(vm.execute(DeviceDel::new("net2")));
    assert!(desc.starts_with("The handler of device_del panicked: ") && desc.contains("net2"), "{desc}");
    vm.execute(DeviceDel::new("net1")).unwrap();
}

#[test]
fn it_says_what_it_is() {
    let fake = Fake::new();
    fake.version(7, 2, 22).package("a build").name("guest");
    let mut vm = fake.client().unwrap();
    assert_eq!(vm.greeting().version.to_string(), "7.2.22");
    assert_eq!(vm.greeting().package, "a build");
    let version = vm.execute(QueryVersion::new()).unwrap();
    assert_eq!((version.qemu.major, version.qemu.minor, version.qemu.micro), (7, 2, 22));
    assert_eq!(vm.execute(QueryName::new()).unwrap().name.as_deref(), Some("guest"));
    fake.on_name("x-of-ours", |_| Ok(json!({})));
    let commands: Vec<_> = vm.execute(QueryCommands::new()).unwrap().into_iter().map(|info| info.name).collect();
    assert!(["stop", "qmp_capabilities", "x-of-ours"].iter().all(|name| commands.iter().any(|known| known == name)));
}

#[test]
fn the_schema_is_true() {
    let fake = Fake::new();
    let mut vm = fake.client().unwrap();
    let schema = vm.execute(QueryQmpSchema::new()).unwrap();
    let has = |name: &str| schema.iter().any(|info| info.name == name);
    assert!(has("query-status") && has("BLOCK_JOB_COMPLETED") && has("StatusInfo") && has("str"));
    for info in &schema {
        let json = serde_json::to_value(info).unwrap();
        let named = |member: &str| json.get(member).and_then(Value::as_str).is_none_or(has);
        assert!(["arg-type", "ret-type", "element-type"].into_iter().all(named), "{json}");
    }
}

#[test]
fn older_releases_lack_what_came_later() {
    let fake = Fake::new();
    fake.release(7, 2);
    fake.on(|_: DeviceSyncConfig| Ok(()));
    fake.on(|_: QueryBlock| {
        let inserted = filled(|info: &mut BlockDeviceInfo| {
            info.node_name = Some("node".into());
            info.active = Some(true);
            info.drv = "raw".into();
        });
        Ok(vec![filled(|info: &mut BlockInfo| info.inserted = Some(inserted))])
    });
    let mut vm = fake.client().unwrap();
    assert_eq!(vm.greeting().version.to_string(), "7.2.0");
    let blocks = vm.execute(QueryBlock::new()).unwrap();
    let inserted = blocks[0].inserted.as_ref().unwrap();
    assert_eq!((&*inserted.drv, &inserted.node_name, inserted.active), ("raw", &None, None));
    assert_eq!(refusal(vm.execute(DeviceSyncConfig::new("x"))).0, ErrorClass::CommandNotFound);
    fake.emit_json("BLOCK_IO_ERROR", &json!({"device": "d", "qom-path": "/x"}));
    let error = vm.next_event(PATIENCE).unwrap().unwrap();
    assert_eq!(serde_json::to_value(error).unwrap()["data"], json!({"device": "d"}));
}

#[test]
fn the_machine_stops_and_goes_on() {
    let fake = Fake::new();
    let mut vm = fake.client().unwrap();
    assert_eq!(vm.execute(QueryStatus::new()).unwrap().status, RunState::Running);
    vm.execute(Cont::new()).unwrap();
    vm.execute(Stop::new()).unwrap();
    let status = vm.execute(QueryStatus::new()).unwrap();
    assert!(!status.running && status.status == RunState::Paused);
    vm.execute(Stop::new()).unwrap();
    vm.execute(Cont::new()).unwrap();
    let names: Vec<_> = vm.take_events().unwrap().into_iter().map(|event| event.data).collect();
    assert!(matches!(&*names, [AnyEvent::Stop(_), AnyEvent::Resume(_)]), "{names:?}");
    fake.status(RunState::GuestPanicked);
    assert_eq!(vm.execute(QueryStatus::new()).unwrap().status, RunState::GuestPanicked);
}

#[test]
fn quitting_ends_it_for_all() {
    let fake = Fake::new();
    let (mut vm, mut other) = (fake.client().unwrap(), fake.client().unwrap());
    vm.execute(Quit::new()).unwrap();
    for vm in [&mut vm, &mut other] {
        let shutdown = vm.wait_for(PATIENCE, |_: &Shutdown| true).unwrap();
        assert_eq!(shutdown.data.reason, ShutdownCause::HostQmpQuit);
        assert_eq!(vm.execute(QueryStatus::new()).unwrap_err().kind(), ErrorKind::Closed);
    }
    assert!(fake.client().is_err());
    // There is nobody left to wait for.
    assert!(fake.wait_for_call::<DeviceDel>(None).is_none());
}

#[test]
fn dropping_it_ends_connections() {
    let fake = Fake::new();
    let mut vm = fake.clone().client().unwrap();
    vm.execute(QueryStatus::new()).unwrap();
    drop(fake);
    assert!(vm.execute(QueryStatus::new()).unwrap_err().is_disconnected());
}

#[test]
fn events_come_before_the_reply_or_after_it() {
    let fake = Fake::new();
    let deleted = |path: &str| filled(|gone: &mut DeviceDeleted| gone.path = path.into());
    fake.on_with(move |del: DeviceDel, cx| {
        cx.emit(&deleted("before"));
        cx.emit_after(&deleted(&del.id));
        cx.emit_json_after("X_FUTURE", &json!({"a": 1}));
        Ok(())
    });
    let mut vm = fake.client().unwrap();
    let (_, gone) = vm.execute_and_wait(DeviceDel::new("after"), PATIENCE, |_: &DeviceDeleted| true).unwrap();
    assert_eq!(gone.data.path, "before");
    // The reply is here, and this event is not part of it.
    assert_eq!(vm.wait_for(PATIENCE, |_: &DeviceDeleted| true).unwrap().data.path, "after");
    let future = vm.next_event(PATIENCE).unwrap().unwrap();
    assert!(matches!(&future.data, AnyEvent::Unrecognized(event) if event.data == json!({"a": 1})), "{future:?}");
    fake.emit(&filled(|balloon: &mut BalloonChange| balloon.actual = 7));
    assert_eq!(vm.wait_for(PATIENCE, |_: &BalloonChange| true).unwrap().data.actual, 7);
}

#[test]
fn events_precede_or_follow_on_the_wire() {
    let fake = Fake::new();
    fake.on_with(|_: SystemReset, cx| {
        cx.emit_json("BEFORE", &json!({}));
        cx.emit_json_after("AFTER", &json!({}));
        Ok(())
    });
    let mut raw = super::raw::connect(&fake);
    raw.send(r#"{"execute": "qmp_capabilities"}"#);
    raw.send(r#"{"execute": "system_reset"}"#);
    let names: Vec<_> = (0..5).map(|_| raw.kind()).collect();
    assert_eq!(names, ["QMP", "return", "BEFORE", "return", "AFTER"]);
}

#[test]
fn calls_are_recorded_and_waited_for() {
    let fake = Fake::new();
    fake.on(|_: DeviceDel| Ok(()));
    let mut vm = fake.client().unwrap();
    assert!(fake.wait_for_call::<DeviceDel>(SOON).is_none());
    vm.execute(DeviceDel::new("net1")).unwrap();
    vm.execute(QueryStatus::new()).unwrap();
    vm.cmd("device_del", Some(json!({"id": 1})), Some(json!("odd"))).unwrap();
    vm.execute(DeviceDel::new("net2")).unwrap();
    let calls = fake.calls();
    let names: Vec<_> = calls.iter().map(|call| &*call.name).collect();
    assert_eq!(names, ["device_del", "query-status", "device_del", "device_del"]);
    assert_eq!(calls[2].id, Some(json!("odd")));
    assert_eq!(Value::Object(calls[0].arguments.clone()), json!({"id": "net1"}));
    let ids: Vec<_> = fake.calls_of::<DeviceDel>().into_iter().map(|del| del.id).collect();
    assert_eq!(ids, ["net1", "net2"]);
    assert_eq!(fake.wait_for_call::<DeviceDel>(PATIENCE).unwrap().id, "net1");
    assert_eq!(fake.wait_for_call::<DeviceDel>(PATIENCE).unwrap().id, "net2");
    assert!(fake.wait_for_call::<DeviceDel>(SOON).is_none());
    fake.clear_calls();
    assert!(fake.calls().is_empty());
    let waiting = std::thread::spawn({
        let fake = fake.clone();
        move || fake.wait_for_call::<DeviceDel>(PATIENCE).unwrap().id
    });
    vm.execute(DeviceDel::new("net3")).unwrap();
    assert_eq!(waiting.join().unwrap(), "net3");
}

#[test]
fn out_of_band_overtakes_a_handler() {
    let fake = Fake::new();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    fake.on(move |_: QueryBlock| {
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        Ok(Vec::new())
    });
    fake.on(move |_: MigratePause| {
        let _ = release.send(());
        Ok(())
    });
    let vm = fake.client().unwrap().share().unwrap();
    assert!(vm.oob_enabled());
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| vm.execute(QueryBlock::new()));
        fake.wait_for_call::<QueryBlock>(PATIENCE).unwrap();
        vm.execute_oob(MigratePause::new()).unwrap();
        slow.join().unwrap().unwrap();
    });
    let calls = fake.calls();
    assert!(calls[1].out_of_band && !calls[0].out_of_band);
}

#[test]
fn a_monitor_without_out_of_band() {
    let fake = Fake::new();
    fake.without_oob();
    let mut vm = fake.client().unwrap();
    assert!(!vm.oob_enabled());
    assert_eq!(vm.execute_oob(MigratePause::new()).unwrap_err().kind(), ErrorKind::OobUnavailable);
}

#[test]
fn operations_find_the_guest_that_it_plays() {
    use qemu_qmp::ops::devices::UnplugOutcome;
    let fake = Fake::new();
    fake.on_with(|del: DeviceDel, cx| {
        match cx.count() {
            1 => cx.emit_after(&filled(|no: &mut DeviceUnplugGuestError| no.device = Some(del.id))),
            _ => cx.emit(&filled(|gone: &mut DeviceDeleted| gone.device = Some(del.id))),
        }
        Ok(())
    });
    let mut vm = fake.client().unwrap();
    assert_eq!(vm.unplug("net1").deadline(PATIENCE).run().unwrap(), UnplugOutcome::Refused(None));
    assert_eq!(vm.unplug("net1").deadline(PATIENCE).run().unwrap(), UnplugOutcome::Gone);
}

#[test]
fn delays_are_no_more_than_delays() {
    let fake = Fake::new();
    fake.on_with(|_: SystemReset, cx| {
        cx.delay(Duration::from_millis(1));
        Ok(())
    });
    fake.client().unwrap().execute(SystemReset::new()).unwrap();
    // The end of the stand-in ends a delay.
    fake.on_with(|_: SystemWakeup, cx| {
        cx.delay(Duration::MAX);
        Ok(())
    });
    let vm = fake.client().unwrap().share().unwrap();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| vm.execute(SystemWakeup::new()));
        fake.wait_for_call::<SystemWakeup>(PATIENCE).unwrap();
        drop(fake);
        assert!(slow.join().unwrap().unwrap_err().is_disconnected());
    });
}
