//! Runs the examples that do one task each, on real QEMUs.

use qemu_qmp::ops::jobs::ImageFormat;
use qemu_qmp::qmp::commands::*;
use qemu_qmp::{Client, ConnectOptions};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::programs::example;
use support::qemu::{Agent, Daemon, Qemu};
use support::PATIENCE;

/// Runs an example to its end. Gives what it prints.
fn run(name: &str, arguments: &[&str]) -> (String, bool) {
    let output = Command::new(example(name)).args(arguments).stderr(Stdio::inherit()).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

fn succeed(name: &str, arguments: &[&str]) -> String {
    let (text, success) = run(name, arguments);
    assert!(success, "{name} {arguments:?}: {text}");
    text
}

struct Gone(Child);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A machine with a screen, a disk and a place to plug things in.
fn machine() -> Option<Qemu> {
    let qemu = Qemu::start_with(|folder| {
        let monitor = format!("unix:{},server=on,wait=off", folder.join("socket").display());
        let options = ["-machine", "pc", "-device", "VGA", "-device", "qemu-xhci", "-qmp", &monitor];
        options.map(str::to_owned).to_vec()
    })?;
    let mut vm = qemu.connect();
    for (file, node) in [("disk", "disk0"), ("stick", "stick")] {
        let image = vm.create_image(path(qemu.folder(), file), ImageFormat::qcow2(), 4 << 20).node_name(node);
        let image = image.run().unwrap();
        if node == "stick" {
            vm.close_image(image).run().unwrap();
        }
    }
    vm.execute(DeviceAdd::new("virtio-blk-pci").argument("drive", "disk0").argument("share-rw", true)).unwrap();
    Some(qemu)
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[test]
fn disks() {
    let Some(qemu) = machine() else { return };
    let in_folder = |name: &str| path(qemu.folder(), name);
    let socket = in_folder("socket");
    let (full, monday) = (in_folder("full"), in_folder("monday"));
    // Not after the backup: QEMU does not go back while a bitmap remembers changes.
    for what in ["save", "load", "delete"] {
        succeed("savevm", &[&socket, "disk0", what, "tag"]);
    }
    assert!(!run("savevm", &[&socket, "disk0", "load", "none"]).1);
    assert!(succeed("backup", &[&socket, "disk0", &full]).ends_with(" completed\n"));
    assert!(succeed("backup", &[&socket, "disk0", &monday, &full]).ends_with(" completed\n"));
    assert!(!run("backup", &[&socket, "none", &in_folder("none")]).1);
    let text = succeed("snapshot", &[&socket, "disk0", &in_folder("disk"), "qcow2", &in_folder("overlay")]);
    assert!(text.ends_with("has all of it again\n"), "{text}");
    let text = succeed("mirror", &[&socket, "disk0", &in_folder("fast")]);
    assert!(text.contains("is ready to be completed") && text.contains("the machine uses"), "{text}");
}

#[test]
fn devices_screen_and_end() {
    let Some(qemu) = machine() else { return };
    let in_folder = |name: &str| path(qemu.folder(), name);
    let socket = in_folder("socket");
    succeed("hotplug", &[&socket, "plug", &in_folder("stick"), "disk7"]);
    assert_eq!(succeed("hotplug", &[&socket, "unplug", "disk7"]), "disk7 is gone\n");
    assert!(!run("hotplug", &[&socket, "unplug", "disk7"]).1);
    let screen = in_folder("screen.ppm");
    succeed("screenshot", &[&socket, &screen]);
    assert!(std::fs::read(screen).unwrap().starts_with(b"P6"));

    let watching = Command::new(example("watch")).arg(&socket).stdout(Stdio::piped()).spawn();
    let mut watching = Gone(watching.unwrap());
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("QEMU "));
    drop(watching);
    // Nothing runs in it that would end.
    assert_eq!(run("ci_harness", &[&socket, "1"]), ("the machine did not end in time\n".to_owned(), false));
    assert!(Client::connect_with(qemu.socket(), &ConnectOptions::new().connect_timeout(PATIENCE)).is_err());
}

#[test]
fn migration() {
    let board = |folder: &Path, more: &[&str]| {
        let monitor = format!("unix:{},server=on,wait=off", folder.join("socket").display());
        let options = ["-machine", "pc", "-m", "64", "-qmp", &monitor];
        options.iter().chain(more).map(|&option| option.to_owned()).collect::<Vec<_>>()
    };
    let Some(source) = Qemu::start_with(|folder| board(folder, &[])) else { return };
    let Some(target) = Qemu::start_with(|folder| board(folder, &["-incoming", "defer"])) else { return };
    drop((source.connect(), target.connect()));
    let stream = path(target.folder(), "stream");
    let text = succeed("migrate", &[&path(source.folder(), "socket"), &path(target.folder(), "socket"), &stream]);
    assert!(text.contains("migration completed"), "{text}");
}

#[test]
fn questions() {
    let Some(qemu) = machine() else { return };
    let text = succeed("ask", &[&path(qemu.folder(), "socket")]);
    assert!(text.contains("machines of 2022: yes"), "{text}");
}

#[test]
fn guest() {
    let Some(agent) = Agent::start() else { return };
    drop(agent.connect());
    let in_folder = |name: &str| path(agent.folder(), name);
    let socket = in_folder("socket");
    assert_eq!(succeed("guest", &[&socket, "run", "sh", "-c", "echo here"]), "here\n");
    assert_eq!(run("guest", &[&socket, "run", "sh", "-c", "echo there; exit 3"]), ("there\n".to_owned(), false));
    std::fs::write(in_folder("one"), b"bytes\0\xff").unwrap();
    succeed("guest", &[&socket, "put", &in_folder("one"), &in_folder("two")]);
    succeed("guest", &[&socket, "get", &in_folder("two"), &in_folder("three")]);
    assert_eq!(std::fs::read(in_folder("three")).unwrap(), b"bytes\0\xff");
    assert!(!run("guest", &[&socket, "get", &in_folder("none"), &in_folder("four")]).1);
}

#[test]
fn storage_daemon() {
    let Some(daemon) = Daemon::start() else { return };
    drop(daemon.connect());
    let in_folder = |name: &str| path(daemon.folder(), name);
    let text = succeed("storage_daemon", &[&in_folder("socket"), &in_folder("image"), "1048576", &in_folder("nbd")]);
    assert!(text.starts_with("nbd+unix:///"), "{text}");
    assert_eq!(daemon.connect().execute(QueryBlockExports::new()).unwrap().len(), 1);
    assert!(in_folder("nbd").parse::<std::path::PathBuf>().unwrap().exists());
}
