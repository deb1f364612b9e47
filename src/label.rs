//! A connection's name, for errors and traces.

use std::sync::Arc;

/// A connection's name in errors and traces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    /// Where it leads to.
    pub(crate) address: Option<Arc<str>>,
    /// The name that the program gave it.
    pub(crate) name: Option<Arc<str>>,
    /// Tells it from all others of this process, in traces.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "only traces tell it"))]
    pub(crate) number: u64,
}

impl Label {
    /// Name and address, as far as they are known; `None` without either.
    #[cold]
    pub(crate) fn shown(&self) -> Option<Box<str>> {
        Some(match (&self.name, &self.address) {
            (Some(name), Some(address)) => format!("{name} ({address})").into(),
            (Some(one), None) | (None, Some(one)) => (**one).into(),
            (None, None) => return None,
        })
    }
}
