//! All commands of both schemas by name, each with a way to execute it typed.
#![allow(deprecated, reason = "all commands are to be executed, those that QEMU advises against included")]

use qemu_qmp::{blocking, wire, Client, Command, CommandFor, GuestAgent, Monitor, Peer};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a command may take under emulation on a busy machine, before it counts as never answered.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command of a schema, executed with arguments that are JSON.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Whether success is answered.
    pub answered: bool,
    /// Whether the command can be had without arguments.
    pub bare: fn() -> bool,
    /// Decodes the arguments, executes the command, and encodes both again.
    pub execute: fn(&mut AnyClient, &Value) -> Exchange,
}

/// A client of whichever peer.
#[derive(Debug)]
pub enum AnyClient {
    /// Of the system emulator, or of the storage daemon, which must refuse what only the emulator has.
    Monitor(Client),
    /// Of the guest agent.
    Agent(blocking::Client<GuestAgent>),
}

/// What became of an execution.
#[derive(Debug)]
pub enum Exchange {
    /// The arguments are not those of the command.
    DecodeError(String),
    /// The command was sent.
    Sent {
        /// The arguments, decoded and encoded again.
        arguments: Value,
        /// What was returned, decoded and encoded again.
        result: Result<Value, qemu_qmp::Error>,
    },
}

/// Commands by name.
pub type Table = BTreeMap<&'static str, Entry>;

/// Those of the system emulator and the storage daemon.
pub fn qmp() -> Table {
    use qemu_qmp::qmp::commands::*;
    for_each_command!(monitor_table!)
}

/// Those of the guest agent.
pub fn qga() -> Table {
    use qemu_qmp::qga::commands::*;
    for_each_command!(agent_table!)
}

macro_rules! monitor_table {
    ($($command:ident,)*) => { Table::from([$((<$command as Command>::NAME, monitor_entry::<$command>())),*]) };
}
use monitor_table;

macro_rules! agent_table {
    ($($command:ident,)*) => { Table::from([$((<$command as Command>::NAME, agent_entry::<$command>())),*]) };
}
use agent_table;

fn monitor_entry<C: CommandFor<Monitor, Reply: 'static>>() -> Entry {
    entry::<C>(|client, arguments| match client {
        AnyClient::Monitor(client) => execute::<Monitor, C>(client, arguments),
        AnyClient::Agent(_) => Exchange::DecodeError("a command for a monitor".to_owned()),
    })
}

fn agent_entry<C: CommandFor<GuestAgent, Reply: 'static>>() -> Entry {
    entry::<C>(|client, arguments| match client {
        AnyClient::Agent(client) => execute::<GuestAgent, C>(client, arguments),
        AnyClient::Monitor(_) => Exchange::DecodeError("a command for a guest agent".to_owned()),
    })
}

fn entry<C: Command>(execute: fn(&mut AnyClient, &Value) -> Exchange) -> Entry {
    Entry { answered: C::SUCCESS_RESPONSE, bare: || wire::from_json::<C>("{}").is_ok(), execute }
}

fn execute<P: Peer, C: CommandFor<P, Reply: 'static>>(client: &mut blocking::Client<P>, arguments: &Value) -> Exchange {
    // Older releases have arguments that the schema does not know any more.
    let command: C = match wire::tolerating_unknown(|| wire::from_json(&arguments.to_string())) {
        Ok(command) => command,
        Err(error) => return Exchange::DecodeError(error.to_string()),
    };
    let arguments = wire::to_any(&command);
    // What is nothing to a program is an empty object on the wire.
    let is_nothing = std::any::TypeId::of::<C::Reply>() == std::any::TypeId::of::<()>();
    let shown = |reply| if is_nothing { json!({}) } else { wire::to_any(&reply) };
    let result = client.within(PATIENCE).execute(command).map(shown);
    Exchange::Sent { arguments, result }
}
