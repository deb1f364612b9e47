//! A conversation with a running program, in which every message is compared with its typed value.
//!
//! Commands go through [`Client::execute`] as their types; what came is taken from the tape below the client. Nothing
//! that comes makes a conversation panic: it is reported, and the conversation goes on.

use crate::binaries::Binary;
use crate::compare::{differences, Removed};
use crate::deadly;
use crate::process::{Folder, Process};
use crate::recording;
use crate::report::Report;
use crate::table::{self, AnyClient, Entry, Exchange, Table};
use crate::tape::{Recorder, Tape};
use qemu_qmp::blocking;
use qemu_qmp::qmp::events::AnyEvent;
use qemu_qmp::{Client, ConnectOptions, EventMessage, EventSet as _, Greeting, ServerError, Version};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use transcript::api::Api;

/// How long an event, or the end of a program, may take under emulation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A schema: how recordings are checked by it, and its commands.
type Schema = (fn() -> Api, fn() -> Table);
const QMP: Schema = (Api::qmp, table::qmp);
const QGA: Schema = (Api::qga, table::qga);

/// What became of a command.
#[derive(Debug)]
pub enum Outcome {
    Returned(Value),
    Refused(ServerError),
    /// The program does not have this command, or is known to end of it, and was not asked to execute it.
    Unknown,
    /// There was no answer, and there will be none.
    Ended,
}

/// A connection to a running program.
pub struct Conversation<'a> {
    client: AnyClient,
    /// What checks the recording.
    api: fn() -> Api,
    table: Table,
    tape: Tape,
    process: Process,
    pub folder: Folder,
    pub report: &'a mut Report,
    pub version: Version,
    removed: Removed,
    /// The commands that the program says it has.
    offered: BTreeSet<String>,
    /// Events that nobody waited for yet, and how many came in all.
    events: Vec<Value>,
    event_count: usize,
    ended: bool,
}

impl<'a> Conversation<'a> {
    /// Starts a program whose monitor is to listen on the folder's `qmp`, and negotiates.
    pub fn with_monitor(
        binary: &Binary,
        arguments: &[String],
        folder: Folder,
        report: &'a mut Report,
    ) -> Result<Self, String> {
        let connect = |socket, options: &_| Client::connect_over(socket, options).map(AnyClient::Monitor);
        let mut conversation = Self::start(&binary.path, arguments, folder, report, QMP, connect)?;
        let greeting = conversation.greeting().ok_or("a monitor greets")?;
        conversation.named(greeting.version);
        let typed = json!({"QMP": {
            "version": {
                "qemu": {
                    "major": greeting.version.major,
                    "minor": greeting.version.minor,
                    "micro": greeting.version.micro,
                },
                "package": greeting.package,
            },
            "capabilities": greeting.capabilities.iter().map(|offered| offered.as_str()).collect::<Vec<_>>(),
        }});
        let came = conversation.tape.greeting().unwrap_or_default();
        conversation.compare("greeting", &came, &typed);
        let commands = conversation.run("query-commands", json!({}));
        conversation.offered = names(&commands);
        Ok(conversation)
    }

    /// Starts a guest agent which is to listen on the folder's `qmp`, and synchronizes.
    pub fn with_guest_agent(
        binary: &Binary,
        arguments: &[String],
        folder: Folder,
        report: &'a mut Report,
    ) -> Result<Self, String> {
        let connect = |socket, options: &_| blocking::Client::connect_over(socket, options).map(AnyClient::Agent);
        let mut conversation = Self::start(&binary.path, arguments, folder, report, QGA, connect)?;
        let info = conversation.run("guest-info", json!({}));
        let mut numbers = info["version"].as_str().unwrap_or_default().split('.').map(|number| number.parse().ok());
        let mut number = || numbers.next().flatten().unwrap_or_default();
        let version = Version { major: number(), minor: number(), micro: number() };
        conversation.named(version);
        conversation.offered = names(&info["supported_commands"]);
        Ok(conversation)
    }

