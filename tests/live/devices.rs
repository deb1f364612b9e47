//! Devices, memory, processors, and the backends under them, plugged and unplugged.
//!
//! No guest runs that could agree to an unplug, so that only such devices go again which need no guest for it.

use crate::conversation::{Conversation, Outcome};
use crate::process::connect;
use serde_json::{json, Value};
use std::path::Path;

/// Everything that can be plugged.
pub fn converse(conversation: &mut Conversation<'_>) {
    add_objects(conversation);
    add_character_devices(conversation);
    add_networks(conversation);
    plug_devices(conversation);
    plug_processors(conversation);
    plug_memory(conversation);
    change_media(conversation);
    limit_disks(conversation);
}

fn add_objects(conversation: &mut Conversation<'_>) {
    let rules = json!([{"match": "fred", "policy": "allow", "format": "exact"}, {"match": "b*", "policy": "deny", "format": "glob"}]);
    let folder = conversation.folder.text("");
    let file = conversation.folder.text("memory");
    let objects = [
        (
            "memory-backend-ram",
            json!({"size": 1 << 20, "merge": true, "dump": false, "prealloc": false, "share": true}),
        ),
        ("memory-backend-file", json!({"size": 1 << 20, "mem-path": file, "share": true, "discard-data": true})),
        ("memory-backend-memfd", json!({"size": 1 << 20, "hugetlb": false, "seal": true})),
        ("memory-backend-ram", json!({"size": 1 << 20, "host-nodes": [0], "policy": "bind"})),
        ("rng-builtin", json!({})),
        ("rng-random", json!({"filename": "/dev/urandom"})),
        ("secret", json!({"data": "bGV0bWVpbg==", "format": "base64"})),
        ("secret", json!({"file": "/nowhere/at/all"})),
        ("iothread", json!({"poll-max-ns": 0, "poll-grow": 2, "poll-shrink": 2, "aio-max-batch": 1})),
        ("main-loop", json!({})),
        ("throttle-group", json!({"limits": {"bps-total": 1, "iops-total": 1, "iops-size": 4096}})),
        ("authz-simple", json!({"identity": "fred"})),
        ("authz-list", json!({"policy": "deny", "rules": rules})),
        ("authz-listfile", json!({"filename": "/nowhere/at/all", "refresh": true})),
        ("authz-pam", json!({"service": "live"})),
        ("tls-creds-anon", json!({"endpoint": "server", "verify-peer": false, "dir": folder})),
        ("tls-creds-psk", json!({"endpoint": "client", "dir": folder, "username": "fred"})),
        ("tls-creds-x509", json!({"endpoint": "server", "dir": folder, "sanity-check": true})),
        ("tls-cipher-suites", json!({"priority": "NORMAL"})),
        ("cryptodev-backend-builtin", json!({"queues": 1})),
        ("can-bus", json!({})),
        ("filter-dump", json!({"netdev": "net1", "file": conversation.folder.text("packets"), "maxlen": 64})),
        ("filter-buffer", json!({"netdev": "net1", "interval": 1000, "queue": "rx", "status": "off"})),
        ("filter-mirror", json!({"netdev": "net1", "outdev": "null0", "position": "head", "insert": "behind"})),
        ("filter-replay", json!({"netdev": "net1"})),
        ("dbus-vmstate", json!({"addr": "unix:path=/nowhere"})),
        ("input-linux", json!({"evdev": "/nowhere/at/all", "grab-toggle": "ctrl-ctrl", "repeat": true})),
        ("pr-manager-helper", json!({"path": "/nowhere/at/all"})),
        ("acpi-generic-initiator", json!({"pci-dev": "nic0", "node": 0})),
    ];
    for (number, (qom_type, properties)) in objects.into_iter().enumerate() {
        // Some cannot be deleted, and keep their names.
        let id = format!("object{number}");
        let mut arguments = json!({"qom-type": qom_type, "id": id});
        if let (Some(all), Value::Object(properties)) = (arguments.as_object_mut(), properties) {
            all.extend(properties);
        }
        if conversation.try_run("object-add", arguments) != Value::Null {
            conversation.run("qom-list", json!({"path": format!("/objects/{id}")}));
            conversation.attempt("object-del", json!({"id": id}));
        }
    }
}

