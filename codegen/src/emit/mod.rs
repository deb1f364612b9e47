//! Checked schema → Rust. Each kind of definition has one page that looks like what it emits.
//!
//! The output holds no logic: types, tables, one-line matches and calls into the runtime (`wire` of `qemu-qmp`).
//! No literal QAPI name stands here; exceptions are rows in [`crate::names`].

mod alternates;
mod boxing;
mod branches;
mod commands;
mod docs;
mod enums;
mod events;
mod fields;
mod identifiers;
mod links;
mod objects;
mod unions;

use crate::direction::Direction;
use crate::error::{Error, Result};
use crate::load::LateMembers;
use crate::names::ident;
use crate::schema::{AlternateId, Builtin, EnumId, ObjectId, Schema, Type};
use boxing::Boxing;
use identifiers::Identifiers;
use links::Links;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use std::collections::BTreeSet;

/// A program that commands are sent to; the runtime has a type of the same name for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The system emulator's monitor.
    Monitor,
    /// The storage daemon.
    StorageDaemon,
    /// The guest agent.
    GuestAgent,
}

impl Peer {
    const ALL: [Peer; 3] = [Peer::Monitor, Peer::StorageDaemon, Peer::GuestAgent];
    /// Those of the runtime's `MonitorPeer`.
    const MONITORS: [Peer; 2] = [Peer::Monitor, Peer::StorageDaemon];

    /// The type's name in the runtime.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Monitor => "Monitor",
            Peer::StorageDaemon => "StorageDaemon",
            Peer::GuestAgent => "GuestAgent",
        }
    }

    fn ident(self) -> Ident {
        ident(self.name())
    }
}

/// How to emit a schema.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the API, the module that the caller puts the output in. Macros are exported under it.
    pub name: String,
    /// Path of the crate that holds the runtime: `crate` or `::qemu_qmp`.
    pub runtime: TokenStream,
    /// The peer that all commands are for.
    pub peer: Peer,
    /// Page of the reference manual, and the namespace in its anchors.
    pub manual: Option<(String, String)>,
    /// Members that are secret, beside those that the runtime knows by their names.
    pub secret_members: BTreeSet<String>,
    /// Commands that return a secret.
    pub secret_replies: BTreeSet<String>,
}

/// What is read from other files than the schema's own.
#[derive(Debug, Default)]
pub struct Tables {
    /// Peers that have only some of the commands, and which.
    pub also_for: Vec<(Peer, BTreeSet<String>)>,
    /// Members that older releases do not send.
    pub late_members: LateMembers,
}

/// The emitted modules.
pub struct Output {
    /// Enums, structs, unions and alternates.
    pub types: TokenStream,
    /// Commands.
    pub commands: TokenStream,
    /// Events; `None` where the schema has none.
    pub events: Option<TokenStream>,
}

/// Emits a schema.
///
/// # Errors
/// Where a struct holds itself by mandatory members, so that no message could ever hold one.
pub fn emit(schema: &Schema, options: &Options, tables: &Tables) -> Result<Output> {
    if let Some(id) = boxing::endless(schema) {
        let def = &schema[id].def;
        let message = format!("struct '{}' holds itself by mandatory members, so no message can hold one", def.name);
        return Err(Error::new(&def.at, message));
    }
    let cx = Context::new(schema, options, tables);
    Ok(Output {
        types: types(&cx),
        commands: commands::module(&cx),
        events: (!schema.events.is_empty()).then(|| events::module(&cx)),
    })
}

/// All types, in the schema's order.
fn types(cx: &Context<'_>) -> TokenStream {
    let schema = cx.schema;
    let mut pages = Vec::new();
    for _ in 0..schema.number_of_definitions() {
        pages.push(TokenStream::new());
    }
    let mut put = |order: usize, page: TokenStream| {
        if let Some(place) = pages.get_mut(order) {
            *place = page;
        }
    };
    for (index, each) in schema.enums.iter().enumerate() {
        put(each.def.order, enums::page(cx, EnumId(index)));
    }
    for (index, each) in schema.objects.iter().enumerate() {
        let page = match (&each.branches, &cx.names.branches[index]) {
            (Some(branches), Some(branch_type)) => unions::page(cx, ObjectId(index), branches, branch_type),
            _ => objects::struct_page(cx, ObjectId(index)),
        };
        put(each.def.order, page);
    }
    for (index, each) in schema.alternates.iter().enumerate() {
        put(each.def.order, alternates::page(cx, AlternateId(index)));
    }
    let runtime = &cx.options.runtime;
    let list = commands::list(cx, "type", &[&cx.names.enums, &cx.names.objects, &cx.names.alternates]);
    let mut out = quote!(use #runtime::wire;);
    // Moved, where a page that is interpolated is copied.
    for page in pages {
        out.extend(page);
    }
    out.extend(list);
    out
}

/// The input of all pages.
struct Context<'a> {
    schema: &'a Schema,
    options: &'a Options,
    tables: &'a Tables,
    boxing: Boxing,
    direction: Direction,
    names: Identifiers,
    links: Links<'a>,
}

