//! Bounds and choices of a session.

use crate::label::Label;
use std::time::Duration;

/// Bounds and choices of a [`Session`](super::Session), which hold for monitors and guest agents alike.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    pub(super) max_line_len: usize,
    pub(super) max_events: usize,
    pub(super) max_event_bytes: usize,
    pub(super) oob: bool,
    pub(super) refusal_timeout: Duration,
    pub(super) label: Label,
}

impl SessionOptions {
    /// Lines of at most 65 MiB, at most 16,384 events in at most 64 MiB, out-of-band execution where it is offered.
    pub fn new() -> Self {
        SessionOptions {
            max_line_len: 65 << 20,
            max_events: 16_384,
            max_event_bytes: 64 << 20,
            oob: true,
            refusal_timeout: Duration::ZERO,
            label: Label::default(),
        }
    }

    /// Longest line to accept, in bytes without the line feed. The largest replies of QEMU, such as that to
    /// `query-qmp-schema`, have some hundred kilobytes, but `guest-file-read` returns up to 48 MiB, on a line of 64 MiB and
    /// some bytes. 65 MiB unless set.
    ///
    /// A longer line is skipped as it arrives, and reported as [`TooLong`](crate::error::Malformed::TooLong).
    pub fn max_line_len(mut self, bytes: usize) -> Self {
        self.max_line_len = bytes;
        self
    }

    /// How many events to keep until they are taken, for each reader. At the bound the oldest are dropped and
    /// [counted](super::Counters::dropped_events), and the reader gets [an error](crate::ErrorKind::Missed) with their number.
    /// The newest event is always kept.
    pub fn max_events(mut self, count: usize) -> Self {
        self.max_events = count;
        self
    }

    /// How much memory to fill with events, in bytes, for each reader. At the bound the oldest are dropped and
    /// [counted](super::Counters::dropped_events), and the reader gets [an error](crate::ErrorKind::Missed) with their number.
    /// The newest event is always kept.
    pub fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.max_event_bytes = bytes;
        self
    }

    /// Returns whether to enable out-of-band execution if a monitor offers it.
    ///
    /// If so, at most eight in-band commands are on their way at a time, because a server with a full queue does not read
    /// on, and would not see an out-of-band command.
    pub fn oob(mut self, enable: bool) -> Self {
        self.oob = enable;
        self
    }

    /// For the clients, which have a clock.
    pub(crate) fn refusal_timeout(mut self, timeout: Duration) -> Self {
        self.refusal_timeout = timeout;
        self
    }

    /// Names the connection in errors and traces, such as the name of the virtual machine. By default it has its
    /// address only.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.label.name = Some(name.into().into());
        self
    }

    /// Names the address that the connection leads to, for errors and traces. The clients that connect by themselves set it.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.label.address = Some(address.into().into());
        self
    }
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self::new()
    }
}
