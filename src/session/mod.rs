//! The protocol without input and output: a state machine that any client can drive.
//!
//! One book of calls knows every command under way and decides how each ends; clients only move bytes, wait, and deliver.
//! No sockets, no clock, no threads, no generated types. A server can send anything in any pieces without making a session
//! panic, recurse, guess, or take more memory than its bounds say. With the feature `tracing` each message is an
//! event of that crate.

mod book;
mod conversation;
mod events;
mod lines;
mod options;
mod queue;
mod ring;
mod search;

pub use events::{CallSpan, SubscribeFrom, Subscriber};
#[cfg(feature = "fake")]
pub(crate) use lines::{Line, Lines};
pub use options::SessionOptions;
pub use queue::{Entry, EventCursor, EventFilter};
#[cfg(feature = "tokio")]
pub(crate) use ring::Ring;
pub(crate) use search::{accepted, decided, located, look_at, take_all, take_all_raw};

use crate::error::{Error, Phase, Result};
use crate::label::Label;
use crate::message::{Greeting, RawEvent, Reply, Request};
use conversation::Conversation;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// One connection to a monitor or a guest agent, as seen from the client, without the connection itself.
///
/// # Inputs
///
/// - [`handle_input`](Self::handle_input): bytes that arrived, in whatever pieces.
/// - [`handle_eof`](Self::handle_eof): nothing more will arrive. [`handle_write_error`](Self::handle_write_error): nothing
///   more can be written.
/// - [`handle_written`](Self::handle_written): a command's line was written. [`handle_silence`](Self::handle_silence): a
///   command whose success is not answered was not refused in time.
/// - [`send`](Self::send): a command to execute; [`cancel`](Self::cancel): nobody waits for its reply any more.
/// - [`close`](Self::close): this side ends the session.
///
/// # Outputs
///
/// - [`take_output`](Self::take_output): bytes to write.
/// - [`poll`](Self::poll): how calls ended, and the session's own beginning and end, in order.
/// - [`take_event`](Self::take_event) and [`take_event_for`](Self::take_event_for): events, in order. They are kept apart, so
///   that a client which waits for a reply leaves them where they are.
///
/// # Calling order
///
/// A session has output from the start if it is for a guest agent. A monitor speaks first. A client repeats: write all that
/// `take_output` gives, telling `handle_written` of each command; then read and call `handle_input`; then `poll` until it
/// gives nothing. Each input can make new output; nothing else does. Time is the client's:
/// [`waits_for`](Self::waits_for) names what a deadline would be about, and `cancel` is what to do about a call when its
/// deadline passes.
///
/// After an error of writing a client calls `handle_write_error`, reads what has arrived without waiting for more, and calls
/// `handle_eof`.
///
/// A session first greets and negotiates (monitor) or synchronizes (guest agent). [`Incoming::Ready`] ends this, or
/// [`Incoming::Ended`]. Commands may be sent before, and wait. Events that arrive before are kept like all others.
///
/// # Calls
///
/// Each command that `send` took ends exactly once, unless it is cancelled before: by [`Incoming::Done`]. Every command has
/// an id on the wire, its user's or the session's, and a reply goes to the command with its id, in whichever order replies
/// come. Beyond that the session decides:
///
/// - A reply with an id that no command has is dropped and counted, and so is the reply to a cancelled command.
/// - An error without an id, which a server sends if it could not read the command, goes to the oldest in-band command that
///   waits for one.
/// - A line that is no message, or a reply without an id that is no error, ends the call whose reply it most likely was with
///   [`Malformed`](crate::ErrorKind::Malformed): that of the oldest in-band command, or else of the oldest out-of-band
///   command. Its reply, should it still come, is dropped and counted. If that call was cancelled, the line concerns no other.
/// - A line that can concern no call is told to those who take events, in its place among the events.
/// - The end of the connection ends all calls with the same error. In the middle of a line that is `Malformed` with
///   [`HalfLine`](crate::error::Malformed::HalfLine).
///
/// # Memory
///
/// At most one line of the length that the [options](SessionOptions) allow, twice that while it is read; events within the
/// bounds of the options, for each subscriber; and what `poll` has not given yet, of which there is at most one for each
/// command that was sent, and two. A cancelled command leaves its id behind until its reply arrives, or that of a later one.
pub struct Session {
    lines: lines::Lines,
    refusal_timeout: Duration,
    conversation: Conversation,
}

