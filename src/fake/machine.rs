//! A stand-in's words about itself and its machine.

use super::encode;
use crate::message::Version;
use serde_json::{json, Value};

/// The stand-in's words about itself.
pub(super) struct Machine {
    pub version: Version,
    pub package: String,
    pub name: Option<String>,
    pub status: String,
    pub oob: bool,
    /// True if it answers without handlers.
    pub answers: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Machine {
            version: Version { major: 11, minor: 1, micro: 3 },
            package: String::new(),
            name: None,
            status: "running".to_owned(),
            oob: true,
            answers: true,
        }
    }
}

impl Machine {
    /// The greeting's line.
    pub(super) fn greeting(&self) -> String {
        let capabilities = if self.oob { "[\"oob\"]" } else { "[]" };
        let version = encode::value(&self.version_info());
        // In QEMU's order.
        format!("{{\"QMP\": {{\"version\": {version}, \"capabilities\": {capabilities}}}}}")
    }

    /// As `query-version` returns it.
    pub(super) fn version_info(&self) -> Value {
        let Version { major, minor, micro } = self.version;
        json!({"qemu": {"micro": micro, "minor": minor, "major": major}, "package": self.package})
    }
}
