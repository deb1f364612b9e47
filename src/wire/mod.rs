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
//! Decoding goes from JSON text alone, by [`decode`]. `Deserialize` serves other formats, and JSON that another decoder reads: what
//! comes is written down as JSON text first. So it takes about five times as long, and what no JSON value can hold, such as a
//! number beyond the range of a double, is refused even where nobody wants it.
//!
//! The module knows nothing of messages, sessions or transports. Its files refer to those below them alone: at the bottom
//! `path`, `members`, `near` and `builtin`, then `give`, `text` and `decode`, then `traits`, then `lookup`, `strict`,
//! `writer`, `json` and `unrecognized`, then what works on each kind of type, and `foreign`.

mod alternate;
mod builtin;
mod decode;
mod empty;
mod enumeration;
mod foreign;
mod give;
mod json;
mod lookup;
mod macros;
mod members;
mod near;
mod object;
mod path;
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
pub use alternate::{alternative, read_alternate, write_unrecognized};
pub use builtin::{encode_empty, Any, AnyMap, Empty, Null, Number, Numbers, QType};
pub use decode::Decode;
pub use empty::read_empty;
pub use enumeration::{
    debug_enum, decode_enum, encode_enum, name_of, read_enum, unknown_value, value_of, UnknownValue,
};
pub use foreign::deserialize;
pub use give::{list, strings, IntoAny, IntoText};
pub use json::{debug, debug_hiding, decode, equal, from_json, nothing_from_json, to_any};
pub use macros::{alternate, branch, empty, enumeration, extensible, maybe, object, serde, transparent};
pub use members::{Names, Seen};
pub use object::encode_object;
pub(crate) use path::path_and_reason;
pub use path::{split_path, Segment};
#[doc(no_inline)]
pub use serde_json::Error as JsonError;
pub use strict::{refuse_unknown, tolerating_unknown, Restore};
pub use text::Text;
pub use traits::{Alternate, Branch, Kind, Lookup, Object, Output, Shape};
pub use union::{debug_branch, equal_branches, set_in_branch, write_tag};
pub use unrecognized::{UnrecognizedBranch, UNRECOGNIZED};

// Not beside the types: the macros refer to this module, and nothing below it does.
empty!(Empty, false);
enumeration!(QType);
