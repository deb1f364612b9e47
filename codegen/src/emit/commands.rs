//! The module of commands: a struct of arguments each, and the reply's type.

use super::fields::{self, Field, Owner};
use super::identifiers::is_item;
use super::objects::{inherent, object_fields, stand_in, strictness, Codec, Extra};
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::{Command, Data, Definition, ObjectId, Type};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// All commands.
pub(super) fn module(cx: &Context<'_>) -> TokenStream {
    let names = &cx.names.commands;
    let pages = names.iter().zip(&cx.schema.commands).map(|(name, command)| page(cx, name, command));
    let list = list(cx, "command", names.iter());
    let runtime = &cx.options.runtime;
    quote! {
        use super::types;
        use #runtime::wire;
        #(#pages)*
        #runtime::api::without_new!(#(#names,)*);
        #list
    }
}

/// The macro that names all of them, for tools and tests. The callback is called with the tokens after its name and the
/// identifiers.
pub(super) fn list<'a>(cx: &Context<'_>, what: &str, names: impl Iterator<Item = &'a Ident>) -> TokenStream {
    let exported = format_ident!("__{}_for_each_{}", cx.options.name, what);
    let public = format_ident!("for_each_{}", what);
    let doc = format!(" Calls `callback!` with the given tokens and the name of every {what} of the schema, each followed by a comma.");
    quote! {
        #[doc(hidden)]
        #[macro_export]
        macro_rules! #exported {
            ($callback:ident ! $($given:tt)*) => { $callback! { $($given)* #(#names,)* } };
        }
        #[doc = #doc]
        pub use #exported as #public;
    }
}

fn page(cx: &Context<'_>, name: &Ident, command: &Command) -> TokenStream {
    let prefix = quote!(types::);
    let wire_name = &command.def.name;
    let doc = docs::command(cx, command).tokens();
    let reply = match &command.returns {
        Some(ty) => cx.ty(ty, &prefix),
        None => quote!(()),
    };
    let decoder = match &command.returns {
        Some(Type::Array(_)) => Some(quote!(array_from_json)),
        Some(_) => None,
        None => Some(quote!(nothing_from_json)),
    };
    let decode = decoder.map(|decoder| {
        quote! {
            #[inline]
            fn decode_reply(text: &str) -> Result<Self::Reply, wire::JsonError> {
                wire::#decoder(text)
            }
        }
    });
    let answered = (!command.success_response).then(|| {
        quote!(
            const SUCCESS_RESPONSE: bool = false;
        )
    });
    let runtime = &cx.options.runtime;
    let secrets = cx.command_secrets(wire_name);
    let peers = cx.peers(wire_name, name);
    let oob = command.allow_oob.then(|| quote!(impl #runtime::OobCommand for #name {}));
    let purpose = if command.gen { Purpose::Arguments } else { Purpose::OpenArguments };
    let item = match &command.data {
        // The struct that is the arguments is the command.
        Data::Object(id) if is_item(cx.schema, &cx.direction, command, *id) => quote! {
            #doc
            #[doc(inline)]
            pub use types::#name;
        },
        data => message(cx, &doc, name, &command.def, data, purpose),
    };
    quote! {
        #item
        impl #runtime::Command for #name {
            const NAME: &'static str = #wire_name;
            #answered
            #secrets
            type Reply = #reply;
            #decode
        }
        #peers
        #oob
    }
}

/// The purpose of a message's struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be sent.
    Arguments,
    /// To be sent, perhaps with arguments that the schema does not list.
    OpenArguments,
    /// To be received.
    EventData,
}

