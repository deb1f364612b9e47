//! Unions: the tag first, last, unknown, empty or absent, and two tags in one object.

use super::types::{InnerBranch, Late, LateBranch, LaterBranch, Outer, OuterBranch};
use super::{again, assert_refused, refused};
use crate::wire::{decode, Branch, UnrecognizedBranch};
use serde_json::{json, Value};

/// Every order of the members gives the same value, which encodes to what came.
fn in_every_order(text: &str) -> Outer {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else { panic!("{text}") };
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    let first: Outer = decode(text).unwrap();
    permute(&members, &mut Vec::new(), &mut |order| {
        let text = format!("{{{}}}", order.join(","));
        let value: Outer = decode(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value, first, "{text}");
    });
    let again: Value = serde_json::from_str(&again::<Outer>(text)).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(text).unwrap());
    first
}

fn permute(rest: &[String], chosen: &mut Vec<String>, visit: &mut impl FnMut(&[String])) {
    if rest.is_empty() {
        visit(chosen);
    }
    for index in 0..rest.len() {
        let mut rest = rest.to_vec();
        chosen.push(rest.remove(index));
        permute(&rest, chosen, visit);
        chosen.pop();
    }
}

#[test]
fn the_tag_may_come_anywhere() {
    let text =
        r#"{"driver": "disk", "driver-id": "a", "file": "f", "parts": [], "size": 18446744073709551615, "ratio": 0.1}"#;
    let value = in_every_order(text);
    let OuterBranch::Disk(disk) = &value.branch else { panic!("{value:?}") };
    assert_eq!((disk.file.as_str(), disk.size, disk.ratio), ("f", Some(u64::MAX), Some(0.1)));
    let value = in_every_order(r#"{"driver": "none", "driver-id": "a", "driver-note": ""}"#);
    assert_eq!((value.branch.tag(), value.note.as_deref()), ("none", Some("")));
}

#[test]
fn two_tags_in_one_object() {
    let text = r#"{"driver": "net", "driver-id": "a", "transport": "tcp", "transport-id": "b", "host": "h", "x": [1]}"#;
    let value = in_every_order(text);
    let OuterBranch::Net(net) = &value.branch else { panic!("{value:?}") };
    assert!(matches!(&net.branch, InnerBranch::Tcp(tcp) if tcp.host == "h" && tcp.extra.len() == 1));
    in_every_order(r#"{"driver": "net", "driver-id": "a", "transport": "local", "transport-id": "b"}"#);
}

#[test]
fn unrecognized_branches_keep_their_members() {
    let value = in_every_order(r#"{"driver": "warp", "driver-id": "a", "file": null, "speed": 18446744073709551615}"#);
    assert!(matches!(value.branch, OuterBranch::Unrecognized(_)));
    let OuterBranch::Unrecognized(branch) = &value.branch else { panic!("{value:?}") };
    assert_eq!((&*branch.tag, branch.members.len()), ("warp", 2));
    let value =
        in_every_order(r#"{"driver": "net", "driver-id": "a", "transport": "quic", "transport-id": "", "q": {}}"#);
    assert!(
        matches!(&value.branch, OuterBranch::Net(net) if matches!(net.branch, InnerBranch::Unrecognized(_)) && net.id.is_empty())
    );
    in_every_order(r#"{"driver": "", "driver-id": "a", "\u00e9": 1}"#);
}

#[test]
fn extra_members_of_known_branches_are_ignored() {
    for text in [
        r#"{"extra": 1, "driver": "none", "driver-id": "a"}"#,
        r#"{"driver": "none", "driver-id": "a", "extra": {"driver": "disk"}}"#,
        r#"{"file": "f", "driver-id": "a", "driver": "none"}"#,
    ] {
        assert_eq!(again::<Outer>(text), r#"{"driver":"none","driver-id":"a"}"#);
    }
}

#[test]
fn tags_and_members_are_missed() {
    assert_refused::<Outer>(r#"{"driver-id": "a", "file": "f", "parts": []}"#, "", "missing member `driver`");
    assert_refused::<Outer>(r#"{"driver": "none"}"#, "", "missing member `driver-id`");
    assert_refused::<Outer>(r#"{"driver": "warp"}"#, "", "missing member `driver-id`");
    assert_refused::<Outer>(r#"{"file": "f", "driver-id": "a", "driver": "disk"}"#, "", "missing member `parts`");
    assert_refused::<Outer>(r#"{"driver-id": "a", "driver": "net"}"#, "", "missing member `transport`");
    let inner = r#"{"transport": "local", "driver-id": "a", "driver": "net"}"#;
    assert_refused::<Outer>(inner, "", "missing member `transport-id`");
    let tcp = r#"{"driver-id": "a", "transport": "tcp", "transport-id": "b", "driver": "net"}"#;
    assert_refused::<Outer>(tcp, "", "missing member `host`");
}

#[test]
fn what_is_wrong_has_a_path_before_and_after_the_tag() {
    for text in [
        r#"{"driver": "disk", "driver-id": "a", "file": "f", "parts": [{"file": 1}]}"#,
        r#"{"file": "f", "parts": [{"file": 1}], "driver-id": "a", "driver": "disk"}"#,
    ] {
        let (path, reason) = refused::<Outer>(text);
        // What serde_json calls a number depends on its features.
        assert_eq!(path, ".parts[0].file");
        assert!(reason.starts_with("invalid type: ") && reason.ends_with(", expected a string"), "{reason}");
    }
    assert_eq!(refused::<Outer>(r#"{"driver-id": "a", "driver": 5}"#).0, ".driver");
    assert_eq!(refused::<Outer>(r#"{"driver-id": "a", "driver": null}"#).0, ".driver");
    assert_eq!(refused::<Outer>(r#"{"unheard": "\ud83d", "driver-id": "a", "driver": "none"}"#).0, ".unheard");
}

#[test]
fn repeated_members_are_refused_before_and_after_the_tag() {
    assert_refused::<Outer>(r#"{"driver": "none", "driver": "none", "driver-id": ""}"#, ".driver", "comes twice");
    let late = r#"{"file": "f", "file": "g", "parts": [], "driver": "disk", "driver-id": ""}"#;
    assert_refused::<Outer>(late, ".file", "comes twice");
    let both = r#"{"file": "f", "driver": "disk", "file": "g", "parts": [], "driver-id": ""}"#;
    assert_refused::<Outer>(both, ".file", "comes twice");
}

#[test]
fn absent_tags_stand_for_what_older_releases_had() {
    let text = r#"{"type-id":"a","file":"f","parts":[]}"#;
    let value: Late = decode(text).unwrap();
    assert!(matches!(&value.branch, LateBranch::Disk(disk) if disk.file == "f"));
    assert_eq!(again::<Late>(text), text);
    assert_refused::<Late>(r#"{"type-id": "a", "file": "f"}"#, "", "missing member `parts`");
    assert_refused::<Late>("{}", "", "missing member `type-id`");
    // An extra member changes nothing, and a tag that is there is none that is absent.
    assert_eq!(again::<Late>(r#"{"z": 1, "type-id": "a", "file": "f", "parts": []}"#), text);
    for text in [r#"{"type":"disk","type-id":"a","file":"f","parts":[]}"#, r#"{"type":"","type-id":"a","x":1}"#] {
        assert_eq!(again::<Late>(text), text);
    }
    assert_eq!(again::<Late>(r#"{"type-id":"a","type":"none"}"#), r#"{"type":"none","type-id":"a"}"#);
}

#[test]
fn absent_tags_inside_a_branch() {
    let text = r#"{"type":"late","type-id":"a","kind-id":"b","file":"f","parts":[]}"#;
    let value: Late = decode(text).unwrap();
    assert!(matches!(&value.branch, LateBranch::Late(later) if matches!(&later.branch, LaterBranch::Plain(_))));
    assert_eq!(again::<Late>(text), text);
    let last = r#"{"file":"f","parts":[],"kind-id":"b","type-id":"a","type":"late"}"#;
    assert_eq!(decode::<Late>(last).unwrap(), value);
    let empty = r#"{"type":"late","type-id":"a","kind":"","kind-id":"b"}"#;
    assert_eq!(again::<Late>(empty), empty);
}

#[test]
fn a_branch_in_place_of_the_untagged_one_is_tagged() {
    let mut value: Late = decode(r#"{"type-id":"a","file":"f","parts":[]}"#).unwrap();
    value.branch = LateBranch::Unrecognized(UnrecognizedBranch::new("later"));
    assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"type":"later","type-id":"a"}"#);
    value.branch = LateBranch::None;
    assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"type":"none","type-id":"a"}"#);
}

#[test]
fn branches_are_equal_and_shown_by_tag_and_members() {
    let branch = |text: &str| decode::<Outer>(text).unwrap().branch;
    let texts = [
        r#"{"driver-id": "a", "driver": "none"}"#,
        r#"{"driver-id": "a", "driver": "disk", "file": "f", "parts": []}"#,
        r#"{"driver-id": "a", "driver": "disk", "file": "g", "parts": []}"#,
        r#"{"driver-id": "a", "driver": "tape"}"#,
        r#"{"driver-id": "a", "driver": "tape", "reels": 2}"#,
        r#"{"driver-id": "a", "driver": "wire"}"#,
    ];
    for one in texts {
        for other in texts {
            assert_eq!(branch(one) == branch(other), one == other, "{one} {other}");
        }
    }
    assert_eq!(format!("{:?}", branch(texts[0])), r#"OuterBranch "none" {}"#);
    assert_eq!(format!("{:?}", branch(texts[1])), r#"OuterBranch "disk" {"file":"f","parts":[]}"#);
    assert_eq!(format!("{:?}", branch(texts[4])), r#"OuterBranch "tape" {"reels":2}"#);
}

#[test]
fn branches_tell_their_tags() {
    let selected = |tag| {
        let mut branch = InnerBranch::Local;
        branch.select(tag);
        branch
    };
    assert_eq!((selected("local").tag(), selected("tcp").tag()), ("local", "tcp"));
    assert_eq!(selected("smoke").tag(), "smoke");
    assert!(matches!(selected("smoke"), InnerBranch::Unrecognized(_)));
}
