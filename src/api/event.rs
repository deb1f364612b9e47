//! Traits of events: one of a schema, all of a schema as an enum, and those that no enum has a variant for.
//!
//! Assumes that the session has taken the envelope off, so that there are a name and, perhaps, data. Never fails on what a
//! server sends: what the schema does not know, or what does not fit it, is kept as it came.

use crate::secrets;
use crate::wire::{self, path_and_reason};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::fmt;

/// An event of a schema: its data is the value itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "events are in `qmp::events`; commands and types of the same name are not events"
)]
pub trait Event: Serialize + DeserializeOwned + fmt::Debug {
    /// Name on the wire, such as `BLOCK_JOB_COMPLETED`.
    const NAME: &'static str;
    /// Decodes the `data` member of an event.
    ///
    /// # Errors
    /// Where the text is not what the schema says; the message starts with the path of the member that does not fit.
    fn decode_data(text: &str) -> Result<Self, serde_json::Error> {
        wire::from_json(text)
    }
}

/// All events of a schema as one enum, such as `qmp::events::AnyEvent`.
pub trait EventSet: Sized + fmt::Debug {
    /// Decodes an event's data, which are JSON text, by the event's name. Never fails: what the schema does not know, or what
    /// does not fit it, becomes a value that keeps name and data.
    fn decode(name: &str, data: Option<&str>) -> Self;
    /// The event's name on the wire.
    fn name(&self) -> &str;
    /// The event's data as JSON.
    fn data(&self) -> wire::Any;
}

/// An event that the schema does not know, as it came.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UnrecognizedEvent {
    /// Its name on the wire.
    pub name: Box<str>,
    /// Its data; the empty object where it came without.
    pub data: wire::Any,
}

impl UnrecognizedEvent {
    /// Keeps an event.
    ///
    /// # Errors
    /// Where the data is not a JSON value that can be held, as with a number beyond the range of a double.
    #[inline]
    pub fn new(name: &str, data: Option<&str>) -> Result<Self, UndecodableEvent> {
        let text = data.unwrap_or("{}");
        let data = text.parse().map_err(|error| UndecodableEvent::new(name, text, &error))?;
        Ok(Self { name: name.into(), data })
    }
}

/// An event that the schema knows, but whose data does not fit it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndecodableEvent {
    /// Its name on the wire.
    pub name: Box<str>,
    /// The path of the member that does not fit, such as `.device[2].id`; empty where it is the data as a whole.
    pub path: Box<str>,
    /// The expected value.
    pub reason: Box<str>,
    /// The data as it came.
    pub text: Box<str>,
}

impl UndecodableEvent {
    /// Decodes an event's data, or keeps it with what is wrong. Absent data is the empty object.
    pub fn or<T: Event>(name: &str, data: Option<&str>) -> Result<T, Self> {
        let text = data.unwrap_or("{}");
        T::decode_data(text).map_err(|error| Self::new(name, text, &error))
    }

    fn new(name: &str, text: &str, error: &serde_json::Error) -> Self {
        let (path, reason) = path_and_reason(error);
        Self { name: name.into(), path: path.into(), reason: reason.into(), text: text.into() }
    }

    /// The data as JSON, or as a string where it is none that can be held.
    #[inline]
    pub fn data(&self) -> wire::Any {
        self.text.parse().unwrap_or_else(|_| wire::Any::String(self.text.to_string()))
    }
}

impl fmt::Display for UndecodableEvent {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = secrets::expectation(&self.path, false, &self.reason);
        write!(f, "event {} does not fit the schema at `{}`: {reason}", self.name, self.path)
    }
}

/// Shows what came, without secrets.
impl fmt::Debug for UndecodableEvent {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, reason) = (secrets::data(&self.text), secrets::expectation(&self.path, false, &self.reason));
        let mut shown = f.debug_struct("UndecodableEvent");
        shown.field("name", &self.name).field("path", &self.path).field("reason", &reason);
        shown.field("text", &format_args!("{text}")).finish()
    }
}

/// Shows what came, without secrets.
impl fmt::Debug for UnrecognizedEvent {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = format!("{}", self.data);
        let mut shown = f.debug_struct("UnrecognizedEvent");
        shown.field("name", &self.name).field("data", &format_args!("{}", secrets::data(&data))).finish()
    }
}

impl std::error::Error for UndecodableEvent {}
