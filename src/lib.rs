//! Typed client for QEMU's Machine Protocol.

pub mod api;
pub mod error;
pub mod message;
pub mod session;

pub use api::{Command, Event, EventSet, OobCommand};
pub use error::{Error, ErrorClass, ErrorKind, Phase, Result, ServerError};
pub use message::{EventMessage, Greeting, Timestamp, Version};
