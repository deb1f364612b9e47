//! The module of events: a struct of data each, and the enum of all of them.

use super::commands::{list, message, Purpose};
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::Event;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// All events.
pub(super) fn module(cx: &Context<'_>) -> TokenStream {
    let mut scope = Scope::with(&[names::UNRECOGNIZED, names::UNDECODABLE, names::ANY_EVENT]);
    let named: Vec<(Ident, &Event)> = cx
        .schema
        .events
        .iter()
        .map(|event| (ident(&scope.claim(names::message_name(&event.def.name))), event))
        .collect();
    let pages = named.iter().map(|(name, event)| page(cx, name, event));
    let idents: Vec<_> = named.iter().map(|(name, _)| name).collect();
    let wire_names: Vec<_> = named.iter().map(|(_, event)| &event.def.name).collect();
    let summaries = named.iter().map(|(_, event)| docs::summary(&event.def));
    let (unrecognized, undecodable) = (ident(names::UNRECOGNIZED), ident(names::UNDECODABLE));
    let list = list(cx, "event", idents.iter().copied());
    let runtime = &cx.options.runtime;
    quote! {
        use super::types;
        use #runtime::wire;
        use #runtime::api;
        use #runtime::{Event, EventSet, UndecodableEvent, UnrecognizedEvent};
        #(#pages)*

        /// Every event of the schema, and what the schema does not know.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum AnyEvent {
            #(#summaries #idents(#idents),)*
            /// An event that the schema does not know, as it came.
            #unrecognized(UnrecognizedEvent),
            /// An event that the schema knows, but whose data does not fit it.
            #undecodable(UndecodableEvent),
        }

        impl EventSet for AnyEvent {
            #[inline]
            fn decode(name: &str, data: Option<&wire::RawValue>) -> Self {
                match name {
                    #(#wire_names => UndecodableEvent::or(name, data).map_or_else(Self::#undecodable, Self::#idents),)*
                    _ => UnrecognizedEvent::new(name, data).map_or_else(Self::#undecodable, Self::#unrecognized),
                }
            }
            #[inline]
            fn name(&self) -> &str {
                match self {
                    #(Self::#idents(_) => #wire_names,)*
                    Self::#unrecognized(event) => &event.name,
                    Self::#undecodable(event) => &event.name,
                }
            }
            #[inline]
            fn data(&self) -> wire::Any {
                match self {
                    #(Self::#idents(event) => wire::to_any(event),)*
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
            fn from_record(name: &str, data: &wire::RawValue) -> Result<Self, wire::JsonError> {
                Ok(Self::decode(name, Some(data)))
            }
        }

        wire::serde!(AnyEvent, api::decode_event, api::encode_event);

        #list
    }
}

fn page(cx: &Context<'_>, name: &Ident, event: &Event) -> TokenStream {
    let wire_name = &event.def.name;
    let doc = docs::definition(cx, &event.def, &format!("Event `{wire_name}`."), "event").tokens();
    let item = message(cx, &doc, name, &event.def, &event.data, Purpose::EventData);
    quote! {
        #item
        impl Event for #name {
            const NAME: &'static str = #wire_name;
        }
    }
}
