//! The generated types by the names on the wire, from the lists that are generated with them.

#![allow(deprecated, reason = "deprecated commands travel, too")]

use crate::mark;
use qemu_qmp::wire::{self, split_path};
use qemu_qmp::{Command, Event};
use serde::Serialize;
use serde_json::Value;
use std::any::TypeId;
use std::collections::HashMap;

/// Decodes a text as one type and encodes the value again.
pub type Codec = fn(&str) -> Result<Recoded, DecodeError>;

/// A value that was decoded and encoded again.
#[derive(Debug, Clone, PartialEq)]
pub struct Recoded {
    pub json: Value,
    /// The paths of values, branches and alternatives that the type does not know.
    pub unrecognized: Vec<String>,
}

/// Why a text did not decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Where, as in `.inserted.file`; empty for the text as a whole.
    pub path: String,
    pub reason: String,
}

/// The commands and events of one schema.
#[derive(Default)]
pub struct Api {
    pub commands: HashMap<&'static str, CommandTypes>,
    pub events: HashMap<&'static str, Codec>,
}

/// What belongs to a command.
#[derive(Clone, Copy)]
pub struct CommandTypes {
    pub arguments: Codec,
    pub reply: Codec,
    /// Whether success is answered at all.
    pub answers: bool,
}

macro_rules! add_commands {
    ($api:ident; $($command:ident,)*) => {$(
        let types = CommandTypes {
            arguments: recode::<$command>,
            reply: recode_reply::<$command>,
            answers: $command::SUCCESS_RESPONSE,
        };
        $api.commands.insert($command::NAME, types);
    )*};
}

macro_rules! add_events {
    ($api:ident; $($event:ident,)*) => {$(
        $api.events.insert($event::NAME, recode::<$event> as Codec);
    )*};
}

impl Api {
    /// The system emulator's and the storage daemon's.
    pub fn qmp() -> Self {
        let mut api = Api::default();
        {
            use qemu_qmp::qmp::commands::{self, *};
            commands::for_each_command!(add_commands! api;);
        }
        {
            use qemu_qmp::qmp::events::{self, *};
            events::for_each_event!(add_events! api;);
        }
        api
    }

    /// The guest agent's.
    pub fn qga() -> Self {
        use qemu_qmp::qga::commands::{self, *};
        let mut api = Api::default();
        commands::for_each_command!(add_commands! api;);
        api
    }
}

/// Any generated type's codec.
pub fn recode<T: Serialize + wire::Decode>(text: &str) -> Result<Recoded, DecodeError> {
    encoded(&wire::decode::<T>(text)?)
}

fn recode_reply<C: Command<Reply: 'static>>(text: &str) -> Result<Recoded, DecodeError> {
    let reply = C::decode_reply(text)?;
    // What is nothing to a program is an empty object on the wire.
    if TypeId::of::<C::Reply>() == TypeId::of::<()>() {
        return Ok(Recoded { json: Value::Object(wire::AnyMap::new()), unrecognized: Vec::new() });
    }
    encoded(&reply)
}

fn encoded<T: Serialize>(value: &T) -> Result<Recoded, DecodeError> {
    let (json, unrecognized) = mark::encode(value)?;
    Ok(Recoded { json, unrecognized })
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        let message = error.to_string();
        let (path, reason) = split_path(&message);
        // The text is a part of one line, and the path says more than the column of that part.
        let position = format!(" at line {} column {}", error.line(), error.column());
        let reason = reason.strip_suffix(&position).unwrap_or(reason);
        DecodeError { path: path.to_owned(), reason: reason.to_owned() }
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.path, self.reason)
    }
}
