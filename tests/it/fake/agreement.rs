//! One suite of what clients see, run against the stand-in and against a real QEMU, which must agree.
//!
//! That is what makes the stand-in's answers worth something. `QEMU_QMP_QEMU` names another QEMU than the installed one.

use qemu_qmp::fake::Fake;
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::{Client, Error, ErrorKind, EventSet, Result};
use serde_json::{json, Value};
use support::qemu::Qemu;
use support::{options, PATIENCE};

/// What a client sees, without what differs from one QEMU to another.
type Seen = Vec<(String, String)>;

/// Both, asked the same.
fn agree(ask: impl Fn(Client) -> Seen) {
    let fake = Fake::new();
    fake.status(RunState::Prelaunch);
    // The size of a number is the handler's to know.
    fake.on(|_: MigrateSetParameters| Ok(())).on(|_: BlockResize| Ok(())).on(|_: NetdevAdd| Ok(()));
    let of_fake = ask(fake.client_with(&options()).unwrap());
    assert!(!of_fake.is_empty());
    let Some(qemu) = Qemu::start_board() else { return };
    let of_qemu = ask(qemu.connect());
    assert_eq!(of_fake.len(), of_qemu.len());
    for (fake, real) in of_fake.into_iter().zip(of_qemu) {
        assert_eq!(fake, real, "the stand-in, and QEMU");
    }
}

/// How a call ended.
fn outcome<T: std::fmt::Debug>(result: Result<T>) -> String {
    let told = |error: Error| match error.server_error() {
        Some(refused) => format!("{}: {}", refused.class, refused.desc),
        None => format!("{:?}", error.kind()),
    };
    result.map_or_else(told, |value| format!("{value:?}"))
}

fn names(vm: &mut Client) -> String {
    let events = vm.take_events().unwrap();
    events.iter().map(|event| event.data.name()).collect::<Vec<_>>().join(" ")
}

/// Beginnings of conversations, raw answers, and what is refused.
#[test]
fn on_what_is_refused() {
    let asked = [
        ("nonsense", json!({})),
        ("qmp_capabilities", json!({})),
        ("query-cpus", json!({})),
        ("device_del", json!({})),
        ("device_del", json!({"id": 3})),
        ("device_del", json!({"id": "x", "y": 3})),
        ("balloon", json!({"value": "3"})),
        ("balloon", json!({"value": 1.5})),
        ("balloon", json!({"value": null})),
        ("set_link", json!({"name": "x", "up": 3})),
        ("query-blockstats", json!({"query-nodes": 3})),
        ("screendump", json!({"filename": "x", "format": "nope"})),
        ("screendump", json!({"filename": "x", "format": 3})),
        ("migrate-set-capabilities", json!({"capabilities": [{"capability": "xbzrle"}]})),
        ("migrate-set-capabilities", json!({"capabilities": [{"capability": "xbzrle", "state": true, "x": 1}]})),
        ("migrate-set-capabilities", json!({"capabilities": [{"capability": "nope", "state": true}]})),
        ("migrate-set-capabilities", json!({"capabilities": 3})),
        ("migrate-set-capabilities", json!({"capabilities": [3]})),
        ("blockdev-add", json!({"driver": "nope"})),
        ("blockdev-add", json!({})),
        ("blockdev-add", json!({"driver": "file"})),
        ("blockdev-add", json!({"driver": "file", "filename": "/x", "xx": 1})),
        ("blockdev-add", json!({"driver": "qcow2", "file": 3})),
        ("blockdev-add", json!({"driver": "qcow2", "file": {"driver": "file"}})),
        ("blockdev-add", json!({"driver": "qcow2", "file": "x", "cache": {"direct": "yes"}})),
        ("transaction", json!({"actions": [{"type": "abort"}]})),
        ("transaction", json!({"actions": [{"type": "abort", "data": {"x": 1}}]})),
        ("send-key", json!({"keys": [{"type": "qcode", "data": "nope"}]})),
        ("send-key", json!({"keys": [{"type": "number", "data": "1"}]})),
        ("query-status", json!({"x": 1})),
        ("qom-get", json!({"path": "/", "property": ["x"]})),
        ("qom-set", json!({"path": "/", "property": "x"})),
        ("object-add", json!({"qom-type": "iothread"})),
        ("object-add", json!({"qom-type": "iothread", "id": "x", "nope": 1})),
        ("block_resize", json!({"device": "x", "size": "1G"})),
        ("input-send-event", json!({"events": [{"type": "key"}]})),
        ("block_resize", json!({"device": "x", "size": 1_u64 << 63})),
        ("migrate-set-parameters", json!({"multifd-channels": 256})),
        ("migrate-set-parameters", json!({"multifd-channels": -1})),
        ("netdev_add", json!({"type": "hubport", "id": "x", "hubid": 1_i64 << 31})),
    ];
    agree(|mut vm| {
        let ask = |(name, arguments): &(&str, Value)| {
            let reply = vm.cmd(name, Some(arguments.clone()), None).unwrap();
            (format!("{name} {arguments}"), outcome(reply.decode_as::<Value>(name)))
        };
        asked.iter().map(ask).collect()
    });
}