    fn greeting(&self) -> Option<Greeting> {
        match &self.client {
            AnyClient::Monitor(client) => Some(client.greeting().clone()),
            AnyClient::Agent(_) => None,
        }
    }

    /// Which release the program is.
    fn named(&mut self, version: Version) {
        self.version = version;
        let label = &mut self.report.label;
        if !label.ends_with(&version.to_string()) {
            label.push_str(&format!(" {version}"));
        }
    }

    fn start(
        program: &Path,
        arguments: &[String],
        folder: Folder,
        report: &'a mut Report,
        (api, table): Schema,
        connect: impl FnOnce(Recorder, &ConnectOptions) -> qemu_qmp::Result<AnyClient>,
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let mut process = Process::start(program, arguments, &folder).map_err(failed)?;
        let socket = process.connect(&folder.join("qmp")).map_err(failed)?;
        let tape = Tape::default();
        let options = ConnectOptions::new().greeting_timeout(PATIENCE);
        let client = connect(tape.record(socket), &options).map_err(|error| format!("{error}\n{}", process.log()))?;
        let (version, removed) = (Version { major: 0, minor: 0, micro: 0 }, Removed::new());
        let (offered, events, event_count, ended) = (BTreeSet::new(), Vec::new(), 0, false);
        let table = table();
        Ok(Self {
            client,
            api,
            table,
            tape,
            process,
            folder,
            report,
            version,
            removed,
            offered,
            events,
            event_count,
            ended,
        })
    }

    /// Executes a command that must succeed, unless this program does not know it. `null` stands for failure.
    pub fn run(&mut self, name: &str, arguments: Value) -> Value {
        match self.attempt(name, arguments.clone()) {
            Outcome::Returned(value) => return value,
            Outcome::Refused(error) => self.report.fail(format!("{name} {arguments} was refused: {}", error.desc)),
            Outcome::Unknown | Outcome::Ended => {}
        }
        Value::Null
    }

    /// Executes a command that may fail; `null` stands for failure.
    pub fn try_run(&mut self, name: &str, arguments: Value) -> Value {
        match self.attempt(name, arguments) {
            Outcome::Returned(value) => value,
            Outcome::Refused(_) | Outcome::Unknown | Outcome::Ended => Value::Null,
        }
    }

    /// Executes a command, whatever comes of it, as long as the program lives. Its end fails unless the question is
    /// [listed](deadly).
    pub fn attempt(&mut self, name: &str, arguments: Value) -> Outcome {
        if self.ended {
            return Outcome::Ended;
        }
        if deadly::is_passed_over(name, &arguments, self.version) {
            self.report.note(format!("passed over {name} {arguments}, which can end this program"));
            return Outcome::Unknown;
        }
        let outcome = self.ask(name, arguments.clone());
        if let Outcome::Ended = outcome {
            match deadly::reason(name, &arguments) {
                Some(reason) => {
                    self.report.note(format!("{name} {arguments} ended the program, as is listed: {reason}"))
                }
                None => {
                    let log = self.process.log();
                    self.report.fail(format!("{name} {arguments} was not answered; the program said: {}", log.trim()));
                }
            }
        }
        outcome
    }

    fn ask(&mut self, name: &str, arguments: Value) -> Outcome {
        if !self.offered.is_empty() && !self.offers(name) {
            self.report.note(format!("the program does not have {name}"));
            return Outcome::Unknown;
        }
        self.report.commands += 1;
        let outcome = match self.table.get(name).copied() {
            Some(entry) => self.attempt_typed(name, entry, &arguments),
            None => self.attempt_untyped(name, arguments),
        };
        match &outcome {
            Outcome::Returned(_) => {
                self.report.returned += 1;
                self.report.succeeded.insert(name.to_owned());
            }
            Outcome::Refused(_) => self.report.refused += 1,
            Outcome::Unknown => {}
            Outcome::Ended => self.ended = true,
        }
        self.take_events();
        outcome
    }

