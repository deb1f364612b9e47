//! A program's own words: nothing that it wrote gets lost on its way to a command.

use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::wire::split_path;
use serde::de::DeserializeOwned;
use serde_json::{json, Value};

/// Path and reason of the error that decoding gives.
fn refused<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> (String, String) {
    let message = serde_json::from_value::<T>(value).unwrap_err().to_string();
    let (path, reason) = split_path(&message);
    (path.to_owned(), reason.to_owned())
}

fn meant(path: &str, name: &str) -> (String, String) {
    (path.to_owned(), format!("unknown member; did you mean `{name}`?"))
}

#[test]
fn slips_in_commands_are_refused_with_what_was_meant() {
    let file = json!({"driver": "file", "filename": "/x", "lockign": "off"});
    assert_eq!(refused::<BlockdevOptions>(file.clone()), meant(".lockign", "locking"));
    assert_eq!(refused::<BlockdevAdd>(file.clone()), meant(".lockign", "locking"));
    // The tag may come later; and what is inside of an alternate is no less the program's.
    let raw = json!({"sizee": 1, "driver": "raw", "file": "f"});
    assert_eq!(refused::<BlockdevAdd>(raw), meant(".sizee", "size"));
    let inside = json!({"driver": "qcow2", "file": file});
    assert_eq!(refused::<BlockdevAdd>(inside), meant(".file.lockign", "locking"));
    assert_eq!(refused::<MigrateSetParameters>(json!({"max-bandwidht": 1})), meant(".max-bandwidht", "max-bandwidth"));
    assert_eq!(refused::<QueryStatus>(json!({"vm": 1})).1, "unknown member; there are none");
    let action = json!([{"type": "abort", "data": {}}, {"type": "blockdev-snapshot",
        "data": {"node": "a", "overlay": "b", "overlya": "c"}}]);
    assert_eq!(refused::<Transaction>(json!({"actions": action})), meant(".actions[1].data.overlya", "overlay"));
}

/// Replies have these types as well, so that they ignore what they do not know, but not as a part of a command.
#[test]
fn types_that_servers_send_too_are_strict_inside_commands() {
    let alias = json!({"node-name": "a", "alias": "b", "bitmaps": [], "bitmpas": 1});
    assert!(serde_json::from_value::<BitmapMigrationNodeAlias>(alias.clone()).is_ok());
    let mapping = json!({"block-bitmap-mapping": [alias]});
    assert!(serde_json::from_value::<MigrationParameters>(mapping.clone()).is_ok());
    assert_eq!(refused::<MigrateSetParameters>(mapping), meant(".block-bitmap-mapping[0].bitmpas", "bitmaps"));
}

#[test]
fn members_that_come_twice_are_refused() {
    let refused = |text: &str| serde_json::from_str::<DeviceAdd>(text).unwrap_err().to_string();
    let text = r#"{"driver": "d", "x": 1, "x": 2}"#;
    assert!(refused(text).starts_with(".x: comes twice"), "{}", refused(text));
    let text = r#"{"driver": "d", "bus": "a", "bus": "b"}"#;
    assert!(refused(text).starts_with(".bus: comes twice"), "{}", refused(text));
    let later = r#"{"driver": "later", "x": 1, "x": 2}"#;
    let error = serde_json::from_str::<BlockdevAdd>(later).unwrap_err().to_string();
    assert!(error.starts_with(".x: comes twice"), "{error}");
}

#[test]
fn arguments_that_are_set_twice_are_refused_when_the_request_is_made() {
    let twice = DeviceAdd::new("virtio-net-pci").bus("a").argument("bus", "b");
    let error = qemu_qmp::message::Request::new(&twice).unwrap_err();
    assert_eq!(error.kind(), qemu_qmp::ErrorKind::Encode);
    assert!(error.to_string().contains(".bus: set twice"), "{error}");
    // Once by its name is once.
    let once = DeviceAdd::new("virtio-net-pci").argument("bus", "b");
    assert_eq!(serde_json::to_value(&once).unwrap(), json!({"driver": "virtio-net-pci", "bus": "b"}));
    let mut later = serde_json::from_value::<BlockdevOptions>(json!({"driver": "later", "x": 1})).unwrap();
    if let BlockdevOptionsBranch::Unrecognized(branch) = &mut later.branch {
        branch.members.insert("node-name".to_owned(), json!("a"));
    }
    assert!(qemu_qmp::message::Request::new(&BlockdevAdd::from(later.clone())).is_ok());
    let later = later.node_name("b");
    assert!(qemu_qmp::message::Request::new(&BlockdevAdd::from(later)).is_err());
}

/// What QEMU 11.1 demands and 10.0 refuses: both can be told.
#[test]
fn late_arguments_may_be_left_out() {
    let event = CXLGeneralMediaEvent::new("/cxl", CxlEventLog::Fatal, 0, 1, 2, 3, 4);
    let command = CxlInjectGeneralMediaEvent::from(event);
    assert_eq!(serde_json::to_value(&command).unwrap()["transaction-type"], 4);
    assert_eq!(serde_json::to_value(&command).unwrap().get("sub-type"), None);
    assert_eq!(serde_json::to_value(command.sub_type(7)).unwrap()["sub-type"], 7);
}
