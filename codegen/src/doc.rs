//! `##` blocks → [`Doc`].
//!
//! Blocks of every release since 7.2 are read: the older ones have `Note:` and `Example:` sections where the newer
//! ones use reStructuredText. Whether what a block describes exists is the business of [`crate::check`]. Text is
//! taken apart, never judged: it passes through as it stands, less its indentation.

mod reader;
mod since;
mod style;

use crate::error::Location;
#[cfg(feature = "tools")]
pub(crate) use reader::indentation;
pub(crate) use reader::Reader;

/// The first word of a paragraph that lists a command's events. It is ours: to QAPI it is text like any other.
pub(crate) const EVENTS: &str = "Events:";

/// A doc block, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc {
    /// The line that opens the block; `None` for a doc that no block stands behind.
    pub at: Option<Location>,
    /// The definition it belongs to; `None` for a block in free form.
    pub symbol: Option<String>,
    /// The text before the first member or section.
    pub summary: String,
    /// `@member:` entries, in order.
    pub members: Vec<Entry>,
    /// Entries under `Features:`, in order.
    pub features: Vec<Entry>,
    /// `Returns:`
    pub returns: Option<Section>,
    /// `Errors:`
    pub errors: Option<Section>,
    /// Release in which it first appeared, such as `2.10`.
    pub since: Option<String>,
    /// Everything else (notes, examples, …), as text.
    pub other: Vec<String>,
}

impl Doc {
    /// The summary up to the events, which need not have a section before them.
    pub(crate) fn introduction(&self) -> &str {
        before_events(&self.summary).0
    }

    /// The texts that say which events follow a command.
    pub(crate) fn events(&self) -> Vec<&str> {
        let mut events = Vec::new();
        for text in &self.other {
            add_events(text, &mut events);
        }
        add_events(&self.summary, &mut events);
        events
    }
}

/// Adds the texts of all paragraphs that list events.
fn add_events<'t>(text: &'t str, events: &mut Vec<&'t str>) {
    let (_, mut rest) = before_events(text);
    while let Some(text) = rest {
        let (event, after) = before_events(text);
        events.push(event.trim());
        rest = after;
    }
}

/// A text up to the first paragraph that lists events, and what that lists.
fn before_events(text: &str) -> (&str, Option<&str>) {
    for (start, _) in text.match_indices(EVENTS) {
        let (before, list) = text.split_at(start);
        if before.is_empty() || before.ends_with("\n\n") {
            return (before.trim_end(), list.strip_prefix(EVENTS));
        }
    }
    (text, None)
}

/// A described member, value or feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The line of the name.
    pub at: Location,
    /// Its description, without the `(since …)` note; may be empty.
    pub text: String,
    /// Release in which it first appeared, where that differs from its definition's.
    pub since: Option<String>,
}

/// The text of a section that occurs once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The line of its tag.
    pub at: Location,
    /// Its text; never empty.
    pub text: String,
}
