//! What a running QEMU can do.

mod known;
mod nodes;
mod path;
mod questions;
mod read;
mod schema;
mod typed;

#[doc(inline)]
pub use crate::{
    __probe_argument as argument, __probe_path as path, __probe_returned as returned, __probe_told as told,
};
pub use known::UnknownName;
pub use nodes::{SchemaCommand, SchemaEvent, SchemaMember, SchemaType, SchemaValue};
pub use path::SchemaPath;
pub use questions::{Listing, Probe};
pub use read::ReadSchema;
pub use schema::Schema;
#[doc(hidden)]
pub use typed::{
    Choice, Chosen, Contains, Holds, OfAlternate, OfAlternateBoxed, OfEnum, TypedPath, WithData, WithoutData,
};
