//! Structs: members absent, missing, unknown, repeated; null; paths; objects that take any member.

use super::types::{Device, Disk};
use super::{again, assert_refused, refused};
use crate::wire::{self, decode, to_any, Any, Empty, JsonError, Object, Output, Segment, Text};
use serde_json::json;

#[test]
fn order_of_members_does_not_matter() {
    let one: Disk = decode(r#"{"file": "f", "parts": [], "size": 1}"#).unwrap();
    let other: Disk = decode(r#"{"size": 1, "parts": [], "file": "f"}"#).unwrap();
    assert_eq!(one, other);
    assert_eq!((one.file.as_str(), one.size), ("f", Some(1)));
}

#[test]
fn absent_members_stay_absent_and_empty_ones_empty() {
    assert_eq!(again::<Disk>(r#"{"parts":[],"file":""}"#), r#"{"file":"","parts":[]}"#);
    let text = r#"{"file":"f","ratios":[],"tones":[],"parts":[],"any":{}}"#;
    assert_eq!(again::<Disk>(text), text);
}

#[test]
fn null_is_not_absence() {
    assert_refused::<Disk>(r#"{"file": "f", "parts": [], "size": null}"#, ".size", "invalid type: null, expected u64");
    assert_eq!(refused::<Disk>(r#"{"file": null, "parts": []}"#).0, ".file");
    assert_eq!(refused::<Disk>(r#"{"file": "f", "parts": null}"#).0, ".parts");
    let text = r#"{"file":"f","backing":null,"parts":[],"any":null}"#;
    assert_eq!(again::<Disk>(text), text);
    assert_eq!(decode::<Disk>(text).unwrap().any, Some(Any::Null));
}

#[test]
fn mandatory_members_are_missed() {
    assert_refused::<Disk>("{}", "", "missing member `file`");
    assert_refused::<Disk>(r#"{"file": "f"}"#, "", "missing member `parts`");
    assert_refused::<Disk>(r#"{"size": 1, "parts": []}"#, "", "missing member `file`");
    let inside = r#"{"file": "f", "parts": [{"file": "a", "parts": []}, {"file": "b"}]}"#;
    assert_refused::<Disk>(inside, ".parts[1]", "missing member `parts`");
}

#[test]
fn unknown_members_are_ignored() {
    let text = r#"{"": 1, "file": "f", "filé": {"file": [null]}, "parts": [], "parts ": null}"#;
    assert_eq!(again::<Disk>(text), r#"{"file":"f","parts":[]}"#);
    assert_eq!(again::<Empty>(r#"{"later": {"x": []}}"#), "{}");
}

#[test]
fn repeated_members_are_refused() {
    assert_refused::<Disk>(r#"{"file": "f", "parts": [], "file": "g"}"#, ".file", "comes twice");
    // Names are compared as they are meant, not as they are written.
    assert_refused::<Disk>(r#"{"file": "f", "\u0066ile": "g", "parts": []}"#, ".file", "comes twice");
}

#[test]
fn paths_lead_to_what_is_wrong() {
    let part = |inner: &str| format!(r#"{{"file": "f", "parts": [{{"file": "g", "parts": [], {inner}}}]}}"#);
    assert_eq!(refused::<Disk>(&part(r#""tones": ["low", 3]"#)).0, ".parts[0].tones[1]");
    assert_eq!(refused::<Disk>(&part(r#""ratios": [0, 1.5, "x"]"#)).0, ".parts[0].ratios[2]");
    assert_eq!(refused::<Disk>(&part(r#""backing": {"file": "h", "parts": [1]}"#)).0, ".parts[0].backing.parts[0]");
    assert_eq!(refused::<Disk>(r#"{"file": "f", "parts": [[]]}"#).0, ".parts[0]");
    assert_refused::<Disk>("[]", "", "invalid type: sequence, expected an object");
    assert_refused::<Disk>("7", "", "invalid type: integer `7`, expected an object");
    assert_refused::<Disk>(r#"{"file": true}"#, ".file", "invalid type: boolean `true`, expected a string");
}

#[test]
fn steps_of_a_path_are_put_in_front() {
    let error = |message: &str| <serde_json::Error as serde::de::Error>::custom(message);
    let wrapped = Segment::Member("a").wrap(Segment::Index(3).wrap(error("no: way")));
    assert_eq!(wrapped.to_string(), ".a[3]: no: way");
    assert_eq!(super::split_path(".a[3]: no: way"), (".a[3]", "no: way"));
    assert_eq!(super::split_path("no: way"), ("", "no: way"));
    assert_eq!(super::split_path("nothing"), ("", "nothing"));
}

#[test]
fn broken_text_is_an_error() {
    for text in ["", "{", r#"{"file": "f", "parts": []"#, r#"{"file": "f", "parts": []} x"#, r#"{"file": "f" "parts"}"#]
    {
        assert!(decode::<Disk>(text).is_err(), "{text}");
    }
    let deep = format!("{}{}", r#"{"file":"f","parts":["#.repeat(1000), "]}".repeat(1000));
    assert!(refused::<Disk>(&deep).1.contains("recursion limit"), "nesting has to be bounded");
}

#[test]
fn extensible_objects_keep_everything() {
    let text = r#"{"driver":"virtio","a":null,"b":18446744073709551615,"c":{"d":[0.1]},"driver2":""}"#;
    assert_eq!(again::<Device>(text), text);
    let device: Device = decode(r#"{"z": true, "driver": "d"}"#).unwrap();
    assert_eq!((device.driver.as_str(), &device.extra["z"]), ("d", &json!(true)));
    assert_eq!(to_any(&device), json!({"driver": "d", "z": true}));
    assert_refused::<Device>(r#"{"z": true}"#, "", "missing member `driver`");
    assert_refused::<Device>(r#"{"driver": "d", "driver": "e"}"#, ".driver", "comes twice");
    assert_eq!(refused::<Device>(r#"{"driver": "d", "wrong": "\ud83d"}"#).0, ".wrong");
}

/// A program's own words: refuses what it does not know, inside the types that servers send as well.
#[derive(Clone)]
pub struct Order {
    disk: Disk,
}

impl Object for Order {
    const MEMBERS: &'static [&'static str] = &["disk"];
    const REQUIRED: usize = 1;
    const STRICT: bool = true;
    fn blank() -> Self {
        Self { disk: Disk::blank() }
    }
    fn set(&mut self, _: usize, text: &mut Text<'_>) -> Result<(), JsonError> {
        text.put(&mut self.disk)
    }
    fn write<O: Output>(&self, out: &mut O) {
        out.member("disk", &self.disk);
    }
}
wire::object!(Order);

#[test]
fn strict_objects_refuse_unknown_members() {
    let disk = r#"{"file": "f", "parts": []}"#;
    assert_eq!(again::<Order>(&format!(r#"{{"disk": {disk}}}"#)), r#"{"disk":{"file":"f","parts":[]}}"#);
    let more = |inner: &str| format!(r#"{{"disk": {{"file": "f", "parts": [{inner}]}}}}"#);
    assert_refused::<Order>(
        &format!(r#"{{"disk": {disk}, "diks": 1}}"#),
        ".diks",
        "unknown member; did you mean `disk`?",
    );
    let inside = r#"{"file": "g", "parts": [], "sizes": 1}"#;
    assert_refused::<Order>(&more(inside), ".disk.parts[0].sizes", "unknown member; did you mean `size`?");
    let far = r#"{"file": "g", "parts": [], "": 1}"#;
    let known = "known are `file`, `parts`, `size`, `ratio`, `ratios`, `tones`, `backing`, `any`";
    assert_refused::<Order>(&more(far), ".disk.parts[0].", &format!("unknown member; {known}"));
    // The type by itself is a server's too, and so is one that is decoded after an error.
    assert_eq!(again::<Disk>(r#"{"file": "f", "parts": [], "sizes": 1}"#), r#"{"file":"f","parts":[]}"#);
}

#[test]
fn commands_that_others_wrote_may_have_unknown_members() {
    let text = r#"{"disk": {"file": "f", "parts": [], "sizes": 1}, "later": {"disk": {}}}"#;
    let order = wire::tolerating_unknown(|| decode::<Order>(text)).unwrap();
    assert_eq!(to_any(&order), json!({"disk": {"file": "f", "parts": []}}));
    assert_refused::<Order>(text, ".disk.sizes", "unknown member; did you mean `size`?");
}

#[test]
fn no_member_is_written_twice() {
    let mut device: Device = decode(r#"{"driver": "d", "bus": 1}"#).unwrap();
    device.extra.insert("driver".to_owned(), json!("e"));
    let error = serde_json::to_string(&device).unwrap_err().to_string();
    assert_eq!(error, ".driver: set twice, as a member and by its name");
    assert_eq!(format!("{device:?}"), r#"Device {"driver":"d","bus":1,"driver":"e"}"#);
    let mut other = device.clone();
    assert_eq!(other, device);
    other.extra.insert("driver".to_owned(), json!("f"));
    assert_ne!(other, device);
}
