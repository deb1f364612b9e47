//! What the generator and the program `qapi` make of schemas. One program, so that it is linked once.

#[cfg(feature = "tools")]
mod cases;
mod checked;
#[cfg(feature = "tools")]
mod cli;
mod docs;
mod emitted;
#[cfg(feature = "introspection")]
mod introspection;
#[cfg(feature = "tools")]
mod mutants;
mod peers;
mod secrets;
#[cfg(feature = "tools")]
mod vendor;
#[cfg(feature = "tools")]
mod vendored;
