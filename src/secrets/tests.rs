use super::*;

#[test]
fn names_of_rust_and_of_the_schema_are_the_same() {
    assert!(is_same_name("human-monitor-command", "HumanMonitorCommand") && is_same_name("device_add", "DeviceAdd"));
    assert!(!is_same_name("object-add", "ObjectDel"));
    let data = r#"{"id":"s0","data":"***"}"#;
    for of in ["object-add", "ObjectAdd", "ObjectOptions", "ObjectOptionsBranch"] {
        assert_eq!(members(of, &[], r#"{"id":"s0","data":"hunter2"}"#), data, "{of}");
    }
    assert_eq!(members("Lamp", &["code"], r#"{"code":[1],"data":2}"#), r#"{"code":"***","data":2}"#);
}

#[test]
fn what_a_server_refuses_shows_no_secret() {
    let cases = [
        ("object-add", "Base64 data 'hunter2' is not valid", "Base64 data '***' is not valid"),
        ("object-add", "'hun'ter2' and 'x'", "'***'"),
        ("qom-set", "no \"hunter2\", `hunter2`", "no \"***\", `***`"),
        ("set_password", "hunter2 is no good password", "***"),
        ("blockdev-add", "cannot open https://me:hunter2@host/x: gone", "cannot open ***: gone"),
        ("blockdev-add", "cannot open 'https://me:hunter2@host/x'", "cannot open '***'"),
        ("blockdev-add", "no driver=x,password=hunt er2", "no ***"),
        ("device_del", "Device 'net1' not found", "Device 'net1' not found"),
        ("object-add", "can't do that, user's choice", "can't do that, user's choice"),
        ("object-add", "it's 'hunter2", "it's '***"),
    ];
    for (command, words, shown) in cases {
        assert_eq!(refusal(command, Secrets::NONE, words), shown);
    }
    assert_eq!(refusal("join", Secrets::of(&["code"]), "no 'x'"), "no '***'");
    assert_eq!(refusal("join", Secrets::NONE.and_reply(), "no 'x'"), "no '***'");
}

#[test]
fn expectations_show_no_secret() {
    let words = r#"invalid type: string "hunter2", expected i64"#;
    let masked = r#"invalid type: string "***", expected i64"#;
    assert_eq!(expectation(".a[1].password", false, words), masked);
    assert_eq!(expectation(".password.a[1]", false, words), masked);
    assert_eq!(expectation("", true, words), masked);
    assert_eq!(expectation(".a[1]", false, words), words);
}

#[test]
fn a_glimpse_ends_where_a_secret_may_begin() {
    let cases = [
        ("QEMU 7.2 monitor - type 'help'", "QEMU 7.2 monitor - type 'help'"),
        (r#"{"return": {"password": "hunter2"#, r#"{"return": "***""#),
        (r#"{"return": "hunter2"}"#, r#"{"return": "***"}"#),
        (r#"{"error": {"class": "GenericError", "desc": "hunter2"}}"#, r#"{"error": "***"}"#),
        (r#"{"event": "X", "secret": "hunter2", "n": 1}"#, r#"{"event": "X", "secret": "***", "n": 1}"#),
        ("{'password': 'hunter2'}", "{'password***"),
        ("change vnc password hunter2", "change vnc password***"),
        ("set_password vnc hunter2", "set_password***"),
        ("open https://me:hunter2@host", "open ***"),
        ("password", "password"),
        ("", ""),
    ];
    for (line, shown) in cases {
        assert_eq!(glimpse(line), shown);
    }
}

#[test]
fn nothing_that_a_server_can_send_panics() {
    let text = "{\"päss\u{e9}word\" :'h\u{1f600}`\"\\u00'://@ key=x exec:\\";
    for start in 0..text.len() {
        for end in start..=text.len() {
            if let Some(piece) = text.get(start..end) {
                glimpse(piece);
                sentence(piece, true);
                sentence(piece, false);
                members(piece, &[], piece);
            }
        }
    }
}
