//! The runtime under the generated types: how objects, enums, unions and alternates become JSON and come back.
//!
//! Generated code holds no logic. It implements the small traits here (`Object`, `Branch`, `Alternate`: hidden, so that the
//! pages of types show what programs use) with tables and one-line matches, and one of the macros ([`object!`],
//! [`enumeration!`], …) turns them into serde's `Serialize` and `Deserialize`. Those two are what programs use; the rest of this
//! module is for generated code and may grow with it.
//!
//! Rules of all codecs:
//! - Members may come in any order, the tag of a union after the members that it governs included.
//! - Members that the types do not know are ignored, but for those of commands and of types that only commands use: these are
//!   refused, as what a program wrote must not get lost. A value, branch or alternative that they do not know is kept and
//!   encodes back as it came.
//! - An absent optional member is `None`, and JSON `null` is never taken for absence.
//! - An error names the place: its message starts with the path of the member, as in `.inserted.file: …`.
//!
//! The module knows nothing of messages, sessions or transports. Its files refer to those below them alone: at the bottom
//! `path`, `members`, `near` and `builtin`, then `give`, `kept`, `text` and `decoder`, then `traits`, then `lookup`, `strict`,
//! `reader`, `writer`, `json` and `unrecognized`, then what works on each kind of type.

mod alternate;
mod builtin;
mod decoder;
mod empty;
mod enumeration;
mod give;
mod json;
mod kept;
mod lookup;
mod macros;
mod members;
mod near;
mod object;
mod path;
mod reader;
mod strict;
#[cfg(test)]
mod tests;
mod text;
mod traits;
mod union;
mod unrecognized;
mod writer;

#[doc(no_inline)]
pub use ::serde::{de::Error, Deserialize, Deserializer, Serialize, Serializer};
pub use alternate::{alternative, alternative_array, decode_alternate, write_unrecognized};
pub use builtin::{encode_empty, Any, AnyMap, Empty, Null, Number, Numbers, QType};
pub use empty::decode_empty;
pub use enumeration::{debug_enum, decode_enum, encode_enum, name_of, unknown_value, value_of, UnknownValue};
pub use give::{list, strings, IntoAny, IntoText};
pub use json::{array_from_json, debug, debug_hiding, equal, from_json, nothing_from_json, to_any};
pub use macros::{alternate, branch, empty, enumeration, extensible, maybe, object, serde, transparent};
pub use members::{Names, Seen};
pub use object::{decode_object, encode_object};
pub(crate) use path::path_and_reason;
pub use path::{split_path, Segment};
#[doc(no_inline)]
pub use serde_json::Error as JsonError;
pub use strict::{refuse_unknown, tolerating_unknown, Restore};
pub use traits::{Alternate, Branch, Input, Kind, Lookup, Object, Output, Shape};
pub use union::{debug_branch, equal_branches, set_in_branch, write_tag};
pub use unrecognized::{UnrecognizedBranch, UNRECOGNIZED};

// Not beside the types: the macros refer to this module, and nothing below it does.
empty!(Empty, false);
enumeration!(QType);
