//! The module of commands: a struct of arguments each, and the reply's type.

use super::fields::{field, Field, Owner};
use super::identifiers::is_item;
use super::objects::{blank, object_fields, Maker, Object, OtherField};
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::{Command, Data, Definition, ObjectId, Type};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// All commands.
pub(super) fn module(cx: &Context<'_>) -> TokenStream {
    let names = &cx.names.commands;
    let runtime = &cx.options.runtime;
    let mut out = quote! {
        use super::types;
        use #runtime::wire;
    };
    for (name, command) in names.iter().zip(&cx.schema.commands) {
        out.extend(page(cx, name, command));
    }
    out.extend(quote!(#runtime::api::without_new!(#(#names,)*);));
    out.extend(list(cx, "command", &[names]));
    out
}

/// The macro that names all of them, for tools and tests. The callback is called with the tokens after its name and the
/// identifiers.
pub(super) fn list(cx: &Context<'_>, what: &str, lists: &[&[Ident]]) -> TokenStream {
    let exported = ident(&format!("__{}_for_each_{what}", cx.options.name));
    let public = ident(&format!("for_each_{what}"));
    let names = lists.concat();
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

fn page<'a>(cx: &Context<'a>, name: &'a Ident, command: &'a Command) -> TokenStream {
    let prefix = quote!(types::);
    let wire_name = &command.def.name;
    let doc = docs::command(cx, command).tokens();
    let reply = match &command.returns {
        Some(ty) => cx.ty(ty, &prefix),
        None => quote!(()),
    };
    let decode = decoder(command.returns.as_ref());
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
    let mut out = match &command.data {
        // The struct that is the arguments is the command.
        Data::Object(id) if is_item(cx.schema, &cx.direction, command, *id) => quote! {
            #doc
            #[doc(inline)]
            pub use types::#name;
        },
        data => message(cx, &doc, name, &command.def, data, purpose),
    };
    out.extend(quote! {
        impl #runtime::Command for #name {
            const NAME: &'static str = #wire_name;
            #answered
            #secrets
            type Reply = #reply;
            #decode
        }
    });
    out.extend(peers);
    out.extend(oob.unwrap_or_default());
    out
}

/// The method that decodes a reply.
fn decoder(returns: Option<&Type>) -> TokenStream {
    let decoder = if returns.is_some() { quote!(decode) } else { quote!(nothing_from_json) };
    quote! {
        #[inline]
        fn decode_reply(text: &str) -> Result<Self::Reply, wire::JsonError> {
            wire::#decoder(text)
        }
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

impl Purpose {
    fn is_sent(self) -> bool {
        self.maker() == Maker::Programs
    }

    fn maker(self) -> Maker {
        match self {
            Purpose::Arguments | Purpose::OpenArguments => Maker::Programs,
            Purpose::EventData => Maker::Servers,
        }
    }
}

/// The struct of a command's arguments or an event's data.
pub(super) fn message<'a>(
    cx: &Context<'a>,
    doc: &TokenStream,
    name: &'a Ident,
    def: &'a Definition,
    data: &'a Data,
    purpose: Purpose,
) -> TokenStream {
    let prefix = quote!(types::);
    let mut scope = Scope::with(names::METHODS);
    if purpose == Purpose::OpenArguments {
        scope = scope.and(&[names::ARGUMENT, names::EXTRA]);
    }
    match data {
        Data::Members(members) => {
            let owner = Owner { name: &def.name, doc: &def.doc, object: None, sent: purpose.is_sent() };
            let mut fields = Vec::with_capacity(members.len());
            for member in members {
                fields.push(field(cx, &owner, member, &prefix, &mut scope));
            }
            fielded(cx, doc, name, fields, purpose)
        }
        Data::Object(id) if cx.schema.objects[id.0].branches.is_none() => {
            let fields = object_fields(cx, *id, None, &prefix, &mut scope);
            let conversion = conversion(cx, name, *id, &fields, purpose == Purpose::OpenArguments);
            let mut item = fielded(cx, doc, name, fields, purpose);
            item.extend(conversion);
            item
        }
        Data::Object(id) => transparent(doc, name, cx.object(*id), purpose),
    }
}

/// A struct with the members as fields.
fn fielded<'a>(
    cx: &Context<'a>,
    doc: &TokenStream,
    name: &'a Ident,
    fields: Vec<Field<'a>>,
    purpose: Purpose,
) -> TokenStream {
    let is_open = purpose == Purpose::OpenArguments;
    if fields.is_empty() && !is_open {
        return empty(doc, name, purpose);
    }
    let object = Object {
        doc: doc.clone(),
        fields,
        others: if is_open { vec![unlisted_field()] } else { Vec::new() },
        functions: if is_open { unlisted_setter() } else { TokenStream::new() },
        methods: if is_open { quote!(wire::extensible!();) } else { TokenStream::new() },
        strict: purpose.is_sent(),
        ..Object::new(name, purpose.maker())
    };
    object.page(cx)
}

/// The field of arguments that the schema does not list.
fn unlisted_field() -> OtherField {
    let field = ident(names::EXTRA);
    OtherField {
        declaration: quote! {
            /// Arguments that the schema does not list.
            pub #field: wire::AnyMap
        },
        parameter: None,
        initializer: quote!(#field: wire::AnyMap::new()),
        blank: quote!(#field: wire::AnyMap::new()),
        write: Some(quote!(out.extra(&self.#field))),
    }
}

/// The function that sets one of them.
fn unlisted_setter() -> TokenStream {
    let (field, argument) = (ident(names::EXTRA), ident(names::ARGUMENT));
    quote! {
        /// Sets an argument that the schema does not list. One that it lists may be set by its name as well, but not twice:
        /// such a command cannot be sent.
        #[inline]
        pub fn #argument(mut self, name: impl Into<String>, value: impl wire::IntoAny) -> Self {
            self.#field.insert(name.into(), value.into_any());
            self
        }
    }
}

/// A struct without members.
fn empty(doc: &TokenStream, name: &Ident, purpose: Purpose) -> TokenStream {
    let strict = purpose.is_sent();
    let maker = match purpose.maker() {
        Maker::Servers => blank(&quote!(Self {})),
        Maker::Programs => quote! {
            /// The one value of this type.
            #[inline]
            pub fn new() -> Self {
                Self {}
            }
        },
    };
    quote! {
        #doc
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct #name {}

        impl #name {
            #maker
        }

        wire::empty!(#name, #strict);
    }
}

/// `From` the struct that the schema gives the members in.
fn conversion(cx: &Context<'_>, name: &Ident, id: ObjectId, fields: &[Field<'_>], open: bool) -> TokenStream {
    let ty = cx.object(id);
    // There, other names are taken.
    let there = object_fields(cx, id, None, &TokenStream::new(), &mut Scope::with(names::METHODS));
    let (mut idents, mut moved) = (Vec::new(), Vec::new());
    for (field, there) in fields.iter().zip(&there) {
        idents.push(&field.ident);
        moved.push(&there.ident);
    }
    let extra = ident(names::EXTRA);
    let extra = open.then(|| quote!(#extra: wire::AnyMap::new(),));
    quote! {
        impl From<types::#ty> for #name {
            #[inline]
            fn from(value: types::#ty) -> Self {
                Self { #(#idents: value.#moved,)* #extra }
            }
        }
    }
}

/// A struct around a union.
fn transparent(doc: &TokenStream, name: &Ident, ty: &Ident, purpose: Purpose) -> TokenStream {
    let (field, strict) = (ident(names::ARGUMENTS), purpose.is_sent());
    let maker = match purpose.maker() {
        Maker::Servers => blank(&quote!(Self { #field: wire::Object::blank() })),
        Maker::Programs => quote! {
            /// A value of these members.
            #[inline]
            pub fn new(#field: types::#ty) -> Self {
                Self { #field }
            }
        },
    };
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct #name {
            /// The arguments.
            pub #field: types::#ty,
        }

        impl #name {
            #maker
        }

        impl From<types::#ty> for #name {
            #[inline]
            fn from(#field: types::#ty) -> Self {
                Self { #field }
            }
        }

        wire::transparent!(#name { #field }, #strict);
    }
}
