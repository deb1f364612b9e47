use super::*;
use crate::address::Address;
use crate::label::Label;
use crate::secrets::Secrets;
use serde::de::Error as _;
use std::error::Error as _;
use std::time::Duration;

fn decode_error(message: &str) -> Error {
    Error::decode(Subject::Reply, "query-block", Secrets::NONE, "[]", serde_json::Error::custom(message))
}

fn label() -> Label {
    Label { address: Some("/run/vm.qmp".into()), ..Label::default() }
}

#[test]
fn path_is_split_off() {
    let error = decode_error(".inserted.file[3].name: invalid type: null, expected a string");
    let error = error.decode_error().unwrap();
    assert_eq!(error.path(), ".inserted.file[3].name");
    assert_eq!(error.expectation(), "invalid type: null, expected a string");
    let shown = "reply to query-block at .inserted.file[3].name: invalid type: null, expected a string";
    assert_eq!(error.to_string(), shown);
}

#[test]
fn outermost_value_has_no_path() {
    let error = decode_error("invalid type: null, expected a string");
    let error = error.decode_error().unwrap();
    assert_eq!((error.path(), error.expectation()), ("", "invalid type: null, expected a string"));
}

#[test]
fn position_is_left_out() {
    let cause = serde_json::from_str::<String>("12").unwrap_err();
    let error = Error::decode(Subject::Event, "STOP", Secrets::NONE, "12", cause);
    let error = error.decode_error().unwrap();
    assert_eq!(error.expectation(), "invalid type: integer `12`, expected a string");
    assert_eq!((error.name(), error.text()), ("STOP", "12"));
}

#[test]
fn operating_system_errors_stay_as_they_are() {
    let error = Error::connect(&Address::from("/run/vm.qmp"), io::Error::from_raw_os_error(2));
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.io_error().and_then(io::Error::raw_os_error), Some(2));
}

/// One error of each representation, and its text.
fn all() -> Vec<(Error, &'static str)> {
    let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
    let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
    let second = Duration::from_secs(1);
    let line = || MalformedLine::new(Malformed::NotQmp, b"{}");
    let refused = || ServerError::new("GenericError", "no");
    let timeout = |phase, what| Error::timeout(&label(), phase, what, second);
    let named = Label { name: Some("vm1".into()), ..label() };
    let address = Address::from("/run/vm.qmp");
    let json = serde_json::from_str::<()>("x").unwrap_err();
    vec![
        (Error::connect(&address, denied()), "cannot connect to /run/vm.qmp: permission denied"),
        (
            Error::connect(&Address::from("127.0.0.1:4444"), denied()),
            "cannot connect to unix:127.0.0.1:4444: permission denied; this was taken for the path of a Unix socket, and looks \
             like HOST:PORT: use `connect_tcp`, or parse it as an `Address`",
        ),
        (
            Error::connect(&Address::from("unix:/run/vm.qmp"), denied()),
            "cannot connect to unix:unix:/run/vm.qmp: permission denied; this was taken for the path of a Unix socket: parse it \
             as an `Address`",
        ),
        (Error::listen(&address, denied()), "cannot listen on /run/vm.qmp: permission denied"),
        (
            Error::disconnected(&label(), Some((IoOperation::Read, denied())), true),
            "/run/vm.qmp: cannot read from the connection: permission denied",
        ),
        (
            Error::disconnected(&named, Some((IoOperation::Write, reset())), true),
            "vm1 (/run/vm.qmp): the peer closed the connection: connection reset",
        ),
        (Error::disconnected(&Label::default(), None, true), "the peer closed the connection"),
        (Error::disconnected(&label(), None, false), "/run/vm.qmp: the peer closed the connection instead of greeting"),
        (Repr::NotConnected.into(), "not connected"),
        (timeout(Phase::Connect, None), "/run/vm.qmp: no connection within 1s"),
        (timeout(Phase::Call, Some("query-status")), "/run/vm.qmp: no reply to query-status within 1s"),
        (timeout(Phase::Call, None), "/run/vm.qmp: no reply to a command within 1s"),
        (timeout(Phase::Event, Some("STOP")), "/run/vm.qmp: no event STOP within 1s"),
        (timeout(Phase::Event, None), "/run/vm.qmp: no event that is waited for within 1s"),
        (
            timeout(Phase::Greeting, None),
            "/run/vm.qmp: no greeting within 1s; a monitor serves one client at a time, so another one may hold it",
        ),
        (
            Error::wrong_greeting(&label(), line()),
            "/run/vm.qmp: not a QMP greeting: line is not a QMP message, or not one expected here (2 bytes): \"{}\"",
        ),
        (
            Repr::Negotiation { peer: label().shown(), command: "qmp_capabilities", cause: refused() }.into(),
            "/run/vm.qmp: the server refused qmp_capabilities: no (GenericError)",
        ),
        (Error::server("stop", Secrets::NONE, refused()), "stop: no (GenericError)"),
        (decode_error(".a: bad"), "reply to query-block at .a: bad"),
        (Error::encode("stop", json), "cannot encode stop: expected value at line 1 column 1"),
        (line().into(), "line is not a QMP message, or not one expected here (2 bytes): \"{}\""),
        (Repr::OobUnavailable.into(), "out-of-band execution was not negotiated"),
        (Repr::Missed { count: 3 }.into(), "missed 3 events, which came faster than they were taken"),
        (
            Repr::FdsUnavailable { reason: "they cannot be copied", cause: Some(denied()) }.into(),
            "cannot pass file descriptors: they cannot be copied: permission denied",
        ),
        (
            Repr::GaveUp { after: second, cause: Error::connect(&address, denied()) }.into(),
            "gave up after 1s: cannot connect to /run/vm.qmp: permission denied",
        ),
    ]
}

#[test]
fn the_text_tells_all_and_nothing_follows_it() {
    for (error, text) in all() {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none(), "{text}");
    }
}

#[test]
fn errors_that_end_a_connection_are_told_apart() {
    let ends = |error: &Error| error.is_disconnected();
    let lasting = all().into_iter().filter(|(error, _)| !ends(error)).map(|(error, _)| error.kind());
    let expected = [
        ErrorKind::Timeout(Phase::Call),
        ErrorKind::Timeout(Phase::Call),
        ErrorKind::Timeout(Phase::Event),
        ErrorKind::Timeout(Phase::Event),
        ErrorKind::Server,
        ErrorKind::Decode,
        ErrorKind::Encode,
        ErrorKind::Malformed(Malformed::NotQmp),
        ErrorKind::OobUnavailable,
        ErrorKind::Missed,
        ErrorKind::FdsUnavailable,
    ];
    assert!(lasting.eq(expected));
    assert!(Error::from(MalformedLine::new(Malformed::HalfLine, b"{")).is_disconnected());
}

#[test]
fn second_client_is_told_why() {
    let error = Error::timeout(&label(), Phase::Greeting, None, Duration::from_secs(10));
    assert!(error.is_timeout() && error.is_greeting() && !error.is_closed());
    assert!(error.to_string().contains("one client at a time"));
}

#[test]
fn classes_survive() {
    for name in ["GenericError", "CommandNotFound", "DeviceNotActive", "DeviceNotFound", "KVMMissingCap", "NewInQemu12"]
    {
        assert_eq!(ErrorClass::from(name).as_str(), name);
    }
    assert_eq!(ErrorClass::from("NewInQemu12"), ErrorClass::Unrecognized("NewInQemu12".into()));
}
