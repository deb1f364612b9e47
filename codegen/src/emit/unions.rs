//! The page of a union: a struct of the base's members and one enum of branches.

use super::fields::Field;
use super::links::About;
use super::objects::{inherent, made_by, object_fields, strictness, Codec, Extra};
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::{Branches, ObjectId};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A branch as a variant.
struct Variant<'a> {
    value: &'a str,
    ident: Ident,
    constructor: Ident,
    ty: Option<TokenStream>,
    /// The one member of the branch, if there is no more to it.
    only: Option<Field<'a>>,
    boxed: bool,
    docs: TokenStream,
}

/// A union.
pub(super) fn page(cx: &Context<'_>, id: ObjectId, branches: &Branches) -> TokenStream {
    let object = &cx.schema[id];
    let (name, branch_name) = (cx.object(id), cx.names.branches[id.0].as_ref());
    let tag = branches.tag.as_str();
    let doc = docs::definition(cx, &object.def, &format!("Union `{}`.", object.def.name), "object");
    let settable = !cx.direction.only_received(id);
    let doc = doc.paragraph(made_by(settable)).tokens();

    let mut scope = Scope::with(names::METHODS).and(&[names::BRANCH, names::TAGGED]);
    let fields = object_fields(cx, id, Some(tag), &TokenStream::new(), &mut scope);
    let variants = variants(cx, id, branches, &mut scope);
    let late = late_tag(cx, id, tag);
    let absent = late.and_then(|_| branches.branches.first()).map(|branch| branch.value.as_str());

    let field = ident(names::BRANCH);
    let mut extra = vec![Extra {
        parameter: Some(quote!(#field: #branch_name)),
        initializer: quote!(#field),
        blank: quote!(#field: #branch_name::Unrecognized(wire::UnrecognizedBranch::default())),
        write: None,
    }];
    let tagged = ident(names::TAGGED);
    let tagged_field = absent.map(|_| quote!(#tagged: bool,));
    extra.extend(absent.map(|_| Extra {
        parameter: None,
        initializer: quote!(#tagged: true),
        blank: quote!(#tagged: true),
        write: None,
    }));
    let constructors = constructors(&fields, &variants, branch_name, absent.is_some());
    let inherent = inherent(name, &fields, &extra, &constructors, settable);
    let declarations = fields.iter().map(Field::declaration);
    let branch_doc = format!(" The branch that `{tag}` selects.");
    let absent_doc = late.zip(absent).map(|(release, value)| {
        let text = format!(" Where QEMU is older than {release} there is no tag, and the branch is that of `{value}`.");
        quote!(#[doc = #text])
    });
    let absent_tag = absent.map(|value| quote!(const ABSENT_TAG: Option<&'static str> = Some(#value);));
    let constants = {
        let strict = strictness(cx.direction.only_sent(id));
        quote!(#strict const TAG: &'static str = #tag; #absent_tag)
    };
    let absent_items = absent.map(|_| {
        quote! {
            #[inline]
            fn tagged(&self) -> bool {
                self.#tagged
            }
            #[inline]
            fn untag(&mut self) {
                self.#tagged = false;
            }
        }
    });
    let branches = quote! {
        #[inline]
        fn branch(&self) -> Option<&dyn wire::Branch> {
            Some(&self.#field)
        }
        #[inline]
        fn branch_mut(&mut self) -> Option<&mut dyn wire::Branch> {
            Some(&mut self.#field)
        }
        #absent_items
    };
    let codec = Codec::of(&fields, &extra, Some(&field)).object(name, &cx.secrets(), &constants, &branches);
    let enumeration = enumeration(branch_name, name, tag, &variants, &cx.secrets());

    quote! {
        #doc
        #[derive(Clone)]
        #[non_exhaustive]
        pub struct #name {
            #(#declarations,)*
            #[doc = #branch_doc]
            #absent_doc
            pub #field: #branch_name,
            #tagged_field
        }
        #inherent
        #codec
        #enumeration
    }
}

/// The release from which on the tag is always sent, if an older one may leave it out.
fn late_tag<'a>(cx: &'a Context<'_>, id: ObjectId, tag: &str) -> Option<&'a str> {
    cx.schema.base_chain(&cx.schema[id]).into_iter().find_map(|object| cx.late(&object.def.name, tag))
}

fn variants<'a>(cx: &Context<'a>, id: ObjectId, branches: &'a Branches, scope: &mut Scope) -> Vec<Variant<'a>> {
    let tags = &cx.schema[branches.tag_type];
    let about = About::definition(&tags.def);
    let mut variant_scope = Scope::with(&[names::UNRECOGNIZED]);
    let variant = |branch: &'a crate::schema::Branch| {
        let value = tags.values.iter().find(|value| value.name == branch.value);
        let features = value.map_or(&[][..], |value| &value.features);
        let doc = docs::entry(cx, about, &branch.value, features, branch.condition.as_ref(), &tags.def.doc);
        Variant {
            value: &branch.value,
            ident: ident(&variant_scope.claim(names::value_name(&tags.def.name, &branch.value))),
            constructor: ident(&scope.claim(names::member_name(&branch.value))),
            ty: branch.object.map(|object| {
                let name = cx.object(object);
                quote!(#name)
            }),
            only: branch.object.and_then(|object| only_member(cx, object)),
            boxed: branch.object.is_some_and(|object| cx.boxing.branch(id, object)),
            docs: doc.tokens(),
        }
    };
    branches.branches.iter().map(variant).collect()
}

/// The member of a struct that consists of nothing else, and that has to be there.
fn only_member<'a>(cx: &Context<'a>, id: ObjectId) -> Option<Field<'a>> {
    if cx.schema[id].branches.is_some() {
        return None;
    }
    let mut fields = object_fields(cx, id, None, &TokenStream::new(), &mut Scope::default());
    fields.pop().filter(|only| only.mandatory && fields.is_empty())
}

/// A constructor for each branch, after the tag's value. One that wraps a single member takes that member.
fn constructors(
    fields: &[Field<'_>],
    variants: &[Variant<'_>],
    branch_name: Option<&Ident>,
    tagged: bool,
) -> TokenStream {
    let field = ident(names::BRANCH);
    let parameters: Vec<_> = fields.iter().filter(|field| field.mandatory).map(Field::parameter).collect();
    let initializers: Vec<_> = fields.iter().map(Field::initializer).collect();
    let tagged = tagged.then(|| {
        let tagged = ident(names::TAGGED);
        quote!(#tagged: true,)
    });
    let one = |variant: &Variant<'_>| {
        let Variant { constructor, ident, docs, .. } = variant;
        let parameter = match (&variant.ty, &variant.only) {
            (_, Some(only)) => Some(only.parameter_named(&field)),
            (ty, None) => ty.as_ref().map(|ty| quote!(#field: #ty)),
        };
        let wrapped = match (&variant.ty, &variant.only) {
            (Some(ty), Some(_)) => quote!(#ty::new(#field)),
            _ => quote!(#field),
        };
        let value = match (&variant.ty, variant.boxed) {
            (None, _) => quote!(#branch_name::#ident),
            (Some(_), false) => quote!(#branch_name::#ident(#wrapped)),
            (Some(_), true) => quote!(#branch_name::#ident(Box::new(#wrapped))),
        };
        quote! {
            #docs
            #[inline]
            pub fn #constructor(#(#parameters,)* #parameter) -> Self {
                Self { #(#initializers,)* #tagged #field: #value }
            }
        }
    };
    variants.iter().map(one).collect()
}

/// The enum of branches.
fn enumeration(
    name: Option<&Ident>,
    union: &Ident,
    tag: &str,
    variants: &[Variant<'_>],
    secrets: &TokenStream,
) -> TokenStream {
    let doc = format!(" The branches of [`{union}`], by `{tag}`.");
    let declarations = variants.iter().map(|Variant { ident, ty, boxed, docs, .. }| {
        let data = match (ty, boxed) {
            (None, _) => TokenStream::new(),
            (Some(ty), false) => quote!((#ty)),
            (Some(ty), true) => quote!((Box<#ty>)),
        };
        quote!(#docs #ident #data)
    });
    let idents: Vec<_> = variants.iter().map(|variant| &variant.ident).collect();
    let values: Vec<_> = variants.iter().map(|variant| variant.value).collect();
    let selected = variants.iter().map(|Variant { ident, ty, boxed, .. }| match ty {
        Some(_) if *boxed => quote!(Self::#ident(Box::new(wire::Object::blank()))),
        Some(_) => quote!(Self::#ident(wire::Object::blank())),
        None => quote!(Self::#ident),
    });
    let tags = variants.iter().map(|Variant { ident, ty, .. }| match ty {
        Some(_) => quote!(Self::#ident(..)),
        None => quote!(Self::#ident),
    });
    let full: Vec<_> = variants.iter().filter(|variant| variant.ty.is_some()).map(|variant| &variant.ident).collect();
    let deref: Vec<_> = variants
        .iter()
        .filter(|variant| variant.ty.is_some())
        .map(|variant| if variant.boxed { quote!(&**branch) } else { quote!(branch) })
        .collect();
    let deref_mut: Vec<_> = variants
        .iter()
        .filter(|variant| variant.ty.is_some())
        .map(|variant| if variant.boxed { quote!(&mut **branch) } else { quote!(branch) })
        .collect();
    let bare = (full.len() < idents.len()).then_some(());
    let (no_lookup, no_set, no_write) =
        (bare.map(|()| quote!(_ => None,)), quote!(_ => input.skip()), bare.map(|()| quote!(_ => {})));
    let unused = if full.is_empty() { quote!(_) } else { quote!(index) };

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
                    #(#values => #selected,)*
                    _ => Self::Unrecognized(wire::UnrecognizedBranch::new(tag)),
                };
            }
            #[inline]
            fn tag(&self) -> &str {
                match self {
                    #(#tags => #values,)*
                    Self::Unrecognized(branch) => &branch.tag,
                }
            }
            #[inline]
            fn lookup(&self) -> Option<&dyn wire::Lookup> {
                match self {
                    #(Self::#full(branch) => Some(#deref),)*
                    Self::Unrecognized(branch) => Some(branch),
                    #no_lookup
                }
            }
            #[inline]
            fn lookup_mut(&mut self) -> Option<&mut dyn wire::Lookup> {
                match self {
                    #(Self::#full(branch) => Some(#deref_mut),)*
                    Self::Unrecognized(branch) => Some(branch),
                    #no_lookup
                }
            }
            fn set<I: wire::Input>(&mut self, #unused: usize, input: &mut I) {
                match self {
                    #(Self::#full(branch) => wire::Object::set(#deref_mut, index, input),)*
                    #no_set
                }
            }
            fn write<O: wire::Output>(&self, out: &mut O) {
                match self {
                    #(Self::#full(branch) => wire::Object::write(#deref, out),)*
                    Self::Unrecognized(branch) => branch.write(out),
                    #no_write
                }
            }
        }

        wire::branch!(#name #secrets);
    }
}
