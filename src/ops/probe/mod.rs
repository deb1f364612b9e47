//! Asks a running QEMU for its abilities, so that a program works with many releases and builds of it.
//!
//! # The schema
//!
//! A client's `schema` reads what QEMU tells of its commands, events and types, and gives a [`Schema`]: a value that needs no
//! connection, and can be kept for all QEMUs of the same build.
//!
//! ```no_run
//! use qemu_qmp::ops::probe::argument;
//! use qemu_qmp::qmp::{commands::*, types::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let schema = vm.schema().run()?;
//!
//! let mut mirror = BlockdevMirror::new("disk0", "copy", MirrorSyncMode::Full);
//! if schema.supports(argument!(BlockdevMirror, target_is_zero)) {
//!     mirror = mirror.target_is_zero(true);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! With tokio's client it is `vm.schema().run().await?`.
//!
//! Questions for it:
//!
//! | | |
//! |---|---|
//! | a command, an event | `schema.has_command::<BlockdevMirror>()`, `schema.has_event::<JobStatusChange>()` |
//! | an argument | `schema.supports(argument!(BlockdevMirror, target_is_zero))` |
//! | a value of an enum | `argument!(MigrateSetCapabilities, capabilities, capability = MigrationCapability::SwitchoverAck)` |
//! | a branch of a union | `argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::NvmeIoUring)` |
//! | what a branch has | `argument!(BlockdevAdd, arguments, branch = BlockdevOptionsBranch::Qcow2, discard_no_unref)` |
//! | what a command returns | `schema.supports(returned!(QueryBlock, inserted, children))` |
//! | what an event tells | `schema.supports(told!(BlockIoError, qom_path))` |
//! | a feature of a command | `schema.command_of::<BlockdevSnapshot>().is_some_and(\|it\| it.has_feature("allow-write-only-overlay"))` |
//! | features of an argument or a value | `schema.features(argument!(BlockCommit, top))` |
//!
//! Introspection has no names of types: the values of an enum, for one, are found where a command takes them, and two commands
//! may take different ones. So every question begins with a command or an event.
//!
//! # Three ways to name something
//!
//! A name that is misspelt would be something that QEMU does not have, and the answer would be no for ever. Therefore names are
//! checked against this crate's own schema, as early as they can be:
//!
//! - [`argument!`], [`returned!`] and [`told!`] are checked by the compiler, and editors complete them. They are for what a
//!   program knows when it is written, which is the rule.
//! - [`Schema::supports_argument`] and [`SchemaPath::argument`] take text, such as `driver=qcow2/discard-no-unref`, for names that
//!   come from a configuration or a user. A name that is not known is an [`UnknownName`], which offers those that are near.
//! - [`Schema::command`] and what it leads to take any names, for what is newer than this crate, and for looking around:
//!
//! ```
//! # use qemu_qmp::ops::probe::{Schema, SchemaMember};
//! fn driver<'s>(schema: &'s Schema, name: &str) -> Option<SchemaMember<'s>> {
//!     schema.command("blockdev-add")?.arguments().branch(name)?.member("x-new-option")
//! }
//! ```
//!
//! # What the schema does not say
//!
//! It has no types of devices and no properties of theirs, no machines and no CPU models. A client's `probe` gives a [`Probe`]
//! that asks for them, each once:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let mut probe = vm.probe();
//! let has_mapping = probe.device_property("virtio-blk-pci", "iothread-vq-mapping")?.is_some();
//! let has_machine = probe.has_machine("pc-q35-9.0")?;
//! if probe.has_cpu_model("Skylake-Client")? == Some(false) {
//!     println!("too old, or another target");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Some questions [end some QEMUs](Probe#questions-that-end-qemu).
//!
//! See "Client JSON Protocol introspection" in QEMU's manual.

mod answers;
mod known;
mod nodes;
mod path;
mod questions;
mod read;
mod schema;
mod typed;

#[doc(hidden)]
pub use crate::__probe_path as path;
#[doc(inline)]
pub use crate::{__probe_argument as argument, __probe_returned as returned, __probe_told as told};
pub use known::UnknownName;
pub use nodes::{SchemaCommand, SchemaEvent, SchemaMember, SchemaType, SchemaValue};
pub use path::SchemaPath;
pub use questions::{Answers, Listing, Probe};
pub use read::ReadSchema;
pub use schema::Schema;
#[doc(hidden)]
pub use typed::{
    Choice, Chosen, Contains, Holds, OfAlternate, OfAlternateBoxed, OfEnum, TypedPath, WithData, WithoutData,
};
