//! What `{:?}` shows of values that hold a secret, typed or not: never the secret, always what else there is.

use qemu_qmp::api::EventSet;
use qemu_qmp::message::{Message, Request};
use qemu_qmp::qmp::{commands::*, events::AnyEvent, types::*};
use qemu_qmp::session::{Session, SessionOptions};
use qemu_qmp::{qga, Command, ErrorKind};

use serde::de::DeserializeOwned;
use serde_json::{from_value, json, Value};
use std::fmt::Debug;
use support::connected;

/// That the secret is not there, and that this is.
#[track_caller]
fn masked(value: &dyn Debug, shown: &[&str]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains("hunter2") && !text.contains("104, 117, 110"), "{text}");
        for shown in shown {
            assert!(text.contains(shown), "{text}");
        }
    }
}

/// A command with these arguments, as it is and as a request, typed and untyped.
#[track_caller]
fn command<C: Command + DeserializeOwned>(arguments: Value, shown: &[&str]) {
    let typed: C = from_value(arguments.clone()).unwrap();
    let shown: Vec<&str> = shown.iter().copied().chain(["***"]).collect();
    masked(&typed, &shown);
    masked(&Request::new(&typed).unwrap(), &shown);
    masked(&Request::untyped(C::NAME, Some(&arguments)), &shown);
    let object = json!({"execute": C::NAME, "arguments": arguments, "id": 7});
    masked(&Request::from_object(object.as_object().unwrap().clone()), &shown);
}

#[test]
fn commands_and_requests() {
    command::<ObjectAdd>(json!({"qom-type": "secret", "id": "sec0", "data": "hunter2"}), &["sec0", "qom-type"]);
    command::<ObjectAdd>(json!({"qom-type": "unknown", "id": "sec0", "data": "hunter2"}), &["sec0"]);
    command::<SetPassword>(json!({"protocol": "vnc", "password": "hunter2", "display": "vnc0"}), &["vnc0"]);
    command::<ChangeVncPassword>(json!({"password": "hunter2"}), &["password"]);
    command::<HumanMonitorCommand>(json!({"command-line": "change vnc password hunter2", "cpu-index": 3}), &["3"]);
    command::<QomSet>(json!({"path": "/objects/sec0", "property": "data", "value": "hunter2"}), &["/objects/sec0"]);
    command::<RingbufWrite>(json!({"device": "ring0", "data": "hunter2"}), &["ring0"]);
    command::<SendKey>(json!({"keys": [{"type": "qcode", "data": "h"}], "hold-time": 77}), &["77"]);
    let exec = json!({"transport": "exec", "args": ["/bin/sh", "-c", "hunter2"]});
    command::<Migrate>(json!({"channels": [{"channel-type": "main", "addr": exec}]}), &["main"]);
    let url = "https://me:hunter2@host/image";
    command::<BlockdevAdd>(
        json!({"driver": "https", "url": url, "node-name": "n0", "password-secret": "sec0"}),
        &["n0", "\"sec0\""],
    );
    command::<BlockdevAdd>(json!({"driver": "raw", "file": {"driver": "http", "url": url, "cookie": "hunter2"}}), &[]);
    command::<DeviceAdd>(json!({"driver": "usb-ccid", "id": "d0", "x-password": "hunter2"}), &["d0"]);
}

#[test]
fn commands_of_the_guest_agent() {
    use qga::commands::{GuestExec, GuestFileWrite, GuestSetUserPassword, GuestSshAddAuthorizedKeys};
    let password = json!({"username": "me", "password": "hunter2", "crypted": false});
    command::<GuestSetUserPassword>(password, &["me", "crypted"]);
    let exec = json!({"path": "/bin/sh", "arg": ["-c", "hunter2"], "env": ["A=hunter2"], "input-data": "hunter2"});
    command::<GuestExec>(exec, &["/bin/sh"]);
    command::<GuestFileWrite>(json!({"handle": 1000, "buf-b64": "hunter2"}), &["1000"]);
    // A public key is none.
    let keys = GuestSshAddAuthorizedKeys::new("me", ["ssh-ed25519 AAAA me@host".to_owned()]);
    assert!(format!("{keys:?}").contains("ssh-ed25519 AAAA me@host"));
}

