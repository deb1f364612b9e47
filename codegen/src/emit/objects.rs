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
    let doc = docs::definition(cx, &object.def, &format!("QAPI struct `{}`.", object.def.name), "object").tokens();
    let fields = object_fields(cx, id, None, &TokenStream::new(), &mut Scope::with(&[names::NEW]));
    let body = body(name, &fields, &[], &TokenStream::new());
    let declarations = fields.iter().map(Field::declaration);
    quote! {
        #doc
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct #name {
            #(#declarations,)*
        }
        #body
        wire::object!(#name);
    }
}

/// The fields of an object: those of its bases first, without the tag of a union.
pub(super) fn object_fields<'a>(
    cx: &Context<'a>,
    id: ObjectId,
    tag: Option<&str>,
    place: &TokenStream,
    scope: &mut Scope,
) -> Vec<Field<'a>> {
    let mut all = Vec::new();
    for object in cx.schema.base_chain(&cx.schema[id]) {
        let owner = Owner { name: &object.def.name, doc: &object.def.doc, object: Some(id) };
        let members = object.members.iter().filter(|member: &&Member| Some(member.name.as_str()) != tag);
        all.extend(fields(cx, &owner, members, place, scope));
    }
    all
}

/// A field that no member stands behind: its parameter of `new`, its initializer there, and its blank value.
pub(super) struct Extra {
    pub parameter: Option<TokenStream>,
    pub initializer: TokenStream,
    pub blank: TokenStream,
}

/// `new`, setters and the codec of the members. `more` goes into the inherent implementation.
pub(super) fn body(name: &Ident, fields: &[Field<'_>], extra: &[Extra], more: &TokenStream) -> TokenStream {
    // The codec counts on the mandatory members to come first.
    let (mandatory, optional): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.mandatory);
    let required = Literal::usize_unsuffixed(mandatory.len());
    let members = mandatory.iter().chain(&optional).map(|field| field.name);
    let index = 0usize..;
    let puts = mandatory.iter().chain(&optional).map(|field| field.put());
    let arms = index.zip(puts).map(|(index, put)| {
        let index = Literal::usize_unsuffixed(index);
        quote!(#index => #put)
    });

    let parameters = mandatory.iter().map(|field| field.parameter());
    let parameters = parameters.chain(extra.iter().filter_map(|extra| extra.parameter.clone()));
    let initializers = fields.iter().map(Field::initializer).chain(extra.iter().map(|extra| extra.initializer.clone()));
    let blanks = fields.iter().map(Field::blank).chain(extra.iter().map(|extra| extra.blank.clone()));
    let setters = optional.iter().map(|field| field.setter());
    let set = if fields.is_empty() {
        quote!(wire::skip(map))
    } else {
        quote!(match index { #(#arms,)* _ => wire::skip(map) })
    };
    let index = if fields.is_empty() { quote!(_) } else { quote!(index) };
    let writes: Vec<_> = fields.iter().map(Field::write).collect();
    let (write, sink) = match writes.split_last() {
        None => (quote!(Ok(())), quote!(_)),
        Some((last, others)) => (quote!(#(#others?;)* #last), quote!(map)),
    };
    let new_doc = match (parameters.clone().count(), optional.len()) {
        (0, 0) => " The one value of this type.",
        (0, _) => " A value without members; each member has a setter.",
        (_, 0) => " A value of these members.",
        _ => " A value of the mandatory members; each optional one has a setter.",
    };

    quote! {
        impl #name {
            #[doc = #new_doc]
            pub fn new(#(#parameters),*) -> Self {
                Self { #(#initializers),* }
            }
            #more
            #(#setters)*
        }

        impl wire::Object for #name {
            const MEMBERS: &'static [&'static str] = &[#(#members),*];
            const REQUIRED: usize = #required;
            fn blank() -> Self {
                Self { #(#blanks),* }
            }
            fn set<'de, A: wire::MapAccess<'de>>(&mut self, #index: usize, map: &mut A) -> Result<(), A::Error> {
                #set
            }
            fn write<M: wire::SerializeMap>(&self, #sink: &mut M) -> Result<(), M::Error> {
                #write
            }
        }
    }
}
