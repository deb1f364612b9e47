//! What the blocking client tells `tracing`: a span for each command, an event for each message, and no secret.

use qemu_qmp::api::Secrets;
use qemu_qmp::qmp::{commands::*, types::*};
use qemu_qmp::session::SessionOptions;
use qemu_qmp::{qga, Command, CommandFor, ErrorKind, Monitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{json, Value};
use support::trace::Trace;
use support::*;
use tracing::level_filters::LevelFilter;

const SECRET: &str = "hunter2";

fn object(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn each_call_has_a_span() {
    let trace = Trace::new(LevelFilter::DEBUG);
    let (mut vm, script) = connected(|mut peer| {
        let ids: Vec<_> = ["query-name", "stop", "cont", "query-name", "migrate-pause", ""]
            .iter()
            .map(|name| {
                let command = if name.is_empty() { peer.next_command().unwrap() } else { peer.expect(name) };
                peer.reply(&command, json!({}));
                command["id"].to_string()
            })
            .collect();
        ids
    });
    let listening = trace.listen();
    vm.execute(QueryName::new()).unwrap();
    vm.cmd("stop", None, Some(json!({"a": [1]}))).unwrap();
    vm.cmd_obj(object(json!({"execute": "cont"}))).unwrap();
    vm.within(PATIENCE).execute(QueryName::new()).unwrap();
    vm.execute_oob(MigratePause::new()).unwrap();
    vm.cmd_obj(object(json!({"nothing": 1}))).unwrap();
    drop(listening);
    assert_eq!(trace.each("command"), ["query-name", "stop", "cont", "query-name", "migrate-pause", ""]);
    assert_eq!(trace.each("id"), script.finish());
    assert!(trace.each("outcome").iter().all(|outcome| outcome == "ok"));
    assert_eq!(trace.messages(), [""; 0]);
}

#[cfg(feature = "fd")]
#[test]
fn calls_with_descriptors_have_one_too() {
    use std::os::fd::AsFd;
    let trace = Trace::new(LevelFilter::DEBUG);
    let (mut vm, script) = connected(|mut peer| drop(peer.answer("getfd", json!({}))));
    let _listening = trace.listen();
    let file = std::fs::File::open("/dev/null").unwrap();
    vm.with_fds(&[file.as_fd()]).execute(Getfd::new("fd0")).unwrap();
    let many = [file.as_fd(); 17];
    assert_eq!(vm.with_fds(&many).execute(Getfd::new("fd1")).unwrap_err().kind(), ErrorKind::FdsUnavailable);
    assert_eq!(trace.each("outcome"), ["ok", "refused"]);
    script.finish();
}

#[test]
fn spans_tell_how_a_call_ended() {
    let trace = Trace::new(LevelFilter::DEBUG);
    let options = options().session(SessionOptions::new().oob(false));
    let (mut vm, script) = connected_with(&options, |mut peer| {
        let command = peer.expect("stop");
        peer.error(&command, "DeviceNotFound", "no");
        let command = peer.expect("stop");
        peer.error(&command, "hunter2", "no");
        let late = peer.expect("stop");
        peer.expect("cont");
        peer.reply(&late, json!({}));
        peer.line("what?");
        peer.expect("cont");
        peer
    });
    let _listening = trace.listen();
    assert!(vm.execute(Stop::new()).unwrap_err().is_server());
    assert!(vm.cmd("stop", None, None).unwrap().error().is_some());
    assert!(vm.within(SOON).execute(Stop::new()).unwrap_err().is_timeout());
    assert!(vm.execute(Cont::new()).unwrap_err().is_malformed());
    assert_eq!(vm.execute_oob(MigratePause::new()).unwrap_err().kind(), ErrorKind::OobUnavailable);
    std::thread::scope(|scope| {
        scope.spawn(|| drop(script.finish()));
        assert!(vm.execute(Cont::new()).unwrap_err().is_closed());
    });
    assert!(vm.execute(Cont::new()).unwrap_err().is_closed());
    let outcomes = ["DeviceNotFound", "unrecognized", "timeout", "malformed", "refused", "gone", "gone"];
    assert_eq!(trace.each("outcome"), outcomes);
    let sent = trace.each("id").iter().map(|id| !id.is_empty()).collect::<Vec<_>>();
    assert_eq!(sent, [true, true, true, true, false, true, false]);
    let duration: f64 = trace.each("duration")[2].parse().unwrap();
    assert!(duration >= SOON.as_secs_f64(), "{duration}");
}

#[test]
fn threads_have_spans_of_their_own() {
    let trace = Trace::new(LevelFilter::TRACE);
    let (vm, script) = connected(|mut peer| {
        let commands = [peer.next_command().unwrap(), peer.next_command().unwrap()];
        commands.iter().rev().for_each(|command| peer.reply(command, json!({"command": command["execute"]})));
        commands.map(|command| (command["execute"].as_str().unwrap().to_owned(), command["id"].to_string()))
    });
    let vm = vm.share().unwrap();
    std::thread::scope(|scope| {
        for name in ["stop", "cont"] {
            let (vm, trace) = (vm.clone(), trace.clone());
            scope.spawn(move || {
                let _listening = trace.listen();
                vm.cmd(name, None, None).unwrap();
            });
        }
    });
    let spans = trace.each("command").into_iter().zip(trace.each("id"));
    let (mut spans, mut sent) = (spans.collect::<Vec<_>>(), script.finish());
    spans.sort();
    sent.sort();
    assert_eq!(spans, sent);
    assert_eq!(trace.each("outcome"), ["ok", "ok"]);
    assert_eq!(trace.messages().len(), 4);
}

#[test]
fn each_message_is_an_event() {
    let trace = Trace::new(LevelFilter::TRACE);
    let _listening = trace.listen();
    let (mut vm, script) = connected(|mut peer| {
        peer.event("STOP");
        peer.answer("query-name", json!({"name": "vm"}));
        peer.expect("stop");
        peer.raw(b"{'password': 'hunter2'}\n");
    });
    assert_eq!(vm.execute(QueryName::new()).unwrap().name.as_deref(), Some("vm"));
    assert!(vm.cmd("stop", None, Some(json!(7))).unwrap_err().is_malformed());
    script.finish();
    let expected = [
        format!("received {GREETING}"),
        r#"sent {"execute":"qmp_capabilities","arguments":{"enable":["oob"]},"id":"qmp#1"}"#.into(),
        r#"received {"id":"qmp#1","return":{}}"#.into(),
        r#"sent {"execute":"query-name","id":"qmp#2"}"#.into(),
        format!("received {}", event("STOP")),
        r#"received {"id":"qmp#2","return":{"name":"vm"}}"#.into(),
        r#"sent {"execute":"stop","id":7}"#.into(),
    ];
    let told = trace.messages();
    // The event and the first command may cross.
    for message in &expected {
        assert!(told.contains(message), "{message}\n{told:#?}");
    }
    assert_eq!(told.len(), expected.len());
    let told = trace.told();
    let malformed = &told.events.last().unwrap().0;
    assert_eq!((&*malformed["malformed"], &*malformed["length"]), ("NotJson", "23"));
    assert_eq!(told.events.len(), expected.len() + 1);
}

#[test]
fn secrets_are_nowhere() {
    let trace = Trace::new(LevelFilter::TRACE);
    let _listening = trace.listen();
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.answer("object-add", json!({}));
        assert_eq!(command["arguments"]["data"], SECRET);
        let command = peer.expect("set_password");
        peer.error(&command, "GenericError", "hunter2 is no good password");
        let command = peer.expect("human-monitor-command");
        peer.reply(&command, json!("unknown command: 'chnge vnc password hunter2'"));
        peer.answer("qom-get", json!(SECRET));
        peer.answer("my-own-command", json!({"new-password": SECRET, "marker": "shown"}));
        // The reply to a command that nobody sent, an error to nobody, and lines that are none.
        peer.line(r#"{"return": "hunter2", "id": "qmp#77"}"#);
        peer.line(r#"{"error": {"class": "GenericError", "desc": "stray 'hunter2'"}}"#);
        peer.line(r#"{"event": "X", "data": {"url": "https://me:hunter2@host", "key": "hunter2"}}"#);
        peer.answer("query-name", json!({}));
        peer.raw(b"{\"return\": \"hunter2");
    });
    vm.execute(ObjectAdd::from(ObjectOptions::secret("s0", SecretProperties::new().data(SECRET)))).unwrap();
    let refused = vm.execute(SetPassword::from(SetPasswordOptions::vnc(SECRET, SetPasswordOptionsVnc::new())));
    assert_eq!(refused.unwrap_err().server_error().unwrap().desc, "hunter2 is no good password");
    let line = "chnge vnc password hunter2";
    assert!(vm.execute(HumanMonitorCommand::new(line)).unwrap().contains(SECRET));
    assert_eq!(vm.execute(QomGet::new("/objects/s0", "data")).unwrap(), SECRET);
    vm.cmd(
        "my-own-command",
        Some(json!({"a": [{"password": SECRET}], "marker": "shown"})),
        Some(json!({"secret": SECRET})),
    )
    .unwrap();
    vm.execute(QueryName::new()).unwrap();
    assert!(vm.take_events().unwrap_err().is_malformed());
    while vm.execute(QueryName::new()).is_err_and(|error| !error.is_closed()) {}
    script.finish();
    let told = format!("{:?}", trace.told());
    assert!(!told.contains(SECRET), "{told}");
    assert_eq!(told.matches("shown").count(), 2, "{told}");
    assert!(trace.each("id").iter().any(|id| id == r#"{"secret":"***"}"#));
}

#[test]
fn guest_agents_have_secrets_too() {
    let trace = Trace::new(LevelFilter::TRACE);
    let _listening = trace.listen();
    let (mut agent, script) = agent(|mut peer| {
        let sync = peer.expect("guest-sync-delimited");
        peer.raw(b"{\"return\": \"hunter2\"}\n\xff");
        peer.reply(&sync, sync["arguments"]["id"].clone());
        peer.answer("guest-set-user-password", json!({}));
        peer.answer("guest-exec", json!({"pid": 1}));
        peer.answer("guest-exec-status", json!({"exited": true, "out-data": "aHVudGVyMg=="}));
        peer.answer("guest-file-read", json!({"count": 7, "buf-b64": "aHVudGVyMg==", "eof": true}));
    });
    agent.execute(qga::commands::GuestSetUserPassword::new("me", "aHVudGVyMg==", false)).unwrap();
    agent.execute(qga::commands::GuestExec::new("login").arg(["-p", SECRET])).unwrap();
    agent.execute(qga::commands::GuestExecStatus::new(1)).unwrap();
    agent.execute(qga::commands::GuestFileRead::new(1)).unwrap();
    script.finish();
    let told = format!("{:?}", trace.told());
    assert!(!told.contains(SECRET) && !told.contains("aHVudGVyMg"), "{told}");
    let stale: Vec<_> = trace.told().events.iter().filter_map(|event| event.0.get("stale").cloned()).collect();
    assert_eq!((stale, trace.messages().len()), (vec!["true".to_owned()], 10));
}

#[test]
fn reply_to_a_command_that_was_not_listened_to_is_masked() {
    let trace = Trace::new(LevelFilter::TRACE);
    let (mut vm, script) = connected(|mut peer| {
        let command = peer.expect("qom-get");
        let next = peer.expect("query-name");
        peer.reply(&command, json!(SECRET));
        peer.reply(&next, json!({}));
    });
    assert!(vm.within(SOON).execute(QomGet::new("/objects/s0", "data")).unwrap_err().is_timeout());
    let _listening = trace.listen();
    vm.execute(QueryName::new()).unwrap();
    script.finish();
    assert_eq!(trace.messages()[1], r#"received {"id":"qmp#2","return":"***"}"#);
}

/// A command of a schema whose build script says what is secret in it.
#[derive(Debug)]
struct Unlock(Value);

impl Serialize for Unlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Unlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Unlock)
    }
}

impl Command for Unlock {
    const NAME: &'static str = "unlock";
    const SECRETS: Secrets = Secrets::of(&["code"]);
    type Reply = Value;
}

impl CommandFor<Monitor> for Unlock {}

#[test]
fn secrets_of_other_schemas_are_masked_in_commands_and_replies() {
    let trace = Trace::new(LevelFilter::TRACE);
    let _listening = trace.listen();
    let (mut vm, script) = connected(|mut peer| {
        peer.answer("unlock", json!({"code": SECRET, "marker": "shown"}));
        let command = peer.expect("unlock");
        peer.error(&command, "GenericError", "no hunter2");
    });
    let unlock = || Unlock(json!({"door": [{"code": SECRET, "marker": "shown"}]}));
    vm.execute(unlock()).unwrap();
    assert_eq!(vm.execute(unlock()).unwrap_err().kind(), ErrorKind::Server);
    script.finish();
    let told = format!("{:?}", trace.told());
    assert!(!told.contains(SECRET), "{told}");
    assert_eq!(told.matches("shown").count(), 3, "{told}");
}
