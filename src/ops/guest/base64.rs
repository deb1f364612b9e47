//! Bytes as the agent has them: in base64.

use crate::api::Command;
use crate::error::{Error, Result, Subject};
use crate::wire::JsonError;
use ::base64::engine::general_purpose::STANDARD;
use ::base64::Engine;
use serde::de::Error as _;

#[inline]
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes that this member of a reply stands for.
pub(super) fn decode<C: Command>(reply: &C::Reply, member: &str, text: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| misfit::<C>(reply, member, "not base64"))
}

/// A reply to `C` has a member with a value that cannot be.
pub(super) fn misfit<C: Command>(reply: &C::Reply, member: &str, why: &str) -> Error {
    let text = serde_json::to_string(reply).unwrap_or_default();
    let cause = JsonError::custom(format_args!(".{member}: {why}"));
    Error::decode(Subject::Reply, C::NAME, C::SECRETS, &text, cause)
}
