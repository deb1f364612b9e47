//! The page of a union's branches, which are an enum.

use super::fields::Field;
use super::links::About;
use super::objects::object_fields;
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::{Branch, Branches, Enum, ObjectId};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The enum, open: a branch that the schema does not know is a variant too.
pub(super) fn page(cx: &Context<'_>, name: &Ident, doc: &str, variants: &[Variant<'_>]) -> TokenStream {
    let (mut declarations, mut values, mut full) = (Vec::new(), Vec::new(), Vec::new());
    let (mut blanks, mut patterns) = (Vec::new(), Vec::new());
    let (mut shared, mut mutable) = (Vec::new(), Vec::new());
    for variant in variants {
        declarations.push(variant.declaration());
        values.push(variant.value);
        blanks.push(variant.blank());
        patterns.push(variant.pattern());
        if let Some(data) = &variant.data {
            full.push(&variant.ident);
            shared.push(if data.boxed { quote!(&**branch) } else { quote!(branch) });
            mutable.push(if data.boxed { quote!(&mut **branch) } else { quote!(branch) });
        }
    }
    // Where all have members, there is no other.
    let (no_members, no_write) = match full.len() == variants.len() {
        true => (None, None),
        false => (Some(quote!(_ => None,)), Some(quote!(_ => {}))),
    };
    let secrets = cx.secrets();
    quote! {
        #[doc = #doc]
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum #name {
            #(#declarations,)*
            /// A branch that the schema does not know, as it came.
            Unrecognized(wire::UnrecognizedBranch),
        }

        impl #name {
            /// The tag's value on the wire.
            #[inline]
            pub fn tag(&self) -> &str {
                wire::Branch::tag(self)
            }
        }

        impl wire::Branch for #name {
            #[inline]
            fn select(&mut self, tag: &str) {
                *self = match tag {
                    #(#values => Self::#blanks,)*
                    _ => Self::Unrecognized(wire::UnrecognizedBranch::new(tag)),
                };
            }
            #[inline]
            fn tag(&self) -> &str {
                match self {
                    #(Self::#patterns => #values,)*
                    Self::Unrecognized(branch) => &branch.tag,
                }
            }
            #[inline]
            fn lookup(&self) -> Option<&dyn wire::Lookup> {
                match self {
                    #(Self::#full(branch) => Some(#shared),)*
                    Self::Unrecognized(branch) => Some(branch),
                    #no_members
                }
            }
            #[inline]
            fn lookup_mut(&mut self) -> Option<&mut dyn wire::Lookup> {
                match self {
                    #(Self::#full(branch) => Some(#mutable),)*
                    Self::Unrecognized(branch) => Some(branch),
                    #no_members
                }
            }
            fn write<O: wire::Output>(&self, out: &mut O) {
                match self {
                    #(Self::#full(branch) => wire::Object::write(#shared, out),)*
                    Self::Unrecognized(branch) => branch.write(out),
                    #no_write
                }
            }
        }

        wire::branch!(#name #secrets);
    }
}

/// A branch as a variant.
pub(super) struct Variant<'a> {
    value: &'a str,
    pub ident: Ident,
    pub constructor: Ident,
    pub data: Option<Payload<'a>>,
    pub docs: TokenStream,
}

/// The members of a branch.
pub(super) struct Payload<'a> {
    pub ty: &'a Ident,
    boxed: bool,
    /// The one member, if there is no more to it.
    pub only: Option<Field<'a>>,
}

impl Payload<'_> {
    /// Its value in the variant.
    pub fn wrapped(&self, value: TokenStream) -> TokenStream {
        if self.boxed {
            quote!(Box::new(#value))
        } else {
            value
        }
    }
}

impl Variant<'_> {
    /// `/// … Name(Type)`
    fn declaration(&self) -> TokenStream {
        let Self { docs, ident, .. } = self;
        match &self.data {
            None => quote!(#docs #ident),
            Some(Payload { ty, boxed: false, .. }) => quote!(#docs #ident(#ty)),
            Some(Payload { ty, boxed: true, .. }) => quote!(#docs #ident(Box<#ty>)),
        }
    }

    /// `Name(…)` before its members have come.
    fn blank(&self) -> TokenStream {
        let ident = &self.ident;
        match &self.data {
            None => quote!(#ident),
            Some(data) => {
                let blank = data.wrapped(quote!(wire::Object::blank()));
                quote!(#ident(#blank))
            }
        }
    }

    /// `Name(..)`
    fn pattern(&self) -> TokenStream {
        let ident = &self.ident;
        if self.data.is_some() {
            quote!(#ident(..))
        } else {
            quote!(#ident)
        }
    }
}

/// The branches as variants. Their constructors get names of `scope`, in which the fields have theirs.
pub(super) fn variants<'a>(
    cx: &'a Context<'_>,
    id: ObjectId,
    branches: &'a Branches,
    scope: &mut Scope,
) -> Vec<Variant<'a>> {
    let tags: &Enum = &cx.schema[branches.tag_type];
    let mut variant_scope = Scope::with(&[names::UNRECOGNIZED]);
    let mut variants = Vec::with_capacity(branches.branches.len());
    for branch in &branches.branches {
        variants.push(Variant {
            value: &branch.value,
            ident: ident(&variant_scope.claim(names::value_name(&tags.def.name, &branch.value))),
            constructor: ident(&scope.claim(names::member_name(&branch.value))),
            data: branch.object.map(|object| Payload {
                ty: cx.object(object),
                boxed: cx.boxing.branch(id, object),
                only: only_member(cx, object),
            }),
            docs: variant_docs(cx, tags, branch),
        });
    }
    variants
}

fn variant_docs(cx: &Context<'_>, tags: &Enum, branch: &Branch) -> TokenStream {
    let value = tags.values.iter().find(|value| value.name == branch.value);
    let features = value.map_or(&[][..], |value| &value.features);
    let about = About::definition(&tags.def);
    docs::entry(cx, about, &branch.value, features, branch.condition.as_ref(), &tags.def.doc).tokens()
}

/// The member of a struct that consists of nothing else, and that has to be there.
fn only_member<'a>(cx: &'a Context<'_>, id: ObjectId) -> Option<Field<'a>> {
    if cx.schema[id].branches.is_some() {
        return None;
    }
    let mut fields = object_fields(cx, id, None, &TokenStream::new(), &mut Scope::default());
    fields.pop().filter(|only| only.mandatory && fields.is_empty())
}
