//! Any text is a value of a generated type or an error, and what decodes stays the same however often it is encoded and
//! decoded again.
//!
//! The first byte of an input, from the space on, says which of [`TYPES`] it is for; the rest is the JSON text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qemu_qmp::wire::{self, split_path, Any, JsonError};
use qemu_qmp::{qga, qmp, Command};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt::{self, Debug};

/// The order is that of the seeds: new ones go to the end.
const TYPES: &[fn(&str)] = &[
    // Unions: in each other, recursive, with and without data.
    value::<qmp::types::BlockdevOptions>,
    value::<qmp::types::BlockdevCreateOptions>,
    value::<qmp::types::BlockExportOptions>,
    value::<qmp::types::Netdev>,
    value::<qmp::types::ChardevBackend>,
    value::<qmp::types::ObjectOptions>,
    value::<qmp::types::TransactionAction>,
    value::<qmp::types::SocketAddress>,
    value::<qmp::types::DisplayOptions>,
    value::<qmp::types::InputEvent>,
    value::<qmp::types::Audiodev>,
    value::<qmp::types::RbdEncryptionOptions>,
    // The tag of this one may be absent.
    value::<qmp::types::SevInfo>,
    // Alternates.
    value::<qmp::types::BlockdevRefOrNull>,
    value::<qmp::types::StrOrNull>,
    value::<qmp::types::StatsValue>,
    value::<qmp::types::Qcow2OverlapChecks>,
    // Structs: recursive, large, with numbers, with any value.
    value::<qmp::types::ImageInfo>,
    value::<qmp::types::BlockStats>,
    value::<qmp::types::MigrationInfo>,
    value::<qmp::types::CpuModelInfo>,
    // An enum.
    value::<qmp::types::RunState>,
    // Commands: with any value, with members of any name, with the arguments of a union, with arrays of unions.
    value::<qmp::commands::QomSet>,
    value::<qmp::commands::DeviceAdd>,
    value::<qmp::commands::BlockdevAdd>,
    value::<qmp::commands::Migrate>,
    value::<qmp::commands::QueryStatus>,
    // Events.
    value::<qmp::events::BlockJobCompleted>,
    value::<qmp::events::GuestPanicked>,
    value::<qmp::events::QuorumReportBad>,
    value::<qmp::events::StopEvent>,
    // Replies.
    reply::<qmp::commands::QueryQmpSchema>,
    reply::<qmp::commands::QueryBlock>,
    reply::<qmp::commands::QueryMemoryDevices>,
    reply::<qmp::commands::QomGet>,
    reply::<qmp::commands::QomListProperties>,
    reply::<qmp::commands::QueryStatus>,
    // Nothing is no JSON, so that it is only decoded.
    |text| drop(qmp::commands::Stop::decode_reply(text)),
    // The guest agent's.
    value::<qga::commands::GuestFileSeek>,
    value::<qga::commands::GuestExec>,
    reply::<qga::commands::GuestNetworkGetInterfaces>,
    reply::<qga::commands::GuestGetDisks>,
    reply::<qga::commands::GuestGetUsers>,
    reply::<qga::commands::GuestGetCpustats>,
    reply::<qga::commands::GuestFileOpen>,
];

fn value<T: Serialize + wire::Decode + DeserializeOwned + Debug>(text: &str) {
    check(text, wire::decode::<T>);
}

fn reply<C: Command>(text: &str) {
    check(text, C::decode_reply);
}

fn check<T: Serialize + DeserializeOwned + Debug>(text: &str, decode: fn(&str) -> Result<T, JsonError>) {
    let from_text = decode(text);
    match &from_text {
        Ok(value) => stays_the_same(value, decode),
        Err(error) => drop(split_path(&error.to_string())),
    }
    let Ok(any) = wire::from_json::<Any>(text) else { return };
    let each_once = wire::from_json(text).is_ok_and(|Members(count)| count == members(&any));
    match (from_text, serde_json::from_value::<T>(any)) {
        (Ok(one), Ok(other)) => assert_eq!(encode(&one), encode(&other)),
        (Ok(one), Err(error)) => panic!("{one:?} decodes from text alone: {error}"),
        // Of members that come twice, a JSON value keeps the last.
        (Err(error), Ok(other)) => {
            assert!(!each_once, "{other:?} decodes from a value alone: {error}");
            stays_the_same(&other, decode);
        }
        (Err(_), Err(_)) => {}
    }
}

fn stays_the_same<T: Serialize + DeserializeOwned + Debug>(value: &T, decode: fn(&str) -> Result<T, JsonError>) {
    let text = encode(value);
    let again = decode(&text).unwrap_or_else(|error| panic!("{text} does not decode again: {error}"));
    assert_eq!(text, encode(&again));
    assert!(wire::equal(value, &again), "{text}");
    assert_eq!(format!("{value:?}"), format!("{again:?}"));
    let any = wire::to_any(value);
    let again = serde_json::from_value::<T>(any).unwrap_or_else(|error| panic!("{text} as a value: {error}"));
    assert_eq!(text, encode(&again));
}

fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what decodes can be encoded")
}

/// How many members the objects of a JSON value have.
fn members(any: &Any) -> usize {
    match any {
        Any::Array(elements) => elements.iter().map(members).sum(),
        Any::Object(object) => object.values().map(|value| 1 + members(value)).sum(),
        _ => 0,
    }
}

/// How many members the objects of a JSON text have, those that come twice included.
struct Members(usize);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Members(0))
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        let mut all = 0;
        while let Some(Members(inside)) = seq.next_element()? {
            all += inside;
        }
        Ok(Members(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut all = 0;
        while let Some((IgnoredAny, Members(inside))) = map.next_entry()? {
            all += 1 + inside;
        }
        Ok(Members(all))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let check = first.checked_sub(b' ').and_then(|index| TYPES.get(usize::from(index)));
    if let (Some(check), Ok(text)) = (check, std::str::from_utf8(text)) {
        check(text);
    }
});
