//! What other clients send: the stand-in answers each line as QEMU does, and survives all of them.

use qemu_qmp::fake::Fake;
use qemu_qmp::{Monitor, Peer};
use serde_json::{json, Value};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use support::programs::Folder;
use support::qemu::Qemu;
use support::PATIENCE;

/// A connection on which bytes are sent as they are.
pub struct Raw<K = Folder> {
    reader: BufReader<UnixStream>,
    /// What is to be there as long: the server, or where the stand-in listens.
    _server: K,
}

pub fn connect<P: Peer>(fake: &Fake<P>) -> Raw {
    let folder = Folder::new();
    fake.listen_unix(folder.socket()).unwrap();
    Raw::new(&folder.socket(), folder)
}

impl<K> Raw<K> {
    pub fn new(socket: &std::path::Path, server: K) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Raw { reader: BufReader::new(stream), _server: server }
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    pub fn send(&mut self, line: &str) {
        self.bytes(format!("{line}\n").as_bytes());
    }

    /// The next line, without its end, which is that of QEMU.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?}")).to_owned()
    }

    /// An event's name, or what else the next line is.
    pub fn kind(&mut self) -> String {
        let line: Value = self.line().parse().unwrap();
        let event = line.get("event").and_then(Value::as_str).map(str::to_owned);
        event
            .unwrap_or_else(|| ["QMP", "return", "error"].into_iter().find(|it| line.get(it).is_some()).unwrap().into())
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line()
    }

    /// All that comes until the end.
    fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
        rest
    }
}

