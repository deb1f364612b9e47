//! The generated types by what they carry: the arguments and the reply of a command, the data of an event, and types of which
//! neither is made, each by name.

#![allow(deprecated, reason = "deprecated commands have codecs, too")]

use crate::mark;
use crate::world::Kind;
use qemu_qmp::wire::split_path;
use qemu_qmp::{Command, Event};
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// Decodes a text and encodes it again: the value and the paths of what is unrecognized; or else path and reason.
pub type Codec = fn(&str) -> Result<(Value, Vec<String>), (String, String)>;

fn codec<T: Serialize + DeserializeOwned>(text: &str) -> Result<(Value, Vec<String>), (String, String)> {
    again::<T>(serde_json::from_str(text))
}

fn reply<C: Command>(text: &str) -> Result<(Value, Vec<String>), (String, String)> {
    again(C::decode_reply(text))
}

fn again<T: Serialize>(decoded: Result<T, serde_json::Error>) -> Result<(Value, Vec<String>), (String, String)> {
    let value = decoded.map_err(|error| {
        let error = error.to_string();
        let (path, reason) = split_path(&error);
        (path.to_owned(), reason.to_owned())
    })?;
    Ok(mark::encode(&value).expect("what was decoded has a JSON form"))
}

macro_rules! commands {
    ($table:ident; $($name:ident,)*) => {$(
        $table.insert((Kind::Arguments, $name::NAME.to_owned()), codec::<$name> as Codec);
        $table.insert((Kind::Reply, $name::NAME.to_owned()), reply::<$name> as Codec);
    )*};
}

macro_rules! events {
    ($table:ident; $($name:ident,)*) => {$(
        $table.insert((Kind::Event, $name::NAME.to_owned()), codec::<$name> as Codec);
    )*};
}

/// Types have no name at run time but Rust's, which differs from the schema's in case and separators.
macro_rules! types {
    ($table:ident; $($name:ident,)*) => {$(
        $table.insert((Kind::Type, key(stringify!($name))), codec::<$name> as Codec);
    )*};
}

/// The codecs of one API.
pub struct Table(HashMap<(Kind, String), Codec>);

impl Table {
    pub fn get(&self, kind: Kind, name: &str) -> Option<Codec> {
        let name = if kind == Kind::Type { key(name) } else { name.to_owned() };
        self.0.get(&(kind, name)).copied()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

pub fn qmp() -> Table {
    let mut table = HashMap::new();
    {
        use qemu_qmp::qmp::commands::{self, *};
        commands::for_each_command!(commands! table;);
    }
    {
        use qemu_qmp::qmp::events::{self, *};
        events::for_each_event!(events! table;);
    }
    {
        use qemu_qmp::qmp::types::{self, *};
        types::for_each_type!(types! table;);
    }
    Table(table)
}

pub fn qga() -> Table {
    let mut table = HashMap::new();
    {
        use qemu_qmp::qga::commands::{self, *};
        commands::for_each_command!(commands! table;);
    }
    {
        use qemu_qmp::qga::types::{self, *};
        types::for_each_type!(types! table;);
    }
    Table(table)
}
