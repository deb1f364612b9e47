//! Members → fields: what every page with members needs to know of them.

use super::docs::{self, Docs};
use super::links::About;
use super::Context;
use crate::doc::Doc;
use crate::names::{self, ident, Scope};
use crate::schema::{Builtin, Member, ObjectId, Type};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A member as a field of a Rust struct.
pub struct Field<'a> {
    /// Name on the wire.
    pub name: &'a str,
    /// Identifier of the field, its parameter and its setter.
    pub ident: Ident,
    /// Type without `Option` or `Box`.
    pub ty: TokenStream,
    /// True if it is a parameter of `new` and has to come in a message.
    pub mandatory: bool,
    /// True if the field is a box.
    pub boxed: bool,
    takes: Takes,
    shape: Shape,
    blank: TokenStream,
    docs: Docs,
}

/// The type of a member's parameter, and how that becomes the member.
enum Takes {
    /// Its type.
    Itself,
    /// Any type that converts into its type.
    Into,
    /// Any type that is or becomes JSON.
    Any,
    /// Any iterator over this.
    List(TokenStream),
    /// Any iterator over strings.
    Strings,
}

/// The types whose codec is not serde's own.
#[derive(Clone, Copy)]
enum Shape {
    Plain,
    Array,
    Number,
    Numbers,
}

/// Where members come from, and where their fields go.
pub struct Owner<'a> {
    /// The definition that declares the members, whose name is the key of the late ones.
    pub name: &'a str,
    /// Its doc.
    pub doc: &'a Doc,
    /// The struct or union that holds the members by value, if one does.
    pub object: Option<ObjectId>,
    /// True if they are members of what programs send, and servers do not.
    pub sent: bool,
}

impl<'a> Owner<'a> {
    /// The definition on whose page the members stand.
    fn shown_by(&self, cx: &Context<'a>) -> &'a str {
        self.object.map_or(self.name, |object| &cx.schema[object].def.name)
    }
}

/// The field of a member, its identifier claimed in `scope`. `prefix` leads to the types' module.
pub fn field<'a>(
    cx: &Context<'a>,
    owner: &Owner<'a>,
    member: &'a Member,
    prefix: &TokenStream,
    scope: &mut Scope,
) -> Field<'a> {
    let late = cx.late(owner.name, &member.name);
    let about = About { definition: owner.shown_by(cx), ty: Some(&member.ty) };
    let docs = docs::entry(cx, about, &member.name, &member.features, member.condition.as_ref(), owner.doc);
    let absent = match (late, owner.sent) {
        (None, _) => String::new(),
        (Some(release), false) => format!("`None` where QEMU is older than {release}."),
        (Some(release), true) => format!("Mandatory since QEMU {release}; older ones refuse it."),
    };
    Field {
        name: &member.name,
        ident: ident(&scope.claim(names::member_name(&member.name))),
        ty: cx.ty(&member.ty, prefix),
        mandatory: !member.optional && late.is_none() && member.condition.is_none(),
        boxed: owner.object.is_some_and(|object| cx.boxing.member(object, &member.ty, member.optional)),
        takes: takes(cx, &member.ty, prefix),
        shape: shape(&member.ty),
        blank: blank(cx, &member.ty, prefix),
        docs: docs.paragraph(&absent),
    }
}

