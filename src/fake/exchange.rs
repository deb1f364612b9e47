//! One command being executed: what a handler can do beside returning a reply.

use super::call::Call;
use super::connection::Connection;
use super::encode;
use super::fault::Fault;
use super::machine::Machine;
use super::recording::{Answer, Step};
use super::request::{generic, misfit};
use super::schema::Schema;
use crate::api::{Command, Event};
use crate::error::ServerError;
use crate::wire;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

/// Executes a command; gives what it returns as JSON text.
pub(super) type Handler = dyn FnMut(&mut Exchange<'_>) -> Result<String, ServerError> + Send;

/// The stand-in as a command that is executed sees it.
pub(super) trait Stage {
    fn schema(&self) -> Arc<Schema>;
    fn machine(&self) -> MutexGuard<'_, Machine>;
    /// The names of all commands that there are, those with handlers of other schemas last.
    fn commands(&self) -> Vec<String>;
    /// Returns whether there is a machine that can run.
    fn is_machine(&self) -> bool;
    /// The line of an event that happens now, with the data that this release sends.
    fn event_line(&self, name: &str, data: Option<&str>) -> String;
    /// Writes a line to all clients that are in command mode.
    fn emit_line(&self, line: &str);
    /// Waits until so much time has passed, or all is over.
    fn pause(&self, time: Duration);
    /// Ends everything. `is_sudden` drops what is not written yet.
    fn end(&self, is_sudden: bool);

    /// Tells all clients of an event.
    fn emit(&self, name: &str, data: Option<&str>) {
        self.emit_line(&self.event_line(name, data));
    }
}

/// A command that is being executed. Handlers get it, to emit events before the reply or after it, and to answer wrongly.
pub struct Exchange<'a> {
    stage: &'a dyn Stage,
    connection: &'a Connection,
    call: &'a Call,
    count: usize,
    fault: Option<Fault>,
    /// Lines of events that follow the reply.
    after: Vec<String>,
    /// True if a success is not answered.
    unanswered: bool,
    ends_all: bool,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        stage: &'a dyn Stage,
        connection: &'a Connection,
        call: &'a Call,
        count: usize,
        fault: Option<Fault>,
    ) -> Self {
        let unanswered = stage.schema().is_unanswered(&call.name);
        Exchange { stage, connection, call, count, fault, after: Vec::new(), unanswered, ends_all: false }
    }

    /// The command's name.
    pub fn name(&self) -> &str {
        &self.call.name
    }

    /// The command's arguments, as they came.
    pub fn arguments(&self) -> &Map<String, Value> {
        &self.call.arguments
    }

    /// Returns whether the command is executed out-of-band.
    pub fn is_out_of_band(&self) -> bool {
        self.call.out_of_band
    }

    /// How often this command was called, this time included.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Emits an event now, before the reply.
    pub fn emit<E: Event>(&mut self, event: &E) {
        self.stage.emit(E::NAME, encode::json(event).ok().as_deref());
    }

    /// Emits an event after the reply.
    pub fn emit_after<E: Event>(&mut self, event: &E) {
        self.after.push(self.stage.event_line(E::NAME, encode::json(event).ok().as_deref()));
    }

    /// Emits an event of any name and data now, before the reply.
    pub fn emit_json(&mut self, name: &str, data: &Value) {
        self.stage.emit(name, Some(&encode::value(data)));
    }

    /// The same after the reply.
    pub fn emit_json_after(&mut self, name: &str, data: &Value) {
        self.after.push(self.stage.event_line(name, Some(&encode::value(data))));
    }

    /// Waits before going on. Out-of-band commands are executed meanwhile, and other connections go on.
    ///
    /// Where tasks of tokio's serve the connection, the handler itself goes on at once, and what it says after this comes so much
    /// later, by tokio's clock.
    pub fn delay(&mut self, time: Duration) {
        self.pause(time);
    }

    /// Spoils the answer. The last fault counts.
    pub fn fault(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// Writes bytes as they are, now.
    pub fn write(&mut self, bytes: &[u8]) {
        self.connection.write(bytes);
    }

    /// Lets the status be another one, for what the stand-in answers to `query-status`.
    pub fn set_status(&mut self, status: impl fmt::Display) {
        self.stage.machine().status = status.to_string();
    }

    /// Does what a recording has.
    pub(super) fn play(&mut self, step: Step) -> Result<String, ServerError> {
        step.before.iter().for_each(|line| self.stage.emit_line(line));
        self.after = step.after;
        match step.answer {
            Answer::Given(outcome) => {
                self.ends_all |= self.call.name == "quit" && outcome.is_ok();
                return outcome.map(|value| encode::value(&value));
            }
            Answer::Missing => self.fault(Fault::Silence),
            Answer::Lost => self.fault(Fault::DisconnectBefore),
        }
        Ok(String::new())
    }

    pub(super) fn stage(&self) -> &'a dyn Stage {
        self.stage
    }

    /// Success is not answered.
    pub(super) fn set_unanswered(&mut self) {
        self.unanswered = true;
    }

    /// The end of everything follows the reply.
    pub(super) fn end_all_after(&mut self) {
        self.ends_all = true;
    }

    /// The error to refuse it with.
    pub(super) fn refusal(&mut self) -> Option<ServerError> {
        match &self.fault {
            Some(Fault::Error(error)) => Some(error.clone()),
            _ => None,
        }
    }

    /// Answers, and does what was to be done after it.
    pub(super) fn finish(mut self, outcome: Result<String, ServerError>) {
        let ends = self.fault == Some(Fault::DisconnectAfter);
        match self.fault.take() {
            None => self.answer(&outcome, self.call.id.as_ref()),
            Some(fault) => self.spoil(outcome, fault),
        }
        for line in std::mem::take(&mut self.after) {
            self.stage.emit_line(&line);
        }
        if ends {
            self.connection.close();
        }
        if self.ends_all {
            self.stage.end(false);
        }
    }

    fn pause(&self, time: Duration) {
        self.connection.pause(time, |time| self.stage.pause(time));
    }

    fn line(&self, outcome: &Result<String, ServerError>, id: Option<&Value>) -> Vec<u8> {
        self.connection.bytes_of(&encode::reply(outcome, id))
    }

    fn answer(&self, outcome: &Result<String, ServerError>, id: Option<&Value>) {
        if outcome.is_err() || !self.unanswered {
            self.connection.answer(self.line(outcome, id));
        }
    }

    fn spoil(&self, outcome: Result<String, ServerError>, fault: Fault) {
        let (connection, id) = (self.connection, self.call.id.as_ref());
        let line = || self.line(&outcome, id);
        let half = || {
            let mut line = line();
            line.truncate(line.len() / 2);
            line
        };
        match fault {
            Fault::Delay(time) => {
                self.pause(time);
                self.answer(&outcome, id);
            }
            Fault::Error(error) => self.answer(&Err(error), id),
            Fault::Return(value) => self.answer(&outcome.map(|_| encode::value(&value)), id),
            Fault::Silence => {}
            Fault::DisconnectBefore => connection.close(),
            Fault::DisconnectWithin => {
                connection.write(half());
                connection.close();
            }
            Fault::DisconnectAfter => self.answer(&outcome, id),
            Fault::HalfLine => connection.write(half()),
            Fault::Instead(bytes) => connection.write(bytes),
            Fault::Garbage(bytes) => {
                connection.write(bytes);
                self.answer(&outcome, id);
            }
            Fault::OtherId(other) => self.answer(&outcome, Some(&other)),
            Fault::WithoutId => self.answer(&outcome, None),
            Fault::Twice => {
                self.answer(&outcome, id);
                self.answer(&outcome, id);
            }
            Fault::AfterNext => connection.hold(&line()),
        }
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("call", self.call).field("count", &self.count).finish_non_exhaustive()
    }
}

/// A typed handler as the core sees it, which knows JSON alone.
pub(super) fn typed<C: Command>(
    mut handler: impl FnMut(C, &mut Exchange<'_>) -> Result<C::Reply, ServerError> + Send + 'static,
) -> Box<Handler> {
    Box::new(move |exchange| {
        let arguments = Value::Object(exchange.arguments().clone());
        let command: C = serde_json::from_value(arguments).map_err(|error| {
            let (path, reason) = wire::path_and_reason(&error);
            misfit(&path, &reason)
        })?;
        if !C::SUCCESS_RESPONSE {
            exchange.set_unanswered();
        }
        let reply = handler(command, exchange)?;
        encode::json(&reply)
            .map(nothing_as_object::<C>)
            .map_err(|error| generic(format!("The handler's reply to {} cannot be written: {error}", C::NAME)))
    })
}

/// A command that returns nothing returns the empty object.
fn nothing_as_object<C: Command>(text: String) -> String {
    if size_of::<C::Reply>() == 0 && text == "null" {
        "{}".to_owned()
    } else {
        text
    }
}
