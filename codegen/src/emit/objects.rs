//! The page of a struct, and the parts of it that unions, commands and events share.

use super::fields::{fields, Field, Owner};
use super::{docs, Context};
use crate::names::{self, Scope};
use crate::schema::{Member, ObjectId};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// A struct with the members of its bases and its own.
pub(super) fn struct_page(cx: &Context<'_>, id: ObjectId) -> TokenStream {
    let object = &cx.schema[id];
    let name = cx.object(id);
    let doc = docs::definition(cx, &object.def, &format!("Struct `{}`.", object.def.name), "object");
    let settable = !cx.direction.only_received(id);
    let doc = doc.paragraph(made_by(settable)).tokens();
    let fields = object_fields(cx, id, None, &TokenStream::new(), &mut Scope::with(names::METHODS));
    let inherent = inherent(name, &fields, &[], &TokenStream::new(), settable);
    let strict = strictness(cx.direction.only_sent(id));
    let codec = Codec::of(&fields, &[], None).object(name, &cx.secrets(), &strict, &TokenStream::new());
    let declarations = fields.iter().map(Field::declaration);
    quote! {
        #doc
        #[derive(Clone)]
        #[non_exhaustive]
        pub struct #name {
            #(#declarations,)*
        }
        #inherent
        #codec
    }
}

/// The fields of an object: those of its bases first, without the tag of a union.
pub(super) fn object_fields<'a>(
    cx: &Context<'a>,
    id: ObjectId,
    tag: Option<&str>,
    prefix: &TokenStream,
    scope: &mut Scope,
) -> Vec<Field<'a>> {
    let mut all = Vec::new();
    for object in cx.schema.base_chain(&cx.schema[id]) {
        let owner =
            Owner { name: &object.def.name, doc: &object.def.doc, object: Some(id), sent: cx.direction.only_sent(id) };
        let members = object.members.iter().filter(|member: &&Member| Some(member.name.as_str()) != tag);
        all.extend(fields(cx, &owner, members, prefix, scope));
    }
    all
}

/// The constant that has unknown members refused.
pub(super) fn strictness(strict: bool) -> TokenStream {
    if strict {
        quote!(
            const STRICT: bool = true;
        )
    } else {
        TokenStream::new()
    }
}

/// A field that no single member stands behind: its parameter of `new`, its initializer there, its blank value, and the
/// statement that encodes it.
pub(super) struct Extra {
    pub parameter: Option<TokenStream>,
    pub initializer: TokenStream,
    pub blank: TokenStream,
    pub write: Option<TokenStream>,
}

/// The pieces that the codec of an object is made of.
pub(super) struct Codec {
    members: TokenStream,
    required: Literal,
    blank: TokenStream,
    set: TokenStream,
    set_index: TokenStream,
    write: TokenStream,
    write_to: TokenStream,
}

impl Codec {
    /// The codec of these fields, with a union's branch in the field of this name.
    pub fn of(fields: &[Field<'_>], extra: &[Extra], branch: Option<&Ident>) -> Self {
        let (mandatory, optional): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.mandatory);
        let ordered = || mandatory.iter().chain(&optional);
        let names = ordered().map(|field| field.name);
        let arms = ordered().enumerate().map(|(index, field)| {
            let (index, put) = (Literal::usize_unsuffixed(index), field.put());
            quote!(#index => #put,)
        });
        let count = Literal::usize_unsuffixed(fields.len());
        let (set, set_index) = match (branch, fields.len()) {
            (None, 0) => (quote!(input.skip()), quote!(_)),
            (None, _) => (quote!(match index { #(#arms)* _ => input.skip() }), quote!(index)),
            (Some(branch), 0) => (quote!(wire::set_in_branch(&mut self.#branch, index, input)), quote!(index)),
            (Some(branch), _) => {
                let rest = quote!(wire::set_in_branch(&mut self.#branch, index - #count, input));
                (quote!(match index { #(#arms)* _ => #rest }), quote!(index))
            }
        };
        let tag = branch.map(|_| quote!(wire::write_tag(self, out)));
        let inner = branch.map(|branch| quote!(wire::Branch::write(&self.#branch, out)));
        let writes = tag.into_iter().chain(fields.iter().map(Field::write));
        let writes = writes.chain(extra.iter().filter_map(|extra| extra.write.clone())).chain(inner);
        let writes: Vec<_> = writes.collect();
        let write_to = if writes.is_empty() { quote!(_) } else { quote!(out) };
        let blanks = fields.iter().map(Field::blank).chain(extra.iter().map(|extra| extra.blank.clone()));
        Self {
            members: quote!(&[#(#names),*]),
            required: Literal::usize_unsuffixed(mandatory.len()),
            blank: quote!(#(#blanks),*),
            set,
            set_index,
            write: quote!(#(#writes;)*),
            write_to,
        }
    }

    /// The codec as code. `secrets` are an argument of its macro; `constants` and `more` go into the implementation.
    pub fn object(
        &self,
        name: &Ident,
        secrets: &TokenStream,
        constants: &TokenStream,
        more: &TokenStream,
    ) -> TokenStream {
        let Self { members, required, blank, set, set_index, write, write_to } = self;
        quote! {
            impl wire::Object for #name {
                const MEMBERS: &'static [&'static str] = #members;
                const REQUIRED: usize = #required;
                #constants
                #[inline]
                fn blank() -> Self {
                    Self { #blank }
                }
                fn set<I: wire::Input>(&mut self, #set_index: usize, input: &mut I) {
                    #set
                }
                fn write<O: wire::Output>(&self, #write_to: &mut O) {
                    #write
                }
                #more
            }
            wire::object!(#name #secrets);
        }
    }
}

/// `new` and the setters, with `more` between them; of what only servers send, just a blank value to fill.
pub(super) fn inherent(
    name: &Ident,
    fields: &[Field<'_>],
    extra: &[Extra],
    more: &TokenStream,
    settable: bool,
) -> TokenStream {
    if !settable {
        return stand_in(name, &quote!(wire::Object::blank()));
    }
    let (mandatory, optional): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.mandatory);
    let parameters = mandatory.iter().map(|field| field.parameter());
    let parameters: Vec<_> = parameters.chain(extra.iter().filter_map(|extra| extra.parameter.clone())).collect();
    let initializers = fields.iter().map(Field::initializer).chain(extra.iter().map(|extra| extra.initializer.clone()));
    let setters = optional.iter().map(|field| field.setter());
    let maybe = (!optional.is_empty()).then(|| quote!(wire::maybe!();));
    let doc = match (parameters.len(), optional.len()) {
        (0, 0) => " The one value of this type.",
        (0, _) => " A value without members; each member has a setter.",
        (_, 0) => " A value of these members.",
        (_, _) => " A value of the mandatory members; each optional one has a setter.",
    };
    quote! {
        impl #name {
            #[doc = #doc]
            #[inline]
            pub fn new(#(#parameters),*) -> Self {
                Self { #(#initializers),* }
            }
            #more
            #(#setters)*
            #maybe
        }
    }
}

/// The one way to make a value of what only servers send.
pub(super) fn stand_in(name: &Ident, blank: &TokenStream) -> TokenStream {
    quote! {
        impl #name {
            /// A value whose members mean nothing yet, for a stand-in for a server, which sets them.
            #[inline]
            pub fn blank() -> Self {
                #blank
            }
        }
    }
}

/// The doc's words on how to make a value of such a type.
pub(super) fn made_by(settable: bool) -> &'static str {
    if settable {
        ""
    } else {
        "Only servers make it. A stand-in for one begins with [`blank`](Self::blank) and sets the fields."
    }
}
