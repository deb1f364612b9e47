//! The core of a stand-in, apart from types: it knows commands by name, arguments and replies as JSON.
//!
//! Routes each command to its handler, or answers as QEMU does. Handlers run without its lock, each with a lock of its own.

use super::builtin;
use super::call::Call;
use super::connection::{Connection, Mode, Server};
use super::encode;
use super::exchange::{Exchange, Handler, Stage};
use super::fault::{Fault, Opening};
use super::listen::Host;
use super::machine::Machine;
use super::outlet::lock;
use super::recording::{Recording, Step};
use super::request::{self, generic, Request};
use super::schema::{Kind, Schema};
use super::stream::Stream;
use crate::error::ServerError;
use crate::message::Version;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

type SharedHandler = Arc<Mutex<Box<Handler>>>;

/// The state that all connections of a stand-in share.
pub(super) struct Core {
    kind: Kind,
    /// Locked after `state` where both are.
    machine: Mutex<Machine>,
    state: Mutex<State>,
    /// That there was a call, or the end.
    changed: Condvar,
    /// The same for tasks.
    #[cfg(feature = "tokio")]
    changed_for_tasks: ::tokio::sync::Notify,
}

pub(super) struct State {
    commands: HashMap<String, Slot>,
    otherwise: Option<SharedHandler>,
    /// For the next command, whichever it is.
    faults: VecDeque<Fault>,
    recording: Option<Recording>,
    /// For the next connections.
    openings: VecDeque<Opening>,
    calls: Vec<Call>,
    connections: Vec<Arc<Connection>>,
    schema: Arc<Schema>,
    /// Wake the threads that wait for clients.
    wakers: Vec<Box<dyn Fn() + Send>>,
    closed: bool,
}

/// The state kept for a command.
#[derive(Default)]
struct Slot {
    once: VecDeque<SharedHandler>,
    always: Option<SharedHandler>,
    faults: VecDeque<Fault>,
    /// How often it was called.
    count: usize,
    /// How many of its calls were waited for.
    waited: usize,
}

impl State {
    /// The next call of a command that was not taken.
    fn take_call(&mut self, name: &str) -> Option<Call> {
        let taken = self.commands.get(name).map_or(0, |slot| slot.waited);
        let call = self.calls.iter().filter(|call| call.name == name).nth(taken)?.clone();
        self.commands.entry(name.to_owned()).or_default().waited += 1;
        Some(call)
    }
}

/// How often a handler is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Once,
    Always,
}