fn add_character_devices(conversation: &mut Conversation<'_>) {
    let (out, socket) = (conversation.folder.text("out"), conversation.folder.text("socket"));
    let backends = [
        json!({"type": "null", "data": {}}),
        json!({"type": "ringbuf", "data": {"size": 64}}),
        json!({"type": "memory", "data": {"size": 64}}),
        json!({"type": "file", "data": {"out": out, "append": true}}),
        json!({"type": "pty", "data": {}}),
        json!({"type": "msmouse", "data": {}}),
        json!({"type": "wctablet", "data": {}}),
        json!({"type": "testdev", "data": {}}),
        json!({"type": "udp", "data": {"remote": {"type": "inet", "data": {"host": "127.0.0.1", "port": "9"}}}}),
        json!({"type": "socket", "data": {"addr": {"type": "unix", "data": {"path": socket}}, "server": true, "wait": false,
            "telnet": false}}),
        json!({"type": "mux", "data": {"chardev": "null2"}}),
        json!({"type": "hub", "data": {"chardevs": ["null3"]}}),
        json!({"type": "vc", "data": {"width": 80, "height": 24}}),
        json!({"type": "serial", "data": {"device": "/nowhere/at/all"}}),
        json!({"type": "pipe", "data": {"device": "/nowhere/at/all"}}),
    ];
    for id in ["null1", "null2", "null3"] {
        conversation.run("chardev-add", json!({"id": id, "backend": {"type": "null", "data": {}}}));
    }
    for (number, backend) in backends.into_iter().enumerate() {
        let id = format!("chardev{number}");
        if conversation.try_run("chardev-add", json!({"id": id, "backend": backend})) != Value::Null {
            conversation.run("query-chardev", json!({}));
            conversation.attempt("chardev-remove", json!({"id": id}));
        }
    }

    let ring = json!({"id": "ring1", "backend": {"type": "ringbuf", "data": {}}});
    conversation.run("chardev-add", ring.clone());
    conversation.attempt("chardev-add", ring);
    conversation.run("ringbuf-write", json!({"device": "ring1", "data": "l\u{ef}ve\n\"", "format": "utf8"}));
    conversation.run("ringbuf-read", json!({"device": "ring1", "size": 64, "format": "utf8"}));
    conversation.run("ringbuf-write", json!({"device": "ring1", "data": "bGl2ZQ==", "format": "base64"}));
    conversation.run("ringbuf-read", json!({"device": "ring1", "size": 64, "format": "base64"}));
    conversation
        .run("chardev-change", json!({"id": "ring1", "backend": {"type": "null", "data": {"logappend": true}}}));
    conversation.attempt("chardev-send-break", json!({"id": "null0"}));
    conversation.run("chardev-remove", json!({"id": "ring1"}));
}

fn add_networks(conversation: &mut Conversation<'_>) {
    let (path, server) = (conversation.folder.text("net"), conversation.folder.text("net-server"));
    for network in [
        json!({"type": "user", "restrict": true, "ipv6": false, "net": "10.1.0.0/16", "hostfwd": [], "guestfwd": [],
            "dnssearch": [{"str": "example.org"}]}),
        json!({"type": "hubport", "hubid": 7}),
        json!({"type": "socket", "udp": "127.0.0.1:9", "localaddr": "127.0.0.1:0"}),
        json!({"type": "dgram", "local": {"type": "unix", "path": path}, "remote": {"type": "unix", "path": path}}),
        json!({"type": "tap", "ifname": "live-no-such", "script": "no", "downscript": "no", "helper": "/nowhere/at/all"}),
        json!({"type": "vhost-user", "chardev": "null0", "queues": 1}),
        json!({"type": "vhost-vdpa", "vhostdev": "/nowhere/at/all"}),
    ] {
        let mut arguments = network;
        arguments["id"] = json!("added");
        if conversation.try_run("netdev_add", arguments) != Value::Null {
            conversation.run("human-monitor-command", json!({"command-line": "info network"}));
            conversation.attempt("netdev_del", json!({"id": "added"}));
        }
    }
    // A stream's client that is deleted while it connects ends QEMU 7.2; a server has no such moment.
    let stream = json!({"type": "stream", "id": "stream", "server": true, "addr": {"type": "unix", "path": server}});
    conversation.forget_events();
    if let Outcome::Returned(_) = conversation.attempt("netdev_add", stream) {
        // It is answered before it listens.
        let peer = connect(Path::new(&server));
        conversation.wait("NETDEV_STREAM_CONNECTED", |data| data["netdev-id"] == "stream");
        drop(peer);
        conversation.wait("NETDEV_STREAM_DISCONNECTED", |data| data["netdev-id"] == "stream");
        conversation.run("netdev_del", json!({"id": "stream"}));
    }
    conversation.run("set_link", json!({"name": "nic0", "up": false}));
    conversation.run("set_link", json!({"name": "nic0", "up": true}));
    conversation
        .attempt("announce-self", json!({"initial": 50, "max": 550, "rounds": 1, "step": 50, "interfaces": ["nic0"]}));
    conversation.attempt("netdev_del", json!({"id": "no-such"}));
}

