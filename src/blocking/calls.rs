//! Calls: a command, its deadline and file descriptors, on their way to whichever blocking client.

use super::connection::Connection;
use super::transport::{takes_fds, Wait};
use crate::api::{CommandFor, MonitorPeer, OobCommand, Peer};
use crate::error::{Error, Phase, Repr, Result};
use crate::fds::{BorrowedFd, Fds};
use crate::label::Label;
use crate::message::{Reply, Request};
use crate::session::CallSpan;
use crate::timeout::Timeout;
use crate::trace::CommandSpan;
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Executes one command with a deadline of its own, or with file descriptors. Made by
/// [`Client::within`](super::Client::within), `Client::with_fds`, and their counterparts of
/// [`SharedClient`](super::SharedClient).
#[derive(Debug)]
pub struct CallBuilder<'a, P> {
    caller: Caller<'a>,
    timeout: Option<Duration>,
    fds: &'a [BorrowedFd<'a>],
    peer: PhantomData<fn() -> P>,
}

/// The connection that a call goes over.
#[derive(Debug)]
pub(super) enum Caller<'a> {
    Connection(&'a mut Connection),
    Shared(&'a dyn SharedCaller),
}

/// The outcome of a call, if its time is not over before.
pub(super) type CallOutcome = Result<Option<(Option<Reply>, CallSpan)>>;

/// A shared client. Behind a trait because it is inline: programs that call through a [`Client`](super::Client) only are not
/// to compile it.
pub(super) trait SharedCaller: fmt::Debug + Sync {
    fn label(&self) -> &Label;

    fn takes_fds(&self) -> bool;

    fn call(&self, request: Request, fds: Fds, wait: Wait, span: &CommandSpan) -> CallOutcome;
}

impl Caller<'_> {
    fn label(&self) -> &Label {
        match self {
            Caller::Connection(connection) => connection.session.label(),
            Caller::Shared(shared) => shared.label(),
        }
    }

    fn takes_fds(&mut self) -> bool {
        match self {
            Caller::Connection(connection) => takes_fds(connection.transport()),
            Caller::Shared(shared) => shared.takes_fds(),
        }
    }
}

impl<'a, P: Peer> CallBuilder<'a, P> {
    pub(super) fn new(caller: Caller<'a>, timeout: Option<Duration>) -> Self {
        CallBuilder { caller, timeout, fds: &[], peer: PhantomData }
    }

    /// See [`Client::within`](super::Client::within).
    pub fn within(self, timeout: impl Timeout) -> Self {
        CallBuilder { timeout: timeout.limit(), ..self }
    }

    /// See [`Client::with_fds`](super::Client::with_fds).
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds(self, fds: &'a [BorrowedFd<'a>]) -> Self {
        CallBuilder { fds, ..self }
    }

    /// See [`Client::execute`](super::Client::execute).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute<C: CommandFor<P>>(self, command: C) -> Result<C::Reply> {
        Ok(self.execute_typed::<C>(Request::new(&command)?)?.0)
    }

    /// See [`Client::execute_oob`](super::Client::execute_oob).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute_oob<C: OobCommand + CommandFor<P>>(self, command: C) -> Result<C::Reply>
    where
        P: MonitorPeer,
    {
        Ok(self.execute_typed::<C>(Request::new(&command)?.out_of_band())?.0)
    }

    /// See [`Client::cmd`](super::Client::cmd).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn cmd(self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        let request = Request::untyped(name, arguments.as_ref());
        self.answer(match id {
            Some(id) => request.id(id),
            None => request,
        })
    }

    /// See [`Client::cmd_obj`](super::Client::cmd_obj).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn cmd_obj(self, request: Map<String, Value>) -> Result<Reply> {
        self.answer(Request::from_object(request))
    }

    /// Executes a command, and tells which events arrived meanwhile.
    pub(super) fn execute_typed<C: CommandFor<P>>(self, request: Request) -> Result<(C::Reply, CallSpan)> {
        let (reply, span) = self.erase().call(request)?;
        Ok((Reply::decode_answer::<C>(reply)?, span))
    }

    fn answer(self, request: Request) -> Result<Reply> {
        let (reply, _) = self.erase().call(request)?;
        // Only typed requests say of themselves that they have no reply.
        reply.ok_or_else(|| Repr::NotConnected.into())
    }

    fn erase(self) -> Call<'a> {
        Call { caller: self.caller, timeout: self.timeout, fds: self.fds }
    }
}

/// A call builder without its types, so that one copy of what follows does for all of them.
struct Call<'a> {
    caller: Caller<'a>,
    timeout: Option<Duration>,
    fds: &'a [BorrowedFd<'a>],
}

impl Call<'_> {
    fn call(self, request: Request) -> Result<(Option<Reply>, CallSpan)> {
        let span = CommandSpan::start(self.caller.label(), request.name());
        let outcome = self.wait(request, &span);
        span.end(outcome.as_ref().map(|(reply, _)| reply.as_ref().and_then(Reply::error)));
        outcome
    }

    fn wait(mut self, request: Request, span: &CommandSpan) -> Result<(Option<Reply>, CallSpan)> {
        let fds = Fds::copy(self.fds, self.fds.is_empty() || self.caller.takes_fds())?;
        let name = request.own_name();
        let wait = Wait::within(self.timeout);
        let outcome = match &mut self.caller {
            Caller::Connection(connection) => connection.call(request, fds, wait, span)?,
            Caller::Shared(shared) => shared.call(request, fds, wait, span)?,
        };
        outcome.ok_or_else(|| {
            let name = Some(&*name).filter(|name| !name.is_empty());
            Error::timeout(self.caller.label(), Phase::Call, name, self.timeout.unwrap_or_default())
        })
    }
}