impl Core {
    pub(super) fn new(kind: Kind) -> Self {
        let state = State {
            commands: HashMap::new(),
            otherwise: None,
            faults: VecDeque::new(),
            recording: None,
            openings: VecDeque::new(),
            calls: Vec::new(),
            connections: Vec::new(),
            schema: Schema::of(kind),
            wakers: Vec::new(),
            closed: false,
        };
        Core {
            kind,
            machine: Mutex::default(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            #[cfg(feature = "tokio")]
            changed_for_tasks: ::tokio::sync::Notify::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Becomes another release.
    pub(super) fn set_release(&self, major: u32, minor: u32) {
        let schema = Schema::at(self.kind, (major, minor));
        let mut state = self.state();
        state.schema = schema;
        self.machine().version = Version { major, minor, micro: 0 };
    }

    pub(super) fn handle(&self, name: &str, uses: Use, handler: Box<Handler>) {
        let handler: SharedHandler = Arc::new(Mutex::new(handler));
        let mut state = self.state();
        let slot = state.commands.entry(name.to_owned()).or_default();
        match uses {
            Use::Once => slot.once.push_back(handler),
            Use::Always => slot.always = Some(handler),
        }
    }

    pub(super) fn otherwise(&self, handler: Box<Handler>) {
        self.state().otherwise = Some(Arc::new(Mutex::new(handler)));
    }

    /// Orders a fault: for the next call of a command, or for the next command.
    pub(super) fn fault(&self, name: Option<&str>, fault: Fault) {
        let mut state = self.state();
        match name {
            Some(name) => state.commands.entry(name.to_owned()).or_default().faults.push_back(fault),
            None => state.faults.push_back(fault),
        }
    }

    pub(super) fn opening(&self, opening: Opening) {
        self.state().openings.push_back(opening);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    pub(super) fn clear_calls(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.commands.values_mut().for_each(|slot| slot.waited = 0);
    }

    /// Waits for the next call of a command that was not waited for.
    pub(super) fn wait_for_call(&self, name: &str, deadline: Option<Instant>) -> Option<Call> {
        self.wait(deadline, |state| state.take_call(name))
    }

    /// The same in a task.
    #[cfg(feature = "tokio")]
    pub(super) async fn call_comes(&self, name: &str) -> Option<Call> {
        loop {
            // What happens from here on is not missed.
            let changed = self.changed_for_tasks.notified();
            {
                let mut state = self.state();
                let call = state.take_call(name);
                if call.is_some() || state.closed {
                    return call;
                }
            }
            changed.await;
        }
    }

    fn tell_of_change(&self) {
        self.changed.notify_all();
        #[cfg(feature = "tokio")]
        self.changed_for_tasks.notify_waiters();
    }

    fn wait<T>(&self, deadline: Option<Instant>, mut find: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(found) = find(&mut state) {
                return Some(found);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            state = match left {
                _ if state.closed => return None,
                Some(Duration::ZERO) => return None,
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Plays a recording.
    pub(super) fn replay(&self, recording: Recording) {
        let mut state = self.state();
        if let Some(greeting) = &recording.greeting {
            let mut machine = self.machine();
            machine.version = greeting.version;
            machine.package.clone_from(&greeting.package);
            machine.oob = greeting.oob;
        }
        state.recording = Some(recording);
    }

    /// The recorded commands that did not come.
    pub(super) fn unplayed(&self) -> Vec<String> {
        self.state().recording.as_ref().map(Recording::unplayed).unwrap_or_default()
    }

    /// Ends the present connections.
    pub(super) fn disconnect(&self) {
        self.state().connections.iter().for_each(|connection| connection.close());
    }

    fn execute(&self, connection: &Connection, request: Request) {
        if self.kind.begins_with(&request.name) || connection.mode() == Mode::Negotiation {
            return self.negotiate(connection, &request);
        }
        let call = Call::new(request);
        let (handler, fault, count) = self.record(&call);
        let mut exchange = Exchange::new(self, connection, &call, count, fault);
        let outcome = match exchange.refusal() {
            Some(error) => Err(error),
            None => match self.recorded(&call, handler.is_some()) {
                Some(step) => step.and_then(|step| exchange.play(step)),
                None => self.executed(&mut exchange, handler),
            },
        };
        exchange.finish(outcome);
    }

    /// A recording's answer to a call.
    fn recorded(&self, call: &Call, is_handled: bool) -> Option<Result<Step, ServerError>> {
        self.state().recording.as_mut()?.play(call, is_handled)
    }

    fn executed(&self, exchange: &mut Exchange<'_>, handler: Option<SharedHandler>) -> Result<String, ServerError> {
        let text = self.outcome(exchange, handler)?;
        Ok(self.prune_reply(exchange.name(), text))
    }

    /// Notes a call, and finds what is there for it.
    fn record(&self, call: &Call) -> (Option<SharedHandler>, Option<Fault>, usize) {
        let mut state = self.state();
        state.calls.push(call.clone());
        let slot = state.commands.entry(call.name.clone()).or_default();
        slot.count += 1;
        let (handler, count) = (slot.once.pop_front().or_else(|| slot.always.clone()), slot.count);
        let fault = slot.faults.pop_front();
        let fault = fault.or_else(|| state.faults.pop_front());
        self.tell_of_change();
        (handler, fault, count)
    }

    fn outcome(&self, exchange: &mut Exchange<'_>, handler: Option<SharedHandler>) -> Result<String, ServerError> {
        let (name, schema) = (exchange.name().to_owned(), self.schema());
        let is_builtin = handler.is_none() && builtin::has(self.kind, &name);
        if schema.lacks(&name) || (handler.is_none() && !schema.has(&name) && !is_builtin) {
            return Err(request::not_found(&name));
        }
        if exchange.is_out_of_band() && !schema.allows_oob(&name) {
            return Err(generic(format!("The command {name} does not support OOB")));
        }
        schema.check(&name, exchange.arguments()).map_err(generic)?;
        let otherwise = self.state().otherwise.clone();
        match handler {
            Some(handler) => run(&handler, exchange),
            None if is_builtin && self.machine().answers => builtin::answer(exchange),
            None => match otherwise {
                Some(otherwise) => run(&otherwise, exchange),
                None => Err(generic(format!("The stand-in for QEMU has no handler for the command {name}"))),
            },
        }
    }

    /// The reply of an older release.
    fn prune_reply(&self, name: &str, text: String) -> String {
        let schema = self.schema();
        if !schema.is_older() {
            return text;
        }
        match text.parse() {
            Ok(mut value) => {
                schema.prune_reply(name, &mut value);
                encode::value(&value)
            }
            Err(_) => text,
        }
    }

    /// Does what conversations begin with.
    fn negotiate(&self, connection: &Connection, request: &Request) {
        let schema = self.schema();
        // So that no event comes between the reply and the mode that it tells.
        let mut state = self.state();
        let outcome = match connection.take_refusal() {
            Some(error) => Err(error),
            None if !self.greets() => builtin::synchronize(&schema, request),
            None if request.name != "qmp_capabilities" => Err(request::not_negotiated()),
            None if connection.mode() != Mode::Negotiation => Err(request::negotiated()),
            None => builtin::negotiate(&schema, request, self.machine().oob).map(|oob| {
                connection.set_mode(Mode::Command { oob });
                "{}".to_owned()
            }),
        };
        let delimiter = if outcome.is_ok() && request.name == "guest-sync-delimited" { &b"\xff"[..] } else { b"" };
        let line = connection.bytes_of(&encode::reply(&outcome, request.id.as_ref()));
        connection.write([delimiter, &line].concat());
        if connection.mode() != Mode::Negotiation {
            let initial = state.recording.as_mut().map(|recording| std::mem::take(&mut recording.initial));
            initial.iter().flatten().for_each(|line| connection.line(line));
        }
    }
}

impl Stage for Core {
    fn schema(&self) -> Arc<Schema> {
        self.state().schema.clone()
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        lock(&self.machine)
    }

    fn commands(&self) -> Vec<String> {
        let schema = self.schema();
        let state = self.state();
        let is_handled = |slot: &Slot| slot.always.is_some() || !slot.once.is_empty();
        let others =
            state.commands.iter().filter(|(name, slot)| is_handled(slot) && !schema.has(name) && !schema.lacks(name));
        let mut others: Vec<&str> = others.map(|(name, _)| &**name).collect();
        others.sort_unstable();
        schema.commands().chain(others).map(str::to_owned).collect()
    }

    fn is_machine(&self) -> bool {
        self.kind == Kind::Monitor
    }

    fn event_line(&self, name: &str, data: Option<&str>) -> String {
        let schema = self.schema();
        let pruned = data.filter(|_| schema.is_older()).and_then(|data| {
            let mut value: Value = data.parse().ok()?;
            schema.prune_event(name, &mut value);
            Some(encode::value(&value))
        });
        encode::event(name, pruned.as_deref().or(data))
    }

    fn emit_line(&self, line: &str) {
        let state = self.state();
        let is_listening = |connection: &&Arc<Connection>| self.greets() && connection.mode() != Mode::Negotiation;
        state.connections.iter().filter(is_listening).for_each(|connection| connection.line(line));
    }

    fn pause(&self, time: Duration) {
        self.wait::<()>(Instant::now().checked_add(time), |state| state.closed.then_some(()));
    }

    fn end(&self, is_sudden: bool) {
        let (connections, wakers) = {
            let mut state = self.state();
            state.closed = true;
            (state.connections.clone(), std::mem::take(&mut state.wakers))
        };
        connections.iter().for_each(|connection| if is_sudden { connection.abort() } else { connection.close() });
        // The waiting thread goes on only now, so that nothing of it is written.
        self.tell_of_change();
        wakers.iter().for_each(|wake| wake());
    }
}

impl Server for Core {
    fn greets(&self) -> bool {
        self.kind != Kind::GuestAgent
    }

    fn begin(&self, connection: &Arc<Connection>) {
        let mut state = self.state();
        if state.closed {
            return connection.abort();
        }
        state.connections.push(Arc::clone(connection));
        let greeting = match self.greets() {
            true => connection.bytes_of(&self.machine().greeting()),
            false => Vec::new(),
        };
        match state.openings.pop_front() {
            None => connection.write(greeting),
            Some(Opening::Disconnect) => connection.close(),
            Some(Opening::NoGreeting) => {}
            Some(Opening::Instead(bytes)) => connection.write(bytes),
            Some(Opening::Before(bytes)) => connection.write([bytes, greeting].concat()),
            Some(Opening::Refuse(error)) => {
                connection.refuse(error);
                connection.write(greeting);
            }
        }
    }

    fn take(&self, connection: &Connection, sent: Result<Value, String>) {
        if connection.is_ended() {
            return;
        }
        let agreed = connection.mode() == Mode::Command { oob: true };
        let refused = match sent.map(|value| Request::parse(value, agreed)) {
            Ok(Ok(request)) => return self.execute(connection, request),
            Ok(Err(refused)) => encode::reply(&Err(refused.error), refused.id.as_ref()),
            Err(desc) => encode::reply(&Err(generic(desc)), None),
        };
        connection.line(&refused);
    }

    fn forget(&self, connection: &Arc<Connection>) {
        self.state().connections.retain(|other| !Arc::ptr_eq(other, connection));
    }
}

impl Host for Core {
    fn is_ended(&self) -> bool {
        self.state().closed
    }

    fn add_waker(&self, wake: Box<dyn Fn() + Send>) {
        self.state().wakers.push(wake);
    }

    /// The client is gone when its thread has ended; one without a thread is gone at once.
    fn serve(self: &Arc<Self>, stream: Stream) {
        if let Ok(client) = Connection::start(self, stream) {
            let _ = client.join();
        }
    }
}

/// Runs a handler. One that panics has failed the command: its text is in the error.
fn run(handler: &SharedHandler, exchange: &mut Exchange<'_>) -> Result<String, ServerError> {
    let name = exchange.name().to_owned();
    let outcome = catch_unwind(AssertUnwindSafe(|| (lock(handler))(exchange)));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        Err(generic(format!("The handler of {name} panicked: {text}")))
    })
}