/// A command under way in a [`Session`]. Not what is on the wire: that may be any JSON value, and need not be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

/// News from a [`Session`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming {
    /// Capabilities negotiation or synchronization is done.
    Ready,
    /// A call has ended.
    Done {
        /// The command, as [`Session::send`] named it.
        id: Id,
        /// The reply, which may be the server's error; `None` if the command was written, its success is not answered, and it
        /// was not refused; or why there is neither.
        outcome: Result<Option<Reply>>,
        /// The events that arrived meanwhile.
        span: CallSpan,
    },
    /// The session has ended, for this reason. All calls have ended before.
    Ended(Error),
}

/// Bytes to write at once, in the order in which they were taken.
#[non_exhaustive]
pub struct Output {
    /// The command that these bytes are; `None` for negotiation and synchronization.
    pub id: Option<Id>,
    /// One whole line.
    pub bytes: Vec<u8>,
}

/// Counts of what a [`Session`] dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Events, and lines that may have been events, that were dropped at the [bounds](SessionOptions::max_events) before
    /// they were taken, each as often as there was a reader who missed it.
    pub dropped_events: u64,
    /// Replies with an id that no command under way has.
    pub unknown_replies: u64,
    /// Replies to commands that were cancelled, or whose success is not answered.
    pub late_replies: u64,
    /// Lines before synchronization with a guest agent, meant for an earlier client.
    pub stale_lines: u64,
    /// Lines that are no message, or answer nothing.
    pub malformed_lines: u64,
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

    /// Takes in that nothing more will arrive, or can be sent: the connection has ended, because of this error of reading if
    /// there was one.
    pub fn handle_eof(&mut self, cause: Option<io::Error>) {
        self.conversation.handle_eof(self.lines.rest(), cause);
    }

    /// Takes in that nothing can be written any more. What the server sent before may still arrive.
    pub fn handle_write_error(&mut self, error: io::Error) {
        self.conversation.handle_write_error(error);
    }

    /// Takes in that all bytes of a command were written.
    pub fn handle_written(&mut self, id: Id) {
        self.conversation.handle_written(id);
    }

    /// Returns whether a command was written whose success is not answered, and its call has not ended: only a refusal may come.
    pub fn awaits_refusal(&self, id: Id) -> bool {
        self.conversation.awaits_refusal(id)
    }

    /// Takes in that a refusal has been [waited for](Self::awaits_refusal) long enough. Ends the call with success.
    pub fn handle_silence(&mut self, id: Id) {
        self.conversation.handle_silence(id);
    }

    /// How long to wait for a refusal.
    pub(crate) fn refusal_timeout(&self) -> Duration {
        self.refusal_timeout
    }

    /// Ends the session from this side. Calls under way end with [`NotConnected`](crate::ErrorKind::NotConnected).
    pub fn close(&mut self) {
        self.conversation.close();
    }

    /// Sends a command. It is output when the server is ready for it.
    ///
    /// # Errors
    ///
    /// [Why the session has ended](Self::end), if it has;
    /// [`ErrorKind::OobUnavailable`](crate::ErrorKind::OobUnavailable) if the request is out-of-band and this is not, or not
    /// yet, negotiated; [`ErrorKind::Encode`](crate::ErrorKind::Encode) if its id is nested more deeply than 128 levels, or
    /// the whole exceeds what QEMU's parser takes: 1,024 levels, 2,097,152 tokens, 64 MiB.
    pub fn send(&mut self, request: Request) -> Result<Id> {
        self.conversation.send(request)
    }

    /// Gives up a command. If it was not output yet, it will not be; if it was, its reply will be dropped. `poll` does not
    /// give its end any more.
    pub fn cancel(&mut self, id: Id) {
        self.conversation.cancel(id);
    }

    /// Returns the next news, in order, except for events.
    pub fn poll(&mut self) -> Option<Incoming> {
        self.conversation.poll()
    }

    /// The next line to write: one command, so that each can go out with one system call.
    pub fn take_output(&mut self) -> Option<Output> {
        self.conversation.take_output()
    }

    /// Whether [`take_output`](Self::take_output) would give something.
    pub(crate) fn has_output(&self) -> bool {
        self.conversation.has_output()
    }

    /// Takes the oldest event that the session keeps, or an error in its stead: a line that may have been an event, or so many
    /// events [missed](crate::ErrorKind::Missed) at the bounds.
    ///
    /// The session keeps events from its beginning on until they are taken, or
    /// [handed over](SubscribeFrom::HandedOver) to a subscriber.
    pub fn take_event(&mut self) -> Option<Entry> {
        self.conversation.events.take()
    }

    /// Returns whether the session keeps events itself, instead of its subscribers.
    pub fn keeps_events(&self) -> bool {
        self.conversation.events.keeps()
    }

    /// Takes the oldest error that stands among the events that the session keeps, and leaves the events.
    pub fn take_event_error(&mut self) -> Option<Error> {
        self.conversation.events.take_gap()
    }

    /// The events that the session keeps, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Arc<RawEvent>> {
        self.conversation.events.kept()
    }

    /// Removes an event that a subscriber has taken from those that the session keeps.
    pub fn remove_event(&mut self, cursor: EventCursor) {
        self.conversation.events.remove(cursor);
    }

    /// Forgets the events that the session keeps.
    pub fn clear_events(&mut self) {
        self.conversation.events.clear();
    }

    /// Before the event that arrives next.
    pub fn event_cursor(&self) -> EventCursor {
        self.conversation.events.cursor()
    }

    /// A queue of events of its own, within the [bounds](SessionOptions::max_events) of the options.
    pub fn subscribe(&mut self, from: SubscribeFrom, filter: EventFilter) -> Subscriber {
        self.conversation.events.subscribe(from, filter)
    }

    /// Drops a subscriber's queue.
    pub fn unsubscribe(&mut self, subscriber: Subscriber) {
        self.conversation.events.unsubscribe(subscriber);
    }

    /// Takes the oldest event of a subscriber's queue, or an error, as [`take_event`](Self::take_event) does.
    pub fn take_event_for(&mut self, subscriber: Subscriber) -> Option<Entry> {
        self.conversation.events.take_for(subscriber)
    }

    /// Returns whether a subscriber's queue has anything to take.
    pub fn has_event_for(&self, subscriber: Subscriber) -> bool {
        self.conversation.events.has_entry_for(subscriber)
    }

    /// Whether a subscriber's queue is half full, or for `None` that of the events which the session keeps.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_half_full_for(&self, subscriber: Option<Subscriber>) -> bool {
        self.conversation.events.is_half_full(subscriber)
    }

    /// The server's greeting, once it has come. Guest agents do not greet.
    pub fn greeting(&self) -> Option<&Greeting> {
        self.conversation.greeting()
    }

    /// Returns the reason why the session is not ready; `None` if it is ready or has ended.
    pub fn waits_for(&self) -> Option<Phase> {
        self.conversation.waits_for()
    }

    /// Returns whether commands are executed: the session has become ready and not ended since.
    pub fn is_ready(&self) -> bool {
        self.conversation.is_ready()
    }

    /// Why the session has ended, if it has.
    pub fn end(&self) -> Option<&Error> {
        self.conversation.end()
    }

    /// Returns whether nothing can be written any more.
    pub fn is_broken(&self) -> bool {
        self.conversation.is_broken()
    }

    /// Returns whether out-of-band execution was negotiated.
    pub fn oob_enabled(&self) -> bool {
        self.conversation.oob_enabled()
    }

    /// Counts what was dropped so far.
    pub fn counters(&self) -> Counters {
        self.conversation.counters()
    }

    /// The id on the wire, as JSON text, of a command under way.
    pub(crate) fn wire_id(&self, id: Id) -> Option<Cow<'_, str>> {
        self.conversation.wire_id(id)
    }

    /// The connection's name in errors and traces.
    pub(crate) fn label(&self) -> &Label {
        self.conversation.label()
    }

    fn start(options: SessionOptions, sync_id: Option<u64>) -> Self {
        let refusal_timeout = options.refusal_timeout;
        let lines = lines::Lines::new(options.max_line_len);
        Session { lines, refusal_timeout, conversation: Conversation::new(options, sync_id) }
    }
}

// What is on its way may be secret.
impl fmt::Debug for Session {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Session");
        shown.field("connection", &self.label().shown()).field("ready", &self.is_ready());
        shown.field("end", &self.end()).field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Output {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("id", &self.id).field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