fn plug_devices(conversation: &mut Conversation<'_>) {
    conversation.run("blockdev-add", json!({"driver": "null-co", "node-name": "plugged", "size": 1 << 20}));
    for device in [
        json!({"driver": "virtio-blk-pci", "bus": "port0", "drive": "plugged", "num-queues": 2, "write-cache": "on"}),
        json!({"driver": "virtio-net-pci", "bus": "port1", "mac": "52:54:00:00:00:01"}),
        json!({"driver": "usb-mouse", "bus": "usb0.0"}),
        json!({"driver": "scsi-hd", "bus": "scsi0.0", "drive": "plugged", "lun": 3}),
        json!({"driver": "virtserialport", "bus": "serial0.0", "chardev": "null1", "name": "plugged"}),
    ] {
        let mut arguments = device;
        arguments["id"] = json!("plugged");
        conversation.forget_events();
        if conversation.try_run("device_add", arguments) == Value::Null {
            continue;
        }
        conversation.run("qom-list", json!({"path": "/machine/peripheral/plugged"}));
        conversation.attempt("device-sync-config", json!({"id": "plugged"}));
        conversation.run("device_del", json!({"id": "plugged"}));
        let listed = conversation.run("qom-list", json!({"path": "/machine/peripheral"}));
        let remains = listed.as_array().into_iter().flatten().any(|entry| entry["name"] == "plugged");
        if remains {
            // The guest would have to agree. The next device needs a name that is free.
            conversation.report.note("a device stays because no guest agrees to its unplug");
            break;
        }
        conversation.wait("DEVICE_DELETED", |data| data["device"] == "plugged");
    }
    conversation.attempt("device_del", json!({"id": "no-such"}));
    conversation.attempt("device_add", json!({"driver": "no-such"}));
    conversation.run("query-pci", json!({}));
}

fn plug_processors(conversation: &mut Conversation<'_>) {
    let slots = conversation.try_run("query-hotpluggable-cpus", json!({}));
    let free = slots.as_array().into_iter().flatten().find(|slot| slot.get("qom-path").is_none()).cloned();
    let Some(slot) = free else { return };
    let mut arguments = slot["props"].clone();
    arguments["driver"] = slot["type"].clone();
    arguments["id"] = json!("processor");
    conversation.run("device_add", arguments);
    for name in ["query-hotpluggable-cpus", "query-cpus-fast"] {
        conversation.run(name, json!({}));
    }
    conversation.try_run("query-acpi-ospm-status", json!({}));
    conversation.attempt("device_del", json!({"id": "processor"}));
}

fn plug_memory(conversation: &mut Conversation<'_>) {
    conversation.run("object-add", json!({"qom-type": "memory-backend-ram", "id": "dimm1", "size": 128 << 20}));
    let module = json!({"driver": "pc-dimm", "id": "module", "memdev": "dimm1"});
    if conversation.try_run("device_add", module) != Value::Null {
        for name in ["query-memory-devices", "query-memory-size-summary", "query-memdev", "query-acpi-ospm-status"] {
            conversation.run(name, json!({}));
        }
        conversation.attempt("device_del", json!({"id": "module"}));
        let elastic = json!({"path": "/machine/peripheral/elastic", "property": "requested-size", "value": 2 << 20});
        conversation.try_run("qom-set", elastic);
        conversation.run("query-memory-devices", json!({}));
    }
    conversation.attempt("balloon", json!({"value": 128 << 20}));
}