/// The struct of a command's arguments or an event's data.
pub(super) fn message(
    cx: &Context<'_>,
    doc: &TokenStream,
    name: &Ident,
    def: &Definition,
    data: &Data,
    purpose: Purpose,
) -> TokenStream {
    let prefix = quote!(types::);
    let mut scope = Scope::with(names::METHODS);
    if purpose == Purpose::OpenArguments {
        scope = scope.and(&[names::ARGUMENT, names::EXTRA]);
    }
    match data {
        Data::Members(members) => {
            let owner = Owner { name: &def.name, doc: &def.doc, object: None, sent: purpose != Purpose::EventData };
            let fields = fields::fields(cx, &owner, members.iter(), &prefix, &mut scope);
            fielded(cx, doc, name, &fields, purpose)
        }
        Data::Object(id) if cx.schema.objects[id.0].branches.is_none() => {
            let fields = object_fields(cx, *id, None, &prefix, &mut scope);
            let item = fielded(cx, doc, name, &fields, purpose);
            let conversion = conversion(cx, name, *id, &fields, purpose == Purpose::OpenArguments);
            quote!(#item #conversion)
        }
        Data::Object(id) => transparent(doc, name, cx.object(*id), purpose != Purpose::EventData),
    }
}

/// A struct with the members as fields.
fn fielded(cx: &Context<'_>, doc: &TokenStream, name: &Ident, fields: &[Field<'_>], purpose: Purpose) -> TokenStream {
    let (open, strict) = (purpose == Purpose::OpenArguments, purpose != Purpose::EventData);
    let declarations = fields.iter().map(Field::declaration);
    let field = ident(names::EXTRA);
    let extra_field = open.then(|| {
        quote! {
            /// Arguments that the schema does not list.
            pub #field: wire::AnyMap,
        }
    });
    let extra: Vec<Extra> = open
        .then(|| Extra {
            parameter: None,
            initializer: quote!(#field: wire::AnyMap::new()),
            blank: quote!(#field: wire::AnyMap::new()),
            write: Some(quote!(out.extra(&self.#field))),
        })
        .into_iter()
        .collect();
    let more = if open { quote!(wire::extensible!();) } else { TokenStream::new() };
    let argument = ident(names::ARGUMENT);
    let setter = open.then(|| {
        quote! {
            /// Sets an argument that the schema does not list. One that it lists may be set by its name as well, but not twice:
            /// such a command cannot be sent.
            #[inline]
            pub fn #argument(mut self, name: impl Into<String>, value: impl wire::IntoAny) -> Self {
                self.#field.insert(name.into(), value.into_any());
                self
            }
        }
    });
    let empty = fields.is_empty() && !open;
    let inherent = match empty && !strict {
        true => stand_in(name, &quote!(Self {})),
        false => inherent(name, fields, &extra, &quote!(#setter), strict),
    };
    let codec = if empty {
        quote!(wire::empty!(#name, #strict);)
    } else {
        Codec::of(fields, &extra, None).object(name, &cx.secrets(), &strictness(strict), &more)
    };
    let derived = empty.then(|| quote!(, Debug, PartialEq));
    quote! {
        #doc
        #[derive(Clone #derived)]
        #[non_exhaustive]
        pub struct #name {
            #(#declarations,)*
            #extra_field
        }
        #inherent
        #codec
    }
}

/// `From` the struct that the schema gives the members in.
fn conversion(cx: &Context<'_>, name: &Ident, id: ObjectId, fields: &[Field<'_>], open: bool) -> TokenStream {
    let ty = cx.object(id);
    let idents = fields.iter().map(|field| &field.ident);
    // There, other names are taken.
    let there = object_fields(cx, id, None, &TokenStream::new(), &mut Scope::with(names::METHODS));
    let moved = there.iter().map(|field| &field.ident);
    let extra = open.then(|| ident(names::EXTRA)).into_iter();
    quote! {
        impl From<types::#ty> for #name {
            #[inline]
            fn from(value: types::#ty) -> Self {
                Self { #(#idents: value.#moved,)* #(#extra: wire::AnyMap::new(),)* }
            }
        }
    }
}

/// A struct around a union.
fn transparent(doc: &TokenStream, name: &Ident, ty: &Ident, strict: bool) -> TokenStream {
    let field = ident(names::ARGUMENTS);
    let new = quote! {
        impl #name {
            /// A value of these members.
            #[inline]
            pub fn new(#field: types::#ty) -> Self {
                Self { #field }
            }
        }
    };
    let inherent = if strict { new } else { stand_in(name, &quote!(Self { #field: wire::Object::blank() })) };
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct #name {
            /// The arguments.
            pub #field: types::#ty,
        }

        #inherent

        impl From<types::#ty> for #name {
            #[inline]
            fn from(#field: types::#ty) -> Self {
                Self { #field }
            }
        }

        wire::transparent!(#name { #field }, #strict);
    }
}
