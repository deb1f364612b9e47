//! The page of a union: a struct of the base's members and of a branch.

use super::branches::{self, variants, Payload, Variant};
use super::fields::Field;
use super::objects::{object_fields, Maker, Object, OtherField};
use super::{docs, Context};
use crate::names::{self, ident, Scope};
use crate::schema::{Branches, ObjectId};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The union, with the page of its branches. `branch_type` is the identifier of their enum.
pub(super) fn page(cx: &Context<'_>, id: ObjectId, branches: &Branches, branch_type: &Ident) -> TokenStream {
    let (name, def, maker) = (cx.object(id), &cx.schema[id].def, Maker::of(cx, id));
    let tag = &branches.tag;
    let doc = docs::definition(cx, def, &format!("Union `{}`.", def.name), "object");
    let mut scope = Scope::with(names::METHODS).and(&[names::BRANCH, names::TAGGED]);
    let fields = object_fields(cx, id, Some(tag), &TokenStream::new(), &mut scope);
    let variants = variants(cx, id, branches, &mut scope);
    let absent = AbsentTag::of(cx, id, branches);
    let mut functions = TokenStream::new();
    for variant in &variants {
        functions.extend(constructor(variant, &fields, branch_type, absent));
    }
    let object = Object {
        doc: doc.paragraph(maker.words()).tokens(),
        others: other_fields(branches, branch_type, absent),
        branch: Some(ident(names::BRANCH)),
        strict: cx.direction.only_sent(id),
        functions,
        constants: constants(branches, absent),
        methods: methods(absent),
        fields,
        ..Object::new(name, maker)
    };
    let mut out = object.page(cx);
    out.extend(branches::page(cx, branch_type, &format!(" The branches of [`{name}`], by `{tag}`."), &variants));
    out
}

/// A tag that older releases leave out.
#[derive(Clone, Copy)]
struct AbsentTag<'a> {
    /// The first release that always sends it.
    release: &'a str,
    /// The value that its absence stands for: the first branch's.
    value: &'a str,
}

impl<'a> AbsentTag<'a> {
    fn of(cx: &'a Context<'_>, id: ObjectId, branches: &'a Branches) -> Option<Self> {
        for object in &cx.schema.base_chain(&cx.schema[id]) {
            if let Some(release) = cx.late(&object.def.name, &branches.tag) {
                return Some(Self { release, value: &branches.branches.first()?.value });
            }
        }
        None
    }
}

/// The fields of the branch and, of a tag that may be absent, whether it is there.
fn other_fields(branches: &Branches, branch_type: &Ident, absent: Option<AbsentTag<'_>>) -> Vec<OtherField> {
    let (branch, tagged) = (ident(names::BRANCH), ident(names::TAGGED));
    let doc = format!(" The branch that `{}` selects.", branches.tag);
    let absent_doc = absent.map(|AbsentTag { release, value }| {
        let text = format!(" Where QEMU is older than {release} there is no tag, and the branch is that of `{value}`.");
        quote!(#[doc = #text])
    });
    let mut others = vec![OtherField {
        declaration: quote!(#[doc = #doc] #absent_doc pub #branch: #branch_type),
        parameter: Some(quote!(#branch: #branch_type)),
        initializer: quote!(#branch),
        blank: quote!(#branch: #branch_type::Unrecognized(wire::UnrecognizedBranch::default())),
        write: Some(quote!(wire::Branch::write(&self.#branch, out))),
    }];
    if absent.is_some() {
        others.push(OtherField {
            declaration: quote!(#tagged: bool),
            parameter: None,
            initializer: quote!(#tagged: true),
            blank: quote!(#tagged: true),
            write: None,
        });
    }
    others
}

fn constants(branches: &Branches, absent: Option<AbsentTag<'_>>) -> TokenStream {
    let tag = branches.tag.as_str();
    let absent = absent.map(|AbsentTag { value, .. }| quote!(const ABSENT_TAG: Option<&'static str> = Some(#value);));
    quote! {
        const TAG: &'static str = #tag;
        #absent
    }
}

fn methods(absent: Option<AbsentTag<'_>>) -> TokenStream {
    let (branch, tagged) = (ident(names::BRANCH), ident(names::TAGGED));
    let absent = absent.map(|_| {
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
    quote! {
        #[inline]
        fn branch(&self) -> Option<&dyn wire::Branch> {
            Some(&self.#branch)
        }
        #[inline]
        fn branch_mut(&mut self) -> Option<&mut dyn wire::Branch> {
            Some(&mut self.#branch)
        }
        #absent
    }
}

/// The constructor of a branch. One that wraps a single member takes that member.
fn constructor(
    variant: &Variant<'_>,
    fields: &[Field<'_>],
    branch_type: &Ident,
    absent: Option<AbsentTag<'_>>,
) -> TokenStream {
    let Variant { constructor, ident: variant, data, docs, .. } = variant;
    let (branch, tagged) = (ident(names::BRANCH), ident(names::TAGGED));
    let (parameter, payload) = match data {
        None => (None, None),
        Some(data @ Payload { ty, only: None, .. }) => {
            (Some(quote!(#branch: #ty)), Some(data.wrapped(quote!(#branch))))
        }
        Some(data @ Payload { ty, only: Some(only), .. }) => {
            (Some(only.parameter_named(&branch)), Some(data.wrapped(quote!(#ty::new(#branch)))))
        }
    };
    let payload = payload.map(|payload| quote!((#payload)));
    let (mut parameters, mut initializers) = (Vec::new(), Vec::new());
    for field in fields {
        if field.mandatory {
            parameters.push(field.parameter());
        }
        initializers.push(field.initializer());
    }
    let tagged = absent.map(|_| quote!(#tagged: true,));
    quote! {
        #docs
        #[inline]
        pub fn #constructor(#(#parameters,)* #parameter) -> Self {
            Self { #(#initializers,)* #tagged #branch: #branch_type::#variant #payload }
        }
    }
}
