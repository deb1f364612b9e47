//! A schema as QEMU sends one: small, and with all that can be in one, also what makes no sense.

use qemu_qmp::ops::probe::{argument, returned, told, Schema, SchemaPath};
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use serde_json::{json, Value};

pub fn document() -> Value {
    let member = |name: &str, ty: &str| json!({"name": name, "type": ty});
    let optional = |name: &str, ty: &str| json!({"name": name, "type": ty, "default": null});
    let object = |name: &str, members: Value| json!({"meta-type": "object", "name": name, "members": members});
    let builtin = |name: &str, ty: &str| json!({"meta-type": "builtin", "name": name, "json-type": ty});
    let array = |of: &str| json!({"meta-type": "array", "name": format!("[{of}]"), "element-type": of});
    json!([
        {"meta-type": "command", "name": "blockdev-mirror", "arg-type": "1", "ret-type": "0",
         "features": ["unstable", "deprecated"]},
        {"name": "1", "meta-type": "object", "members": [
            optional("target-is-zero", "bool"), member("device", "str"),
            {"name": "sync", "type": "5", "features": ["made-up"]}]},
        {"meta-type": "command", "name": "migrate-set-capabilities", "arg-type": "2", "ret-type": "0"},
        object("2", json!([member("capabilities", "[3]")])),
        array("3"),
        object("3", json!([member("capability", "4"), member("state", "bool")])),
        {"meta-type": "enum", "name": "4", "values": ["events", "x-colo"],
         "members": [{"name": "events"}, {"name": "x-colo", "features": ["unstable"]}]},
        // As before 6.2.
        {"meta-type": "enum", "name": "5", "values": ["full", "top"]},
        {"meta-type": "command", "name": "blockdev-add", "arg-type": "6", "ret-type": "0", "allow-oob": true},
        {"meta-type": "object", "name": "6", "tag": "driver", "members": [member("driver", "7"), optional("node-name", "str")],
         "variants": [{"case": "qcow2", "type": "8"}, {"case": "file", "type": "missing"}]},
        {"meta-type": "enum", "name": "7", "members": [{"name": "qcow2"}, {"name": "file"}, {"name": "null-co"}],
         "values": ["qcow2", "file", "null-co"]},
        object("8", json!([optional("discard-no-unref", "bool"), member("file", "9")])),
        {"meta-type": "alternate", "name": "9", "members": [{"type": "str"}, {"type": "6"}]},
        {"meta-type": "command", "name": "query-block", "arg-type": "0", "ret-type": "[10]"},
        array("10"),
        object("10", json!([member("device", "str"), optional("inserted", "11")])),
        object("11", json!([member("drv", "str")])),
        {"meta-type": "event", "name": "BLOCK_JOB_ERROR", "arg-type": "12", "features": ["made-up"]},
        object("12", json!([member("device", "str"), member("action", "13")])),
        {"meta-type": "enum", "name": "13", "members": [{"name": "stop"}], "values": ["stop"]},
        object("0", json!([])),
        builtin("str", "string"), builtin("bool", "boolean"), builtin("later", "a type yet to come"),
        {"meta-type": "a kind yet to come", "name": "query-later", "arg-type": ["x"]},
        // In circles, and to nothing.
        {"meta-type": "command", "name": "query-status", "arg-type": "[round]", "ret-type": "about"},
        {"meta-type": "array", "name": "[round]", "element-type": "[round]"},
        {"meta-type": "alternate", "name": "about", "members": [{"type": "about"}, {"type": "[round]"}, {"type": "missing"}]},
        {"meta-type": "command", "name": "query-name", "arg-type": "missing", "ret-type": "missing"},
    ])
}

fn schema() -> Schema {
    serde_json::from_value(document()).unwrap()
}

#[test]
fn commands_events_and_entries_of_other_kinds() {
    let schema = schema();
    assert!(schema.has_command::<BlockdevMirror>() && !schema.has_command::<QueryVersion>());
    assert!(schema.has_event::<BlockJobError>() && !schema.has_event::<BlockJobReady>());
    assert!(schema.command("BLOCK_JOB_ERROR").is_none() && schema.event("blockdev-mirror").is_none());
    assert!(schema.command("query-later").is_none() && schema.command("0").is_none());
    assert_eq!(schema.commands().count(), 6);
    assert_eq!(schema.events().map(|event| event.name()).collect::<Vec<_>>(), ["BLOCK_JOB_ERROR"]);
    assert!(schema.entries().any(|entry| entry.name == "query-later"));
    assert_eq!(format!("{schema:?}"), "Schema { commands: 6, events: 1, .. }");
    let mirror = schema.command_of::<BlockdevMirror>().unwrap();
    assert_eq!((mirror.name(), mirror.is_deprecated(), mirror.is_unstable()), ("blockdev-mirror", true, true));
    assert!(!mirror.allows_oob() && schema.command("blockdev-add").unwrap().allows_oob());
    assert!(!schema.command("blockdev-add").unwrap().is_deprecated());
    assert!(schema.event_of::<BlockJobError>().unwrap().has_feature("made-up"));
    assert!(!schema.event_of::<BlockJobError>().unwrap().has_feature("made"));
}

