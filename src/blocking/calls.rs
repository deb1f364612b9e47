//! Executing commands, typed and untyped.

use super::Client;
use crate::api::{Command, OobCommand};
use crate::error::{DecodeError, Result, Subject};
use crate::message::{Reply, Request};
use serde_json::{Map, Value};
use std::time::Duration;

/// Executes commands of a [`Client`] with a deadline of their own. Made by [`Client::within`].
#[derive(Debug)]
pub struct Within<'a> {
    client: &'a mut Client,
    timeout: Option<Duration>,
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
    pub fn cmd(&mut self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        self.with_default_timeout().cmd(name, arguments, id)
    }

    /// Sends a request that is an object already, with `execute` or `exec-oob`, perhaps `arguments` and `id`, and gives the
    /// server's reply, also if it is an error.
    ///
    /// # Errors
    ///
    /// [`Timeout`](crate::ErrorKind::Timeout) and those of [every operation](Client#errors).
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
        Within { timeout: timeout.into(), client: self }
    }

    fn with_default_timeout(&mut self) -> Within<'_> {
        Within { timeout: self.options.call_timeout, client: self }
    }
}

impl Within<'_> {
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
    pub fn cmd(self, name: &str, arguments: Option<Value>, id: Option<Value>) -> Result<Reply> {
        let request = Request::untyped(name, arguments.as_ref())?;
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
    pub fn cmd_obj(self, request: Map<String, Value>) -> Result<Reply> {
        self.answer(Request::from_object(request)?)
    }

    fn execute_typed<C: Command>(self, request: Request) -> Result<C::Reply> {
        match self.call(request)? {
            Some(reply) => reply.decode::<C>(),
            None => C::decode_reply("{}")
                .map_err(|source| DecodeError::new(Subject::Reply(C::NAME.into()), "{}", source).into()),
        }
    }

    fn answer(self, request: Request) -> Result<Reply> {
        let reply = self.call(request)?;
        // Only typed requests say of themselves that they have no reply.
        reply.ok_or_else(|| crate::error::Repr::NotConnected.into())
    }

    fn call(self, request: Request) -> Result<Option<Reply>> {
        self.client.link()?.call(request, self.timeout)
    }
}
