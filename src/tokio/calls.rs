//! Calls: a command, its deadline and file descriptors, on their way to the session.

use super::deadline::Deadline;
use super::pending::Answer;
use super::shared::Shared;
use crate::api::{CommandFor, MonitorPeer, OobCommand, Peer};
use crate::error::{Error, Phase, Repr, Result};
use crate::fds::{BorrowedFd, Fds};
use crate::message::{Reply, Request};
use crate::session::{CallSpan, Id};
use crate::timeout::Timeout;
use crate::trace::CommandSpan;
use ::tokio::sync::oneshot;
use serde_json::{Map, Value};
use std::fmt;
use std::future::{poll_fn, Future};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{ready, Context, Poll};
use std::time::Duration;

/// Executes commands with a deadline of their own, or one with file descriptors. Made by
/// [`Client::within`](super::Client::within) and `Client::with_fds`.
pub struct CallBuilder<'a, P> {
    call: Call<'a>,
    peer: PhantomData<fn() -> P>,
}

/// A call builder without its peer, so that one copy of what calls have in common does for all of them.
#[derive(Clone, Copy)]
struct Call<'a> {
    shared: &'a Shared,
    timeout: Option<Duration>,
    fds: &'a [BorrowedFd<'a>],
}

impl<'a, P: Peer> CallBuilder<'a, P> {
    pub(super) fn new(shared: &'a Shared, timeout: Option<Duration>) -> Self {
        let call = Call { shared, timeout, fds: &[] };
        CallBuilder { call, peer: PhantomData }
    }

    /// See [`Client::within`](super::Client::within).
    pub fn within(self, timeout: impl Timeout) -> Self {
        CallBuilder { call: Call { timeout: timeout.limit(), ..self.call }, ..self }
    }

    /// See [`Client::with_fds`](super::Client::with_fds).
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds(self, fds: &'a [BorrowedFd<'a>]) -> Self {
        CallBuilder { call: Call { fds, ..self.call }, ..self }
    }

    /// See [`Client::execute`](super::Client::execute).
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn execute<C: CommandFor<P>>(self, command: C) -> Result<C::Reply> {
        Ok(self.execute_typed::<C>(Request::new(&command)).await?.0)
    }

    /// See [`Client::execute_oob`](super::Client::execute_oob).
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn execute_oob<C: OobCommand + CommandFor<P>>(self, command: C) -> Result<C::Reply>
    where
        P: MonitorPeer,
    {
        Ok(self.execute_typed::<C>(Request::new(&command).map(Request::out_of_band)).await?.0)
    }

    /// See [`Client::cmd`](super::Client::cmd).
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn cmd(self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        let request = Request::untyped(name, arguments.as_ref());
        self.answer(match id {
            Some(id) => request.id(id),
            None => request,
        })
        .await
    }

    /// See [`Client::cmd_obj`](super::Client::cmd_obj).
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn cmd_obj(self, request: Map<String, Value>) -> Result<Reply> {
        self.answer(Request::from_object(request)).await
    }

    /// Executes a command, and tells which events arrived meanwhile.
    pub(super) async fn execute_typed<C: CommandFor<P>>(
        self,
        request: Result<Request>,
    ) -> Result<(C::Reply, CallSpan)> {
        let (reply, span) = self.call.run(request?).await?;
        Ok((Reply::decode_answer::<C>(reply)?, span))
    }

    async fn answer(self, request: Request) -> Result<Reply> {
        let (reply, _) = self.call.run(request).await?;
        // Only typed requests say of themselves that they have no reply.
        reply.ok_or_else(|| Repr::NotConnected.into())
    }
}

impl Call<'_> {
    async fn run(self, request: Request) -> Result<(Option<Reply>, CallSpan)> {
        let span = CommandSpan::start(&self.shared.label, request.name());
        let outcome = self.wait(request, &span).await;
        span.end(outcome.as_ref().map(|(reply, _)| reply.as_ref().and_then(Reply::error)));
        outcome
    }

    async fn wait(self, request: Request, span: &CommandSpan) -> Result<(Option<Reply>, CallSpan)> {
        let fds = Fds::copy(self.fds, self.fds.is_empty() || passes_fds(self.shared))?;
        let name = request.own_name();
        let deadline = Deadline::new(self.timeout);
        let is_answered = request.is_answered();
        let (id, receiver) = self.shared.send(request, fds, span)?;
        let call = UnderWay { shared: self.shared, id, receiver, answered: false };
        let outcome = match is_answered {
            true => deadline.run(call).await,
            false => call.run_unanswered(&deadline).await,
        };
        match outcome {
            Some((outcome, span)) => outcome.map(|reply| (reply, span)),
            None => Err(self.timed_out(&deadline, &name)),
        }
    }

    fn timed_out(self, deadline: &Deadline, name: &str) -> Error {
        deadline.passed(&self.shared.label, Phase::Call, Some(name).filter(|name| !name.is_empty()))
    }
}

impl<P> Clone for CallBuilder<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for CallBuilder<'_, P> {}

impl<P: Peer> fmt::Debug for CallBuilder<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallBuilder").field("timeout", &self.call.timeout).finish_non_exhaustive()
    }
}

/// Returns whether file descriptors can go over the stream.
#[cfg(unix)]
fn passes_fds(shared: &Shared) -> bool {
    shared.is_over::<::tokio::net::UnixStream>()
}

#[cfg(not(unix))]
fn passes_fds(_: &Shared) -> bool {
    false
}

/// A call that was sent. Dropped before its answer, it is cancelled.
struct UnderWay<'a> {
    shared: &'a Shared,
    id: Id,
    receiver: oneshot::Receiver<Answer>,
    answered: bool,
}

impl UnderWay<'_> {
    /// For a command whose success is not answered: waits until it is written, and then a while for a refusal.
    async fn run_unanswered(mut self, deadline: &Deadline) -> Option<Answer> {
        let written = poll_fn(|cx| match Pin::new(&mut self).poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => self.shared.poll_written(self.id, cx).map(|()| None),
        });
        if let Some(answer) = deadline.run(written).await? {
            return Some(answer);
        }
        let refusal = deadline.at_most(self.shared.with_session(|session| session.refusal_timeout()));
        if let Some(answer) = refusal.run(&mut self).await {
            return Some(answer);
        }
        self.shared.handle_silence(self.id);
        Some(self.await)
    }
}

impl Future for UnderWay<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let answer = ready!(Pin::new(&mut self.receiver).poll(cx));
        self.answered = true;
        // What removes a call from the shared state answers it.
        Poll::Ready(answer.unwrap_or_else(|_| (Err(self.shared.why()), CallSpan::default())))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.shared.cancel(self.id);
        }
    }
}
