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
    let has_member = |name: &&String| all_members(schema).any(|member| member.name == **name);
    let has_command = |name: &&String| schema.commands.iter().any(|command| command.def.name == **name);
    let refuse = |what: &str, name: &String| {
        Err(Error::new(
            &Location::start_of(root),
            format!("{what} '{name}', which is to be secret, is not in the schema"),
        ))
    };
    match (members.iter().find(|name| !has_member(name)), replies.iter().find(|name| !has_command(name))) {
        (Some(member), _) => refuse("member", member),
        (None, Some(command)) => refuse("the reply of command", command),
        (None, None) => Ok(()),
    }
}

fn all_members(schema: &Schema) -> impl Iterator<Item = &Member> {
    let commands = schema.commands.iter().map(|command| &command.data);
    let inline = commands.chain(schema.events.iter().map(|event| &event.data)).filter_map(|data| match data {
        Data::Members(members) => Some(members),
        Data::Object(_) => None,
    });
    inline.chain(schema.objects.iter().map(|object| &object.members)).flatten()
}
