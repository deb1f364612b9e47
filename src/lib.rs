//! Typed client for QEMU's Machine Protocol.

pub mod api;
pub mod blocking;
pub mod error;
pub mod message;
pub mod session;
pub mod wire;

#[cfg(feature = "qga")]
pub use api::qga;
#[cfg(feature = "qmp")]
pub use api::qmp;
pub use api::{Command, Event, EventSet, OobCommand, UndecodableEvent, UnrecognizedEvent};
pub use blocking::{Address, Client, ConnectOptions};
pub use error::{Error, ErrorClass, ErrorKind, Phase, Result, ServerError};
pub use message::{EventMessage, Greeting, Timestamp, Version};
