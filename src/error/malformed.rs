//! Lines that are not messages, or not messages for this client.
//!
//! They are reported, never guessed at: the line's beginning is kept for people to read.

use crate::secrets;
use std::fmt;

/// The fault of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// The line is not UTF-8.
    NotUtf8,
    /// The line is not JSON.
    NotJson,
    /// The line is JSON, but neither a reply nor an event.
    NotQmp,
    /// The line is a command, so that something on the way echoes what is written, as a terminal does unless it is raw.
    Echo,
    /// The server greets in the middle of a connection: it has restarted behind a proxy, and knows nothing of the commands
    /// before. The session ends.
    Restarted,
    /// The line is longer than [the bound](crate::session::SessionOptions::max_line_len).
    TooLong,
    /// The connection ended in the middle of the line.
    HalfLine,
    /// An error reply without an id, while no command waits for a reply.
    UnidentifiedError,
    /// A reply without an id that is no error. Every command was sent with an id, so it answers none of them.
    UnidentifiedReply,
}

/// A line that is no message, or cannot be placed.
pub struct MalformedLine {
    kind: Malformed,
    excerpt: Box<str>,
    len: usize,
    /// The JSON parser's message.
    reason: Option<Box<str>>,
}

impl MalformedLine {
    /// How many bytes of a line an [`excerpt`](Self::excerpt) has at most.
    pub const MAX_EXCERPT: usize = 4096;

    pub(crate) fn new(kind: Malformed, line: &[u8]) -> Self {
        Self::cut(kind, line, line.len())
    }

    /// For a line of which only the beginning is at hand.
    pub(crate) fn cut(kind: Malformed, beginning: &[u8], len: usize) -> Self {
        let excerpt = &beginning[..beginning.len().min(Self::MAX_EXCERPT)];
        MalformedLine { kind, excerpt: String::from_utf8_lossy(excerpt).into(), len, reason: None }
    }

    pub(crate) fn not_json(line: &[u8], error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        MalformedLine { reason: Some(format!("{error}").into()), ..Self::new(Malformed::NotJson, line) }
    }

    /// The fault of the line.
    pub fn kind(&self) -> Malformed {
        self.kind
    }

    /// The line's beginning as it came, with secrets that may be in it; what is not UTF-8 is replaced.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// Length of the line in bytes, of which the excerpt may be the beginning only.
    pub fn line_len(&self) -> usize {
        self.len
    }
}

impl MalformedLine {
    /// The excerpt of the line, without secrets, and whether there is more of it. The excerpt has all that is known.
    fn glimpse(&self) -> (String, bool) {
        // Enough to see what it is.
        const GLIMPSE: usize = 120;
        let mut glimpse = secrets::glimpse(&self.excerpt);
        let is_cut = self.excerpt.len() < self.len || glimpse.len() > GLIMPSE;
        let mut end = GLIMPSE.min(glimpse.len());
        while !glimpse.is_char_boundary(end) {
            end -= 1;
        }
        glimpse.truncate(end);
        (glimpse, is_cut)
    }
}

impl fmt::Debug for MalformedLine {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MalformedLine");
        shown.field("kind", &self.kind).field("len", &self.len).field("glimpse", &self.glimpse().0).finish()
    }
}

impl fmt::Display for MalformedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Malformed::NotUtf8 => "line is not UTF-8",
            Malformed::NotJson => "line is not JSON",
            Malformed::NotQmp => "line is not a QMP message, or not one expected here",
            Malformed::Echo => "line is a command: what is written is echoed, so turn the echo of the device off",
            Malformed::Restarted => "the server greets again: it has restarted, so connect again",
            Malformed::TooLong => "line is longer than `SessionOptions::max_line_len` allows",
            Malformed::HalfLine => "the connection ended in the middle of a line",
            Malformed::UnidentifiedError => "error without an id, and no command waits",
            Malformed::UnidentifiedReply => "reply without an id",
        };
        let (glimpse, more) = self.glimpse();
        let more = if more { ", …" } else { "" };
        let (colon, reason) = self.reason.as_deref().map_or(("", ""), |reason| (": ", reason));
        write!(f, "{what}{colon}{reason} ({} bytes): {glimpse:?}{more}", self.len)
    }
}

impl std::error::Error for MalformedLine {}
