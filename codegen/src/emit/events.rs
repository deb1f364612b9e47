//! The module of events: a struct of data each, and the enum of all of them.

use super::commands::{list, message, Purpose};
use super::objects::Maker;
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::Event;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// All events.
pub(super) fn module(cx: &Context<'_>) -> TokenStream {
    let (types, events) = (&cx.names.events, &cx.schema.events);
    let runtime = &cx.options.runtime;
    let mut out = quote! {
        use super::types;
        use #runtime::wire;
        use #runtime::api;
        use #runtime::EventSet as _;
    };
    for (name, event) in types.iter().zip(events) {
        out.extend(page(cx, name, event));
    }
    out.extend(any(cx));
    out.extend(list(cx, "event", &[types]));
    out
}

/// The enum of all events.
fn any(cx: &Context<'_>) -> TokenStream {
    let runtime = &cx.options.runtime;
    let mut scope = Scope::with(&[names::UNRECOGNIZED, names::UNDECODABLE]);
    let (unrecognized, undecodable) = (ident(names::UNRECOGNIZED), ident(names::UNDECODABLE));
    let (mut variants, mut decodes) = (TokenStream::new(), TokenStream::new());
    let (mut wire_names, mut data) = (TokenStream::new(), TokenStream::new());
    for (name, event) in cx.names.events.iter().zip(&cx.schema.events) {
        let (wire_name, variant) = (&event.def.name, ident(&scope.claim(names::message_name(&event.def.name))));
        variants.extend(docs::summary(cx, &event.def));
        variants.extend(quote!(#variant(#name),));
        decodes.extend(quote! {
            #wire_name => Undecoded::or(name, data).map_or_else(Self::#undecodable, Self::#variant),
        });
        wire_names.extend(quote!(Self::#variant(_) => #wire_name,));
        data.extend(quote!(Self::#variant(event) => wire::to_any(event),));
    }
    quote! {
        /// Every event of the schema, and what the schema does not know.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum AnyEvent {
            #variants
            /// An event that the schema does not know, as it came.
            #unrecognized(#runtime::UnrecognizedEvent),
            /// An event that the schema knows, but whose data does not fit it.
            #undecodable(#runtime::UndecodableEvent),
        }

        impl #runtime::EventSet for AnyEvent {
            #[inline]
            fn decode(name: &str, data: Option<&str>) -> Self {
                use #runtime::{UndecodableEvent as Undecoded, UnrecognizedEvent as Unknown};
                match name {
                    #decodes
                    _ => Unknown::new(name, data).map_or_else(Self::#undecodable, Self::#unrecognized),
                }
            }
            #[inline]
            fn name(&self) -> &str {
                match self {
                    #wire_names
                    Self::#unrecognized(event) => &event.name,
                    Self::#undecodable(event) => &event.name,
                }
            }
            #[inline]
            fn data(&self) -> wire::Any {
                match self {
                    #data
                    Self::#unrecognized(event) => event.data.clone(),
                    Self::#undecodable(event) => event.data(),
                }
            }
        }

        impl api::NamedEvent for AnyEvent {
            #[inline]
            fn to_record(&self) -> api::EventRecord<'_> {
                api::EventRecord::of(self.name(), self.data())
            }
            #[inline]
            fn from_record(name: &str, data: &str) -> Result<Self, wire::JsonError> {
                Ok(Self::decode(name, Some(data)))
            }
        }

        wire::serde!(AnyEvent, api::decode_event, api::encode_event);
    }
}

fn page<'a>(cx: &Context<'a>, name: &'a Ident, event: &'a Event) -> TokenStream {
    let (wire_name, runtime) = (&event.def.name, &cx.options.runtime);
    let doc = docs::event(cx, event).paragraph(Maker::Servers.words()).tokens();
    let item = message(cx, &doc, name, &event.def, &event.data, Purpose::EventData);
    quote! {
        #item
        impl #runtime::Event for #name {
            const NAME: &'static str = #wire_name;
            #[inline]
            fn decode_data(text: &str) -> Result<Self, wire::JsonError> {
                wire::decode(text)
            }
        }
    }
}