impl<'a> Context<'a> {
    fn new(schema: &'a Schema, options: &'a Options, tables: &'a Tables) -> Self {
        let direction = Direction::of(schema);
        let names = Identifiers::of(schema, &direction);
        Self { schema, options, tables, boxing: Boxing::of(schema), direction, names, links: Links::of(schema) }
    }

    /// The identifier of a struct or union.
    fn object(&self, id: ObjectId) -> &Ident {
        &self.names.objects[id.0]
    }

    /// The Rust type, without a box. `prefix` is the path of the types' module and `::`, or nothing inside it.
    fn ty(&self, ty: &Type, prefix: &TokenStream) -> TokenStream {
        match ty {
            Type::Builtin(builtin) => builtin_type(*builtin),
            Type::Enum(EnumId(index)) => {
                let name = &self.names.enums[*index];
                quote!(#prefix #name)
            }
            Type::Object(ObjectId(index)) => {
                let name = &self.names.objects[*index];
                quote!(#prefix #name)
            }
            Type::Alternate(AlternateId(index)) => {
                let name = &self.names.alternates[*index];
                quote!(#prefix #name)
            }
            Type::Array(element) => {
                let element = self.ty(element, prefix);
                quote!(Vec<#element>)
            }
        }
    }

    /// Says which peers a command is for, each once. What all monitors have is said of all at once, so that code which is
    /// generic over them can use it.
    fn peers(&self, command: &str, name: &Ident) -> TokenStream {
        let options = self.options;
        let is_also_for =
            |wanted| self.tables.also_for.iter().any(|(peer, all)| *peer == wanted && all.contains(command));
        let is_for = |peer: &Peer| *peer == options.peer || is_also_for(*peer);
        let runtime = &options.runtime;
        let is_for_monitors = Peer::MONITORS.iter().all(is_for);
        let mut out = TokenStream::new();
        if is_for_monitors {
            out.extend(quote!(impl<P: #runtime::api::MonitorPeer> #runtime::api::CommandFor<P> for #name {}));
        }
        for peer in Peer::ALL {
            let is_said = is_for_monitors && Peer::MONITORS.contains(&peer);
            if is_for(&peer) && !is_said {
                let peer = peer.ident();
                out.extend(quote!(impl #runtime::api::CommandFor<#runtime::api::#peer> for #name {}));
            }
        }
        out
    }

    /// The secret members that the runtime does not know by their names, as elements of an array.
    fn secret_members(&self) -> TokenStream {
        let members = &self.options.secret_members;
        quote!(#(#members),*)
    }

    /// The argument of a codec's macro that names secret members, if the schema has any beside those that the runtime knows.
    fn secrets(&self) -> TokenStream {
        let members = self.secret_members();
        if members.is_empty() {
            return members;
        }
        quote!(, &[#members])
    }

    /// The secrets of a command, likewise.
    fn command_secrets(&self, command: &str) -> Option<TokenStream> {
        let Options { secret_replies: replies, runtime, .. } = self.options;
        let members = self.secret_members();
        let reply = replies.contains(command).then(|| quote!(.and_reply()));
        let is_any = reply.is_some() || !members.is_empty();
        is_any.then(|| {
            quote! {
                const SECRETS: #runtime::api::Secrets = #runtime::api::Secrets::of(&[#members]) #reply;
            }
        })
    }

    /// The release from which on a member is always sent, if an older one may leave it out.
    fn late(&self, owner: &str, member: &str) -> Option<&str> {
        let (_, members) = self.tables.late_members.iter().find(|(definition, _)| definition == owner)?;
        let (_, release) = members.iter().find(|(late, _)| late == member)?;
        Some(release)
    }
}

fn builtin_type(builtin: Builtin) -> TokenStream {
    let name = ident(match builtin {
        Builtin::Str => "String",
        Builtin::Number => "f64",
        Builtin::Int | Builtin::Int64 => "i64",
        Builtin::Int8 => "i8",
        Builtin::Int16 => "i16",
        Builtin::Int32 => "i32",
        Builtin::Uint8 => "u8",
        Builtin::Uint16 => "u16",
        Builtin::Uint32 => "u32",
        Builtin::Uint64 | Builtin::Size => "u64",
        Builtin::Bool => "bool",
        Builtin::Null => "Null",
        Builtin::Any => "Any",
        Builtin::QType => "QType",
    });
    match builtin {
        Builtin::Null | Builtin::Any | Builtin::QType => quote!(wire::#name),
        _ => quote!(#name),
    }
}