    /// Waits for an event whose data is accepted, and takes it. Events before it stay.
    pub fn wait(&mut self, name: &str, accept: impl Fn(&Value) -> bool) {
        let wanted = |event: &Value| event["event"] == name && accept(&event["data"]);
        let end = Instant::now() + PATIENCE;
        while !self.ended {
            if let Some(index) = self.events.iter().position(wanted) {
                self.events.remove(index);
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            // The guest agent has no events.
            let AnyClient::Monitor(client) = &mut self.client else { return };
            match client.next_event_as::<AnyEvent>(left) {
                Ok(Some(event)) => self.keep_event(&event),
                Ok(None) => return self.report.fail(format!("{name} did not come")),
                Err(error) => return self.report.fail(format!("{name} did not come: {error}")),
            }
        }
    }

    /// Forgets the events that came so far, so that a later one is not taken for an earlier one.
    pub fn forget_events(&mut self) {
        self.take_events();
        self.events.clear();
    }

    /// Waits until the program has ended by itself.
    pub fn wait_for_end(&mut self) {
        match self.process.end(PATIENCE) {
            Some(status) if status.success() => {}
            Some(status) => self.report.note(format!("the program ended with {status}")),
            None => self.report.fail("the program did not end"),
        }
        self.take_events();
    }

    /// Whether the program says it has a command.
    pub fn offers(&self, name: &str) -> bool {
        self.offered.contains(name)
    }

    /// The commands that the program has, that need no arguments, and whose names are accepted.
    pub fn bare_commands(&self, accept: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let all = self.table.iter().filter(|(name, entry)| self.offers(name) && accept(name) && (entry.bare)());
        all.map(|(name, _)| *name).collect()
    }

    /// Checks that the schema has all commands of the program.
    pub fn check_commands(&mut self) {
        for name in self.offered.clone() {
            self.check_command(&name);
        }
    }

    /// Commands that the program has and the schema does not know.
    pub fn removed_commands(&self) -> Vec<String> {
        self.offered.iter().filter(|name| !self.table.contains_key(name.as_str())).cloned().collect()
    }

    /// Checks that a command is in the schema, or was removed after this release.
    fn check_command(&mut self, name: &str) {
        let permitted = self.removed.permits_command(name, self.version);
        self.check(name, "command", self.table.contains_key(name), permitted);
    }

    /// Checks that an event is in the schema, or was removed after this release.
    pub fn check_event(&mut self, name: &str) {
        let known = !matches!(AnyEvent::decode(name, None), AnyEvent::Unrecognized(_));
        self.check(name, "event", known, self.removed.permits_event(name, self.version));
    }

    fn check(&mut self, name: &str, what: &str, known: bool, permitted: bool) {
        let unknown = format!("the schema does not know {what} {name}");
        match (known, permitted) {
            (true, _) => {}
            (false, true) => self.report.note(unknown),
            (false, false) => self.report.fail(unknown),
        }
    }

    fn attempt_typed(&mut self, name: &str, entry: Entry, arguments: &Value) -> Outcome {
        match (entry.execute)(&mut self.client, arguments) {
            Exchange::DecodeError(error) => {
                self.report.fail(format!("{name}: its arguments {arguments} do not decode: {error}"));
                self.attempt_untyped(name, arguments.clone())
            }
            Exchange::Sent { arguments: typed, result } => {
                self.compare(&format!("arguments of {name}"), arguments, &typed);
                self.settle(name, entry.answered, result)
            }
        }
    }

    /// For what the schema does not know. Older releases have such commands.
    fn attempt_untyped(&mut self, name: &str, arguments: Value) -> Outcome {
        self.check_command(name);
        let reply = match &mut self.client {
            AnyClient::Monitor(client) => client.cmd(name, Some(arguments), None),
            AnyClient::Agent(client) => client.cmd(name, Some(arguments), None),
        };
        match reply {
            Ok(reply) => match reply.result() {
                Ok(value) => Outcome::Returned(serde_json::from_str(value).unwrap_or_default()),
                Err(error) => Outcome::Refused(error.clone()),
            },
            Err(error) => self.unanswered(name, &error),
        }
    }

    fn settle(&mut self, name: &str, answered: bool, result: Result<Value, qemu_qmp::Error>) -> Outcome {
        let came = self.tape.take_reply().unwrap_or_default();
        match result {
            Ok(_) if !answered => Outcome::Returned(Value::Null),
            Ok(typed) => {
                self.compare(&format!("reply to {name}"), &came["return"], &typed);
                Outcome::Returned(came["return"].clone())
            }
            Err(error) => match (error.server_error(), error.decode_error()) {
                (Some(refusal), _) => {
                    let typed = json!({"class": refusal.class.as_str(), "desc": refusal.desc});
                    self.compare(&format!("error of {name}"), &came["error"], &typed);
                    Outcome::Refused(refusal.clone())
                }
                (None, Some(error)) => {
                    let (path, expectation) = (error.path(), error.expectation());
                    self.report.fail(format!("reply to {name} did not decode at `{path}`: {expectation}: {came}"));
                    Outcome::Returned(came["return"].clone())
                }
                (None, None) => self.unanswered(name, &error),
            },
        }
    }

    fn unanswered(&mut self, name: &str, error: &qemu_qmp::Error) -> Outcome {
        if !error.is_closed() {
            self.report.fail(format!("{name}: {error}"));
        }
        Outcome::Ended
    }

    fn take_events(&mut self) {
        // The guest agent has no events, and of a closed connection the next command will tell.
        let AnyClient::Monitor(client) = &mut self.client else { return };
        for event in client.take_events_as::<AnyEvent>().unwrap_or_default() {
            self.keep_event(&event);
        }
    }

    fn keep_event(&mut self, event: &EventMessage<AnyEvent>) {
        let came = self.tape.event(self.event_count).unwrap_or_default();
        self.event_count += 1;
        self.report.events += 1;
        let name = event.data.name();
        match &event.data {
            AnyEvent::Undecodable(error) => self.report.fail(error.to_string()),
            _ => self.check_event(name),
        }
        let mut typed = json!({
            "event": name,
            "timestamp": {"seconds": event.timestamp.seconds, "microseconds": event.timestamp.microseconds},
        });
        if came.get("data").is_some() {
            typed["data"] = event.data.data();
        }
        self.compare(&format!("event {name}"), &came, &typed);
        self.events.push(came);
    }

    fn compare(&mut self, what: &str, came: &Value, typed: &Value) {
        for difference in differences(came, typed) {
            let text = format!("{what}: {difference}");
            if self.removed.permits(&difference, self.version) {
                self.report.note(text);
            } else {
                self.report.fail(text);
            }
        }
    }
}

/// The `name` of each element.
fn names(list: &Value) -> BTreeSet<String> {
    let elements = list.as_array().into_iter().flatten();
    elements.filter_map(|element| element["name"].as_str().map(str::to_owned)).collect()
}

impl Drop for Conversation<'_> {
    /// Saves the recording, and checks it.
    fn drop(&mut self) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{count}", self.report.label.replace([' ', '/'], "-"));
        if let Err(error) = self.tape.save(&name) {
            self.report.fail(format!("the transcript {name} could not be written: {error}"));
        }
        match recording::check((self.api)(), &self.tape.transcript()) {
            Err(error) => self.report.fail(format!("recording: {error}")),
            Ok(findings) => {
                findings.failures.iter().for_each(|failure| self.report.fail(format!("recording: {failure}")));
                for (what, difference) in findings.differences {
                    if !self.removed.permits(&difference, self.version) {
                        self.report.fail(format!("recording: {what}: {difference}"));
                    }
                }
                for unrecognized in findings.unrecognized {
                    let sent = unrecognized.starts_with("command ") || unrecognized.starts_with("reply - ");
                    let unrecognized = format!("unrecognized: {unrecognized}");
                    if sent || !self.removed.is_complete_for(self.version) {
                        self.report.note(unrecognized);
                    } else {
                        self.report.fail(unrecognized);
                    }
                }
            }
        }
    }
}
