//! The only module that touches files: reads the root, follows includes, keeps the pragmas.

use std::collections::BTreeSet;

/// The pragmas of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pragma {
    /// Every definition must have a doc block.
    pub doc_required: bool,
    /// Commands whose names may have upper case or `_`.
    pub command_name_exceptions: BTreeSet<String>,
    /// Commands that may return something else than an object or an array of them.
    pub command_returns_exceptions: BTreeSet<String>,
    /// Definitions with members that no words describe.
    pub documentation_exceptions: BTreeSet<String>,
    /// Types whose members may have upper case or `_`.
    pub member_name_exceptions: BTreeSet<String>,
}