#[test]
fn on_objects_that_are_no_commands() {
    let objects = [
        json!({}),
        json!({"execute": 3}),
        json!({"execute": null}),
        json!({"execute": "stop", "control": {}}),
        json!({"execute": "stop", "arguments": []}),
        json!({"execute": "stop", "exec-oob": "stop"}),
        json!({"exec-oob": "query-name"}),
        json!({"exec-oob": "nonsense"}),
        json!({"arguments": {}}),
        json!({"execute": "query-name", "id": {"b": [1, 2.5, "\u{e9}"], "a": null}}),
    ];
    agree(|mut vm| {
        let ask = |object: &Value| {
            let Value::Object(members) = object.clone() else { panic!() };
            let reply = vm.cmd_obj(members).map(|reply| Value::Object(reply.to_object().unwrap()));
            (object.to_string(), outcome(reply))
        };
        objects.iter().map(ask).collect()
    });
}

#[test]
fn on_the_life_of_a_machine() {
    agree(|mut vm| {
        let mut seen = Seen::new();
        let mut note = |what: &str, outcome: String| seen.push((what.to_owned(), outcome));
        note("oob", format!("{}", vm.oob_enabled()));
        for step in ["query-status", "cont", "cont", "query-status", "stop", "stop", "query-status", "query-name"] {
            // Not all of what releases say of their status.
            let told = |status: StatusInfo| (status.running, status.status);
            let ended = match step {
                "query-status" => outcome(vm.execute(QueryStatus::new()).map(told)),
                "cont" => outcome(vm.execute(Cont::new())),
                "stop" => outcome(vm.execute(Stop::new())),
                _ => outcome(vm.execute(QueryName::new())),
            };
            note(step, ended);
            note("events", names(&mut vm));
        }
        let version = vm.execute(QueryVersion::new()).unwrap();
        let greeted = &vm.greeting().version;
        note("version", format!("{}", version.qemu.major == i64::from(greeted.major)));
        note("oob of another", outcome(vm.cmd_obj(json!({"exec-oob": "stop"}).as_object().unwrap().clone()).map(drop)));
        note("quit", outcome(vm.execute(Quit::new())));
        note("events", format!("{:?}", vm.next_event(PATIENCE).unwrap().map(|event| event.data)));
        let end = vm.execute(QueryStatus::new()).unwrap_err();
        note("end", format!("{}", matches!(end.kind(), ErrorKind::Closed | ErrorKind::Io)));
        seen
    });
}

#[test]
fn on_schemas_and_commands() {
    agree(|mut vm| {
        let schema = vm.execute(QueryQmpSchema::new()).unwrap();
        let entry = |name: &str| {
            let info = schema.iter().find(|info| info.name == name).unwrap_or_else(|| panic!("{name}"));
            serde_json::to_value(info).unwrap()
        };
        // Names of types are anybody's choice; their members are not.
        let members = |command: &str| {
            let ty = entry(entry(command)["arg-type"].as_str().unwrap());
            let name = |member: &Value| format!("{}{}", member["name"], member.get("default").is_some());
            ty["members"].as_array().unwrap().iter().map(name).collect::<Vec<_>>().join(" ")
        };
        let mut seen: Seen =
            ["device_del", "block_resize", "STOP", "SHUTDOWN", "cont"].map(|it| (it.to_owned(), members(it))).to_vec();
        seen.push(("oob".to_owned(), format!("{:?}", entry("migrate-pause").get("allow-oob"))));
        seen.push(("no oob".to_owned(), format!("{:?}", entry("stop").get("allow-oob"))));
        let commands = vm.execute(QueryCommands::new()).unwrap();
        let has = |name: &str| commands.iter().any(|command| command.name == name);
        seen.push(("commands".to_owned(), format!("{} {}", has("query-status"), has("guest-ping"))));
        seen
    });
}

