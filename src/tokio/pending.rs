//! A call that waits in the shared state for its outcome.

use crate::error::Result;
use crate::fds::Fds;
use crate::message::Reply;
use crate::session::CallSpan;
use ::tokio::sync::oneshot;
use std::task::Waker;

/// How a call ended, and which events arrived meanwhile.
pub(super) type Answer = (Result<Option<Reply>>, CallSpan);

pub(super) struct PendingCall {
    pub(super) sender: oneshot::Sender<Answer>,
    /// The descriptors that go with its line, until that is being written.
    pub(super) fds: Fds,
    /// Of a task that waits until the line is written.
    pub(super) waker: Option<Waker>,
}
