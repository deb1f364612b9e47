//! The protocol without input and output: a state machine that any client can drive.
//!
//! No sockets, no clock, no threads, no generated types. A server can send anything in any pieces without making a session
//! panic, recurse, guess, or take more memory than its bounds say. Which messages pass is told to `tracing`, with the feature
//! of this name.

mod conversation;
mod events;
mod flight;
mod lines;
mod options;

#[cfg(feature = "tracing")]
pub(crate) use lines::without_delimiter;
pub use options::SessionOptions;

use crate::error::{Error, MalformedLine, Phase};
use crate::message::{Greeting, RawEvent, Reply, Request};
use conversation::Conversation;
use lines::Lines;

/// One connection to a monitor or a guest agent, as seen from the client, without the connection itself.
///
/// # Inputs
///
/// - [`handle_input`](Self::handle_input): bytes that arrived, in whatever pieces.
/// - [`handle_eof`](Self::handle_eof): nothing more will arrive.
/// - [`send`](Self::send): a command to execute; [`cancel`](Self::cancel): nobody waits for its reply any more.
///
/// # Outputs
///
/// - [`take_output`](Self::take_output): bytes to write.
/// - [`poll`](Self::poll): what happened, in order, except for events.
/// - [`take_event`](Self::take_event) and its kin: events, in order. They are kept apart, so that a client which waits for a
///   reply leaves them where they are.
///
/// # Calling order
///
/// A session has output from the start if it is for a guest agent. A monitor speaks first. A client repeats: write all that
/// `take_output` gives, then read and call `handle_input`, then `poll` until it gives nothing. Each input can make new
/// output, `send` and `cancel` as well; nothing else does. Time is the client's: [`waits_for`](Self::waits_for) names what
/// a deadline would be about, and `cancel` is what to do about a call when its deadline passes.
///
/// A session first greets and negotiates (monitor) or synchronizes (guest agent). [`Incoming::Ready`] ends this,
/// or [`Incoming::Failed`], which also ends the session. Commands may be sent before, and wait. Events that arrive
/// before are kept like all others.
///
/// # Replies
///
/// Every command has an id on the wire, its user's or the session's, and a reply goes to the command with its id, in
/// whichever order replies come. A reply with an id that no command has is dropped and counted. An error without an id,
/// which a server sends if it could not read the command, goes to the oldest in-band command that waits for one. The reply
/// to a cancelled command is dropped and counted.
///
/// A line that is no message answers nothing, and is reported as it is, so that it cannot shift a reply to another command.
///
/// # Memory
///
/// At most one line of the length that the [options](SessionOptions) allow, twice that while it is read; events within the
/// bounds of the options; the replies and lines that `poll` has not given yet, of which there are at most as many
/// as commands under way, and 64. A cancelled command leaves its id behind until its reply arrives, or that of a later one.
#[derive(Debug)]
pub struct Session {
    lines: Lines,
    conversation: Conversation,
}

/// A command under way in a [`Session`]. Not what is on the wire: that may be any JSON value, and need not be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

/// What happened in a [`Session`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming {
    /// Capabilities negotiation or synchronization is done.
    Ready,
    /// There is no greeting, a wrong one, or negotiation was refused. The session has ended.
    Failed(Error),
    /// A command was answered.
    Reply {
        /// The command, as [`Session::send`] named it.
        id: Id,
        /// What it returned, or the server's error.
        reply: Reply,
    },
    /// A line that is no message or that answers nothing.
    Malformed {
        /// The line.
        line: MalformedLine,
        /// The command whose reply this most likely was, because its reply is the next one; it may never come then.
        suspect: Option<Id>,
    },
    /// The peer closed the connection. Commands that are still under way will not be answered. The session has ended.
    Closed,
}

/// Bytes to write at once, in the order in which they were taken.
#[derive(Debug)]
#[non_exhaustive]
pub struct Output {
    /// The command that these bytes are; `None` for negotiation and synchronization.
    pub id: Option<Id>,
    /// One whole line.
    pub bytes: Vec<u8>,
}

/// What a [`Session`] dropped, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Events that were dropped at the [bounds](SessionOptions::max_events) before anybody took them.
    pub dropped_events: u64,
    /// Replies with an id that no command under way has.
    pub unknown_replies: u64,
    /// Replies to commands that were cancelled, or whose success is not answered.
    pub late_replies: u64,
    /// Lines before synchronization with a guest agent, meant for an earlier client.
    pub stale_lines: u64,
    /// Malformed lines that were not reported because 64 others were waiting to be.
    pub unreported_lines: u64,
}

impl Session {
    /// A session with a monitor: of the system emulator or the storage daemon.
    pub fn new(options: SessionOptions) -> Self {
        Self::start(options, None)
    }

