//! The page of an alternate.

use super::links::About;
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::{AlternateId, Alternative, Builtin, Type};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// An alternative as a variant.
struct Variant {
    ident: Ident,
    ty: TokenStream,
    boxed: bool,
    /// `null` needs no payload.
    bare: bool,
    kinds: Vec<&'static str>,
    docs: TokenStream,
}

/// The alternate, open: a value of a kind that no alternative takes is a variant too.
pub(super) fn page(cx: &Context<'_>, id: AlternateId) -> TokenStream {
    let alternate = &cx.schema.alternates[id.0];
    let name = &cx.names.alternates[id.0];
    let what = format!("Alternate `{}`.", alternate.def.name);
    let doc = docs::definition(cx, &alternate.def, &what, "alternate").tokens();
    let variants = variants(cx, id, &alternate.alternatives);
    let secrets = cx.secrets();

    let declarations = variants.iter().map(|Variant { ident, ty, boxed, bare, docs, .. }| match (bare, boxed) {
        (true, _) => quote!(#docs #ident),
        (false, true) => quote!(#docs #ident(Box<#ty>)),
        (false, false) => quote!(#docs #ident(#ty)),
    });
    let choices = variants.iter().map(|Variant { ident, bare, kinds, .. }| {
        let value = match (bare, &kinds[..]) {
            (true, _) => quote!(Ok(Self::#ident)),
            (false, ["Array"]) => quote!(wire::alternative_array(value).map(Self::#ident)),
            (false, _) => quote!(wire::alternative(value).map(Self::#ident)),
        };
        let kinds = kinds.iter().map(|kind| self::ident_of(kind));
        quote!(#(wire::Kind::#kinds)|* => #value)
    });
    let writes = variants.iter().map(|Variant { ident, bare, kinds, .. }| {
        let value = if kinds.contains(&"Number") { quote!(&wire::Number(value)) } else { quote!(value) };
        if *bare {
            quote!(Self::#ident => serializer.serialize_unit())
        } else {
            quote!(Self::#ident(value) => wire::Serialize::serialize(#value, serializer))
        }
    });
    let conversions = variants.iter().filter(|variant| !variant.bare).map(|variant| conversion(name, variant));

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
            fn choose<E: wire::Error>(kind: wire::Kind, value: wire::Any) -> Result<Self, E> {
                match kind {
                    #(#choices,)*
                    _ => Ok(Self::Unrecognized(value)),
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

fn variants(cx: &Context<'_>, id: AlternateId, alternatives: &[Alternative]) -> Vec<Variant> {
    let def = &cx.schema.alternates[id.0].def;
    let mut scope = Scope::with(&[names::UNRECOGNIZED]);
    let whole = alternatives.iter().any(|each| kinds(&each.ty) == ["Integer"]);
    let variant = |each: &Alternative| Variant {
        ident: ident(&scope.claim(names::value_name(&def.name, &each.name))),
        ty: cx.ty(&each.ty, &TokenStream::new()),
        boxed: cx.boxing.alternative(id, &each.ty),
        bare: each.ty == Type::Builtin(Builtin::Null),
        // A whole number is a number too, unless an alternative wants just those.
        kinds: kinds(&each.ty).into_iter().filter(|kind| !(whole && *kind == "Whole")).collect(),
        docs: docs::entry(cx, About::definition(def), &each.name, &[], each.condition.as_ref(), &def.doc).tokens(),
    };
    alternatives.iter().map(variant).collect()
}

/// The kinds of JSON value that an alternative takes, as the runtime names them. `Whole` is `Integer` for those that take
/// any number.
fn kinds(ty: &Type) -> Vec<&'static str> {
    match ty {
        Type::Builtin(Builtin::Null) => vec!["Null"],
        Type::Builtin(Builtin::Bool) => vec!["Bool"],
        Type::Builtin(Builtin::Number) => vec!["Number", "Whole"],
        Type::Builtin(Builtin::Str | Builtin::QType) | Type::Enum(_) => vec!["String"],
        Type::Builtin(Builtin::Any) => vec![],
        Type::Builtin(_) => vec!["Integer"],
        Type::Array(_) => vec!["Array"],
        Type::Object(_) | Type::Alternate(_) => vec!["Object"],
    }
}

fn ident_of(kind: &str) -> Ident {
    ident(if kind == "Whole" { "Integer" } else { kind })
}

/// `From` for each alternative: no two have the same type, because no two have the same kind.
fn conversion(name: &Ident, variant: &Variant) -> TokenStream {
    let Variant { ident, ty, boxed, kinds, .. } = variant;
    let value = if *boxed { quote!(Box::new(value)) } else { quote!(value) };
    let from_str = (*kinds == ["String"] && ty.to_string() == "String").then(|| {
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
