//! Events: the envelope, and the same with its data decoded.

use crate::api::{record_to_event, Event, EventSet, NamedEvent};
use crate::error::{Error, Subject};
use crate::json::{integer, members, string, whole_number};
use crate::secrets::{self, Secrets};
use crate::wire;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::{Duration, SystemTime};

/// An event whose data is still JSON.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawEvent {
    /// The event's name, such as `BLOCK_JOB_COMPLETED`.
    pub name: Box<str>,
    /// The event's data as JSON text, which is not looked at before it is decoded. Events without data leave it out.
    pub data: Option<Box<str>>,
    /// When it happened, by the server's clock.
    pub timestamp: Timestamp,
}

/// An event with its envelope's timestamp.
///
/// As data it has QMP's own form, `{"event": …, "data": …, "timestamp": {…}}`, and is read from that again: by `Deserialize`, or like
/// every other line of a server.
///
/// `T` is an [`EventSet`] such as `qmp::events::AnyEvent`, or one [`Event`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventMessage<T> {
    /// The event itself.
    pub data: T,
    /// When it happened, by the server's clock.
    pub timestamp: Timestamp,
}

/// When an event happened, since the Unix epoch by the host's clock.
///
/// Both numbers are -1 if the server could not tell the time, and likewise if an event came without a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// Whole seconds.
    pub seconds: i64,
    /// Microseconds on top, below 1,000,000.
    pub microseconds: i64,
}

impl Timestamp {
    /// The timestamp of a server that could not tell the time.
    pub const UNKNOWN: Timestamp = Timestamp { seconds: -1, microseconds: -1 };

    /// Time since the Unix epoch, or `None` if the server could not tell it.
    pub fn since_epoch(self) -> Option<Duration> {
        let seconds = Duration::from_secs(u64::try_from(self.seconds).ok()?);
        seconds.checked_add(Duration::from_micros(u64::try_from(self.microseconds).ok()?))
    }

    /// The same as a point in time, or `None` if the server could not tell it.
    pub fn system_time(self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(self.since_epoch()?)
    }

    fn to_json(self) -> wire::Any {
        serde_json::json!({"seconds": self.seconds, "microseconds": self.microseconds})
    }

    /// A timestamp of another shape than today's counts as unknown: an event without its time is better than no event.
    pub(super) fn parse(member: &str) -> Self {
        let [seconds, microseconds] = members(member, &["seconds", "microseconds"]);
        match (seconds.and_then(integer), microseconds.and_then(integer)) {
            (Some(seconds), Some(microseconds)) => Timestamp { seconds, microseconds },
            _ => Timestamp::UNKNOWN,
        }
    }

    /// The timestamp that the text starts with, and its length, if it is in QEMU's own notation: most of what comes is, and it
    /// takes a quarter of the time.
    pub(super) fn parse_usual(text: &[u8]) -> Option<(Self, usize)> {
        let (seconds, rest) = Self::part(text.strip_prefix(b"{\"seconds\": ")?)?;
        let (microseconds, rest) = Self::part(rest.strip_prefix(b", \"microseconds\": ")?)?;
        let rest = rest.strip_prefix(b"}")?;
        Some((Timestamp { seconds, microseconds }, text.len() - rest.len()))
    }

    #[inline]
    fn part(text: &[u8]) -> Option<(i64, &[u8])> {
        let (number, len) = whole_number(text)?;
        Some((number.try_into().ok()?, text.get(len..)?))
    }
}

impl RawEvent {
    /// Decodes this event if it is an `E`.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`](crate::error::DecodeError) if the data does not fit `E`.
    pub fn decode<E: Event>(&self) -> Option<Result<EventMessage<E>, Error>> {
        if *self.name != *E::NAME {
            return None;
        }
        let data = self.data.as_deref().unwrap_or("{}");
        Some(match E::decode_data(data) {
            Ok(data) => Ok(EventMessage { data, timestamp: self.timestamp }),
            Err(source) => Err(Error::decode(Subject::Event, &self.name, Secrets::NONE, data, source)),
        })
    }

    /// Decodes this event as one of a schema's. What `K` does not know, or what does not fit it, becomes a value of `K` that
    /// keeps name and data.
    pub fn decode_as<K: EventSet>(&self) -> EventMessage<K> {
        EventMessage { data: K::decode(&self.name, self.data.as_deref()), timestamp: self.timestamp }
    }

    pub(super) fn parse(name: &str, data: Option<&str>, timestamp: Option<Timestamp>) -> Option<Self> {
        Some(RawEvent {
            name: string(name)?.into(),
            data: data.map(Box::from),
            timestamp: timestamp.unwrap_or(Timestamp::UNKNOWN),
        })
    }

    /// Roughly how much memory this event takes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.data.as_deref().map_or(0, str::len)
    }
}

/// In QMP's own form.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// From QMP's own form. Any other is [unknown](Timestamp::UNKNOWN), as it is in an event that comes.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = wire::Any::deserialize(deserializer)?;
        Ok(Timestamp::parse(&format!("{json}")))
    }
}

impl<T: NamedEvent> Serialize for EventMessage<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.data.to_record().with("timestamp", self.timestamp.to_json()).serialize(serializer)
    }
}

impl<'de, T: NamedEvent> Deserialize<'de> for EventMessage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = wire::AnyMap::deserialize(deserializer)?;
        let timestamp = json.get("timestamp").map(|json| Timestamp::parse(&format!("{json}")));
        let data = record_to_event(json).map_err(D::Error::custom)?;
        Ok(EventMessage { data, timestamp: timestamp.unwrap_or(Timestamp::UNKNOWN) })
    }
}

/// Shows what came, without secrets.
impl fmt::Debug for RawEvent {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RawEvent");
        shown.field("name", &self.name);
        if let Some(data) = &self.data {
            shown.field("data", &format_args!("{}", secrets::data(data)));
        }
        shown.field("timestamp", &self.timestamp).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    fn event(json: &str) -> RawEvent {
        match Message::parse(json.as_bytes()) {
            Ok(Message::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn envelope_in_any_order() {
        let event = event(
            r#"{"timestamp": {"seconds": 1258551470, "microseconds": 802384}, "data": {"guest": false}, "x": [], "event": "RESET"}"#,
        );
        assert_eq!(&*event.name, "RESET");
        assert_eq!(event.data.as_deref(), Some(r#"{"guest": false}"#));
        assert_eq!(event.timestamp.since_epoch(), Some(Duration::new(1_258_551_470, 802_384_000)));
    }

    #[test]
    fn time_may_be_unknown() {
        for timestamp in [
            r#", "timestamp": {"seconds": -1, "microseconds": -1}"#,
            r#", "timestamp": {"seconds": 1}"#,
            r#", "timestamp": "noon""#,
            "",
        ] {
            let event = event(&format!(r#"{{"event": "STOP"{timestamp}}}"#));
            assert_eq!(event.timestamp, Timestamp::UNKNOWN);
            assert_eq!(event.timestamp.since_epoch(), None);
            assert_eq!(event.timestamp.system_time(), None);
        }
        let end = Timestamp { seconds: i64::MAX, microseconds: i64::MAX };
        assert!(end.since_epoch().is_some());
    }
}