#[test]
fn what_the_compiler_checks() {
    let schema = schema();
    assert!(schema.supports(argument!(BlockdevMirror, target_is_zero)));
    assert!(!schema.supports(argument!(BlockdevMirror, replaces)));
    assert!(!schema.supports(argument!(QueryStats, arguments, providers)));
    assert!(schema.supports(argument!(BlockdevMirror, sync = MirrorSyncMode::Top)));
    assert!(!schema.supports(argument!(BlockdevMirror, sync = MirrorSyncMode::Bitmap)));
    let capability =
        |name| argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::from(name));
    assert_eq!(
        ["events", "x-colo", "multifd", "?"].map(|name| schema.supports(capability(name))),
        [true, true, false, false]
    );
    assert!(schema.supports(argument!(BlockdevAdd, arguments, node_name)));
    assert!(!schema.supports(argument!(BlockdevAdd, arguments, read_only)));
    assert!(schema.supports(argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::NullCo)));
    assert!(!schema.supports(argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::Raw)));
    assert!(schema.supports(argument!(
        BlockdevAdd,
        arguments,
        branch = BlockdevOptionsBranch::Qcow2,
        discard_no_unref,
    )));
    assert!(!schema.supports(argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::File, filename)));
    let below = argument!(
        BlockdevAdd,
        arguments,
        branch = BlockdevOptionsBranch::Qcow2,
        file = BlockdevRef::Definition,
        branch = BlockdevOptionsBranch::Qcow2,
        discard_no_unref
    );
    assert_eq!(below.to_string(), "argument of `blockdev-add`: driver=qcow2/file/driver=qcow2/discard-no-unref");
    assert!(schema.supports(&below));
    assert!(schema.supports(returned!(QueryBlock, inserted, drv)));
    assert!(!schema.supports(returned!(QueryBlock, inserted, ro)));
    assert!(!schema.supports(returned!(QueryStatus, running)));
    assert!(schema.supports(told!(BlockJobError, action = BlockErrorAction::Stop)));
    assert!(!schema.supports(told!(BlockJobError, operation)));
}

