//! What stands in for the module of the same name where the feature `tracing` is off: nothing, at no cost.

use crate::error::{MalformedLine, Result};
use crate::message::Reply;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReplyMask(());

pub(crate) struct Call;

impl Call {
    #[inline]
    pub(crate) fn start(_: &str) -> Self {
        Call
    }

    #[inline]
    pub(crate) fn sent<'a>(&self, _: impl FnOnce() -> Option<&'a str>) {}

    #[inline]
    pub(crate) fn end(self, _: &Result<Option<Reply>>) {}
}

#[inline]
pub(crate) fn sent(_: &[u8]) -> ReplyMask {
    ReplyMask(())
}

#[inline]
pub(crate) fn received(_: &[u8]) {}

#[inline]
pub(crate) fn replied(_: &Reply, _: Option<ReplyMask>) {}

#[inline]
pub(crate) fn malformed(_: &MalformedLine) {}

#[inline]
pub(crate) fn stale(_: usize) {}
