//! Conversations that are recorded, and played again.

use qemu_qmp::fake::{filled, Fake, Recorder, Replay};
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::{Client, EventSet, GuestAgent};
use std::io::Write;
use std::sync::{Arc, Mutex};
use support::programs::Folder;
use support::qemu::Qemu;
use support::{options, PATIENCE, SOON};

/// What was written so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a program does and sees.
fn program(vm: &mut Client) -> Vec<String> {
    let mut seen = vec![vm.greeting().version.to_string()];
    seen.push(format!("{:?}", vm.execute(QueryStatus::new())));
    seen.push(format!("{:?}", vm.execute(Cont::new())));
    seen.push(format!("{:?}", vm.execute(QueryStatus::new())));
    seen.push(format!("{:?}", vm.execute(DeviceDel::new("net1")).map_err(|error| error.to_string())));
    seen.push(format!("{:?}", vm.execute(Quit::new())));
    while let Ok(Some(event)) = vm.next_event(PATIENCE) {
        seen.push(event.data.name().to_owned());
    }
    seen.push(format!("{}", vm.execute(QueryStatus::new()).unwrap_err().is_disconnected()));
    seen
}

/// Runs the program on a server by way of a recorder. Gives what it saw, and the recording.
fn recorded(server: &std::path::Path) -> (Vec<String>, String) {
    let (log, folder) = (Log::default(), Folder::new());
    let mut recorder = Recorder::new(server, log.clone());
    recorder.listen_unix(folder.socket()).unwrap();
    let seen = program(&mut Client::connect_with(folder.socket(), &options()).unwrap());
    drop(recorder);
    assert!(!folder.socket().exists());
    (seen, log.text())
}

#[test]
fn a_recording_is_played_as_it_was() {
    let (fake, folder) = (Fake::new(), Folder::new());
    fake.version(8, 1, 2).status(RunState::Prelaunch);
    fake.listen_unix(folder.socket()).unwrap();
    let (seen, recording) = recorded(&folder.socket());
    assert!(recording.starts_with("<- {\"QMP\"") && recording.contains("\n-> {\"execute\":\"cont\""), "{recording}");
    for how in [Replay::Strict, Replay::Loose] {
        let again = Fake::new();
        again.replay(&recording, how).unwrap();
        assert_eq!(program(&mut again.client_with(&options()).unwrap()), seen);
        assert!(again.unplayed().is_empty());
    }
}

#[test]
fn a_recording_of_a_real_machine() {
    let Some(qemu) = Qemu::start_board() else { return };
    drop(qemu.connect());
    let (seen, recording) = recorded(&qemu.socket());
    let again = Fake::new();
    again.replay(&recording, Replay::Strict).unwrap();
    assert_eq!(program(&mut again.client_with(&options()).unwrap()), seen);
}

/// Messages over several lines.
#[test]
fn a_recording_of_a_pretty_monitor() {
    let monitor = |folder: &std::path::Path| {
        let chardev = format!("socket,path={},server=on,wait=off,id=m", folder.join("socket").display());
        ["-machine", "none", "-chardev", &chardev, "-mon", "chardev=m,mode=control,pretty=on"]
            .map(str::to_owned)
            .to_vec()
    };
    let Some(qemu) = Qemu::start_with(monitor) else { return };
    drop(qemu.connect());
    let (seen, recording) = recorded(&qemu.socket());
    assert!(recording.lines().all(|line| line.ends_with('}')), "{recording}");
    let again = Fake::new();
    again.replay(&recording, Replay::Strict).unwrap();
    assert_eq!(program(&mut again.client_with(&options()).unwrap()), seen);
}