/// Values of other types are taken where programs want that. Not so for numbers, whose literals have a type only where a
/// parameter gives them one, nor where only the type itself converts, so that errors stay short.
fn takes(cx: &Context<'_>, ty: &Type, prefix: &TokenStream) -> Takes {
    match ty {
        Type::Builtin(Builtin::Str) | Type::Alternate(_) => Takes::Into,
        Type::Builtin(Builtin::Any) => Takes::Any,
        Type::Array(element) if **element == Type::Builtin(Builtin::Str) => Takes::Strings,
        Type::Array(element) => {
            let ty = cx.ty(element, prefix);
            let converts = matches!(**element, Type::Builtin(Builtin::Any) | Type::Alternate(_));
            Takes::List(if converts { quote!(impl Into<#ty>) } else { ty })
        }
        _ => Takes::Itself,
    }
}

fn shape(ty: &Type) -> Shape {
    match ty {
        Type::Builtin(Builtin::Number) => Shape::Number,
        Type::Array(element) if **element == Type::Builtin(Builtin::Number) => Shape::Numbers,
        Type::Array(_) => Shape::Array,
        _ => Shape::Plain,
    }
}

/// The value of a mandatory member before it has come.
pub(super) fn blank(cx: &Context<'_>, ty: &Type, prefix: &TokenStream) -> TokenStream {
    let unrecognized = || {
        let (ty, unrecognized) = (cx.ty(ty, prefix), ident(names::UNRECOGNIZED));
        quote!(#ty::#unrecognized)
    };
    match ty {
        Type::Builtin(Builtin::Str) => quote!(String::new()),
        Type::Builtin(Builtin::Bool) => quote!(false),
        Type::Builtin(Builtin::Number) => quote!(0.0),
        Type::Builtin(Builtin::Null) => quote!(wire::Null),
        Type::Builtin(Builtin::Any) => quote!(wire::Any::Null),
        Type::Builtin(Builtin::QType) => quote!(wire::QType::None),
        Type::Builtin(_) => quote!(0),
        Type::Enum(_) => {
            let unrecognized = unrecognized();
            quote!(#unrecognized(Box::default()))
        }
        Type::Object(_) => quote!(wire::Object::blank()),
        Type::Alternate(_) => {
            let unrecognized = unrecognized();
            quote!(#unrecognized(wire::Any::Null))
        }
        Type::Array(_) => quote!(Vec::new()),
    }
}

impl Field<'_> {
    /// `/// … pub name: Type`
    pub fn declaration(&self) -> TokenStream {
        let (mut out, ident, ty) = (self.docs.tokens(), &self.ident, &self.ty);
        out.extend(match (self.mandatory, self.boxed) {
            (true, true) => quote!(pub #ident: Box<#ty>),
            (true, false) => quote!(pub #ident: #ty),
            (false, true) => quote!(pub #ident: Option<Box<#ty>>),
            (false, false) => quote!(pub #ident: Option<#ty>),
        });
        out
    }

    /// `name: impl Into<Type>`
    pub fn parameter(&self) -> TokenStream {
        self.parameter_named(&self.ident)
    }

    /// The same under another name.
    pub fn parameter_named(&self, ident: &Ident) -> TokenStream {
        let ty = &self.ty;
        match &self.takes {
            Takes::Itself => quote!(#ident: #ty),
            Takes::Into => quote!(#ident: impl Into<#ty>),
            Takes::Any => quote!(#ident: impl wire::IntoAny),
            Takes::List(item) => quote!(#ident: impl IntoIterator<Item = #item>),
            Takes::Strings => quote!(#ident: impl IntoIterator<Item = impl wire::IntoText>),
        }
    }

    /// The parameter as the field's value, less `Some`.
    fn converted(&self) -> TokenStream {
        let ident = &self.ident;
        let value = match self.takes {
            Takes::Itself => quote!(#ident),
            Takes::Into => quote!(#ident.into()),
            Takes::Any => quote!(#ident.into_any()),
            Takes::List(_) => quote!(wire::list(#ident)),
            Takes::Strings => quote!(wire::strings(#ident)),
        };
        if self.boxed {
            quote!(Box::new(#value))
        } else {
            value
        }
    }

    /// `name: name.into()` in a struct expression of `new`, or `name: None`.
    pub fn initializer(&self) -> TokenStream {
        let ident = &self.ident;
        let value = self.converted();
        if !self.mandatory {
            quote!(#ident: None)
        } else if matches!(self.takes, Takes::Itself) && !self.boxed {
            quote!(#ident)
        } else {
            quote!(#ident: #value)
        }
    }

    /// `name: 0` or the like, or `name: None`.
    pub fn blank(&self) -> TokenStream {
        let (ident, blank) = (&self.ident, &self.blank);
        match (self.mandatory, self.boxed) {
            (true, true) => quote!(#ident: Box::new(#blank)),
            (true, false) => quote!(#ident: #blank),
            (false, _) => quote!(#ident: None),
        }
    }

    /// The setter of an optional member. Every line of doc costs time to build; the field has the rest.
    pub fn setter(&self) -> TokenStream {
        let (mut out, ident) = (self.docs.brief(), &self.ident);
        let (parameter, value) = (self.parameter(), self.converted());
        out.extend(quote! {
            #[inline]
            pub fn #ident(mut self, #parameter) -> Self {
                self.#ident = Some(#value);
                self
            }
        });
        out
    }

    /// The expression that reads the member.
    pub fn put(&self) -> TokenStream {
        let ident = &self.ident;
        match (self.mandatory, self.boxed) {
            (true, false) => quote!(text.put(&mut self.#ident)),
            (true, true) => quote!(text.put(&mut *self.#ident)),
            (false, false) => quote!(text.put_optional(&mut self.#ident)),
            (false, true) => quote!(text.put_boxed(&mut self.#ident)),
        }
    }

    /// The statement that encodes the member.
    pub fn write(&self) -> TokenStream {
        let (ident, name) = (&self.ident, self.name);
        let write = names::ident(match (self.mandatory, self.shape) {
            (true, Shape::Plain | Shape::Array) => "member",
            (false, Shape::Plain | Shape::Array) => "optional",
            (true, Shape::Number) => "number",
            (false, Shape::Number) => "optional_number",
            (true, Shape::Numbers) => "numbers",
            (false, Shape::Numbers) => "optional_numbers",
        });
        quote!(out.#write(#name, &self.#ident))
    }
}
