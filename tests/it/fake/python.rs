//! QEMU's own client in Python, and the shell that comes with it, against the stand-in.
//!
//! `scripts/test` puts them where Python finds them, if it can.

use qemu_qmp::fake::{filled, Fake};
use qemu_qmp::qmp::{commands::*, events::*};
use std::io::Write;
use std::process::{Command, Stdio};
use support::programs::Folder;

const CLIENT: &str = r#"
import asyncio, sys
from qemu.qmp import ExecuteError, QMPClient
from qemu.qmp.legacy import QEMUMonitorProtocol

async def main():
    vm = QMPClient("test")
    await vm.connect(sys.argv[1])
    print(vm.greeting.QMP.version["package"])
    print((await vm.execute("query-status"))["status"])
    with vm.listener(names={"DEVICE_DELETED"}) as listener:
        print(await vm.execute("device_del", {"id": "net1"}))
        print((await listener.get())["data"]["device"])
    for name, arguments in [("nonsense", {}), ("device_del", {}), ("device_del", {"id": 1})]:
        try:
            await vm.execute(name, arguments)
        except ExecuteError as error:
            print(error.error_class, error)
    print(await vm.execute("migrate-pause", oob=True))
    await vm.disconnect()

asyncio.run(main())
old = QEMUMonitorProtocol(sys.argv[1])
old.connect()
print(old.cmd("query-name"))
print(old.cmd_raw("stop"), [event["event"] for event in old.get_events(wait=True)])
old.close()
"#;

/// Python with this script and the stand-in's socket. `None`, loudly, if it has no such client.
fn python(arguments: &[&str], fake: &Fake, input: &str) -> Option<String> {
    let has_client = Command::new("python3").args(["-c", "import qemu.qmp"]).stderr(Stdio::null()).status();
    if !has_client.is_ok_and(|status| status.success()) {
        eprintln!("\n*** SKIPPED: python3 does not find `qemu.qmp`; `pip install qemu.qmp` ***\n");
        return None;
    }
    let folder = Folder::new();
    fake.listen_unix(folder.socket()).unwrap();
    let child = Command::new("python3")
        .args(arguments)
        .arg(folder.socket())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn fake() -> Fake {
    let fake = Fake::new();
    fake.package("a build").name("guest");
    fake.on(|_: MigratePause| Ok(()));
    fake.on_with(|del: DeviceDel, cx| {
        cx.emit_after(&filled(|gone: &mut DeviceDeleted| gone.device = Some(del.id)));
        Ok(())
    });
    fake
}

#[test]
fn the_client_in_python() {
    let fake = fake();
    let Some(output) = python(&["-c", CLIENT], &fake, "") else { return };
    let expected = "\
a build
running
{}
net1
CommandNotFound The command nonsense has not been found
GenericError Parameter 'id' is missing
GenericError Invalid parameter type for 'id', expected: string
{}
{'name': 'guest'}
{'return': {}} ['STOP']
";
    assert_eq!(output, expected);
    assert!(fake.calls().iter().any(|call| call.out_of_band));
}

#[test]
fn the_shell_in_python() {
    let fake = fake();
    // An empty line has it show the events that have come, which they have with the reply to the command before.
    let input = "query-name\ndevice_del id=net1\ndevice_del\n\n";
    let Some(output) = python(&["-m", "qemu.qmp.qmp_shell"], &fake, input) else { return };
    for shown in [r#"{"return": {"name": "guest"}"#, "DEVICE_DELETED", "Parameter 'id' is missing"] {
        assert!(output.contains(shown), "{output}");
    }
    assert_eq!(fake.calls_of::<DeviceDel>().len(), 1);
}
