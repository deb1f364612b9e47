//! The page of an alternate.

use super::links::About;
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::{AlternateId, Alternative, Builtin, Type};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// An alternative as a variant.
struct Variant<'a> {
    ident: Ident,
    /// The type in the schema, and in Rust.
    of: &'a Type,
    ty: TokenStream,
    boxed: bool,
    /// The kinds of JSON value that it takes.
    kinds: &'static [Kind],
    docs: TokenStream,
}

/// The kinds of JSON value, as the runtime tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Bool,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// The alternate, open: a value of a kind that no alternative takes is a variant too.
pub(super) fn page(cx: &Context<'_>, id: AlternateId) -> TokenStream {
    let alternate = &cx.schema.alternates[id.0];
    let name = &cx.names.alternates[id.0];
    let what = format!("Alternate `{}`.", alternate.def.name);
    let doc = docs::definition(cx, &alternate.def, &what, "alternate").tokens();
    let secrets = cx.secrets();

    let (mut declarations, mut conversions) = (Vec::new(), Vec::new());
    let (mut choices, mut writes) = (Vec::new(), Vec::new());
    for variant in &variants(cx, id, &alternate.alternatives) {
        declarations.push(variant.declaration());
        choices.push(variant.choice());
        writes.push(variant.write());
        if !variant.is_bare() {
            conversions.push(variant.conversion(name));
        }
    }

    quote! {
        #doc
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #name {
            #(#declarations,)*
            /// A value of a kind that the schema does not foresee, as it came.
            Unrecognized(wire::Any),
        }

        #(#conversions)*

        impl wire::Alternate for #name {
            // Inlined so that what an alternate consists of is compiled where one is decoded.
            #[inline]
            fn choose(kind: wire::Kind, value: &str) -> Result<Self, wire::JsonError> {
                match kind {
                    #(#choices,)*
                    _ => wire::alternative(value).map(Self::Unrecognized),
                }
            }
            fn write<S: wire::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    #(#writes,)*
                    Self::Unrecognized(value) => wire::write_unrecognized(value, serializer),
                }
            }
        }

        wire::alternate!(#name #secrets);
    }
}

fn variants<'a>(cx: &Context<'_>, id: AlternateId, alternatives: &'a [Alternative]) -> Vec<Variant<'a>> {
    let def = &cx.schema.alternates[id.0].def;
    let mut scope = Scope::with(&[names::UNRECOGNIZED]);
    // A whole number is a number too, unless an alternative wants just those.
    let has_integer = alternatives.iter().any(|each| kinds(&each.ty, false) == [Kind::Integer]);
    let mut variants = Vec::with_capacity(alternatives.len());
    for each in alternatives {
        let docs = docs::entry(cx, About::definition(def), &each.name, &[], each.condition.as_ref(), &def.doc);
        variants.push(Variant {
            ident: ident(&scope.claim(names::value_name(&def.name, &each.name))),
            of: &each.ty,
            ty: cx.ty(&each.ty, &TokenStream::new()),
            boxed: cx.boxing.alternative(id, &each.ty),
            kinds: kinds(&each.ty, has_integer),
            docs: docs.tokens(),
        });
    }
    variants
}

/// The kinds of JSON value that an alternative takes, beside one that takes whole numbers if there is such.
fn kinds(ty: &Type, has_integer: bool) -> &'static [Kind] {
    match ty {
        Type::Builtin(Builtin::Null) => &[Kind::Null],
        Type::Builtin(Builtin::Bool) => &[Kind::Bool],
        Type::Builtin(Builtin::Number) if has_integer => &[Kind::Number],
        Type::Builtin(Builtin::Number) => &[Kind::Number, Kind::Integer],
        Type::Builtin(Builtin::Str | Builtin::QType) | Type::Enum(_) => &[Kind::String],
        Type::Builtin(Builtin::Any) => &[],
        Type::Builtin(_) => &[Kind::Integer],
        Type::Array(_) => &[Kind::Array],
        Type::Object(_) | Type::Alternate(_) => &[Kind::Object],
    }
}

impl Kind {
    /// The runtime's name of it.
    fn ident(self) -> Ident {
        ident(match self {
            Self::Null => "Null",
            Self::Bool => "Bool",
            Self::Integer => "Integer",
            Self::Number => "Number",
            Self::String => "String",
            Self::Array => "Array",
            Self::Object => "Object",
        })
    }
}

impl Variant<'_> {
    /// `null` needs no payload.
    fn is_bare(&self) -> bool {
        *self.of == Type::Builtin(Builtin::Null)
    }

    /// `/// … Name(Type)`
    fn declaration(&self) -> TokenStream {
        let Self { ident, ty, docs, .. } = self;
        match (self.is_bare(), self.boxed) {
            (true, _) => quote!(#docs #ident),
            (false, true) => quote!(#docs #ident(Box<#ty>)),
            (false, false) => quote!(#docs #ident(#ty)),
        }
    }

    /// The arm that decodes it.
    fn choice(&self) -> TokenStream {
        let (ident, kinds) = (&self.ident, self.kinds.iter().map(|kind| kind.ident()));
        let value = match self.of {
            Type::Builtin(Builtin::Null) => quote!(Ok(Self::#ident)),
            _ if self.boxed => quote!(wire::alternative(value).map(|value| Self::#ident(Box::new(value)))),
            _ => quote!(wire::alternative(value).map(Self::#ident)),
        };
        quote!(#(wire::Kind::#kinds)|* => #value)
    }

    /// The arm that encodes it.
    fn write(&self) -> TokenStream {
        let ident = &self.ident;
        match self.of {
            Type::Builtin(Builtin::Null) => quote!(Self::#ident => serializer.serialize_unit()),
            Type::Builtin(Builtin::Number) => {
                quote!(Self::#ident(value) => wire::Serialize::serialize(&wire::Number(value), serializer))
            }
            _ => quote!(Self::#ident(value) => wire::Serialize::serialize(value, serializer)),
        }
    }

    /// `From` its type: no two alternatives have the same, because no two have the same kind.
    fn conversion(&self, name: &Ident) -> TokenStream {
        let Self { ident, ty, .. } = self;
        let value = if self.boxed { quote!(Box::new(value)) } else { quote!(value) };
        let from_str = (*self.of == Type::Builtin(Builtin::Str)).then(|| {
            quote! {
                impl From<&str> for #name {
                    #[inline]
                    fn from(value: &str) -> Self {
                        Self::#ident(value.into())
                    }
                }
                impl From<&String> for #name {
                    #[inline]
                    fn from(value: &String) -> Self {
                        Self::#ident(value.into())
                    }
                }
            }
        });
        quote! {
            impl From<#ty> for #name {
                #[inline]
                fn from(value: #ty) -> Self {
                    Self::#ident(#value)
                }
            }
            #from_str
        }
    }
}
