//! Executing commands, typed and untyped.

use super::shared::{Answer, Shared};
use super::Client;
use crate::api::{Command, OobCommand};
use crate::error::{Error, Phase, Repr, Result};
use crate::fds::Fds;
use crate::message::{Reply, Request};
use crate::session::Id;
use crate::trace;
use ::tokio::sync::oneshot;
use serde_json::{Map, Value};
use std::future::Future;
#[cfg(all(unix, feature = "fd"))]
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::task::{ready, Context, Poll};
use std::time::Duration;

/// Executes commands of a [`Client`] with a deadline of their own, or one with file descriptors. Made by
/// [`Client::within`] and
#[cfg_attr(all(unix, feature = "fd"), doc = "[`Client::with_fds`].")]
#[cfg_attr(not(all(unix, feature = "fd")), doc = "`Client::with_fds`.")]
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    client: &'a Client,
    timeout: Option<Duration>,
    #[cfg(all(unix, feature = "fd"))]
    fds: &'a [BorrowedFd<'a>],
}

impl Client {
    /// Executes a command and waits for what it returns.
    ///
    /// A command whose success is not answered, such as `guest-shutdown`, returns at once when it is written, with
    /// what an empty object decodes to. An error that the server may send later is dropped; to wait for it, use
    /// [`cmd`](Self::cmd) with a short deadline.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if the server refuses the command or fails;
    /// [`Decode`](crate::ErrorKind::Decode) if the reply does not fit; [`Timeout`](crate::ErrorKind::Timeout);
    /// [`Encode`](crate::ErrorKind::Encode); and those of [every operation](Client#errors).
    pub async fn execute<C: Command>(&self, command: C) -> Result<C::Reply> {
        self.within(self.call_timeout).execute(command).await
    }

    /// Executes a command at once, ahead of commands that the server has queued or is executing.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), and [`OobUnavailable`](crate::ErrorKind::OobUnavailable) if the server does not
    /// offer out-of-band execution, or it was not [wanted](crate::session::SessionOptions::oob).
    pub async fn execute_oob<C: OobCommand>(&self, command: C) -> Result<C::Reply> {
        self.within(self.call_timeout).execute_oob(command).await
    }

    /// Executes a command by name, typed nowhere, and gives the server's reply, also if it is an error.
    ///
    /// The id may be any JSON value, and comes back with the reply.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](Client#errors).
    pub async fn cmd(&self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.within(self.call_timeout).cmd(name, arguments, id).await
    }

    /// Sends a request that is an object already, with `execute` or `exec-oob`, perhaps `arguments` and `id`, and gives the
    /// server's reply, also if it is an error.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](Client#errors).
    pub async fn cmd_obj(&self, request: Map<String, Value>) -> Result<Reply> {
        self.within(self.call_timeout).cmd_obj(request).await
    }

    /// For calls that take longer, or may take less long, than others; `None` waits for ever.
    ///
    /// ```no_run
    /// # async fn example() -> qemu_qmp::Result<()> {
    /// # use std::time::Duration;
    /// let vm = qemu_qmp::tokio::Client::connect_unix("/run/vm.qmp").await?;
    /// let patient = vm.within(Duration::from_secs(600));
    /// let arguments = serde_json::json!({"command-line": "savevm before-upgrade"});
    /// let reply = patient.cmd("human-monitor-command", Some(arguments), None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(&self, timeout: impl Into<Option<Duration>>) -> Within<'_> {
        Within {
            client: self,
            timeout: timeout.into(),
            #[cfg(all(unix, feature = "fd"))]
            fds: &[],
        }
    }

    /// For a command that needs file descriptors, such as `getfd`, `add-fd` and `add_client`: passes copies of these
    /// together with the command, over a Unix socket (feature `fd`). No other command can take them. They are copied when the
    /// call is sent, and those of a call that was dropped before it was written are not passed.
    ///
    /// QEMU takes one descriptor with each of these commands, and closes what no command took.
    ///
    #[cfg_attr(feature = "qmp", doc = "```no_run")]
    #[cfg_attr(not(feature = "qmp"), doc = "```ignore")]
    /// # async fn example(vm: qemu_qmp::tokio::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # use qemu_qmp::qmp::{commands::*, types::*};
    /// use std::os::fd::AsFd;
    ///
    /// let image = std::fs::File::open("/srv/disk.img")?;
    /// let added = vm.with_fds(&[image.as_fd()]).execute(AddFd::new().opaque("disk.img, to be read")).await?;
    /// let node = BlockdevOptionsFile::new(format!("/dev/fdset/{}", added.fdset_id));
    /// vm.execute(BlockdevAdd::from(BlockdevOptions::file(node).node_name("disk").read_only(true))).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The call fails with [`FdsUnavailable`](crate::ErrorKind::FdsUnavailable), and sends nothing, if the connection is over
    /// something else than a `tokio::net::UnixStream`, or if there are more than 16 descriptors.
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds<'a>(&'a self, fds: &'a [BorrowedFd<'a>]) -> Within<'a> {
        self.within(self.call_timeout).with_fds(fds)
    }
}

