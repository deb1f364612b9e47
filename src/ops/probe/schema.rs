//! The schema of a QEMU that runs, as a value.
//!
//! Types are found by their names whenever one is asked for, and nothing else is indexed, so that reading a schema is decoding it.
//! A server's schema may refer in circles or to nothing: no answer depends on its making sense.

use crate::qmp::types::{SchemaInfo, SchemaInfoBranch};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The schema of one QEMU, as `query-qmp-schema` returned it. Read by a client's `schema`, or made of the reply.
///
/// It needs no connection, and clones share it. The same build of QEMU has the same schema always, so it can be kept by build
/// ([`Greeting`](crate::Greeting) tells version and package), also in a file: it is `Serialize` and `Deserialize`.
#[derive(Clone)]
pub struct Schema {
    entries: Arc<BTreeMap<String, SchemaInfo>>,
}

impl Schema {
    /// All that QEMU sent, sorted by name: commands, events, types, and entries of kinds that are yet to come.
    #[inline]
    pub fn entries(&self) -> impl Iterator<Item = &SchemaInfo> {
        self.entries.values()
    }

    #[inline]
    pub(super) fn entry(&self, name: &str) -> Option<&SchemaInfo> {
        self.entries.get(name)
    }
}

impl FromIterator<SchemaInfo> for Schema {
    fn from_iter<I: IntoIterator<Item = SchemaInfo>>(entries: I) -> Self {
        Schema { entries: Arc::new(entries.into_iter().map(|info| (info.name.clone(), info)).collect()) }
    }
}

/// As `query-qmp-schema` returns it.
impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries())
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<SchemaInfo>::deserialize(deserializer).map(Self::from_iter)
    }
}

/// How much there is.
impl fmt::Debug for Schema {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: fn(&SchemaInfoBranch) -> bool| self.entries().filter(|info| wanted(&info.branch)).count();
        let commands = count(|branch| matches!(branch, SchemaInfoBranch::Command(_)));
        let events = count(|branch| matches!(branch, SchemaInfoBranch::Event(_)));
        f.debug_struct("Schema").field("commands", &commands).field("events", &events).finish_non_exhaustive()
    }
}
