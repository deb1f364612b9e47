//! Turns a QAPI schema into Rust: typed commands, replies and events for `qemu-qmp`.
//!
//! ```text
//! schema text → tokens → expressions → checked Schema → Rust tokens → files
//! ```
//!
//! The `qemu-qmp` crate runs it on QEMU's own schema. A crate with a schema of its own calls it from its build script
//! through [`Generator`], depends on `qemu-qmp` for the runtime, and includes what it wrote:
//!
//! ```no_run
//! // in `main` of build.rs
//! qemu_qmp_codegen::Generator::new("schema/my-schema.json", "my_api").run_in_build_script();
//! ```
//!
//! Its commands are then for clients of the system emulator's monitor; [`Generator::peer`] names another [`Peer`].
//!
//! ```text
//! // lib.rs
//! include!(concat!(env!("OUT_DIR"), "/my_api.rs")); // `pub mod commands`, `pub mod events`, `pub mod types`
//! ```

// Every build of `qemu-qmp` compiles this crate, without optimization, and waits for it. Therefore it has loops where chains of iterators
// would be compiled for each kind of item, one kind of set and one of map, and pages that are filled from lists.

// What needs a feature says so on docs.rs, which builds with a nightly compiler.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod ast;
pub mod check;
mod direction;
pub mod doc;
mod emit;
pub mod error;
mod generate;
#[cfg(feature = "introspection")]
mod introspect;
mod layout;
mod lexer;
pub mod load;
mod names;
pub mod parser;
#[cfg(feature = "tools")]
pub mod print;
pub mod schema;
mod secrets;
mod text;
#[cfg(feature = "tools")]
pub mod vendor;

pub use emit::Peer;
pub use error::{Error, Location, Result};
pub use generate::{Generated, Generator};

/// The programs in README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
