//! Turns a QAPI schema into Rust.
//!
//! ```text
//! schema text → tokens → expressions → checked Schema → Rust tokens → files
//! ```

pub mod check;
pub mod doc;
pub mod error;
mod lexer;
pub mod load;
pub mod parser;
pub mod print;
pub mod schema;
pub mod vendor;
