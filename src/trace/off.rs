//! Stands in for the module of the same name where the feature `tracing` is off: nothing, at no cost.

use crate::error::{Error, Malformed, ServerError};
use crate::label::Label;
use crate::secrets::Secrets;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReplyMask(());

pub(crate) struct CommandSpan;

impl CommandSpan {
    #[inline]
    pub(crate) fn start(_: &Label, _: &str) -> Self {
        CommandSpan
    }

    #[inline]
    pub(crate) fn sent<'a>(&self, _: impl FnOnce() -> Option<Cow<'a, str>>) {}

    #[inline]
    pub(crate) fn end(self, _: Result<Option<&ServerError>, &Error>) {}
}

#[inline]
pub(crate) fn connection_number() -> u64 {
    0
}

#[inline]
pub(crate) fn sent(_: &Label, _: &[u8], _: Secrets) -> ReplyMask {
    ReplyMask(())
}

#[inline]
pub(crate) fn received(_: &Label, _: &[u8]) {}

#[inline]
pub(crate) fn replied(_: &Label, _: &str, _: Option<ReplyMask>) {}

#[inline]
pub(crate) fn malformed(_: &Label, _: Malformed, _: usize) {}

#[inline]
pub(crate) fn stale(_: &Label, _: usize) {}
