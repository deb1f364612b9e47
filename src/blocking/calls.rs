//! Executing commands, typed and untyped.

use super::Client;
use crate::api::{Command, OobCommand};
use crate::error::Result;
use crate::fds::Fds;
use crate::message::{Reply, Request};
use crate::trace;
use serde_json::{Map, Value};
use std::fmt;
#[cfg(all(unix, feature = "fd"))]
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Executes one command of a [`Client`] with a deadline of its own, or with file descriptors. Made by [`Client::within`] and
#[cfg_attr(all(unix, feature = "fd"), doc = "[`Client::with_fds`].")]
#[cfg_attr(not(all(unix, feature = "fd")), doc = "`Client::with_fds`.")]
#[derive(Debug)]
pub struct Within<'a> {
    caller: Caller<'a>,
    timeout: Option<Duration>,
    #[cfg(all(unix, feature = "fd"))]
    fds: &'a [BorrowedFd<'a>],
}

/// Who calls.
#[derive(Debug)]
pub(super) enum Caller<'a> {
    Client(&'a mut Client),
    Shared(&'a dyn SharedCaller),
}

/// A [`SharedClient`](super::SharedClient). Behind a trait because it is inline: whoever calls through a [`Client`] only is
/// not to compile it.
pub(super) trait SharedCaller: fmt::Debug + Sync {
    #[cfg(all(unix, feature = "fd"))]
    fn takes_fds(&self) -> bool;

    fn call(&self, request: Request, fds: Fds, timeout: Option<Duration>, call: &trace::Call) -> Result<Option<Reply>>;
}

#[cfg(all(unix, feature = "fd"))]
impl Caller<'_> {
    fn takes_fds(&self) -> bool {
        match self {
            // Who is not connected is told so when it comes to that.
            Caller::Client(client) => client.link.as_ref().is_none_or(|link| link.transport.takes_fds()),
            Caller::Shared(client) => client.takes_fds(),
        }
    }
}

// The untyped calls are inline for the sake of programs without them: maps of JSON values make much code.
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
    pub fn execute<C: Command>(&mut self, command: C) -> Result<C::Reply> {
        self.with_default_timeout().execute(command)
    }

    /// Executes a command at once, ahead of commands that the server has queued or is executing.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), and [`OobUnavailable`](crate::ErrorKind::OobUnavailable) if the server does not
    /// offer out-of-band execution, or it was not [wanted](crate::session::SessionOptions::oob).
    pub fn execute_oob<C: OobCommand>(&mut self, command: C) -> Result<C::Reply> {
        self.with_default_timeout().execute_oob(command)
    }

    /// Executes a command by name, typed nowhere, and gives the server's reply, also if it is an error.
    ///
    /// The id may be any JSON value, and comes back with the reply.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](Client#errors).
    #[inline]
    pub fn cmd(&mut self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.with_default_timeout().cmd(name, arguments, id)
    }

    /// Sends a request that is an object already, with `execute` or `exec-oob`, perhaps `arguments` and `id`, and gives the
    /// server's reply, also if it is an error.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](Client#errors).
    #[inline]
    pub fn cmd_obj(&mut self, request: Map<String, Value>) -> Result<Reply> {
        self.with_default_timeout().cmd_obj(request)
    }

    /// For calls that take longer, or may take less long, than others; `None` waits for ever.
    ///
    /// ```no_run
    /// # fn main() -> qemu_qmp::Result<()> {
    /// # use std::time::Duration;
    /// let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
    /// let arguments = serde_json::json!({"command-line": "savevm before-upgrade"});
    /// let reply = vm
    ///     .within(Duration::from_secs(600))
    ///     .cmd("human-monitor-command", Some(arguments), None)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(&mut self, timeout: impl Into<Option<Duration>>) -> Within<'_> {
        Within::new(Caller::Client(self), timeout.into())
    }

    /// For a command that needs file descriptors, such as `getfd`, `add-fd` and `add_client`: passes copies of these
    /// together with the command, over a Unix socket (feature `fd`). No other command can take them, and the originals can be
    /// closed when the call is over.
    ///
    /// QEMU takes one descriptor with each of these commands, and closes what no command took.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use qemu_qmp::qmp::{commands::*, types::*};
    /// use std::os::fd::AsFd;
    ///
    /// let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
    /// let image = std::fs::File::open("/srv/disk.img")?;
    /// let added = vm.with_fds(&[image.as_fd()]).execute(AddFd::new().opaque("disk.img, to be read"))?;
    /// let node = BlockdevOptionsFile::new(format!("/dev/fdset/{}", added.fdset_id));
    /// vm.execute(BlockdevAdd::from(BlockdevOptions::file(node).node_name("disk").read_only(true)))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The call fails with [`FdsUnavailable`](crate::ErrorKind::FdsUnavailable), and sends nothing, if the connection is over
    /// something else than a Unix socket, or if there are more than 16 descriptors.
    #[cfg(all(unix, feature = "fd"))]
    pub fn with_fds<'a>(&'a mut self, fds: &'a [BorrowedFd<'a>]) -> Within<'a> {
        self.with_default_timeout().with_fds(fds)
    }

    fn with_default_timeout(&mut self) -> Within<'_> {
        let timeout = self.options.call_timeout;
        self.within(timeout)
    }
}

impl<'a> Within<'a> {
    pub(super) fn new(caller: Caller<'a>, timeout: Option<Duration>) -> Self {
        Within {
            caller,
            timeout,
            #[cfg(all(unix, feature = "fd"))]
            fds: &[],
        }
    }

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
    pub fn execute<C: Command>(self, command: C) -> Result<C::Reply> {
        self.execute_typed::<C>(Request::new(&command)?)
    }

    /// See [`Client::execute_oob`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn execute_oob<C: OobCommand>(self, command: C) -> Result<C::Reply> {
        self.execute_typed::<C>(Request::new(&command)?.out_of_band())
    }

    /// See [`Client::cmd`].
    ///
    /// # Errors
    ///
    /// The same.
    #[inline]
    pub fn cmd(self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        let request = Request::untyped(name, arguments.as_ref());
        self.answer(match id {
            Some(id) => request.id(id),
            None => request,
        })
    }

    /// See [`Client::cmd_obj`].
    ///
    /// # Errors
    ///
    /// The same.
    #[inline]
    pub fn cmd_obj(self, request: Map<String, Value>) -> Result<Reply> {
        self.answer(Request::from_object(request))
    }

    fn execute_typed<C: Command>(self, request: Request) -> Result<C::Reply> {
        Reply::decode_answer::<C>(self.call(request)?)
    }

    fn answer(self, request: Request) -> Result<Reply> {
        let reply = self.call(request)?;
        // Only typed requests say of themselves that they have no reply.
        reply.ok_or_else(|| crate::error::Repr::NotConnected.into())
    }

    fn call(self, request: Request) -> Result<Option<Reply>> {
        let call = trace::Call::start(request.name());
        let outcome = self.wait_for_reply(request, &call);
        call.end(&outcome);
        outcome
    }

    fn wait_for_reply(self, request: Request, call: &trace::Call) -> Result<Option<Reply>> {
        #[cfg(all(unix, feature = "fd"))]
        let fds = Fds::copy(self.fds, self.caller.takes_fds())?;
        #[cfg(not(all(unix, feature = "fd")))]
        let fds = Fds::default();
        match self.caller {
            Caller::Client(client) => client.link()?.call(request, fds, self.timeout, call),
            Caller::Shared(client) => client.call(request, fds, self.timeout, call),
        }
    }
}
