//! Refusing members that a type does not know.
//!
//! A server's messages may be newer than the types, so unknown members are ignored. A command is the program's own word: an
//! unknown member in it is a slip, and ignoring it would drop what somebody wrote. Types that commands share with replies
//! take part in both, so it depends on what is being decoded, which the thread remembers meanwhile.

use super::near::suggestion;
use super::traits::Lookup;
use std::cell::Cell;

/// The treatment of unknown members in the decoding that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Ignores them, unless a type says that it is a program's.
    Usual,
    Refuses,
    /// Ignores them whatever the types say.
    Tolerates,
}

thread_local! {
    static MANNER: Cell<Manner> = const { Cell::new(Manner::Usual) };
}

/// Puts back the manner of before when it is dropped, in a panic as well.
#[derive(Debug)]
pub struct Restore(Option<Manner>);

impl Restore {
    fn begin(manner: Manner) -> Self {
        Restore(Some(MANNER.replace(manner)))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            MANNER.set(before);
        }
    }
}

/// Decodes commands that others wrote: of a newer release perhaps, so that unknown members are ignored as they are in
/// replies.
///
/// Meant for programs that read recorded conversations. Encode the value again to see what was ignored.
pub fn tolerating_unknown<R>(decode: impl FnOnce() -> R) -> R {
    let _until_then = Restore::begin(Manner::Tolerates);
    decode()
}

/// Encodes a value to look at or to compare, with members that are set twice: they are refused where they would be sent.
pub(super) fn as_it_is<R>(encode: impl FnOnce() -> R) -> R {
    tolerating_unknown(encode)
}

/// Returns whether a value is encoded to look at.
pub(super) fn is_taken_as_it_is() -> bool {
    MANNER.get() == Manner::Tolerates
}

/// Refuses unknown members, inside the types that replies have as well, until what this returns is dropped: if what is decoded
/// is `strict`, as a command is.
pub fn refuse_unknown(strict: bool) -> Restore {
    match strict && MANNER.get() == Manner::Usual {
        true => Restore::begin(Manner::Refuses),
        false => Restore(None),
    }
}

/// Returns whether unknown members are to be refused now.
pub(super) fn refuses_unknown() -> bool {
    MANNER.get() == Manner::Refuses
}

/// Why a member is refused. The names that are right now are offered: a union's depend on its tag.
#[cold]
pub(super) fn unknown_member(object: &dyn Lookup, name: &str) -> String {
    let names: Vec<&str> = (0..).map(|index| object.name(index)).take_while(|name| !name.is_empty()).collect();
    format!("unknown member{}", suggestion(name, &names))
}
