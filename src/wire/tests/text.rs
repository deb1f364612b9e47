//! JSON text, valid or not, is read as `serde_json` reads it.

use super::types::{Disk, Late, Outer, Reference, Tone};
use crate::wire::{decode, split_path, Any, Decode, Empty, Null};
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Decodes as both do, and returns whether they take the text.
fn both<T: Decode + DeserializeOwned + Debug>(text: &str) -> bool {
    let path = |error: serde_json::Error| split_path(&error.to_string()).0.to_owned();
    match (decode::<T>(text), serde_json::from_str::<T>(text)) {
        (Ok(one), Ok(other)) => {
            assert_eq!(format!("{one:?}"), format!("{other:?}"), "{text}");
            true
        }
        (Err(one), Err(other)) => {
            // A text that ends in the middle of an object may be given up one member earlier.
            // Serde's says also where it is inside of what is of no type here.
            if serde_json::from_str::<IgnoredAny>(text).is_ok() {
                let (one, other) = (path(one), path(other));
                assert!(other.starts_with(&one), "{text}: {one:?} {other:?}");
            }
            false
        }
        (one, other) => panic!("{text}: {one:?} is not {other:?}"),
    }
}

/// Texts that differ from one in a byte, or end before it does.
fn spoilt(text: &str) -> impl Iterator<Item = String> + '_ {
    let changed = text.char_indices().flat_map(move |(at, character)| {
        let after = &text[at + character.len_utf8()..];
        "\"\\{}[],: \n\u{1}\u{e9}-+.019eutfnx/".chars().map(move |other| format!("{}{other}{after}", &text[..at]))
    });
    let shorter = text.char_indices().flat_map(|(at, character)| {
        [text[..at].to_owned(), format!("{}{}", &text[..at], &text[at + character.len_utf8()..])]
    });
    changed.chain(shorter)
}

fn all_the_same<T: Decode + DeserializeOwned + Debug>(text: &str) {
    assert!(both::<T>(text), "{text}");
    let (taken, refused): (Vec<_>, Vec<_>) = spoilt(text).partition(|text| both::<T>(text));
    assert!(!taken.is_empty() && !refused.is_empty(), "{text}");
}

#[test]
fn spoilt_texts_fail_alike() {
    all_the_same::<Disk>(
        r#" {"file" : "a\"\u00e9\n", "parts":[{"file":"","parts":[ ]}],"size":10,"ratio":-0.5e1,"tones":["low", "x"]} "#,
    );
    all_the_same::<Disk>(
        r#"{"file":"é longer than a word","parts":[],"any":[-1,null,{"k":true}],"odd":[{"o":[]}, false]}"#,
    );
    all_the_same::<Outer>(r#"{"file":"\u00e9","parts":[],"size": 7,"driver-id":"a","driver":"disk"}"#);
    all_the_same::<Late>(r#"{"z":[1, {}],"type-id":"a","type":"q","ratio":0.25}"#);
    all_the_same::<Reference>(r#"{"file":"f","backing":{"file":"g","parts":[]},"parts":[]}"#);
    all_the_same::<Reference>("-12");
    all_the_same::<Tone>(r#""high-pitched""#);
    all_the_same::<Any>(r#"[{"a":[-1.5e+3,{}],"b":"\ud83d\ude00"}, [[]], true,false,null,0]"#);
}

#[test]
fn what_nobody_wants_has_to_be_valid() {
    let text = r#"{"odd":[{"a":[-1.5e+3,{}],"b":"\ud83d\ude00"}, [[]], true,false,null,0]}"#;
    for text in spoilt(text).chain([text.to_owned(), r#"{"odd":[1e400,"\ud83d"]}"#.to_owned()]) {
        let is_valid = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&text).is_ok();
        assert_eq!(decode::<Empty>(&text).is_ok(), is_valid, "{text}");
    }
}

#[test]
fn numbers_are_read_alike() {
    for number in [
        "0",
        "-0",
        "00",
        "01",
        "-",
        "-1",
        "1.",
        ".5",
        "0.5",
        "1e5",
        "1E+5",
        "1e",
        "1e400",
        "-1e400",
        "1e-400",
        "255",
        "256",
        "-128",
        "-129",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "9999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999",
        "+1",
        "1 2",
        "0x1",
        "123456789012345678901234567890",
        "0.1e1",
        "1.0",
        "NaN",
        "null",
        "\"1\"",
        "true",
        "[1]",
        "{}",
    ] {
        both::<u8>(number);
        both::<i8>(number);
        both::<u64>(number);
        both::<i64>(number);
        both::<f64>(number);
        both::<Any>(number);
        both::<String>(number);
        both::<bool>(number);
        both::<Null>(number);
    }
}

#[test]
fn depth_is_limited_but_where_nobody_looks() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert!(both::<Any>(&nested(127)) && !both::<Any>(&nested(128)));
    let member = |name: &str, depth| format!(r#"{{"driver-id":"a","{name}":{},"driver":"none"}}"#, nested(depth));
    assert!(both::<Outer>(&member("file", 126)) && !both::<Outer>(&member("file", 127)));
    assert!(decode::<Disk>(&format!(r#"{{"odd":{},"file":"f","parts":[]}}"#, nested(100_000))).is_ok());
    // The array in the innermost object counts as well.
    let backing = |depth| format!("{}1{}", r#"{"file":"","parts":[],"backing":"#.repeat(depth), "}".repeat(depth));
    assert!(both::<Reference>(&backing(126)) && !both::<Reference>(&backing(127)));
    assert!(decode::<Reference>(&backing(50_000)).is_err());
}

#[test]
fn what_is_kept_has_to_be_valid_in_the_end() {
    for value in
        ["[1}", "{]", "[1 2]", r#"{"a" 1}"#, "[nul]", "{1:2}", r#"["\ud83d"]"#, "[\"\u{1}\"]", "[1e]", "nul", "[[]"]
    {
        for driver in ["none", "disk", "warp", "net"] {
            let text = format!(r#"{{"driver-id":"a","odd":{value},"driver":"{driver}"}}"#);
            assert!(!both::<Outer>(&text), "{text}");
        }
        assert!(decode::<Reference>(value).is_err(), "{value}");
    }
}