#[test]
fn types_of_arguments_and_replies() {
    fn value<T: DeserializeOwned + Debug>(json: Value) -> T {
        from_value(json).unwrap()
    }
    let secret = json!({"data": "hunter2", "format": "raw"});
    masked(&value::<SecretProperties>(secret), &["raw"]);
    let object: ObjectOptions = value(json!({"qom-type": "secret", "id": "sec0", "data": "hunter2"}));
    masked(&object, &["sec0"]);
    masked(&object.branch, &["secret"]);
    let unknown: ObjectOptions = value(json!({"qom-type": "new", "id": "sec0", "password": "hunter2"}));
    masked(&unknown.branch, &["new"]);
    let ObjectOptionsBranch::Unrecognized(inner) = unknown.branch else { panic!("known") };
    masked(&inner, &["new"]);
    let exec = json!({"transport": "exec", "args": ["hunter2"]});
    masked(&value::<MigrationAddress>(exec.clone()), &["exec"]);
    masked(&value::<MigrationChannel>(json!({"channel-type": "main", "addr": exec})), &["main"]);
    masked(&value::<BlockdevRef>(json!("json:{\"driver\":\"https\",\"cookie\":\"hunter2\"}")), &["BlockdevRef"]);
    let property = json!({"name": "data", "type": "string", "value": "hunter2"});
    masked(&value::<ObjectPropertiesValues>(json!({"properties": [property]})), &["string"]);
    let status = json!({"exited": true, "out-data": "hunter2", "exitcode": 9});
    masked(&value::<qga::types::GuestExecStatusReply>(status), &["9"]);
    assert_eq!(format!("{:?}", RunState::Running), r#"RunState "running""#);
}

#[test]
fn replies_and_events() {
    let parse = |line: &str| Message::parse(line.as_bytes()).unwrap();
    masked(&parse(r#"{"return": "hunter2", "id": "x"}"#), &["9 bytes", "x"]);
    masked(&parse(r#"{"error": {"class": "GenericError", "desc": "no 'hunter2'"}}"#), &["GenericError", "no '***'"]);
    masked(&parse(r#"{"event": "X", "data": {"token": "hunter2", "n": 55}}"#), &["X", "55"]);
    let event = |name: &str, data: &str| AnyEvent::decode(name, Some(data));
    masked(&event("NEW", r#"{"token": "hunter2", "n": 55}"#), &["NEW", "55"]);
    let undecodable = event("SHUTDOWN", r#"{"guest": "x", "reason": 7, "token": "hunter2"}"#);
    assert!(matches!(undecodable, AnyEvent::Undecodable(_)));
    masked(&undecodable, &["SHUTDOWN", "reason"]);
    // Nobody can tell what is what in there.
    masked(&event("SHUTDOWN", r#"{"guest" "hunter2"}"#), &["SHUTDOWN", "***"]);
    masked(&parse(r#"{"event": "X", "data": {"n" "hunter2"}}"#), &["X", "***"]);
    let AnyEvent::Undecodable(event) = event("SHUTDOWN", r#"{"guest": 1, "token": "hunter2"}"#) else {
        panic!("decoded")
    };
    assert!(event.text.contains("hunter2"), "what came is kept");
}

#[test]
fn sessions_and_what_they_put_out() {
    let mut session = Session::new(SessionOptions::new().name("vm1"));
    session.send(Request::new(&ChangeVncPassword::new("hunter2")).unwrap()).unwrap();
    session.handle_input(b"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 9, \"minor\": 0, \"micro\": 0}}}}\n");
    session.take_output().unwrap();
    session.handle_input(b"{\"return\": {}, \"id\": \"qmp#1\"}\n");
    masked(&session, &["vm1"]);
    masked(&session.take_output().unwrap(), &["len"]);
    session
        .handle_input(b"{\"return\": {}}\n{\"return\": {}, \"id\": \"qmp#2\"}\n{\"event\": \"X\", \"data\": \"hunter2");
    masked(&session, &["vm1"]);
    let mut session = Session::guest_agent(SessionOptions::new(), 1);
    masked(&session.take_output().unwrap(), &["len"]);
}

#[test]
fn errors_of_calls() {
    let (mut vm, script) = connected(|mut peer| {
        let added = peer.expect("object-add");
        peer.error(&added, "GenericError", "Base64 data 'hunter2' is not valid");
        let set = peer.expect("set_password");
        peer.reply(&set, json!(["hunter2"]));
        let set = peer.expect("change-vnc-password");
        peer.error(&set, "GenericError", "hunter2 is no good password");
        let read = peer.expect("human-monitor-command");
        peer.reply(&read, json!({"hunter2": "hunter2"}));
        let got = peer.expect("query-vnc");
        peer.reply(&got, json!({"enabled": "no", "password": "hunter2"}));
        let got = peer.expect("query-vnc");
        peer.raw(b"{\"return\": {\"enabled\": true, \"password\": \"hunter2\", }\n");
        peer.reply(&got, json!({"enabled": false}));
    });
    let object = ObjectOptions::secret("sec0", SecretProperties::new().data("hunter2"));
    let error = vm.execute(ObjectAdd::from(object)).unwrap_err();
    assert_eq!(error.to_string(), "object-add: Base64 data '***' is not valid (GenericError)");
    masked(&error, &["object-add", "Server"]);
    assert_eq!(error.server_error().unwrap().desc, "Base64 data 'hunter2' is not valid");
    masked(&error.server_error().unwrap(), &["GenericError"]);

    let password: SetPassword = from_value(json!({"protocol": "vnc", "password": "hunter2"})).unwrap();
    let error = vm.execute(password).unwrap_err();
    masked(&error, &["set_password", "Decode"]);

    let error = vm.execute(ChangeVncPassword::new("hunter2")).unwrap_err();
    assert_eq!(error.to_string(), "change-vnc-password: *** (GenericError)");
    masked(&error, &["change-vnc-password"]);
    assert_eq!(error.server_error().unwrap().desc, "hunter2 is no good password");

    let error = vm.execute(HumanMonitorCommand::new("info secrets")).unwrap_err();
    masked(&error, &["human-monitor-command", "Decode"]);
    masked(&error.decode_error().unwrap(), &["human-monitor-command"]);

    let error = vm.execute(QueryVnc::new()).unwrap_err();
    masked(&error.decode_error().unwrap(), &[".enabled", "\"no\"", "***"]);
    assert!(error.decode_error().unwrap().text().contains("hunter2"), "what came is kept");

    let error = vm.execute(QueryVnc::new()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Malformed(_)));
    assert!(!error.to_string().contains("hunter2"), "{error}");
    masked(&error, &["Malformed"]);
    masked(&error.malformed_line().unwrap(), &["NotJson"]);
    assert!(error.malformed_line().unwrap().excerpt().contains("hunter2"), "what came is kept");
    masked(&vm, &["Client"]);
    masked(&vm.within(None), &["CallBuilder"]);
    drop(vm);
    script.finish();
}
