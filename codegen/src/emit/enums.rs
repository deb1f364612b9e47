//! The page of an enum.

use super::links::About;
use super::{docs, Context};
use crate::names::{self, ident};
use crate::schema::EnumId;
use proc_macro2::TokenStream;
use quote::quote;

/// The enum, open: a name that the schema does not know is a variant too.
pub(super) fn page(cx: &Context<'_>, id: EnumId) -> TokenStream {
    let (name, each) = (&cx.names.enums[id.0], &cx.schema[id]);
    let doc = docs::definition(cx, &each.def, &format!("Enum `{}`.", each.def.name), "enum").tokens();

    let unrecognized = ident(names::UNRECOGNIZED);
    let (mut variants, mut values) = (TokenStream::new(), Vec::with_capacity(each.values.len()));
    for (value, variant) in each.values.iter().zip(&cx.names.variants[id.0]) {
        let (about, wire_name) = (About::definition(&each.def), &value.name);
        let docs = docs::entry(cx, about, wire_name, &value.features, value.condition.as_ref(), &each.def.doc);
        variants.extend(docs.tokens());
        variants.extend(quote!(#variant,));
        values.push(quote!((#wire_name, Self::#variant)));
    }

    quote! {
        #doc
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #name {
            #variants
            /// A value that the schema does not know, as it came.
            #unrecognized(Box<str>),
        }

        impl #name {
            /// All values that the schema knows, with their names on the wire, in the schema's order.
            pub const VALUES: &'static [(&'static str, Self)] = &[#(#values),*];
        }

        wire::enumeration!(#name);
    }
}