#[test]
fn what_is_checked_at_run_time() {
    let schema = schema();
    let supports = |path| schema.supports_argument::<BlockdevAdd>(path).map_err(|error| error.to_string());
    assert_eq!(supports("node-name"), Ok(true));
    assert_eq!(supports("read-only"), Ok(false));
    assert_eq!(supports("driver"), Ok(true));
    assert_eq!(supports("driver=null-co"), Ok(true));
    assert_eq!(supports("driver=raw"), Ok(false));
    assert_eq!(supports("driver=qcow2/discard-no-unref"), Ok(true));
    assert_eq!(supports("driver=qcow2/node-name"), Ok(true));
    assert_eq!(supports("driver=qcow2/lazy-refcounts"), Ok(false));
    assert_eq!(supports("driver=qcow2/file/driver=qcow2/discard-no-unref"), Ok(true));
    for (path, expected) in [
        ("driver=qcow2/discard-no-unrf", ".discard-no-unrf: unknown member; did you mean `discard-no-unref`?"),
        ("driver=qcow2/node-name/length", ".node-name.length: unknown member; there are none"),
        ("driver=qcow2/file/driver=qcow2/discard-no-unrf", "did you mean `discard-no-unref`?"),
        ("driver=qcow2/file/discard-no-unref", "`tag=value/member`"),
        ("discard-no-unref", "`tag=value/member`"),
        ("driver=qcow3/discard-no-unref", "`tag=value/member`"),
        ("node_name", "`tag=value/member`"),
        ("", "`tag=value/member`"),
    ] {
        let error = supports(path).unwrap_err();
        assert!(error.starts_with(&format!("argument of `blockdev-add`: {path}: ")), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    assert!(schema.supports_argument::<MigrateSetCapabilities>("capabilities/capability=events").unwrap());
    assert!(!schema.supports_argument::<MigrateSetCapabilities>("capabilities/capability=multifd").unwrap());
    let error = schema.supports_argument::<MigrateSetCapabilities>("capabilities/capabilty=events").unwrap_err();
    assert!(
        error.to_string().ends_with(".capabilities[0].capabilty: unknown member; did you mean `capability`?"),
        "{error}"
    );
    let error = schema.supports_argument::<BlockdevMirror>("target-is-zer").unwrap_err();
    assert!(error.to_string().ends_with("unknown member; did you mean `target-is-zero`?"), "{error}");
    assert!(schema.supports_argument::<QueryBlock>("device").is_err());
    // It takes more than the schema lists, and no schema tells.
    assert!(schema.supports_argument::<DeviceAdd>("iothread").is_err());
    assert!(!schema.supports_argument::<DeviceAdd>("driver").unwrap());

    assert!(schema.supports_return_member::<QueryBlock>("inserted/drv").unwrap());
    assert!(!schema.supports_return_member::<QueryBlock>("inserted/ro").unwrap());
    let error = schema.supports_return_member::<QueryBlock>("inserted/drvv").unwrap_err().to_string();
    assert_eq!(error, "returned by `query-block`: inserted/drvv: .inserted.drvv: unknown member; did you mean `drv`?");
    assert!(schema.supports_return_member::<BlockdevMirror>("device").is_err());
    assert!(!schema.supports_return_member::<QueryStatus>("running").unwrap());
    assert!(schema.supports(SchemaPath::told::<BlockJobError>("action=stop").unwrap()));
    assert!(SchemaPath::told::<BlockJobError>("actions").is_err());
    let typed = argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::Events);
    assert_eq!(SchemaPath::argument::<MigrateSetCapabilities>("capabilities/capability=events").unwrap(), typed);
}

/// Any member of any type is known by its name.
#[test]
fn values_of_any_type_are_known() {
    for path in ["path", "property", "value"] {
        assert!(SchemaPath::argument::<QomSet>(path).is_ok(), "{path}");
    }
    assert!(SchemaPath::argument::<BlockResize>("size").is_ok());
    assert!(SchemaPath::argument::<SetNumaNode>("type=node/memdev").is_ok());
    assert!(SchemaPath::returned::<QueryCpusFast>("thread-id").is_ok());
    assert!(SchemaPath::returned::<QueryRxFilter>("main-mac").is_ok());
    assert!(SchemaPath::returned::<QomListProperties>("default-value").is_ok());
}

#[test]
fn walking_through() {
    let schema = schema();
    let add = schema.command("blockdev-add").unwrap();
    assert_eq!(add.arguments().tag().unwrap().name(), "driver");
    let names: Vec<_> = add.arguments().members().map(|member| member.name()).collect();
    assert_eq!(names, ["driver", "node-name"]);
    assert!(!add.argument("driver").unwrap().is_optional() && add.argument("node-name").unwrap().is_optional());
    assert!(add.argument("discard-no-unref").is_none());
    let qcow2 = add.arguments().branch("qcow2").unwrap();
    assert_eq!(qcow2.member("discard-no-unref").unwrap().ty().json_type(), Some(JSONType::Boolean));
    assert_eq!(qcow2.member("file").unwrap().ty().json_type(), None);
    assert!(qcow2.member("file").unwrap().branch("qcow2").unwrap().member("discard-no-unref").is_some());
    assert_eq!(add.arguments().branch("null-co").unwrap().members().count(), 0);
    assert_eq!(add.arguments().branch("file").unwrap().members().count(), 0);
    assert!(add.arguments().branch("raw").is_none() && qcow2.branch("qcow2").is_none());

    let capabilities = schema.command_of::<MigrateSetCapabilities>().unwrap().argument("capabilities").unwrap();
    assert_eq!(capabilities.ty().json_type(), Some(JSONType::Array));
    let capability = capabilities.member("capability").unwrap();
    assert!(capability.has_value("events") && !capability.has_value("multifd"));
    assert!(capability.value("x-colo").unwrap().is_unstable() && !capability.value("events").unwrap().is_unstable());
    assert_eq!(capability.values().map(|value| value.name()).collect::<Vec<_>>(), ["events", "x-colo"]);
    assert_eq!(capabilities.member("state").unwrap().values().count(), 0);
    let sync = schema.command("blockdev-mirror").unwrap().argument("sync").unwrap();
    assert!(sync.has_value("top") && sync.value("full").unwrap().features().is_empty());

    assert_eq!(schema.features(argument!(BlockdevMirror, sync)), Some(&["made-up".to_owned()] as &[_]));
    assert_eq!(schema.features(argument!(BlockdevMirror, device)), Some(&[] as &[_]));
    assert_eq!(schema.features(argument!(BlockdevMirror, speed)), None);
    let x_colo = argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::XColo);
    assert_eq!(schema.features(&x_colo), Some(&["unstable".to_owned()] as &[_]));
    assert_eq!(schema.member(&x_colo).unwrap().name(), "capability");
}

#[test]
fn nonsense_is_no_answer() {
    let schema = schema();
    for name in ["query-status", "query-name"] {
        let command = schema.command(name).unwrap();
        for ty in [command.arguments(), command.returned()] {
            assert!(ty.member("x").is_none() && ty.branch("x").is_none() && ty.tag().is_none());
            assert_eq!(ty.members().count(), 0);
        }
    }
    assert!(schema.command("query-name").unwrap().returned().info().is_none());
}

#[test]
fn kept_in_a_file() {
    let schema = schema();
    let text = serde_json::to_string(&schema).unwrap();
    let again: Schema = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    let sorted = |mut entries: Vec<Value>| {
        entries.sort_by_key(|entry| entry["name"].to_string());
        entries
    };
    let entries = document().as_array().unwrap().clone();
    assert_eq!(sorted(serde_json::from_str(&text).unwrap()), sorted(entries));
}
