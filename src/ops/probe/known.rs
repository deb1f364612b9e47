//! Checks that this crate's own types know a path, so that a slip is told from what a QEMU does not have.
//!
//! The types are asked by decoding: they are given an object with the first member, in it one with the second, and so on, and
//! refuse a member that they do not know, with the names that are near. What each of them is, an object or a list, their refusals
//! say. No type is described a second time for this, and only programs that check a path compile it.

use super::path::{PathRoot, SchemaPath, Step};
use crate::api::{Command, Event};
use crate::json::quote;
use crate::wire::{from_json, path_and_reason, refuse_unknown, JsonError};
use std::fmt;

/// A path that this crate's own schema does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownName {
    /// The whole path.
    pub path: SchemaPath,
    /// Why it is refused, with the names that are near.
    reason: String,
}

impl SchemaPath {
    /// An argument of this command, by its name on the wire.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no argument of that name. The value of an enum, after `=`, is not looked at:
    /// [`argument!`](super::argument) takes values that cannot be wrong, and `parse` of the enum says if it has one.
    pub fn argument<C: Command>(path: &str) -> Result<Self, UnknownName> {
        check(PathRoot::Argument(C::NAME), path, &|text| from_json::<C>(text).err())
    }

    /// A member of what this command returns, or of its elements if it returns a list.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no member of that name, likewise.
    pub fn returned<C: Command>(path: &str) -> Result<Self, UnknownName> {
        check(PathRoot::Return(C::NAME), path, &|text| C::decode_reply(text).err())
    }

    /// A member of what this event tells.
    ///
    /// # Errors
    ///
    /// If this crate's own schema knows no member of that name, likewise.
    pub fn told<E: Event>(path: &str) -> Result<Self, UnknownName> {
        check(PathRoot::Data(E::NAME), path, &|text| E::decode_data(text).err())
    }
}

impl fmt::Display for UnknownName {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

impl std::error::Error for UnknownName {}

/// How the types begin what they say of a member that they do not know.
const UNKNOWN: &str = "unknown member";

/// No QAPI name: only an object that takes whatever it is given takes it.
const NO_NAME: &str = "\0";

#[inline]
fn steps(path: &str) -> Vec<Step> {
    let step = |step: &str| match step.split_once('=') {
        Some((member, value)) => Step { member: member.to_owned(), value: Some(value.to_owned()) },
        None => Step { member: step.to_owned(), value: None },
    };
    path.split('/').map(step).collect()
}

/// Decodes a text, and returns the error.
type Decode<'a> = &'a dyn Fn(&str) -> Option<JsonError>;

#[inline]
fn check(root: PathRoot, path: &str, decode: Decode<'_>) -> Result<SchemaPath, UnknownName> {
    let _until_then = refuse_unknown(true);
    let path = SchemaPath { root, steps: steps(path) };
    let answer = ask(&path.steps, decode);
    if let Answer::Unknown(reason) = answer {
        return Err(UnknownName { path, reason });
    }
    if answer == Answer::Free {
        // Objects keep what they cannot place: a union before its tag has come, and commands that take more than the schema
        // lists. They keep any other name as well.
        let mut steps = path.steps.clone();
        if let Some(last) = steps.last_mut() {
            *last = Step { member: NO_NAME.to_owned(), value: None };
        }
        if ask(&steps, decode) == Answer::Free {
            let reason =
                "not listed by the schema, unless a branch has it: `tag=value/member` names a branch's".to_owned();
            return Err(UnknownName { path, reason });
        }
    }
    Ok(path)
}

/// What the types say of the last member of a path.
#[derive(PartialEq)]
enum Answer {
    Known,
    /// It takes anything.
    Free,
    /// There is none, or none of those before it.
    Unknown(String),
}

/// Asks the types. They say one after the other which of them are lists.
#[inline]
fn ask(steps: &[Step], decode: Decode<'_>) -> Answer {
    let mut question = Question { steps, lists: vec![false; steps.len()] };
    loop {
        let Some(error) = decode(&question.text()) else { return Answer::Free };
        let (path, reason) = path_and_reason(&error);
        // That a command returns a list need not be said.
        let shown = path.strip_prefix("[0]").unwrap_or(&path);
        if reason.starts_with(UNKNOWN) {
            return Answer::Unknown(format!("{shown}: {reason}"));
        }
        // The place of the object that is refused, if it is one, and the member that was to be in it.
        let place = (0..steps.len()).find(|&at| question.path(at) == path).and_then(|at| steps.get(at).zip(Some(at)));
        match place {
            None if question.path(steps.len()) == path => return Answer::Known,
            None => return Answer::Free,
            Some((_, at)) if reason.ends_with("expected an array") && !question.lists[at] => question.lists[at] = true,
            Some((step, _)) if reason.starts_with("invalid type: map") => {
                return Answer::Unknown(format!("{shown}.{}: {UNKNOWN}; there are none", step.member));
            }
            Some(_) => return Answer::Free,
        }
    }
}

/// A value with the members of a path; the value of the last is `null`, which no member takes but one that takes anything.
struct Question<'a> {
    steps: &'a [Step],
    /// Whether the object that a step is in is the element of a list.
    lists: Vec<bool>,
}

impl Question<'_> {
    /// Whether the member of a step stands beside the next one's: a path says the value of a tag.
    #[inline]
    fn is_beside(&self, at: usize) -> bool {
        at + 1 < self.steps.len() && self.steps[at].value.is_some()
    }

    #[inline]
    fn text(&self) -> String {
        let (mut text, mut closing) = (String::new(), String::new());
        for (at, step) in self.steps.iter().enumerate() {
            let is_first = at == 0 || !self.is_beside(at - 1);
            if is_first {
                text.push_str(if self.lists[at] { "[{" } else { "{" });
                closing.insert_str(0, if self.lists[at] { "}]" } else { "}" });
            }
            text.push_str(&quote(&step.member));
            text.push(':');
            match &step.value {
                Some(value) if self.is_beside(at) => {
                    text.push_str(&quote(value));
                    text.push(',');
                }
                _ => {}
            }
        }
        text + "null" + &closing
    }

    /// Where errors are that concern the object which a step is in; behind the last one, its value.
    #[inline]
    fn path(&self, at: usize) -> String {
        let mut path = String::new();
        for (before, step) in self.steps.iter().enumerate().take(at) {
            if self.lists[before] {
                path.push_str("[0]");
            }
            if !self.is_beside(before) {
                path.push('.');
                path.push_str(&step.member);
            }
        }
        match self.lists.get(at) {
            Some(true) => path + "[0]",
            _ => path,
        }
    }
}
