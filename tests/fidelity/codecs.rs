//! The generated types by what they carry: the arguments and the reply of a command, the data of an event, and the types
//! of which neither is made.

#![allow(deprecated, reason = "deprecated types have codecs, too")]

use crate::world::Kind;
use std::collections::HashMap;
use transcript::api::{recode, Api, Codec};

/// The codecs of one schema.
pub struct Table {
    api: Api,
    types: HashMap<String, Codec>,
}

/// Types have no name at run time but Rust's, which differs from the schema's in case and separators.
macro_rules! types {
    ($table:ident; $($name:ident,)*) => {$(
        $table.insert(key(stringify!($name)), recode::<$name> as Codec);
    )*};
}

impl Table {
    pub fn qmp() -> Self {
        use qemu_qmp::qmp::types::{self, *};
        let mut table = HashMap::new();
        types::for_each_type!(types! table;);
        Table { api: Api::qmp(), types: table }
    }

    pub fn qga() -> Self {
        use qemu_qmp::qga::types::{self, *};
        let mut table = HashMap::new();
        types::for_each_type!(types! table;);
        Table { api: Api::qga(), types: table }
    }

    /// The codec of a message or type by its name in the schema.
    pub fn get(&self, kind: Kind, name: &str) -> Option<Codec> {
        match kind {
            Kind::Arguments => self.api.commands.get(name).map(|types| types.arguments),
            Kind::Reply => self.api.commands.get(name).map(|types| types.reply),
            Kind::Event => self.api.events.get(name).copied(),
            Kind::Type => self.types.get(&key(name)).copied(),
        }
    }

    /// How many commands, events and types there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.api.commands.len(), self.api.events.len(), self.types.len())
    }
}

fn key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
