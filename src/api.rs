//! What generated code implements, and the generated modules themselves.

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt;

/// A command of the schema: its arguments are the value itself, its reply an associated type.
///
/// Serializing a command gives its `arguments` object, without the command's name.
pub trait Command: Serialize + DeserializeOwned + fmt::Debug {
    /// Name on the wire, such as `query-status`.
    const NAME: &'static str;
    /// Whether a successful execution is answered at all. Commands such as `guest-shutdown` are not.
    const SUCCESS_RESPONSE: bool = true;
    /// What a successful execution returns. [`Empty`](crate::wire::Empty) where the schema names no type.
    type Reply: Serialize + DeserializeOwned + fmt::Debug;
}

/// A command that may be executed out-of-band: at once, ahead of commands that are queued or running.
pub trait OobCommand: Command {}

/// An event of the schema: its data is the value itself.
pub trait Event: Serialize + DeserializeOwned + fmt::Debug {
    /// Name on the wire, such as `BLOCK_JOB_COMPLETED`.
    const NAME: &'static str;
}

/// All events of a schema as one enum, such as [`qmp::events::EventKind`](crate::qmp::events::EventKind).
pub trait EventSet: Sized + fmt::Debug {
    /// Decodes an event's data by the event's name. Never fails: what the schema does not know, or what does not fit
    /// it, becomes a value that keeps name and data.
    fn decode(name: &str, data: Option<&RawValue>) -> Self;
    /// The event's name on the wire.
    fn name(&self) -> &str;
}
