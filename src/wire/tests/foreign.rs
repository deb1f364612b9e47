//! Values from serde's other formats.

use super::objects::Order;
use super::types::{Disk, Outer, Reference, Tone};
use crate::wire::{split_path, Any, Empty};
use serde::de::value::{Error, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Debug;

/// Reads a value from `serde_json`'s value, and from its decoder of text.
fn read<T: DeserializeOwned + Debug>(value: Any) -> String {
    let text = value.to_string();
    let (one, other) = (serde_json::from_value::<T>(value), serde_json::from_str::<T>(&text));
    match (one, other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
            format!("{one:?}")
        }
        (Err(one), Err(other)) => {
            let (one, other) = (one.to_string(), other.to_string());
            assert_eq!(split_path(&one).0, split_path(&other).0);
            one
        }
        (one, other) => panic!("{text}: {one:?} is not {other:?}"),
    }
}

#[test]
fn all_kinds_of_values_come_through() {
    let any = json!([null, true, -1, u64::MAX, 0.1, 1e300, "\u{0}\"\\é", [], {}, {"a": [{}, [1]]}]);
    let disk = json!({"file": "\n", "parts": [{"file": "", "parts": []}], "size": 7, "ratio": 1, "any": any});
    let shown = read::<Disk>(disk.clone());
    assert_eq!(shown, format!("{:?}", super::decode::<Disk>(&disk.to_string()).unwrap()));
    assert_eq!(read::<Reference>(json!(null)), read::<Reference>(Any::Null));
    assert_eq!(read::<Tone>(json!("low")), "Tone \"low\"");
    assert_eq!(read::<Empty>(json!({"later": [1]})), "Empty");
    assert!(read::<Outer>(json!({"file": "f", "parts": [], "driver-id": "a", "driver": "disk"})).contains("\"f\""));
}

#[test]
fn errors_have_the_same_paths() {
    for (value, path) in [
        (json!({"file": "f", "parts": [{"file": 1, "parts": []}]}), ".parts[0].file"),
        (json!({"file": "f"}), ""),
        (json!([]), ""),
        (json!({"file": "f", "parts": [], "size": -1}), ".size"),
    ] {
        assert_eq!(split_path(&read::<Disk>(value)).0, path);
    }
    let unknown = json!({"disk": {"file": "f", "parts": [], "siz": 1}});
    assert!(read::<Order>(unknown).starts_with(".disk.siz: unknown member; did you mean `size`?"));
}

#[test]
fn repeated_members_are_seen() {
    let error = serde_json::from_str::<Disk>(r#"{"file": "f", "parts": [], "file": "g"}"#).unwrap_err().to_string();
    assert!(error.starts_with(".file: comes twice"), "{error}");
}

#[test]
fn other_formats_are_read() {
    let name = |name: &'static str| -> StrDeserializer<'static, Error> { name.into_deserializer() };
    let members = [(name("host"), name("h")), (name("z"), name("\u{e9}"))].into_iter();
    let host = super::types::Host::deserialize(MapDeserializer::new(members)).unwrap();
    assert_eq!((host.host.as_str(), &host.extra["z"]), ("h", &json!("\u{e9}")));
    let tones = SeqDeserializer::<_, Error>::new(["low", "x"].into_iter());
    assert_eq!(Vec::<Tone>::deserialize(tones).unwrap().len(), 2);
}
