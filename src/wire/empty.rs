//! Objects without members: what of them is read, and whether a member that comes is refused.

use super::macros::apart;
use super::near::suggestion;
use super::path::Segment;
use super::strict::{refuse_unknown, refuses_unknown};
use super::text::Text;
use serde::de::Error;
use serde_json::Error as JsonError;

/// Reads an object of which nothing is wanted. Where it is `strict`, as the arguments of a command are, no member may come;
/// elsewhere members are ignored.
///
/// # Errors
/// Where it is no object, or a member is refused.
pub fn read_empty(text: &mut Text<'_>, strict: bool) -> Result<(), JsonError> {
    apart!(pass_members(text, strict))
}

fn pass_members(text: &mut Text<'_>, strict: bool) -> Result<(), JsonError> {
    let _until_then = refuse_unknown(strict);
    text.open(b'{', &"an object")?;
    let mut first = true;
    while text.next(&mut first, b'}')? {
        let name = text.name()?;
        if refuses_unknown() {
            let reason = format!("unknown member{}", suggestion(&name, &[]));
            return Err(Segment::Member(&name).wrap(JsonError::custom(reason)));
        }
        text.ignore()?;
    }
    Ok(())
}