fn change_media(conversation: &mut Conversation<'_>) {
    let disc =
        json!({"driver": "file", "node-name": "disc", "filename": conversation.folder.text("cd"), "read-only": true});
    conversation.run("blockdev-add", disc);
    conversation.forget_events();
    conversation.run("blockdev-open-tray", json!({"id": "cd0", "force": true}));
    conversation.wait("DEVICE_TRAY_MOVED", |data| data["id"] == "cd0" && data["tray-open"] == true);
    conversation.run("blockdev-insert-medium", json!({"id": "cd0", "node-name": "disc"}));
    conversation.run("blockdev-close-tray", json!({"id": "cd0"}));
    conversation.wait("DEVICE_TRAY_MOVED", |data| data["id"] == "cd0" && data["tray-open"] == false);
    conversation.run("query-block", json!({}));
    conversation.run("eject", json!({"id": "cd0", "force": true}));
    let path = conversation.folder.text("cd");
    let change = json!({"id": "cd0", "filename": path, "format": "raw", "read-only-mode": "read-only", "force": true});
    conversation.run("blockdev-change-medium", change);
    conversation.run("query-blockstats", json!({}));
    conversation.run("blockdev-open-tray", json!({"id": "cd0", "force": false}));
    conversation.run("blockdev-remove-medium", json!({"id": "cd0"}));
}

fn limit_disks(conversation: &mut Conversation<'_>) {
    let limits = json!({"id": "disk1", "bps": 0, "bps_rd": 1000, "bps_wr": 1000, "iops": 100, "iops_rd": 0, "iops_wr": 0,
        "bps_rd_max": 2000, "iops_max": 200, "iops_max_length": 2, "iops_size": 4096, "group": "limited"});
    conversation.run("block_set_io_throttle", limits);
    let histogram = json!({"id": "disk1", "boundaries": [10, 50, 100], "boundaries-read": [10, 20]});
    conversation.run("block-latency-histogram-set", histogram);
    conversation.run("query-block", json!({}));
    conversation.run("query-blockstats", json!({}));
    conversation.run("block-latency-histogram-set", json!({"id": "disk1"}));
    conversation.attempt("blockdev-snapshot-internal-sync", json!({"device": "drive0", "name": "now"}));
    let snapshot = conversation.folder.text("overlay");
    let sync = json!({"device": "drive0", "snapshot-file": snapshot, "snapshot-node-name": "overlay", "format": "qcow2",
        "mode": "absolute-paths"});
    conversation.run("blockdev-snapshot-sync", sync);
    conversation.run("blockdev-snapshot-internal-sync", json!({"device": "drive0", "name": "now"}));
    conversation.run("query-block", json!({}));
    conversation.run("blockdev-snapshot-delete-internal-sync", json!({"device": "drive0", "name": "now"}));
    let io = |line: &str| json!({"command-line": format!("qemu-io drive0 \"{line}\"")});
    conversation.run("human-monitor-command", io("write -P 7 0 64k"));
    conversation.run("human-monitor-command", io("read 0 64k"));
    conversation.forget_events();
    for (name, target) in [("drive-backup", "legacy-backup"), ("drive-mirror", "legacy-mirror")] {
        let target = conversation.folder.text(target);
        let arguments =
            json!({"job-id": "legacy", "device": "drive0", "target": target, "sync": "top", "format": "qcow2"});
        if conversation.try_run(name, arguments) != Value::Null {
            conversation.attempt("block-job-complete", json!({"device": "legacy"}));
            conversation.attempt("block-job-cancel", json!({"device": "legacy"}));
            let end = |data: &Value| data["id"] == "legacy" && data["status"] == "null";
            conversation.wait("JOB_STATUS_CHANGE", end);
        }
    }
}
