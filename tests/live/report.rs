//! What a scenario found: how much was compared, what differs, what is worth knowing.

use crate::binaries::say;
use std::collections::{BTreeMap, BTreeSet};

/// The findings of one scenario with one program.
#[derive(Debug, Default)]
pub struct Report {
    /// Scenario and program.
    pub label: String,
    /// Commands, replies that are not errors, errors, and events; each was compared with its typed value.
    pub commands: usize,
    pub returned: usize,
    pub refused: usize,
    pub events: usize,
    /// Commands that succeeded at least once.
    pub succeeded: BTreeSet<String>,
    /// Permitted differences and other things worth knowing, each with its number.
    notes: BTreeMap<String, usize>,
    failures: Vec<String>,
}

impl Report {
    pub fn new(label: String) -> Report {
        Report { label, ..Report::default() }
    }

    /// Something worth knowing.
    pub fn note(&mut self, text: impl Into<String>) {
        *self.notes.entry(text.into()).or_default() += 1;
    }

    /// Something that must not be. The scenario goes on, so that one run shows all there is.
    pub fn fail(&mut self, text: impl Into<String>) {
        let text = shortened(text.into());
        if !self.failures.contains(&text) {
            self.failures.push(text);
        }
    }

    /// Prints the findings, and gives the failures.
    pub fn finish(self) -> Vec<String> {
        let Report { label, commands, returned, refused, events, succeeded, notes, failures } = self;
        let total = commands + returned + refused + events;
        say(&format!(
            "{label}: {total} messages compared ({commands} commands, {returned} returned, {refused} refused, {events} \
             events), {} different commands succeeded",
            succeeded.len()
        ));
        for (note, count) in &notes {
            say(&format!("{label}: {count} times: {note}"));
        }
        for failure in &failures {
            say(&format!("{label}: FAILED {failure}"));
        }
        failures.into_iter().map(|failure| format!("{label}: {failure}")).collect()
    }
}

/// Replies can be large, and their beginnings say enough.
fn shortened(mut text: String) -> String {
    const ENOUGH: usize = 2_000;
    if let Some((end, _)) = text.char_indices().nth(ENOUGH) {
        text.truncate(end);
        text.push('…');
    }
    text
}
