//! The methods of each client that begin operations.
//!
//! Clients and operations know nothing of each other; this is where they meet. What is not generic is inline, here and in the
//! operations, so that only programs which use an operation compile it.

#[cfg(feature = "qga")]
mod guest;
#[cfg(feature = "qmp")]
mod monitor;
