//! Secrets of a schema, as its build script names them. A name that the schema does not have is refused: a secret that is
//! misspelt would be shown.

use crate::error::{Error, Location, Result};
use crate::schema::{Data, Member, Schema};
use std::collections::BTreeSet;
use std::path::Path;

/// Checks the names of secret members, and of commands that return a secret. `root` is the schema's root file.
pub(crate) fn check(
    schema: &Schema,
    members: &BTreeSet<String>,
    replies: &BTreeSet<String>,
    root: &Path,
) -> Result<()> {
    let refuse = |what: &str, name: &String| {
        Err(Error::new(
            &Location::start_of(root),
            format!("{what} '{name}', which is to be secret, is not in the schema"),
        ))
    };
    for name in members {
        if !has_member(schema, name) {
            return refuse("member", name);
        }
    }
    for name in replies {
        if !schema.commands.iter().any(|command| command.def.name == *name) {
            return refuse("the reply of command", name);
        }
    }
    Ok(())
}

/// Returns whether a type, a command or an event declares a member of this name.
fn has_member(schema: &Schema, name: &str) -> bool {
    let is_in = |members: &[Member]| members.iter().any(|member| member.name == name);
    let is_inline = |data: &Data| matches!(data, Data::Members(members) if is_in(members));
    schema.objects.iter().any(|object| is_in(&object.members))
        || schema.commands.iter().any(|command| is_inline(&command.data))
        || schema.events.iter().any(|event| is_inline(&event.data))
}
