//! Questions whose answers differ between releases, to a real QEMU, if there is one.
//!
//! Where it is, and what happens if there is none, is in `support`.

use qemu_qmp::ops::probe::{argument, returned, told, Schema};
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::Version;
use support::qemu::{Daemon, Qemu};

/// What this release should say.
fn check(schema: &Schema, version: &Version) {
    let since = |major, minor| (version.major, version.minor) >= (major, minor);
    let members = [
        (argument!(BlockdevMirror, target_is_zero), since(10, 1)),
        (argument!(BlockdevMirror, job_id), true),
        (argument!(BlockdevAdd, arguments, active), since(10, 0)),
        (argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::Qcow2, discard_no_unref), since(8, 1)),
        (argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::Qcow2, lazy_refcounts), true),
        (
            argument!(BlockdevReopen, options, branch = BlockdevOptionsBranch::CopyBeforeWrite, min_cluster_size),
            since(9, 2),
        ),
        (returned!(QueryBlock, inserted, children), since(10, 1)),
        (returned!(QueryBlock, inserted, drv), true),
        (told!(BlockJobError, action = BlockErrorAction::Stop), true),
    ];
    for (path, expected) in members {
        assert_eq!(schema.supports(&path), expected, "{path} in {version}");
    }
    assert_eq!(schema.has_command::<BlockdevSetActive>(), since(10, 0));
    assert!(schema.has_command::<QueryQmpSchema>() && schema.has_event::<JobStatusChange>());
    let mirror = schema.command_of::<BlockdevMirror>().unwrap();
    assert!(mirror.argument("target").is_some_and(|target| !target.is_optional()));
    assert!(mirror.argument("job-id").is_some_and(|id| id.is_optional()));
    assert!(schema.command("blockdev-mirror").is_some() && schema.command("no-such-command").is_none());
    assert!(schema.supports_argument::<BlockdevAdd>("driver=qcow2/lazy-refcounts").unwrap());
}

#[test]
fn a_system_emulator() {
    let Some(qemu) = Qemu::start_board() else { return };
    let mut vm = qemu.connect();
    let version = vm.greeting().version;
    let since = |major, minor| (version.major, version.minor) >= (major, minor);
    let schema = vm.schema().run().unwrap();
    check(&schema, &version);
    let members = [
        (argument!(Migrate, channels), since(8, 2)),
        (argument!(Migrate, uri), true),
        (argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::SwitchoverAck), since(8, 1)),
        (argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::Events), true),
        (returned!(QueryMigrate, postcopy_latency), since(10, 1)),
        (returned!(QueryMachines, acpi), since(8, 0)),
        (told!(BlockIoError, qom_path), since(9, 2)),
    ];
    for (path, expected) in members {
        assert_eq!(schema.supports(&path), expected, "{path} in {version}");
    }
    assert!(schema.command_of::<BlockdevSnapshot>().unwrap().has_feature("allow-write-only-overlay"));
    assert!(schema.features(argument!(BlockCommit, top)).unwrap().contains(&"deprecated".to_owned()));
    let x_colo = argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::XColo);
    assert!(schema.features(x_colo).unwrap().contains(&"unstable".to_owned()));

    let mut probe = vm.probe();
    assert!(probe.has_device("virtio-blk-pci").unwrap() && !probe.has_device("virtio-blk-pcie").unwrap());
    // No object can be made of it.
    assert!(!probe.has_device("virtio-device").unwrap());
    assert_eq!(probe.device_property("virtio-blk-pci", "iothread").unwrap().unwrap().type_, "link<iothread>");
    let mapping = probe.device_property("virtio-blk-pci", "iothread-vq-mapping").unwrap();
    assert_eq!(mapping.is_some(), since(9, 0));
    assert_eq!(probe.device_properties("no-such-device").unwrap(), None);
    assert!(probe.has_object("iothread").unwrap() && !probe.has_object("virtio-blk-pci").unwrap());
    assert!(probe.object_property("iothread", "poll-max-ns").unwrap().is_some());
    assert_eq!(probe.object_properties("no-such-type").unwrap(), None);
    assert!(probe.object_property("q35-machine", "x").unwrap().is_none());
    assert!(probe.has_machine("q35").unwrap() && probe.has_machine("none").unwrap());
    assert!(!probe.has_machine("no-such-machine").unwrap());
    assert_eq!(probe.has_cpu_model("Skylake-Client").unwrap(), Some(true));
    assert_eq!(probe.has_cpu_model("no-such-model").unwrap(), Some(false));
}

#[test]
fn a_storage_daemon() {
    let Some(process) = Daemon::start() else { return };
    let mut daemon = process.connect();
    let version = daemon.greeting().version;
    let schema = daemon.schema().run().unwrap();
    check(&schema, &version);
    assert!(!schema.has_command::<Migrate>() && !schema.supports(argument!(Migrate, uri)));
    assert!(!schema.supports(returned!(QueryMigrate, status)) && !schema.has_event::<DeviceDeleted>());
    let mut probe = daemon.probe();
    assert!(probe.has_object("iothread").unwrap() && !probe.has_object("memory-backend-ram").unwrap());
    assert!(probe.object_property("iothread", "poll-max-ns").unwrap().is_some());
}
