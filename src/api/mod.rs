//! The traits of generated code: commands, events, and the peers that they belong to.
//!
//! Assumes nothing about clients: these are the words that generated code and clients share.

mod event;
mod peer;
mod record;

pub use crate::secrets::Secrets;
use crate::wire;
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::fmt;

pub use event::{Event, EventSet, UndecodableEvent, UnrecognizedEvent};
pub use peer::{CommandFor, GuestAgent, Monitor, MonitorPeer, Peer, PeerKind, StorageDaemon};
pub(crate) use record::record_to_event;
pub use record::{decode_event, encode_event, EventRecord, NamedEvent};

/// A command of a schema: its arguments are the value itself, its reply an associated type.
///
/// Serializing a command gives its `arguments` object, without the command's name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    note = "a command is made by `new` and its mandatory arguments, as in `QueryStatus::new()`",
    note = "commands are in `qmp::commands` and `qga::commands`; types and events of the same name are not commands",
    note = "a command that the schema does not know can be executed by name, with `cmd`"
)]
pub trait Command: Serialize + DeserializeOwned + fmt::Debug {
    /// Name on the wire, such as `query-status`.
    const NAME: &'static str;
    /// True if a successful execution is answered at all. That of commands such as `guest-shutdown` is not.
    const SUCCESS_RESPONSE: bool = true;
    /// The secrets in its arguments and its reply, beside those that the names of members betray.
    const SECRETS: Secrets = Secrets::NONE;
    /// The reply of a successful execution; `()` where the schema names no type.
    type Reply: Serialize + DeserializeOwned + fmt::Debug;
    /// Decodes the `return` member of a reply.
    ///
    /// # Errors
    /// Where the text is not what the schema says; the message starts with the path of the member that does not fit.
    fn decode_reply(text: &str) -> Result<Self::Reply, serde_json::Error> {
        wire::from_json(text)
    }
}

/// Gives the bare name of a command, without `::new(…)`, a meaning, so that the compiler can say what is missing
/// instead of advising a struct literal. Nobody needs a value of it.
#[doc(hidden)]
#[derive(Debug)]
pub struct WithoutNew<C>(std::marker::PhantomData<C>);

impl<C> WithoutNew<C> {
    #[doc(hidden)]
    pub const VALUE: Self = WithoutNew(std::marker::PhantomData);
}

/// Gives names of commands a meaning without `::new(…)`: [`WithoutNew`].
#[doc(hidden)]
#[macro_export]
macro_rules! __api_without_new {
    ($($command:ident,)*) => {$(
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        pub const $command: $crate::api::WithoutNew<$command> = $crate::api::WithoutNew::VALUE;
    )*};
}
#[doc(hidden)]
pub use __api_without_new as without_new;

/// A command that may be executed out-of-band: at once, ahead of commands that are queued or running.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be executed out-of-band",
    note = "a command is made by `new` and its mandatory arguments, as in `MigratePause::new()`",
    note = "the schema says of each command whether it may be"
)]
pub trait OobCommand: Command {}
