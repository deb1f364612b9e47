//! What a QEMU can do, asked of scripted servers by each client.

mod document;
mod live;

use qemu_qmp::blocking::SharedClient;
use qemu_qmp::ops::probe::{argument, Schema};
use qemu_qmp::qmp::commands::*;
use qemu_qmp::{ErrorClass, ErrorKind, Phase};
use serde_json::{json, Value};
use std::time::Duration;
use support::{connected, Peer, Script};
use tokio::time::Instant;

fn shared<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (SharedClient, Script<T>) {
    let (client, script) = connected(script);
    (client.share().unwrap(), script)
}

fn types(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name, "parent": "device"})).collect()
}

fn properties(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name, "type": "bool", "default-value": false})).collect()
}

fn mirror(schema: &Schema) -> [bool; 2] {
    [schema.has_command::<BlockdevMirror>(), schema.supports(argument!(BlockdevMirror, target_is_zero))]
}

#[test]
fn the_schema_outlives_the_connection() {
    let (mut vm, script) = connected(|mut peer| peer.answer("query-qmp-schema", document::document()));
    let schema = vm.schema().run().unwrap();
    assert!(script.finish().get("arguments").is_none());
    drop(vm);
    assert_eq!(mirror(&schema), [true, true]);

    let (vm, script) = shared(|mut peer| peer.answer("query-qmp-schema", document::document()));
    let schema = vm.schema().run().unwrap();
    script.finish();
    drop(vm);
    assert_eq!(mirror(&schema.clone()), [true, true]);
}

#[tokio::test]
async fn tokio_reads_the_schema() {
    let (vm, script) = support::tokio::client(|mut peer| async move {
        peer.answer("query-qmp-schema", json!([])).await;
        peer.answer("query-qmp-schema", document::document()).await;
    })
    .await;
    assert_eq!(mirror(&vm.schema().run().await.unwrap()), [false, false]);
    // In another task, which may be in another thread.
    let task = tokio::spawn(async move {
        let mut probe = vm.probe();
        assert_eq!(mirror(&probe.schema().await.unwrap()), [true, true]);
        probe.schema().await.unwrap()
    });
    assert_eq!(mirror(&task.await.unwrap()), [true, true]);
    script.await.unwrap();
}

#[test]
fn each_question_is_asked_once_and_when_it_is_wanted() {
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.answer("qom-list-types", types(&["virtio-blk-pci", "pc-dimm"]));
        assert_eq!(command["arguments"], json!({"implements": "device"}));
        let command = peer.answer("device-list-properties", properties(&["iothread", "drive"]));
        assert_eq!(command["arguments"], json!({"typename": "virtio-blk-pci"}));
        let command = peer.answer("qom-list-types", types(&["iothread"]));
        assert_eq!(command["arguments"], json!({"implements": "user-creatable"}));
        let command = peer.answer("qom-list-properties", properties(&["poll-max-ns"]));
        assert_eq!(command["arguments"], json!({"typename": "iothread"}));
        let command = peer.expect("qom-list-properties");
        peer.error(&command, "DeviceNotFound", "Class 'nothing' not found");
        let machine = |name| json!({"name": name, "cpu-max": 1, "hotpluggable-cpus": true, "numa-mem-supported": true, "deprecated": false});
        let mut newest = machine("pc-q35-9.0");
        newest["alias"] = json!("q35");
        peer.answer("query-machines", json!([newest, machine("none")]));
        peer.answer("query-qmp-schema", document::document());
        peer.wait_for_end();
    });
    let mut probe = vm.probe();
    for _ in 0..2 {
        assert!(probe.has_device("virtio-blk-pci").unwrap());
        assert!(!probe.has_device("virtio-blk-pcie").unwrap());
        assert_eq!(probe.device_types().unwrap().len(), 2);
        let iothread = probe.device_property("virtio-blk-pci", "iothread").unwrap().unwrap();
        assert_eq!((&*iothread.type_, iothread.default_value), ("bool", Some(json!(false))));
        assert_eq!(probe.device_property("virtio-blk-pci", "iothreads").unwrap(), None);
        assert_eq!(probe.device_properties("virtio-blk-pci").unwrap().unwrap().len(), 2);
        assert_eq!(probe.device_properties("virtio-blk-pcie").unwrap(), None);
        assert!(probe.has_object("iothread").unwrap());
        assert!(!probe.has_object("virtio-blk-pci").unwrap());
        assert_eq!(probe.object_types().unwrap().len(), 1);
        assert!(probe.object_property("iothread", "poll-max-ns").unwrap().is_some());
        assert_eq!(probe.object_properties("nothing").unwrap(), None);
        assert_eq!(probe.object_property("nothing", "poll-max-ns").unwrap(), None);
        assert_eq!(["q35", "pc-q35-9.0", "pc"].map(|name| probe.has_machine(name).unwrap()), [true, true, false]);
        assert_eq!(probe.machines().unwrap().keys().collect::<Vec<_>>(), ["none", "pc-q35-9.0"]);
        assert_eq!(mirror(&probe.schema().unwrap()), [true, true]);
    }
    drop(probe);
    drop(vm);
    script.finish();
}

