//! Spans and events for [`tracing`](https://docs.rs/tracing), with the feature `tracing`.
//!
//! Everything has the target [`qemu_qmp`](TARGET), and says to which connection it belongs, by three fields: `connection`, a
//! number that no other connection of the process has; `address`, where it leads to; and `name`, what the program calls it
//! ([`ConnectOptions::name`](crate::ConnectOptions::name)). The last two are missing where there are none. What no subscriber
//! wants costs a comparison: nothing is formatted, searched for secrets, or timed.
//!
//! # Spans, at level debug
//!
//! Each command that is called has a span `command` of its own, in each client, from the call to its end. It is made inside of
//! the span that the caller is in. Its further fields:
//!
//! - `command`: the name. An object that [`cmd_obj`](crate::Client::cmd_obj) sends without one has an empty name.
//! - `id`: the id on the wire, as JSON, as it is in the messages. Missing if nothing was sent.
//! - `duration`: how long it took, in seconds. Set at the end, however it ends.
//! - `outcome`: how it ended. Set at the end:
//!   - `ok`: it was answered, or written, if it is not answered. A reply that does not fit its type was one, too.
//!   - the class of the server's error, such as `GenericError`; `unrecognized` for one that this crate does not know;
//!   - `timeout`: the deadline passed;
//!   - `cancelled`: the call's future was dropped;
//!   - `malformed`: the reply most likely was a line that is no message;
//!   - `gone`: the connection has ended, or broke, or there is none;
//!   - `refused`: it cannot be sent, as with file descriptors over something else than a Unix socket.
//!
//! The span is closed when the call has ended. It is never entered, because one task or thread moves the messages of several
//! calls; ids tell which message belongs to which call. Capabilities negotiation and synchronization have no span.
//!
//! # Events, at level trace
//!
//! Each message that passes a [`Session`](crate::session::Session) is an event, with the fields `direction`, which is `sent` or
//! `received`, and `text`. A message counts as sent when it is taken out to be written. A line that is no message, or answers
//! nothing, has instead of `text` the fields `malformed`, which is [what is wrong](crate::error::Malformed), and `length`, in
//! bytes: nobody can tell what is a secret in there. So has a line that a guest agent sent before it was synchronized, which
//! is `stale`.
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
//! A schema of one's own says what else is secret in it: `Generator::secret_members` and `secret_replies` of
//! `qemu-qmp-codegen`. That holds for typed commands and replies to them. Its events are known by name only, and show such
//! members.
//!
//! The same table holds for `Debug`, with this feature and without it: of commands, replies and events, typed or not, of
//! requests, and of errors, whose text repeats no secret either. A value that a program has taken out, such as the string that
//! `human-monitor-command` returns, is its own.

mod mask;

pub(crate) use mask::ReplyMask;

use crate::error::{Error, ErrorClass, ErrorKind, Malformed, ServerError};
use crate::label::Label;
use crate::secrets::Secrets;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::field::{display, Empty};
use tracing::{event, event_enabled, Level, Span};

/// The target of all spans and events of this crate.
pub const TARGET: &str = "qemu_qmp";

/// A number that no other connection of this process has.
pub(crate) fn connection_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// The span of a command that is called. Dropped before its end, the command was cancelled.
pub(crate) struct CommandSpan {
    span: Span,
    /// Since when, until it has ended. `None` if no subscriber wants it.
    since: Option<Instant>,
}

impl CommandSpan {
    pub(crate) fn start(label: &Label, command: &str) -> Self {
        let (connection, address, name) = fields(label);
        let span = tracing::debug_span!(
            target: TARGET, "command", connection, address, name, command, id = Empty, duration = Empty, outcome = Empty
        );
        let since = (!span.is_disabled()).then(Instant::now);
        CommandSpan { span, since }
    }

    /// The command is in the session now, with this id.
    pub(crate) fn sent<'a>(&self, id: impl FnOnce() -> Option<Cow<'a, str>>) {
        if self.since.is_some() {
            if let Some(id) = id().as_deref().and_then(mask::plain) {
                self.span.record("id", display(id));
            }
        }
    }

    /// The call has ended: with a reply, which may be the server's error, or by this error.
    pub(crate) fn end(mut self, outcome: Result<Option<&ServerError>, &Error>) {
        self.finish(match outcome {
            Ok(None) => "ok",
            Ok(Some(ServerError { class: ErrorClass::Unrecognized(_), .. })) => "unrecognized",
            Ok(Some(error)) => error.class.as_str(),
            Err(error) if error.is_disconnected() => "gone",
            Err(error) => match error.kind() {
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

impl Drop for CommandSpan {
    fn drop(&mut self) {
        self.finish("cancelled");
    }
}

/// A line on its way to the server. Tells what to mask in the reply.
pub(crate) fn sent(label: &Label, line: &[u8], secrets: Secrets) -> ReplyMask {
    if !is_wanted() {
        return ReplyMask::default();
    }
    match text(line).and_then(|text| mask::request(text, secrets)) {
        Some((text, reply)) => {
            show(label, "sent", Some(text), line.len());
            reply
        }
        None => {
            show(label, "sent", None, line.len());
            ReplyMask::default()
        }
    }
}

/// A greeting or an event that came.
pub(crate) fn received(label: &Label, line: &[u8]) {
    if is_wanted() {
        show(label, "received", text(line).and_then(mask::plain), line.len());
    }
}

/// A reply that came. `None`: no command has its id.
pub(crate) fn replied(label: &Label, reply: &str, extent: Option<ReplyMask>) {
    if is_wanted() {
        show(label, "received", mask::reply(reply, extent.unwrap_or_default()), reply.len());
    }
}

/// A line that is no message, or answers nothing.
pub(crate) fn malformed(label: &Label, kind: Malformed, length: usize) {
    let (connection, address, name) = fields(label);
    event!(target: TARGET, Level::TRACE, connection, address, name, direction = "received", malformed = ?kind, length);
}

/// A guest agent's line for an earlier client.
pub(crate) fn stale(label: &Label, length: usize) {
    let (connection, address, name) = fields(label);
    event!(target: TARGET, Level::TRACE, connection, address, name, direction = "received", stale = true, length);
}

fn is_wanted() -> bool {
    event_enabled!(target: TARGET, Level::TRACE)
}

/// `text` is what may be shown of a message of this length; `None` if nothing can be.
fn show(label: &Label, direction: &str, text: Option<Cow<'_, str>>, length: usize) {
    let (connection, address, name) = fields(label);
    match text {
        Some(text) => event!(target: TARGET, Level::TRACE, connection, address, name, direction, text = %text),
        None => event!(target: TARGET, Level::TRACE, connection, address, name, direction, length),
    }
}

/// The fields that tell which connection it is.
fn fields(label: &Label) -> (u64, Option<&str>, Option<&str>) {
    (label.number, label.address.as_deref(), label.name.as_deref())
}

fn text(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok().map(str::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::table::Extent;

    #[test]
    fn what_no_subscriber_wants_is_not_looked_at() {
        let harmless = b"{\"execute\":\"query-name\"}\n";
        let (_, mask) = text(harmless).and_then(|text| mask::request(text, Secrets::NONE)).unwrap();
        assert_eq!(mask.extent, Extent::Nothing);
        let label = Label::default();
        assert_eq!(sent(&label, harmless, Secrets::NONE).extent, Extent::All);
        assert!(CommandSpan::start(&label, "query-name").since.is_none());
        CommandSpan::start(&label, "query-name").sent(|| panic!("nobody wants to know"));
    }
}
