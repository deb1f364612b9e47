//! What the clients tell [`tracing`](https://docs.rs/tracing), with the feature `tracing`.
//!
//! Everything has the target [`qemu_qmp`](TARGET). What nobody listens to costs a comparison: nothing is formatted, searched
//! for secrets, or timed.
//!
//! # Spans, at level debug
//!
//! Each command that is called has a span `command` of its own, in both clients, from the call to its end. It is made
//! inside of whichever span the caller is in. Its fields:
//!
//! - `command`: the name. Whatever is called by [`cmd_obj`](crate::Client::cmd_obj) without one has an empty name.
//! - `id`: the id on the wire, as JSON, as it is in the messages. Missing if nothing was sent.
//! - `duration`: how long it took, in seconds. Set at the end, however it ends.
//! - `outcome`: how it ended. Set at the end:
//!   - `ok`: it was answered, or written, if it is not answered. A reply that does not fit its type was one, too.
//!   - the class of the server's error, such as `GenericError`; `unrecognized` for one that this crate does not know;
//!   - `timeout`: the deadline passed;
//!   - `cancelled`: nobody waits any more, because the call's future was dropped;
//!   - `malformed`: the reply most likely was a line that is no message;
//!   - `gone`: the connection has ended, or broke, or there is none;
//!   - `refused`: it cannot be sent, as with file descriptors over something else than a Unix socket.
//!
//! The span is closed when the call has ended. It is never entered, because one task or thread moves the messages of several
//! calls; ids tell which message belongs to which call. Capabilities negotiation and synchronization have no span.
//!
//! # Events, at level trace
//!
//! Each message that passes a [`Session`](crate::session::Session), whoever drives it, is an event, with the fields
//! `direction`, which is `sent` or `received`, and `text`. A message counts as sent when it is taken out to be written. A line that is no message, or none that can be placed, has instead of `text` the
//! fields `malformed`, which is [what is wrong](crate::error::Malformed), and `length`, in bytes: nobody can tell what is a
//! secret in there. So has a line that a guest agent sent before it was synchronized, which is `stale`.
//!
//! Events are emitted in the midst of moving messages. A subscriber has to be quick, and must not use a handle of the same
//! connection.
//!
//! # Secrets
//!
//! A value that is a secret, or may be one, is `"***"` instead. The rest of the message is as it was. Masked are
//!
//! - members that are called `password`, `secret`, `key`, `token`, `cookie` or the like, in whichever message, however deep,
//!   and however the name is escaped. Members such as `password-secret` have the id of a secret, and are shown;
//! - what commands pass under other names: the `data` of `object-add`, each `value` of `qom-set`, keys that are typed
//!   (`send-key`, `input-send-event`), what goes through `ringbuf-write`, the `command-line` of `human-monitor-command`, and
//!   arguments, environment and input of programs in the guest (`guest-exec`);
//! - what comes back from `qom-get`, `qom-list-get`, `human-monitor-command` and `ringbuf-read`; contents of files in the
//!   guest (`guest-file-read`, `guest-file-write`) and output of its programs (`guest-exec-status`);
//! - text that has the form of a URL with a login or with parameters, of block device options with a password, or of a
//!   command line for a shell;
//! - the words of an error, if anything of its command was masked;
//! - the whole of a reply if the command is not known any more, or was sent while nobody listened.
//!
//! Public keys (`guest-ssh-add-authorized-keys`), certificates, measurements and attestations of protected guests are no
//! secrets. A secret under a name and in a form that tell nothing is shown, as it would be in a misspelt argument, in an
//! argument of a misspelt command, or in a command of another schema. What is masked may grow with each release, and is no
//! reason to show traces of this level to everybody.
//!
//! Errors are the program's own: what it prints of an [`Error`](crate::Error) may have in it what a server said.

mod mask;
mod table;

pub(crate) use mask::ReplyMask;

use crate::error::{ErrorClass, ErrorKind, MalformedLine, Result};
use crate::message::Reply;
use crate::session::without_delimiter;
use std::time::Instant;
use tracing::field::{display, Empty};
use tracing::{event, event_enabled, Level, Span};

