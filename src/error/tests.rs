use super::*;
use serde::de::Error as _;
use std::error::Error as _;

fn misfit(message: &str) -> Error {
    Error::misfit(Subject::Reply, "query-block", "[]", serde_json::Error::custom(message))
}

#[test]
fn path_is_split_off() {
    let error = misfit(".inserted.file[3].name: invalid type: null, expected a string");
    let error = error.decode_error().unwrap();
    assert_eq!(error.path(), ".inserted.file[3].name");
    assert_eq!(error.expectation(), "invalid type: null, expected a string");
    let shown = "reply to query-block at .inserted.file[3].name: invalid type: null, expected a string";
    assert_eq!(error.to_string(), shown);
}

#[test]
fn outermost_value_has_no_path() {
    let error = misfit("invalid type: null, expected a string");
    let error = error.decode_error().unwrap();
    assert_eq!((error.path(), error.expectation()), ("", "invalid type: null, expected a string"));
}

#[test]
fn position_is_left_out() {
    let source = serde_json::from_str::<String>("12").unwrap_err();
    let error = Error::misfit(Subject::Event, "STOP", "12", source);
    let error = error.decode_error().unwrap();
    assert_eq!(error.expectation(), "invalid type: integer `12`, expected a string");
    assert_eq!((error.name(), error.text()), ("STOP", "12"));
}

#[test]
fn operating_system_errors_stay_as_they_are() {
    let source = io::Error::from_raw_os_error(2);
    let error = Error::from(Repr::Connect { address: "/run/vm.qmp".into(), source });
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.io_error().and_then(io::Error::raw_os_error), Some(2));
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.and_then(io::Error::raw_os_error), Some(2));
}

#[test]
fn second_client_is_told_why() {
    let error = Error::timeout(Phase::Greeting, Duration::from_secs(10));
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
