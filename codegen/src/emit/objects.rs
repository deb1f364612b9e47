//! The page of all that has members: structs, unions, arguments of commands and data of events.

use super::fields::{field, Field, Owner};
use super::{docs, Context};
use crate::names::{self, Scope};
use crate::schema::ObjectId;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// A struct with the members of its bases and its own.
pub(super) fn struct_page(cx: &Context<'_>, id: ObjectId) -> TokenStream {
    let (def, maker) = (&cx.schema[id].def, Maker::of(cx, id));
    let doc = docs::definition(cx, def, &format!("Struct `{}`.", def.name), "object");
    let object = Object {
        doc: doc.paragraph(maker.words()).tokens(),
        fields: object_fields(cx, id, None, &TokenStream::new(), &mut Scope::with(names::METHODS)),
        strict: cx.direction.only_sent(id),
        ..Object::new(cx.object(id), maker)
    };
    object.page(cx)
}

/// The fields of an object: those of its bases first, without the tag of a union.
pub(super) fn object_fields<'a>(
    cx: &Context<'a>,
    id: ObjectId,
    tag: Option<&str>,
    prefix: &TokenStream,
    scope: &mut Scope,
) -> Vec<Field<'a>> {
    let mut all = Vec::new();
    for object in &cx.schema.base_chain(&cx.schema[id]) {
        let owner =
            Owner { name: &object.def.name, doc: &object.def.doc, object: Some(id), sent: cx.direction.only_sent(id) };
        for member in &object.members {
            if Some(member.name.as_str()) != tag {
                all.push(field(cx, &owner, member, prefix, scope));
            }
        }
    }
    all
}

/// Those who make values of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// By `new` and setters.
    Programs,
    /// Only servers, and stand-ins for them, by `blank` and fields.
    Servers,
}

impl Maker {
    /// Those who make values of a struct or union.
    pub fn of(cx: &Context<'_>, id: ObjectId) -> Self {
        if cx.direction.only_received(id) {
            Self::Servers
        } else {
            Self::Programs
        }
    }

    /// The doc's words on how to make a value.
    pub fn words(self) -> &'static str {
        match self {
            Self::Programs => "",
            Self::Servers => {
                "Only servers make it. A stand-in for one begins with [`blank`](Self::blank) and sets the fields."
            }
        }
    }
}

/// A field that no single member stands behind.
pub(super) struct OtherField {
    pub declaration: TokenStream,
    /// Its parameter of `new`, if it has one, and how `new` begins it.
    pub parameter: Option<TokenStream>,
    pub initializer: TokenStream,
    /// How `blank` begins it.
    pub blank: TokenStream,
    /// The statement that encodes it, after the members.
    pub write: Option<TokenStream>,
}

/// A struct that is an object on the wire.
pub(super) struct Object<'a> {
    pub name: &'a Ident,
    pub doc: TokenStream,
    pub maker: Maker,
    pub fields: Vec<Field<'a>>,
    pub others: Vec<OtherField>,
    /// The field of a union's branch, which is one of the others.
    pub branch: Option<Ident>,
    /// True if unknown members are refused.
    pub strict: bool,
    /// Functions between `new` and the setters, where programs make values.
    pub functions: TokenStream,
    /// Further constants and methods of the codec.
    pub constants: TokenStream,
    pub methods: TokenStream,
}

impl<'a> Object<'a> {
    /// An object of nothing.
    pub fn new(name: &'a Ident, maker: Maker) -> Self {
        Self {
            name,
            doc: TokenStream::new(),
            maker,
            fields: Vec::new(),
            others: Vec::new(),
            branch: None,
            strict: false,
            functions: TokenStream::new(),
            constants: TokenStream::new(),
            methods: TokenStream::new(),
        }
    }

    /// The struct, the ways to make one, and its codec.
    pub fn page(&self, cx: &Context<'_>) -> TokenStream {
        let Self { name, doc, constants, methods, .. } = self;
        let (mut declarations, mut blanks) = (Vec::new(), Vec::new());
        for field in &self.fields {
            declarations.push(field.declaration());
            blanks.push(field.blank());
        }
        for other in &self.others {
            declarations.push(other.declaration.clone());
            blanks.push(other.blank.clone());
        }
        let makers = match self.maker {
            Maker::Programs => self.new_and_setters(),
            Maker::Servers => blank(&quote!(wire::Object::blank())),
        };
        let (mut wire_names, mut required) = (Vec::new(), 0);
        for field in self.indexed() {
            wire_names.push(field.name);
            required += usize::from(field.mandatory);
        }
        let required = Literal::usize_unsuffixed(required);
        let strict = self.strict.then(|| {
            quote!(
                const STRICT: bool = true;
            )
        });
        let (index, set) = self.set();
        let (out, writes) = self.writes();
        let secrets = cx.secrets();
        quote! {
            #doc
            #[derive(Clone)]
            #[non_exhaustive]
            pub struct #name {
                #(#declarations,)*
            }

            impl #name {
                #makers
            }