/// What a release lacks, the stand-in for that release lacks.
#[test]
fn on_what_came_later() {
    let Some(qemu) = Qemu::start_board() else { return };
    let mut real = qemu.connect();
    let version = real.greeting().version;
    let fake = Fake::new();
    fake.release(version.major, version.minor);
    let mut fake = fake.client_with(&options()).unwrap();
    let [of_qemu, of_fake] = [&mut real, &mut fake].map(|vm| {
        let commands = vm.execute(QueryCommands::new()).unwrap();
        commands.into_iter().map(|command| command.name).collect::<Vec<_>>()
    });
    let latest = Fake::new();
    let latest = latest.client().unwrap().execute(QueryCommands::new()).unwrap();
    let is_known = |name: &&String| latest.iter().any(|command| command.name == **name);
    let missing: Vec<_> = of_qemu.iter().filter(|name| !of_fake.contains(name)).filter(is_known).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What no build of that release has.
    let later = ["device-sync-config", "x-accel-stats", "query-accelerators"];
    for name in later {
        assert_eq!(of_fake.iter().any(|known| known == name), of_qemu.iter().any(|known| known == name), "{name}");
    }
}

/// The same schema from both, compared from a command or event on: names of types are left out of it. What QEMU was built
/// without is in the stand-in's nevertheless.
#[test]
fn on_the_whole_schema() {
    let Some(qemu) = Qemu::start() else { return };
    let mut real = qemu.connect();
    let fake = Fake::new();
    let (real_version, mut vm) = (real.greeting().version, fake.client().unwrap());
    let version = vm.greeting().version;
    if (real_version.major, real_version.minor) != (version.major, version.minor) {
        eprintln!("\n*** SKIPPED: the schema is that of QEMU {version}, and this is QEMU {real_version} ***\n");
        return;
    }
    let [real, fake] = [&mut real, &mut vm].map(|vm| Schema::new(&vm.execute(QueryQmpSchema::new()).unwrap()));
    let mut compared = std::collections::HashSet::new();
    for (name, message) in real.0.iter().filter(|(_, entry)| ["command", "event"].contains(&Schema::kind(entry))) {
        let other = &fake.0[name];
        assert_eq!(
            (message.get("allow-oob"), &message["features"]),
            (other.get("allow-oob"), &other["features"]),
            "{name}"
        );
        for ty in ["arg-type", "ret-type"] {
            Schema::compare([&real, &fake], [&message[ty], &other[ty]], &mut compared);
        }
    }
    assert!(compared.len() > 500);
}

/// Entries by name.
struct Schema(std::collections::HashMap<String, Value>);

impl Schema {
    fn new(entries: &[SchemaInfo]) -> Self {
        let named = |info: &SchemaInfo| (info.name.clone(), serde_json::to_value(info).unwrap());
        Schema(entries.iter().map(named).collect())
    }

    fn kind(entry: &Value) -> &str {
        entry["meta-type"].as_str().unwrap()
    }

    fn compare(schemas: [&Schema; 2], names: [&Value; 2], compared: &mut std::collections::HashSet<[String; 2]>) {
        let Some(names) = names[0].as_str().zip(names[1].as_str()) else { return assert_eq!(names[0], names[1]) };
        if !compared.insert([names.0.to_owned(), names.1.to_owned()]) {
            return;
        }
        let [real, fake] = [&schemas[0].0[names.0], &schemas[1].0[names.1]];
        assert_eq!(Schema::kind(real), Schema::kind(fake), "{names:?}");
        for member in ["json-type", "tag", "features"] {
            assert_eq!(real.get(member), fake.get(member), "{names:?}");
        }
        let mut follow = |real: &Value, fake: &Value| Schema::compare(schemas, [real, fake], compared);
        follow(&real["element-type"], &fake["element-type"]);
        for (list, key) in [("members", "name"), ("variants", "case")] {
            let [real, fake] = [real, fake].map(|entry| entry[list].as_array().map(Vec::as_slice).unwrap_or_default());
            for (index, item) in real.iter().enumerate() {
                let named = |other: &&Value| item.get(key).is_some() && other[key] == item[key];
                let other = fake.iter().find(named).or(fake.get(index)).unwrap_or_else(|| panic!("{names:?} {item}"));
                assert_eq!(item[key], other[key], "{names:?}");
                assert_eq!((item.get("default"), &item["features"]), (other.get("default"), &other["features"]));
                follow(&item["type"], &other["type"]);
            }
        }
    }
}