    /// A session with a guest agent, which does not greet. It may have half a command of an earlier client in its parser,
    /// and its output may be meant for that client; therefore the session first sends a byte that makes the parser start
    /// afresh, then `guest-sync-delimited`, and drops everything before the reply.
    ///
    /// `sync_id` tells this reply from those to earlier clients, and should be chosen at random. Its highest bit is ignored.
    /// See "QGA Synchronization" in the QEMU Machine Protocol Specification.
    pub fn guest_agent(options: SessionOptions, sync_id: u64) -> Self {
        Self::start(options, Some(sync_id & (u64::MAX >> 1)))
    }

    /// Takes in bytes that arrived.
    pub fn handle_input(&mut self, mut bytes: &[u8]) {
        while let Some(line) = self.lines.next(&mut bytes) {
            self.conversation.handle_line(line);
        }
    }

    /// Takes in that nothing more will arrive, or can be sent.
    pub fn handle_eof(&mut self) {
        self.conversation.handle_eof(self.lines.rest());
    }

    /// Sends a command. It is output when the server is ready for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the session has ended;
    /// [`ErrorKind::OobUnavailable`](crate::ErrorKind::OobUnavailable) if the request is out-of-band and this is not, or not
    /// yet, negotiated; [`ErrorKind::Encode`](crate::ErrorKind::Encode) if its id is nested more deeply than 128 levels, or
    /// the whole exceeds what QEMU's parser takes: 1,024 levels, 2,097,152 tokens, 64 MiB.
    pub fn send(&mut self, request: Request) -> Result<Id, Error> {
        self.conversation.send(request)
    }

    /// Gives up a command. If it was not output yet, it will not be; if it was, its reply will be dropped.
    pub fn cancel(&mut self, id: Id) {
        self.conversation.cancel(id);
    }

    /// What happened next, in order, except for events.
    pub fn poll(&mut self) -> Option<Incoming> {
        self.conversation.poll()
    }

    /// The next line to write: one command, so that each can go out with one system call.
    pub fn take_output(&mut self) -> Option<Output> {
        self.conversation.take_output()
    }

    /// All events that were not taken yet, oldest first.
    #[inline]
    pub fn events(&mut self) -> &[RawEvent] {
        self.conversation.events.as_slice()
    }

    /// Takes the oldest event.
    #[inline]
    pub fn take_event(&mut self) -> Option<RawEvent> {
        self.conversation.events.pop()
    }

    /// Takes the first event for which `wanted` gives a value, and leaves all others.
    ///
    /// `place` is where to begin, and is moved on, so that no event is looked at twice: start with 0, or with
    /// [`event_place`](Self::event_place) to pass over what is there already, and pass the same variable again after more
    /// input.
    pub fn take_event_if<T>(&mut self, place: &mut u64, wanted: impl FnMut(&RawEvent) -> Option<T>) -> Option<T> {
        self.conversation.events.take_first(place, wanted)
    }

    /// The place of the event that arrives next, for [`take_event_if`](Self::take_event_if).
    #[inline]
    pub fn event_place(&self) -> u64 {
        self.conversation.events.end()
    }

    /// How many events were not taken yet.
    #[inline]
    pub fn event_count(&self) -> usize {
        self.conversation.events.len()
    }

    /// Forgets all events that were not taken yet.
    #[inline]
    pub fn clear_events(&mut self) {
        self.conversation.events.clear();
    }

    /// What the server is, once it has greeted. Guest agents do not greet.
    #[inline]
    pub fn greeting(&self) -> Option<&Greeting> {
        self.conversation.greeting()
    }

    /// What keeps the session from being ready; `None` if it is ready or has ended.
    #[inline]
    pub fn waits_for(&self) -> Option<Phase> {
        self.conversation.waits_for()
    }

    /// Whether commands are executed: the session has become ready and not ended since.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.conversation.is_ready()
    }

    /// Whether the session has ended, by [`handle_eof`](Self::handle_eof) or because the server was refused.
    #[inline]
    pub fn is_ended(&self) -> bool {
        self.conversation.is_ended()
    }

    /// Whether out-of-band execution was negotiated.
    #[inline]
    pub fn is_oob(&self) -> bool {
        self.conversation.is_oob()
    }

    /// What was dropped so far.
    #[inline]
    pub fn counters(&self) -> Counters {
        self.conversation.counters()
    }

    /// The id on the wire, as JSON text, of a command under way.
    #[inline]
    pub(crate) fn wire_id(&self, id: Id) -> Option<&str> {
        self.conversation.wire_id(id)
    }

    fn start(options: SessionOptions, sync_id: Option<u64>) -> Self {
        Session { lines: Lines::new(options.max_line_len), conversation: Conversation::new(options, sync_id) }
    }
}

#[cfg(test)]
mod tests;