impl<'a> Within<'a> {
    /// See [`Client::with_fds`].
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds(self, fds: &'a [BorrowedFd<'a>]) -> Self {
        Within { fds, ..self }
    }

    /// See [`Client::execute`].
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn execute<C: Command>(self, command: C) -> Result<C::Reply> {
        self.execute_typed::<C>(Request::new(&command)).await
    }

    /// See [`Client::execute_oob`].
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn execute_oob<C: OobCommand>(self, command: C) -> Result<C::Reply> {
        self.execute_typed::<C>(Request::new(&command).map(Request::out_of_band)).await
    }

    /// See [`Client::cmd`].
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

    /// See [`Client::cmd_obj`].
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn cmd_obj(self, request: Map<String, Value>) -> Result<Reply> {
        self.answer(Request::from_object(request)).await
    }

    async fn execute_typed<C: Command>(self, request: Result<Request>) -> Result<C::Reply> {
        Reply::decode_answer::<C>(self.call(request?).await?)
    }

    async fn answer(self, request: Request) -> Result<Reply> {
        // Only typed requests say of themselves that they have no reply.
        self.call(request).await?.ok_or_else(|| Repr::NotConnected.into())
    }

    async fn call(self, request: Request) -> Answer {
        let call = trace::Call::start(request.name());
        let answer = self.wait_for_answer(request, &call).await;
        call.end(&answer);
        answer
    }

    async fn wait_for_answer(self, request: Request, call: &trace::Call) -> Answer {
        let shared = &**self.client.shared();
        #[cfg(all(unix, feature = "fd"))]
        let fds = Fds::copy(self.fds, shared.is_over::<::tokio::net::UnixStream>())?;
        #[cfg(not(all(unix, feature = "fd")))]
        let fds = Fds::default();
        let (id, receiver) = shared.send(request, fds, call)?;
        in_time(self.timeout, Phase::Call, UnderWay { shared, id, receiver, answered: false }).await
    }
}

/// Waits for a future until the time is over, which runs from when this is called.
pub(super) fn in_time<T>(
    timeout: Option<Duration>,
    phase: Phase,
    future: impl Future<Output = Result<T>>,
) -> impl Future<Output = Result<T>> {
    let limited = match timeout {
        None => Err(future),
        Some(timeout) => Ok((timeout, ::tokio::time::timeout(timeout, future))),
    };
    async move {
        match limited {
            Err(future) => future.await,
            Ok((timeout, limited)) => limited.await.unwrap_or_else(|_| Err(Error::timeout(phase, timeout))),
        }
    }
}

/// A call that was sent. Dropped before its answer, it is cancelled.
struct UnderWay<'a> {
    shared: &'a Shared,
    id: Id,
    receiver: oneshot::Receiver<Answer>,
    answered: bool,
}

impl Future for UnderWay<'_> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let answer = ready!(Pin::new(&mut self.receiver).poll(cx));
        self.answered = true;
        // Whoever removes a call answers it.
        Poll::Ready(answer.unwrap_or_else(|_| Err(self.shared.why())))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.shared.cancel(self.id);
        }
    }
}
