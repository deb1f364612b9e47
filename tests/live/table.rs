//! All commands of both schemas by name, each with a way to execute it typed.
#![allow(deprecated, reason = "all commands are to be executed, those that QEMU advises against included")]

use qemu_qmp::{wire, Client, Command};
use serde_json::Value;
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
    pub execute: fn(&mut Client, &Value) -> Exchange,
}

/// What became of an execution.
#[derive(Debug)]
pub enum Exchange {
    /// The arguments are not those of the command.
    Misfit(String),
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
    for_each_command!(table!)
}

/// Those of the guest agent.
pub fn qga() -> Table {
    use qemu_qmp::qga::commands::*;
    for_each_command!(table!)
}

macro_rules! table {
    ($($command:ident,)*) => { Table::from([$((<$command as Command>::NAME, entry::<$command>())),*]) };
}
use table;

fn entry<C: Command>() -> Entry {
    Entry {
        answered: C::SUCCESS_RESPONSE,
        bare: || wire::from_json::<C>("{}").is_ok(),
        execute: |client, arguments| execute::<C>(client, arguments),
    }
}

fn execute<C: Command>(client: &mut Client, arguments: &Value) -> Exchange {
    let command: C = match wire::from_json(&arguments.to_string()) {
        Ok(command) => command,
        Err(error) => return Exchange::Misfit(error.to_string()),
    };
    let arguments = wire::to_any(&command);
    let result = client.within(PATIENCE).execute(command).map(|reply| wire::to_any(&reply));
    Exchange::Sent { arguments, result }
}