/// The lines are those of QEMU 11.1.
#[test]
fn lines_are_answered_word_for_word() {
    let fake = Fake::new();
    fake.package("a build");
    let mut raw = connect(&fake);
    let greeting = r#"{"QMP": {"version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": "a build"}, "capabilities": ["oob"]}}"#;
    let same = |one: &str, other: &str| one.parse::<Value>().unwrap() == other.parse::<Value>().unwrap();
    let line = raw.line();
    assert!(same(&line, greeting) && line.len() == greeting.len(), "{line}");
    for (sent, answer) in [
        (
            r#"{"execute":"query-status","id":1}"#,
            r#"{"id": 1, "error": {"class": "CommandNotFound", "desc": "Expecting capabilities negotiation with 'qmp_capabilities'"}}"#,
        ),
        (
            r#"{"execute":"qmp_capabilities","arguments":{"enable":["telepathy"]},"id":2}"#,
            r#"{"id": 2, "error": {"class": "GenericError", "desc": "Parameter 'null' does not accept value 'telepathy'"}}"#,
        ),
        (
            r#"{"execute":"qmp_capabilities","arguments":{"enable":"oob"}}"#,
            r#"{"error": {"class": "GenericError", "desc": "Invalid parameter type for 'enable', expected: array"}}"#,
        ),
        (r#"{"execute":"qmp_capabilities","arguments":{"enable":[]},"id":3}"#, r#"{"return": {}, "id": 3}"#),
        (
            r#"{"execute":"qmp_capabilities"}"#,
            r#"{"error": {"class": "CommandNotFound", "desc": "Capabilities negotiation is already complete, command ignored"}}"#,
        ),
        (
            r#"{"exec-oob":"query-status","id":4}"#,
            r#"{"id": 4, "error": {"class": "GenericError", "desc": "QMP input member 'exec-oob' is unexpected"}}"#,
        ),
        (
            r#"{"execute":"nonsense","id":{"a":[1]}}"#,
            r#"{"id": {"a": [1]}, "error": {"class": "CommandNotFound", "desc": "The command nonsense has not been found"}}"#,
        ),
        ("[1]", r#"{"error": {"class": "GenericError", "desc": "QMP input must be a JSON object"}}"#),
        ("{\"execute\":\"query-name\",\n \"id\":1.50}", r#"{"return": {}, "id": 1.5}"#),
        (r#"{"execute":"query-name","id":"\u00e9é😀"}"#, r#"{"return": {}, "id": "\u00E9\u00E9\uD83D\uDE00"}"#),
        (r#"{"execute":"query-name","id":null}"#, r#"{"return": {}, "id": null}"#),
        (r#"{"execute":"query-name","id":""}"#, r#"{"return": {}, "id": ""}"#),
    ] {
        assert_eq!(raw.ask(sent), answer);
    }
    assert_eq!(raw.ask(r#"{"execute":"query-name"}{"execute":"query-name","id":1}"#), r#"{"return": {}}"#);
    assert_eq!(raw.line(), r#"{"return": {}, "id": 1}"#);
}

/// What is said of each line that is no command, and of a wish to begin anew.
fn complaints<K>(mut raw: Raw<K>) -> Vec<String> {
    let lines: [&[u8]; 26] = [
        b"{\"execute\": nonsense}",
        b"x",
        b"]",
        b"{]",
        b"{\"a\" 1}",
        b"{\"a\": 1,}",
        b"[1,]",
        b"[1 2]",
        b"{1:2}",
        b"{a:2}",
        b"{\"a\":1 \"b\":2}",
        b"{'execute': 'query-name', 'id': 'a\"b\\''}",
        b"'x'",
        b"\"\xc3(\"",
        b"[\"\\q\"]",
        b"{\"execute\":\n\n  true, 1}",
        b"[01",
        b"[-}",
        b"[1a]",
        b"&",
        b"{\"a\":1,\"a\":[1,2]}",
        b"{\"a\":1,\"a\":\"x\"}",
        b"{\"a\":{\"b\":1,\"b\":22}}",
        b"[\"\xc3\xa9\" x]",
        b"{\"execute\":\"query-name\"",
        b"{\"execute\": \"guest-pi\xff",
    ];
    raw.line();
    raw.ask(r#"{"execute":"qmp_capabilities"}"#);
    let mut said = Vec::new();
    for line in lines {
        raw.bytes(&[line, b"\n\xff\n"].concat());
        raw.send(r#"{"execute":"query-name","id":"end"}"#);
        said.extend(std::iter::repeat_with(|| raw.line()).take_while(|line| !line.contains("\"end\"")));
    }
    said
}

#[test]
fn complaints_are_those_of_qemu() {
    let Some(qemu) = Qemu::start() else { return };
    let version = qemu.connect().greeting().version;
    if (version.major, version.minor) < (11, 1) {
        return eprintln!("\n*** SKIPPED: QEMU {version} says it in other words ***\n");
    }
    let real = complaints(Raw::new(&qemu.socket(), ()));
    assert_eq!(complaints(connect(&Fake::new())), real);
}

#[test]
fn out_of_band_is_agreed_on_only_where_it_is_offered() {
    let fake = Fake::new();
    fake.without_oob();
    let mut raw = connect(&fake);
    assert!(raw.line().ends_with(r#""capabilities": []}}"#));
    let refused = raw.ask(r#"{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}"#);
    assert!(refused.contains("Capability oob not available"), "{refused}");
    assert_eq!(raw.ask(r#"{"execute": "qmp_capabilities"}"#), r#"{"return": {}}"#);
}

#[test]
fn events_are_for_those_who_have_negotiated() {
    let fake = Fake::new();
    let mut raw = connect(&fake);
    raw.line();
    fake.emit_json("EARLY", &json!({}));
    assert_eq!(raw.ask(r#"{"execute": "qmp_capabilities"}"#), r#"{"return": {}}"#);
    fake.emit_json("LATER", &json!({"a": 1}));
    assert_eq!(raw.kind(), "LATER");
}

#[test]
fn out_of_band_is_for_those_commands_that_allow_it() {
    let fake = Fake::new();
    let mut raw = connect(&fake);
    raw.line();
    raw.ask(r#"{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}"#);
    for (sent, desc) in [
        (r#"{"exec-oob":"query-name"}"#, "The command query-name does not support OOB"),
        (r#"{"exec-oob":"nonsense"}"#, "The command nonsense has not been found"),
        (r#"{"exec-oob":"stop","execute":"stop"}"#, "QMP input member 'execute' clashes with 'exec-oob'"),
    ] {
        assert_eq!(raw.ask(sent).parse::<Value>().unwrap()["error"]["desc"], desc);
    }
}

#[test]
fn nothing_that_is_sent_does_harm() {
    let fake = Fake::new();
    let deep = "[".repeat(100_000);
    let long = format!("{{\"execute\":\"{}\"}}", "x".repeat(1 << 20));
    let odd = [
        b"\0\0\0\n" as &[u8],
        b"\xff\xff\xff",
        b"\xc3\x28\n",
        b"{\"execute\":\"query-name\",\"id\":\"\\ud800\"}\n",
        b"{\"execute\":\"query-name\",\"id\":1e999}\n",
        b"{\"execute\":\"\"}\n",
        b"{\"execute\":\"query-name\",\"arguments\":{\"\":0}}\n",
        b"}{\n",
        b"'\n",
        b"\n\r\n \n",
        b"[]\n",
        b"\"\n",
        deep.as_bytes(),
        b"\n",
        long.as_bytes(),
    ];
    for negotiated in [false, true] {
        for bytes in odd {
            let mut raw = connect(&fake);
            if negotiated {
                raw.send(r#"{"execute":"qmp_capabilities"}"#);
            }
            raw.bytes(bytes);
            // It still knows what it is.
            raw.bytes(b"\n\xff\n");
            raw.send(r#"{"execute":"qmp_capabilities","id":"end"}"#);
            while raw.line().parse::<Value>().unwrap().get("id") != Some(&json!("end")) {}
        }
    }
    fake.client().unwrap();
}

#[test]
fn agents_begin_otherwise() {
    let fake = Fake::<qemu_qmp::GuestAgent>::of_peer();
    let mut raw = connect(&fake);
    raw.bytes(b"\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":3},\"id\":7}\n");
    raw.bytes(b"{\"execute\":\"guest-sync\"}\n{\"exec-oob\":\"guest-ping\"}\n{\"execute\":\"guest-pi\xff");
    raw.send(r#"{"execute":"qmp_capabilities"}"#);
    raw.reader.get_mut().shutdown(std::net::Shutdown::Write).unwrap();
    let error = |desc: &str| format!("{{\"error\": {{\"class\": \"GenericError\", \"desc\": \"{desc}\"}}}}\n");
    let expected = [
        error(r"1:1: JSON parse error, stray '\uFFFD'").as_bytes(),
        b"\xff{\"return\": 3, \"id\": 7}\n",
        error("Parameter 'id' is missing").as_bytes(),
        error("QMP input member 'exec-oob' is unexpected").as_bytes(),
        error(r#"4:12: JSON parse error, stray '\"guest-pi\uFFFD'"#).as_bytes(),
        b"{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command qmp_capabilities has not been found\"}}\n",
    ]
    .concat();
    assert_eq!(String::from_utf8_lossy(&raw.rest()), String::from_utf8_lossy(&expected));
}

/// The stand-in's own monitor.
#[test]
fn peers_differ_in_their_commands() {
    let fake = Fake::<qemu_qmp::StorageDaemon>::of_peer();
    let mut raw = connect(&fake);
    raw.line();
    raw.ask(r#"{"execute":"qmp_capabilities"}"#);
    assert!(raw.ask(r#"{"execute":"query-name"}"#).contains("has not been found"));
    let monitor = Fake::<Monitor>::of_peer();
    assert!(monitor.client().unwrap().cmd("query-name", None, None).unwrap().error().is_none());
}
