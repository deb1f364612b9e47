//! Events as data: in QMP's own form, `{"event": …, "data": …}`.
//!
//! Goes by way of a JSON value, so that little of it is compiled for each type of events.

use super::event::Event;
use crate::wire::{self, Any, AnyMap};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An event that can be told by its name: an [`Event`], or one of an [`EventSet`](super::EventSet). The generator implements it
/// for the latter.
pub trait NamedEvent: Sized {
    /// Its name on the wire and its data.
    fn to_record(&self) -> EventRecord<'_>;
    /// The event of this name with these data, which are JSON text.
    ///
    /// # Errors
    /// Where it is another event, or the data do not fit.
    fn from_record(name: &str, data: &str) -> Result<Self, wire::JsonError>;
}

impl<E: Event> NamedEvent for E {
    fn to_record(&self) -> EventRecord<'_> {
        EventRecord::of(E::NAME, wire::to_any(self))
    }

    fn from_record(name: &str, data: &str) -> Result<Self, wire::JsonError> {
        if name != E::NAME {
            return Err(wire::JsonError::custom(format_args!("event {name} instead of {}", E::NAME)));
        }
        E::decode_data(data)
    }
}

/// An event as data, without its time.
#[derive(Debug)]
pub struct EventRecord<'a> {
    name: &'a str,
    data: Any,
    /// A further member.
    more: Option<(&'static str, Any)>,
}

impl<'a> EventRecord<'a> {
    /// An event of this name with these data.
    pub fn of(name: &'a str, data: Any) -> Self {
        EventRecord { name, data, more: None }
    }

    pub(crate) fn with(self, name: &'static str, value: Any) -> Self {
        EventRecord { more: Some((name, value)), ..self }
    }
}

impl Serialize for EventRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", self.name)?;
        // As QEMU does.
        if self.data.as_object().is_none_or(|data| !data.is_empty()) {
            map.serialize_entry("data", &self.data)?;
        }
        if let Some((name, value)) = &self.more {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Encodes an event in QMP's form, without its time.
pub fn encode_event<T: NamedEvent, S: Serializer>(event: &T, serializer: S) -> Result<S::Ok, S::Error> {
    event.to_record().serialize(serializer)
}

/// Decodes an event from QMP's form.
pub fn decode_event<'de, T: NamedEvent, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    record_to_event(AnyMap::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(crate) fn record_to_event<T: NamedEvent>(mut record: AnyMap) -> Result<T, wire::JsonError> {
    let name = match record.remove("event") {
        Some(Any::String(name)) => name,
        _ => return Err(wire::JsonError::custom("missing member `event`")),
    };
    let data = record.remove("data").unwrap_or_else(|| Any::Object(AnyMap::new()));
    T::from_record(&name, &format!("{data}"))
}
