//! Properties of QEMU's objects, with the type that the caller knows them to have.
//!
//! `qom-get` and `qom-set` move values of any type, which no schema tells: in [`qmp::commands`](crate::qmp::commands) they are
//! [`wire::Any`]. [`get`] and [`set`] make the same commands, typed, for each client and call builder:
//!
//! ```no_run
//! use qemu_qmp::qom;
//!
//! # fn main() -> qemu_qmp::Result<()> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let path = "/objects/iothread0";
//! let limit: u64 = vm.execute(qom::get(path, "poll-max-ns"))?;
//! vm.execute(qom::set(path, "poll-max-ns", limit * 2))?;
//! # Ok(())
//! # }
//! ```
//!
//! Which properties an object has, `qom-list` tells; what they mean, and of which type they are, `info qom-tree` and the source
//! of QEMU.

use crate::api::{Command, CommandFor, Peer, Secrets};
use crate::qmp::commands::{QomGet, QomSet};
use crate::wire;
use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Reads a property of the object at a path, as a `T`: a number, a `String`, a `bool`, a [`wire::Any`] or any other type that
/// Serde reads.
///
/// A value that is no `T` is an error of the kind [`Decode`](crate::ErrorKind::Decode).
pub fn get<T>(path: impl Into<String>, property: impl Into<String>) -> Get<T> {
    Get { command: QomGet::new(path, property), value: PhantomData }
}

/// Sets a property of the object at a path to any value that Serde writes.
///
/// Executing it fails with [`Encode`](crate::ErrorKind::Encode), and sends nothing, if the value has no JSON form.
pub fn set(path: impl Into<String>, property: impl Into<String>, value: impl Serialize) -> Set {
    let (value, failure) = match serde_json::to_value(value) {
        Ok(value) => (value, None),
        Err(error) => (wire::Any::Null, Some(error.to_string().into())),
    };
    Set { command: QomSet::new(path, property, value), failure }
}

/// The command `qom-get`, with the type of the value. Made by [`get`].
pub struct Get<T> {
    command: QomGet,
    value: PhantomData<fn() -> T>,
}

/// The command `qom-set`. Made by [`set`].
#[derive(Clone)]
pub struct Set {
    command: QomSet,
    /// Why the value has no JSON form.
    failure: Option<Box<str>>,
}

impl<T: Serialize + DeserializeOwned + fmt::Debug> Command for Get<T> {
    const NAME: &'static str = QomGet::NAME;
    const SECRETS: Secrets = QomGet::SECRETS;
    type Reply = T;
}

impl<P: Peer, T> CommandFor<P> for Get<T>
where
    QomGet: CommandFor<P>,
    Get<T>: Command,
{
}

impl Command for Set {
    const NAME: &'static str = QomSet::NAME;
    const SECRETS: Secrets = QomSet::SECRETS;
    type Reply = ();

    fn decode_reply(text: &str) -> Result<(), serde_json::Error> {
        QomSet::decode_reply(text)
    }
}

impl<P: Peer> CommandFor<P> for Set where QomSet: CommandFor<P> {}

impl<T> Serialize for Get<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.command.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Get<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Get { command: QomGet::deserialize(deserializer)?, value: PhantomData })
    }
}

impl Serialize for Set {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.failure {
            None => self.command.serialize(serializer),
            Some(failure) => Err(S::Error::custom(failure)),
        }
    }
}

impl<'de> Deserialize<'de> for Set {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Set { command: QomSet::deserialize(deserializer)?, failure: None })
    }
}

impl<T> Clone for Get<T> {
    fn clone(&self) -> Self {
        Get { command: self.command.clone(), value: PhantomData }
    }
}

impl<T> fmt::Debug for Get<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.command.fmt(f)
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.command.fmt(f)
    }
}
