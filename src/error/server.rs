//! A server's error, which it sends when it refuses a command, or fails to execute it.

use crate::secrets;
use std::fmt;

/// A server's error reply.
///
/// The class is for programs, the description for people. It may repeat an argument, a secret one included: `{:?}` hides all that
/// is quoted in it, and an [`Error`](super::Error) what its command tells to be secret. See "Error" in the QEMU Machine Protocol Specification.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{desc} ({class})")]
#[non_exhaustive]
pub struct ServerError {
    /// The class of the error; of nearly all [`ErrorClass::GenericError`].
    pub class: ErrorClass,
    /// The error in English. QEMU changes the wording at will.
    pub desc: String,
}

impl ServerError {
    /// An error reply, as a stand-in for a server would send it.
    pub fn new(class: impl Into<ErrorClass>, desc: impl Into<String>) -> Self {
        ServerError { class: class.into(), desc: desc.into() }
    }
}

impl fmt::Debug for ServerError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let desc = secrets::sentence(&self.desc, true);
        f.debug_struct("ServerError").field("class", &self.class).field("desc", &desc).finish()
    }
}

/// The class of a [`ServerError`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Every error without a class of its own.
    GenericError,
    /// There is no such command, or not in this state of the connection.
    CommandNotFound,
    /// The device exists but is not active.
    DeviceNotActive,
    /// There is no such device.
    DeviceNotFound,
    /// KVM lacks a capability. Only releases before QEMU 8 send it.
    KvmMissingCap,
    /// A class that this crate does not know, as it came.
    Unrecognized(Box<str>),
}

impl ErrorClass {
    /// The class as it is on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            ErrorClass::GenericError => "GenericError",
            ErrorClass::CommandNotFound => "CommandNotFound",
            ErrorClass::DeviceNotActive => "DeviceNotActive",
            ErrorClass::DeviceNotFound => "DeviceNotFound",
            ErrorClass::KvmMissingCap => "KVMMissingCap",
            ErrorClass::Unrecognized(name) => name,
        }
    }
}

impl From<&str> for ErrorClass {
    fn from(name: &str) -> Self {
        match name {
            "GenericError" => ErrorClass::GenericError,
            "CommandNotFound" => ErrorClass::CommandNotFound,
            "DeviceNotActive" => ErrorClass::DeviceNotActive,
            "DeviceNotFound" => ErrorClass::DeviceNotFound,
            "KVMMissingCap" => ErrorClass::KvmMissingCap,
            other => ErrorClass::Unrecognized(other.into()),
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