            impl wire::Object for #name {
                const MEMBERS: &'static [&'static str] = &[#(#wire_names),*];
                const REQUIRED: usize = #required;
                #strict
                #constants
                #[inline]
                fn blank() -> Self {
                    Self { #(#blanks,)* }
                }
                #[inline]
                fn set(&mut self, #index: usize, text: &mut wire::Text<'_>) -> Result<(), wire::JsonError> {
                    #set
                }
                fn write<O: wire::Output>(&self, #out: &mut O) {
                    #(#writes;)*
                }
                #methods
            }

            wire::object!(#name #secrets);
        }
    }

    /// The fields in the order of their indices: the mandatory ones first.
    fn indexed(&self) -> Vec<&Field<'a>> {
        let mut fields = Vec::with_capacity(self.fields.len());
        for mandatory in [true, false] {
            for field in &self.fields {
                if field.mandatory == mandatory {
                    fields.push(field);
                }
            }
        }
        fields
    }

    /// What programs make values by.
    fn new_and_setters(&self) -> TokenStream {
        let (mut parameters, mut initializers, mut setters) = (Vec::new(), Vec::new(), Vec::new());
        for field in &self.fields {
            if field.mandatory {
                parameters.push(field.parameter());
            } else {
                setters.push(field.setter());
            }
            initializers.push(field.initializer());
        }
        for other in &self.others {
            if let Some(parameter) = &other.parameter {
                parameters.push(parameter.clone());
            }
            initializers.push(other.initializer.clone());
        }
        let functions = &self.functions;
        let maybe = (!setters.is_empty()).then(|| quote!(wire::maybe!();));
        let doc = match (parameters.is_empty(), setters.is_empty()) {
            (true, true) => " The one value of this type.",
            (true, false) => " A value without members; each member has a setter.",
            (false, true) => " A value of these members.",
            (false, false) => " A value of the mandatory members; each optional one has a setter.",
        };
        quote! {
            #[doc = #doc]
            #[inline]
            pub fn new(#(#parameters),*) -> Self {
                Self { #(#initializers,)* }
            }
            #functions
            #(#setters)*
            #maybe
        }
    }

    /// The pattern of an index, and what decodes the member of that index: those after the fields are the branch's.
    fn set(&self) -> (TokenStream, TokenStream) {
        let mut puts = Vec::with_capacity(self.fields.len());
        for (index, field) in self.indexed().iter().enumerate() {
            let (index, put) = (Literal::usize_unsuffixed(index), field.put());
            puts.push(quote!(#index => #put,));
        }
        let count = Literal::usize_unsuffixed(self.fields.len());
        match (&self.branch, self.fields.is_empty()) {
            (None, true) => (quote!(_), quote!(text.ignore())),
            (None, false) => (quote!(index), quote!(match index { #(#puts)* _ => text.ignore() })),
            (Some(branch), true) => (quote!(index), quote!(wire::set_in_branch(&mut self.#branch, index, text))),
            (Some(branch), false) => {
                let rest = quote!(wire::set_in_branch(&mut self.#branch, index - #count, text));
                (quote!(index), quote!(match index { #(#puts)* _ => #rest }))
            }
        }
    }

    /// The pattern of an output, and what encodes all: a tag first, and what the members do not say last.
    fn writes(&self) -> (TokenStream, Vec<TokenStream>) {
        let mut writes = Vec::new();
        if self.branch.is_some() {
            writes.push(quote!(wire::write_tag(self, out)));
        }
        for field in &self.fields {
            writes.push(field.write());
        }
        for other in &self.others {
            if let Some(write) = &other.write {
                writes.push(write.clone());
            }
        }
        (if writes.is_empty() { quote!(_) } else { quote!(out) }, writes)
    }
}

/// The one way to make a value of what only servers send.
pub(super) fn blank(blank: &TokenStream) -> TokenStream {
    quote! {
        /// A value whose members mean nothing yet, for a stand-in for a server, which sets them.
        #[inline]
        pub fn blank() -> Self {
            #blank
        }
    }
}
