use super::*;
use crate::secrets::table::{is_secret_text, COMMANDS, NAMES, PARTS};
use crate::secrets::MASK;
use serde_json::{json, Value};

fn masked_request(json: &str) -> String {
    masked(json).unwrap().0.into_owned()
}

fn masked(json: &str) -> Option<(Cow<'_, str>, Extent)> {
    request(json, Secrets::NONE).map(|(text, reply)| (text, reply.extent))
}

fn masked_reply(json: &str, extent: Extent) -> String {
    reply(json, ReplyMask { extent, members: &[] }).unwrap().into_owned()
}

/// A name or text with each character escaped.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[test]
fn all_but_the_secret_stays() {
    let cases = [
        (
            r#"{"execute":"object-add","arguments":{"qom-type":"secret","id":"s0","data":"hunter2"},"id":"qmp#1"}"#,
            r#"{"execute":"object-add","arguments":{"qom-type":"secret","id":"s0","data":"***"},"id":"qmp#1"}"#,
        ),
        (
            r#"{"id": 1.50, "arguments": {"props": {"format": "raw", "data" : "hunter2" }, "id": "s0"}, "execute": "object-add"}"#,
            r#"{"id": 1.50, "arguments": {"props": {"format": "raw", "data" : "***" }, "id": "s0"}, "execute": "object-add"}"#,
        ),
        (
            r#"{"execute":"set_password","arguments":{"protocol":"vnc","pass\u0077ord":"hunter2","connected":"keep"}}"#,
            r#"{"execute":"set_password","arguments":{"protocol":"vnc","pass\u0077ord":"***","connected":"keep"}}"#,
        ),
        (
            r#"{"exec-oob":"x","arguments":{"password":1e3,"password":["a",{"b":"]}\""}],"n":-0.10,"token":null}}"#,
            r#"{"exec-oob":"x","arguments":{"password":"***","password":"***","n":-0.10,"token":"***"}}"#,
        ),
        (
            r#"{"execute":"human-monitor-command","arguments":{"command-line":"change vnc password hunter2","cpu-index":0}}"#,
            r#"{"execute":"human-monitor-command","arguments":{"command-line":"***","cpu-index":0}}"#,
        ),
        (
            r#"{"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,"key":{"type":"qcode","data":"h"}}},{"type":"rel","data":{"axis":"x","value":3}}]}}"#,
            r#"{"execute":"input-send-event","arguments":{"events":[{"type":"key","data":{"down":true,"key":"***"}},{"type":"rel","data":{"axis":"x","value":3}}]}}"#,
        ),
        (
            r#"{"execute":"blockdev-add","arguments":{"driver":"https","url":"https://me:hunter2@host/x","password-secret":"s0","file.cookie":"a=b"}}"#,
            r#"{"execute":"blockdev-add","arguments":{"driver":"https","url":"***","password-secret":"s0","file.cookie":"***"}}"#,
        ),
        (
            r#"{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["-c","hunter2"],"env":["A=b"],"input-data":"aHVudGVyMg==","capture-output":true}}"#,
            r#"{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":"***","env":"***","input-data":"***","capture-output":true}}"#,
        ),
        (
            r#"{"execute":"transaction","arguments":{"actions":[{"type":"x","data":{"a":[{"passphrase":"hunter2"},{}]}}]}}"#,
            r#"{"execute":"transaction","arguments":{"actions":[{"type":"x","data":{"a":[{"passphrase":"***"},{}]}}]}}"#,
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(masked_request(json), expected);
    }
}

#[test]
fn what_is_no_secret_is_shown() {
    for json in [
        r#"{"execute":"query-status","id":{"a":[1]}}"#,
        r#"{"execute":"guest-ssh-add-authorized-keys","arguments":{"username":"me","keys":["ssh-ed25519 AAAA me@host"]}}"#,
        r#"{"execute":"blockdev-add","arguments":{"driver":"luks","key-secret":"s0","file":{"driver":"file","filename":"a=b.img"}}}"#,
        r#"{"execute":"blockdev-add","arguments":{"driver":"nbd","export":"nbd://host/x","json":"json:{\"driver\":\"raw\",\"key-secret\":\"s0\"}"}}"#,
        r#"{"execute":"device_add","arguments":{"driver":"virtio-net-pci","data":"x","value":1,"arg":"a","keys":[]}}"#,
        r#""execute""#,
    ] {
        let (masked, reply) = masked(json).unwrap();
        assert_eq!((&*masked, reply), (json, Extent::Nothing));
    }
    let event = r#"{"event":"STOP","data":{"value":"x"},"timestamp":{"seconds":1,"microseconds":2}}"#;
    assert_eq!(plain(event).unwrap(), event);
}

#[test]
fn commands_are_known_however_they_are_written() {
    for json in [
        format!(r#"{{"execute":"{}","arguments":{{"data":"hunter2"}}}}"#, escaped("object-add")),
        format!(r#"{{"{}":"object-add","arguments":{{"data":"hunter2"}}}}"#, escaped("execute")),
        format!(r#"{{"execute":"object-add","arguments":{{"{}":"hunter2"}}}}"#, escaped("data")),
        // Servers may take the first or the last.
        r#"{"execute":"stop","arguments":{"data":"hunter2"},"execute":"object-add"}"#.into(),
        r#"{"execute":"object-add","arguments":{"data":"hunter2"},"execute":"stop"}"#.into(),
        r#"{"exec-oob" : "object-add" , "execute":"stop","arguments":{},"arguments":[{"data" :\n"hunter2"}]}"#
            .replace("\\n", "\n"),
    ] {
        let (masked, reply) = masked(&json).unwrap();
        assert!(!masked.contains("hunter2"), "{masked}");
        assert_eq!(reply, Extent::Error, "{json}");
    }
    // Only a message's own member is its command.
    let inner = r#"{"execute":"x","arguments":{"execute":"object-add","data":"shown"}}"#;
    assert_eq!(masked_request(inner), inner);
}

#[test]
fn text_that_betrays_a_secret() {
    for text in [
        "https://me:hunter2@host/image",
        "iscsi://me%hunter2@host/target/0",
        "http://me:hun/ter2@host",
        "https://store/image?signature=hunter2",
        "exec:openssl enc -k hunter2",
        "tcp:10.0.2.1:80-cmd:login hunter2",
        r#"json:{"driver": "https", "cookie": "hunter2"}"#,
        r#"json:{"driver": "https", "co\u006fkie": "hunter2"}"#,
        "rbd:pool/image:id=me:key=hunter2",
        "driver=https,file.password=hunter2",
        "PASSWORD=hunter2",
    ] {
        assert!(is_secret_text(text), "{text}");
        let json = json!({"execute": "blockdev-add", "arguments": {"a": [text]}}).to_string();
        assert_eq!(masked(&json).unwrap().1, Extent::Error);
        assert!(!masked_request(&json).contains("hunter2"), "{text}");
        assert!(!plain(&json!({"event": "X", "data": {"a": text}}).to_string()).unwrap().contains("hunter2"), "{text}");
    }
    for text in [
        "",
        "password",
        "set a key",
        "https://host/image",
        "me@host",
        "json:{\"driver\":\"luks\",\"key-secret\":\"s0\"}",
        "driver=luks,key-secret=s0",
        "exec",
        "tcp:0:4444",
    ] {
        assert!(!is_secret_text(text), "{text}");
    }
}

#[test]
fn replies() {
    let returned = r#"{"return": {"value": "hunter2", "buf-b64": "aHVudGVyMg=="}, "id": 1}"#;
    assert_eq!(masked_reply(returned, Extent::All), r#"{"return": "***", "id": 1}"#);
    let shown = r#"{"return": {"value": "hunter2", "buf-b64": "***"}, "id": 1}"#;
    assert_eq!(masked_reply(returned, Extent::Error), shown);
    assert_eq!(masked_reply(returned, Extent::Nothing), shown);

    let failed = r#"{"id": 1, "error": {"desc": "no hunter2", "class": "GenericError", "x": {"y": "hunter2"}}}"#;
    let masked = r#"{"id": 1, "error": {"desc": "***", "class": "GenericError", "x": "***"}}"#;
    assert_eq!(masked_reply(failed, Extent::All), masked);
    assert_eq!(masked_reply(failed, Extent::Error), masked);
    assert_eq!(masked_reply(failed, Extent::Nothing), failed);
    for odd in [
        r#"{"error": "hunter2"}"#,
        r#"{"error": [{"class": "hunter2"}]}"#,
        r#"{"error": {"class": "hunter2"}}"#,
        r#"{"error": {"class": {"class": "hunter2"}, "desc": 1}}"#,
        r#"{"error": {}, "return": 1, "\u0065rror": {"d\u0065sc": "hunter2"}}"#,
    ] {
        assert!(!masked_reply(odd, Extent::Error).contains("hunter2"), "{odd}");
    }
}

#[test]
fn what_the_request_was_decides_about_the_reply() {
    let extent = |json: Value| masked(&json.to_string()).unwrap().1;
    assert_eq!(extent(json!({"execute": "query-name"})), Extent::Nothing);
    assert_eq!(extent(json!({"execute": "x", "arguments": {"password": "x"}})), Extent::Error);
    assert_eq!(extent(json!({"execute": "guest-exec", "arguments": {"path": "x"}})), Extent::Error);
    assert_eq!(extent(json!({"execute": "qom-get", "arguments": {"path": "x", "property": "data"}})), Extent::All);
    assert_eq!(ReplyMask::default().extent, Extent::All);
}

#[test]
fn what_is_no_json_is_not_given_back() {
    let json = r#"{"execute":"object-add","arguments":{"data":"hun\"ter2","n":[1,{"a":"b"}]}}"#;
    assert!(masked(json).is_some());
    for end in 0..json.len() {
        let half = &json[..end];
        assert!(
            masked(half).is_none() && reply(half, ReplyMask::default()).is_none() && plain(half).is_none(),
            "{half}"
        );
    }
    for json in ["{'password': 'hunter2'}", "password=hunter2", "{} {", "{\"a\":\"\u{1}\"}"] {
        assert!(masked(json).is_none(), "{json}");
    }
}

/// A grammar that is not checked, as it would be without [`check`], must not make the search panic either.
#[test]
fn search_survives_everything() {
    let json = r#"{"execute":"object-add","arguments":{"data":"hun\"ter2","é":[1,{"a":"é"}]}, "key" : [[{"#;
    for start in 0..json.len() {
        for end in start..=json.len() {
            if let Some(piece) = json.get(start..end) {
                let masked = mask(piece, &mut |member| member.name == "data");
                assert!(masked.len() <= piece.len() + MASK.len() * piece.len());
            }
        }
    }
}

#[test]
fn depth_is_no_matter() {
    let deep = 200_000;
    let json = format!(r#"{{"a":{}{{"password":"hunter2"}}{}}}"#, "[".repeat(deep), "]".repeat(deep));
    let masked = masked_request(&json);
    assert!(masked.len() > deep && !masked.contains("hunter2"));
    let json = format!(r#"{}{{"password":"hunter2"}}{}"#, r#"{"a":"#.repeat(deep), "}".repeat(deep));
    assert!(!masked_request(&json).contains("hunter2"));
    let json = format!(r#"{{"password":{}"hunter2"{},"a":1}}"#, "[".repeat(deep), "]".repeat(deep));
    assert_eq!(masked_request(&json), r#"{"password":"***","a":1}"#);
}

#[test]
fn half_a_surrogate_pair_is_a_secret() {
    assert_eq!(masked_request(r#"{"a":"\ud800","b":1}"#), r#"{"a":"***","b":1}"#);
    assert_eq!(masked_request(r#"{"p\ud800":"x","b":1}"#), r#"{"p\ud800":"***","b":1}"#);
}

/// Numbers that look random and are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Text that nothing else has in it, with characters that JSON escapes, as JSON.
    fn secret(&mut self) -> (String, String) {
        let core = format!("{:016x}", self.next());
        let wild = ["\"", "\\", "}", "]", ",", "\n", "é", "{\"execute\":\"stop\"}"];
        let wild = wild[self.next() as usize % wild.len()];
        (core.clone(), Value::from(format!("{wild}{core}{wild}")).to_string())
    }

    /// A value with this JSON somewhere in it.
    fn wrapped(&mut self, json: &str) -> String {
        match self.next() % 5 {
            0 => format!(r#"[1, {json}]"#),
            1 => format!(r#"{{"a": [], "data": {json} }}"#),
            2 => format!(r#"{{"x": {{"y": {json}}}, "z": "shown"}}"#),
            _ => json.to_owned(),
        }
    }

    /// Object text with these members in any order, among others, perhaps under a repeated name, and perhaps escaped.
    fn object(&mut self, members: &[(&str, &str)]) -> String {
        let mut texts = vec![r#""marker": "shown""#.to_owned(), r#""n" : -1.50e+3"#.to_owned()];
        for (name, json) in members {
            let name = if self.next() % 3 == 0 { escaped(name) } else { (*name).to_owned() };
            let text = format!("\"{name}\":{json}");
            if self.next() % 4 == 0 && !name.contains("execute") {
                texts.push(format!("\"{name}\" : \"\""));
            }
            texts.insert(self.next() as usize % (texts.len() + 1), text);
        }
        format!("{{{}}}", texts.join(if self.next() % 2 == 0 { "," } else { " , " }))
    }
}

#[test]
fn no_entry_of_the_table_lets_its_secret_out() {
    let mut random = Random(0x5eed);
    let names = NAMES.iter().chain(PARTS).map(|name| ("some-command", *name));
    let arguments = COMMANDS.iter().flat_map(|row| row.arguments.iter().map(|name| (row.command, *name)));
    for (command, name) in names.chain(arguments) {
        for _ in 0..100 {
            let (core, secret) = random.secret();
            let value = random.wrapped(&secret);
            let inner = random.object(&[(name, &value)]);
            let arguments = random.wrapped(&inner);
            let command = Value::from(command).to_string();
            let json = random.object(&[("execute", &command), ("arguments", &arguments), ("id", "7")]);
            let (masked, reply) = masked(&json).unwrap();
            assert!(!masked.contains(&core), "{json} became {masked}");
            assert!(masked.contains(r#""marker": "shown""#), "{json} became {masked}");
            assert!(serde_json::from_str::<Value>(&masked).is_ok(), "{json} became {masked}");
            assert_ne!(reply, Extent::Nothing, "{json}");

            let failed = format!(r#"{{"error": {{"class": "GenericError", "desc": {secret}}}}}"#);
            assert!(!masked_reply(&failed, reply).contains(&core));
            let returned = format!(r#"{{"return": {value}, "id": 7}}"#);
            assert!(!masked_reply(&returned, Extent::All).contains(&core));
        }
    }
    for row in COMMANDS.iter().filter(|row| row.reply == Extent::All) {
        let json = json!({"execute": row.command}).to_string();
        assert_eq!(masked(&json).unwrap().1, Extent::All, "{}", row.command);
    }
}