const RECORDING: &str = r#"
<- {"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "x"}, "capabilities": []}}
-> {"execute": "qmp_capabilities"}
<- {"return": {}}
<- {"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESET", "data": {"guest": true, "reason": "guest-reset"}}
-> {"execute": "device_del", "arguments": {"id": "net1"}, "id": 7}
<- {"timestamp": {"seconds": 3, "microseconds": 4}, "event": "DEVICE_DELETED", "data": {"path": "before"}}
<- {"return": {}, "id": 7}
<- {"timestamp": {"seconds": 5, "microseconds": 6}, "event": "DEVICE_DELETED", "data": {"path": "after"}}
-> {"execute": "query-name", "id": 8}
-> {"execute": "query-uuid", "id": 9}
<- {"error": {"class": "GenericError", "desc": "no"}, "id": 9}
<- {"return": {"name": "guest"}, "id": 8}
-> {"execute": "query-block", "id": 10}
"#;

fn playing(how: Replay) -> (Fake, Client) {
    let fake = Fake::new();
    fake.replay(RECORDING, how).unwrap();
    let vm = fake.client_with(&options()).unwrap();
    (fake, vm)
}

#[test]
fn strictly() {
    let (fake, mut vm) = playing(Replay::Strict);
    assert!(vm.greeting().version.major == 10 && !vm.oob_enabled());
    let reset = vm.wait_for(PATIENCE, |_: &Reset| true).unwrap();
    assert_eq!((reset.timestamp.seconds, reset.timestamp.microseconds), (1, 2));
    let error = vm.execute(DeviceDel::new("net2")).unwrap_err();
    let expected = r#"The recording has device_del {"id":"net1"} here, and device_del {"id":"net2"} comes instead"#;
    assert_eq!(error.server_error().unwrap().desc, expected);
    let (_, gone) = vm.execute_and_wait(DeviceDel::new("net1"), PATIENCE, |_: &DeviceDeleted| true).unwrap();
    assert_eq!(gone.data.path, "before");
    assert_eq!(vm.wait_for(PATIENCE, |_: &DeviceDeleted| true).unwrap().data.path, "after");
    assert!(vm.execute(QueryUuid::new()).unwrap_err().is_server());
    assert_eq!(vm.execute(QueryName::new()).unwrap().name.as_deref(), Some("guest"));
    assert_eq!(vm.execute(QueryUuid::new()).unwrap_err().server_error().unwrap().desc, "no");
    assert_eq!(fake.unplayed(), ["query-block"]);
    // Where the recording ends, its server was gone.
    assert!(vm.execute(QueryBlock::new()).unwrap_err().is_disconnected());
    let error = fake.client().unwrap().execute(QueryBlock::new()).unwrap_err();
    assert!(error.server_error().unwrap().desc.starts_with("The recording ends here"), "{error}");
}

#[test]
fn loosely() {
    let (fake, mut vm) = playing(Replay::Loose);
    fake.on(|_: QueryUuid| Ok(filled(|uuid: &mut UuidInfo| uuid.uuid = "a uuid".into())));
    assert_eq!(vm.execute(QueryUuid::new()).unwrap().uuid, "a uuid");
    for _ in 0..2 {
        assert_eq!(vm.execute(QueryName::new()).unwrap().name.as_deref(), Some("guest"));
    }
    vm.execute(DeviceDel::new("another")).unwrap();
    // Answered without a recording.
    vm.execute(QueryStatus::new()).unwrap();
    assert_eq!(fake.unplayed(), ["query-uuid", "query-block"]);
}

#[test]
fn what_is_no_recording_is_refused() {
    for (text, reason) in [
        ("-> {}\nhello", "line 2: neither `-> ` nor `<- ` tells who sent the line"),
        ("-> {", "line 1: a client's line is no JSON"),
    ] {
        assert_eq!(Fake::new().replay(text, Replay::Loose).unwrap_err().to_string(), reason);
    }
    let odd = b"<- \xff\xff{\"return\": 3}\n<- garbage\n-> []\n-> {\"execute\": 3}\n\r\n->\"x\"";
    Fake::new().replay(odd, Replay::Loose).unwrap();
}

#[test]
fn agents_are_played_too() {
    let recording = "\
-> {\"execute\": \"guest-sync-delimited\", \"arguments\": {\"id\": 5}}
<- {\"return\": 5}
-> {\"execute\": \"guest-shutdown\", \"id\": 1}
-> {\"execute\": \"guest-ping\", \"id\": 2}
<- {\"return\": {}, \"id\": 2}
";
    let fake = Fake::<GuestAgent>::of_peer();
    fake.replay(recording, Replay::Strict).unwrap();
    let mut agent = fake.client_with(&options().refusal_timeout(SOON)).unwrap();
    agent.execute(qemu_qmp::qga::commands::GuestShutdown::new()).unwrap();
    agent.execute(qemu_qmp::qga::commands::GuestPing::new()).unwrap();
    assert!(fake.unplayed().is_empty());
}

#[test]
fn a_server_that_cannot_be_reached() {
    let folder = Folder::new();
    let mut recorder = Recorder::new(folder.path().join("nobody"), std::io::sink());
    recorder.listen_unix(folder.socket()).unwrap();
    assert!(Client::connect_with(folder.socket(), &options()).unwrap_err().is_disconnected());
}