/// The target of all spans and events of this crate.
pub const TARGET: &str = "qemu_qmp";

/// A command that is called, and its span. Dropped before its end, it was cancelled.
pub(crate) struct Call {
    span: Span,
    /// Since when, until it has ended. `None` if nobody listens.
    since: Option<Instant>,
}

impl Call {
    pub(crate) fn start(command: &str) -> Self {
        let span =
            tracing::debug_span!(target: TARGET, "command", command, id = Empty, duration = Empty, outcome = Empty);
        let since = (!span.is_disabled()).then(Instant::now);
        Call { span, since }
    }

    /// It is in the session now, with this id.
    pub(crate) fn sent<'a>(&self, id: impl FnOnce() -> Option<&'a str>) {
        if self.since.is_some() {
            if let Some(id) = id().and_then(mask::plain) {
                self.span.record("id", display(id));
            }
        }
    }

    pub(crate) fn end(mut self, outcome: &Result<Option<Reply>>) {
        self.finish(match outcome {
            Ok(reply) => match reply.as_ref().and_then(Reply::error).map(|error| &error.class) {
                None => "ok",
                Some(ErrorClass::Unrecognized(_)) => "unrecognized",
                Some(class) => class.as_str(),
            },
            Err(error) if error.is_closed() => "gone",
            Err(error) => match error.kind() {
                ErrorKind::Io | ErrorKind::NotConnected => "gone",
                ErrorKind::Timeout(_) => "timeout",
                ErrorKind::Malformed(_) => "malformed",
                _ => "refused",
            },
        });
    }

    fn finish(&mut self, outcome: &str) {
        if let Some(since) = self.since.take() {
            self.span.record("duration", since.elapsed().as_secs_f64());
            self.span.record("outcome", outcome);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.finish("cancelled");
    }
}

/// A line on its way to the server. Tells what to mask in the reply.
pub(crate) fn sent(line: &[u8]) -> ReplyMask {
    if !is_listened_to() {
        return ReplyMask::default();
    }
    match text(line).and_then(mask::request) {
        Some((text, reply)) => {
            event!(target: TARGET, Level::TRACE, direction = "sent", text = %text);
            reply
        }
        None => {
            event!(target: TARGET, Level::TRACE, direction = "sent", length = line.len());
            ReplyMask::default()
        }
    }
}

/// A greeting or an event that came.
pub(crate) fn received(line: &[u8]) {
    if is_listened_to() {
        show(text(line).and_then(mask::plain), line.len());
    }
}

/// A reply that came. `None`: no command has its id.
pub(crate) fn replied(reply: &Reply, extent: Option<ReplyMask>) {
    if is_listened_to() {
        let text = reply.as_json();
        show(mask::reply(text, extent.unwrap_or_default()), text.len());
    }
}

/// A line that is no message, or cannot be placed.
pub(crate) fn malformed(line: &MalformedLine) {
    let (kind, length) = (line.kind(), line.line_len());
    event!(target: TARGET, Level::TRACE, direction = "received", malformed = ?kind, length);
}

/// A guest agent's line for an earlier client.
pub(crate) fn stale(length: usize) {
    event!(target: TARGET, Level::TRACE, direction = "received", stale = true, length);
}

fn is_listened_to() -> bool {
    event_enabled!(target: TARGET, Level::TRACE)
}

fn show(text: Option<std::borrow::Cow<'_, str>>, length: usize) {
    match text {
        Some(text) => event!(target: TARGET, Level::TRACE, direction = "received", text = %text),
        None => event!(target: TARGET, Level::TRACE, direction = "received", length),
    }
}

/// A line's text. Bytes that make a guest agent's parser start afresh may be in front of it.
fn text(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(without_delimiter(line)).ok().map(str::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_listens_to_is_not_looked_at() {
        let harmless = b"{\"execute\":\"query-name\"}\n";
        assert_eq!(text(harmless).and_then(mask::request).unwrap().1, ReplyMask::Nothing);
        assert_eq!(sent(harmless), ReplyMask::All);
        assert!(Call::start("query-name").since.is_none());
        Call::start("query-name").sent(|| panic!("nobody wants to know"));
    }
}