#[test]
fn a_target_that_does_not_tell_its_cpu_models() {
    let (vm, script) = shared(|mut peer| {
        // Before its machine is made, it may yet tell.
        let command = peer.expect("query-cpu-definitions");
        peer.error(&command, "GenericError", "permitted only after machine initialization has completed");
        let command = peer.expect("query-cpu-definitions");
        peer.error(&command, "CommandNotFound", "The command query-cpu-definitions has not been found");
        peer.wait_for_end();
    });
    let mut probe = vm.probe();
    assert_eq!(probe.has_cpu_model("max").unwrap(), None);
    assert_eq!(probe.has_cpu_model("max").unwrap(), None);
    assert_eq!(probe.cpu_models().unwrap(), None);
    drop(probe);
    drop(vm);
    script.finish();

    let (vm, script) = shared(|mut peer| {
        let model = json!({"name": "max", "static": false, "typename": "max-x86_64-cpu", "deprecated": false});
        peer.answer("query-cpu-definitions", json!([model]));
        peer.wait_for_end();
    });
    let mut probe = vm.probe();
    assert_eq!(probe.has_cpu_model("max").unwrap(), Some(true));
    assert_eq!(probe.has_cpu_model("min").unwrap(), Some(false));
    assert_eq!(probe.cpu_models().unwrap().unwrap()["max"].typename, "max-x86_64-cpu");
    drop(probe);
    drop(vm);
    script.finish();
}

#[test]
fn failures_are_not_kept() {
    let (mut vm, script) = connected(|mut peer| {
        peer.answer("qom-list-types", types(&["x-odd"]));
        let command = peer.expect("device-list-properties");
        peer.error(&command, "GenericError", "out of luck");
        peer.answer("device-list-properties", properties(&["drive"]));
        let command = peer.expect("qom-list-properties");
        peer.error(&command, "GenericError", "out of luck");
        peer.answer("query-machines", json!({}));
    });
    let mut probe = vm.probe();
    let error = probe.device_property("x-odd", "drive").unwrap_err();
    assert_eq!(error.server_error().unwrap().class, ErrorClass::GenericError);
    assert!(probe.device_property("x-odd", "drive").unwrap().is_some());
    assert_eq!(probe.object_properties("x-odd").unwrap_err().kind(), ErrorKind::Server);
    assert_eq!(probe.machines().unwrap_err().kind(), ErrorKind::Decode);
    script.finish();
    assert!(probe.has_machine("none").unwrap_err().is_disconnected());
    // What was told before is known still.
    assert!(probe.has_device("x-odd").unwrap());
}

#[test]
fn answers_go_from_one_connection_to_the_next() {
    let (mut vm, script) = connected(|mut peer| {
        peer.answer("qom-list-types", types(&["virtio-blk-pci"]));
        peer.answer("query-name", json!({}));
        peer.answer("device-list-properties", properties(&["drive"]));
        peer.wait_for_end();
    });
    let mut probe = vm.probe();
    assert!(probe.has_device("virtio-blk-pci").unwrap());
    let answers = probe.into_answers();
    vm.execute(QueryName::new()).unwrap();
    let mut probe = vm.probe().knowing(answers);
    assert!(probe.device_property("virtio-blk-pci", "drive").unwrap().is_some());
    let answers = probe.into_answers();
    drop(vm);
    script.finish();
    let (vm, script) = shared(|mut peer| peer.wait_for_end());
    assert!(vm.probe().knowing(answers.clone()).device_property("virtio-blk-pci", "drive").unwrap().is_some());
    let expected = "Answers { schema: None, types: [\"device\"], object_properties: [], \
                    device_properties: [\"virtio-blk-pci\"], machines: false, cpu_models: false }";
    assert_eq!(format!("{answers:?}"), expected);
    drop(vm);
    script.finish();
}

/// A question that ends QEMU.
#[tokio::test]
async fn a_server_that_ends_meanwhile() {
    let (vm, script) = support::tokio::client(|mut peer| async move {
        peer.answer("qom-list-types", types(&["virtio-gpu-gl-pci"])).await;
        peer.expect("device-list-properties").await;
    })
    .await;
    let mut probe = vm.probe();
    let error = probe.device_properties("virtio-gpu-gl-pci").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    script.await.unwrap();
}

/// The clock stands still but for deadlines.
#[tokio::test(start_paused = true)]
async fn a_late_answer_answers_nothing_else() {
    let (vm, script) = support::tokio::client(|mut peer| async move {
        let late = peer.expect("qom-list-types").await;
        let in_time = peer.expect("qom-list-types").await;
        peer.reply(&late, types(&["late"])).await;
        peer.reply(&in_time, types(&["in-time"])).await;
        peer.expect("query-qmp-schema").await;
        while peer.next_command().await.is_some() {}
    })
    .await;
    // The client's own deadlines are later.
    let in_time = |start: Instant| start.elapsed() < Duration::from_secs(6);
    let start = Instant::now();
    let mut probe = vm.probe().deadline(Duration::from_secs(5));
    let error = probe.has_device("late").await.unwrap_err();
    assert!(error.kind() == ErrorKind::Timeout(Phase::Call) && in_time(start), "{error}");
    assert!(!probe.has_device("late").await.unwrap());
    assert!(probe.has_device("in-time").await.unwrap());
    let start = Instant::now();
    let error = vm.schema().deadline(Duration::from_secs(5)).run().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Timeout(Phase::Call) && in_time(start), "{error}");
    drop(probe);
    drop(vm);
    script.await.unwrap();
}
