//! How long to wait, as programs say it.

use std::time::Duration;

mod sealed {
    pub trait Sealed {}
}

/// How long to wait: a [`Duration`], or an `Option<Duration>`, of which `None` waits for ever.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a timeout",
    label = "neither a `Duration` nor an `Option<Duration>`",
    note = "a timeout says its unit, as in `Duration::from_secs(5)`, with `std::time::Duration`",
    note = "`None` waits for ever"
)]
pub trait Timeout: sealed::Sealed {
    /// The time after which to give up; `None` for never.
    fn limit(self) -> Option<Duration>;
}

impl sealed::Sealed for Duration {}
impl sealed::Sealed for Option<Duration> {}

impl Timeout for Duration {
    fn limit(self) -> Option<Duration> {
        Some(self)
    }
}

impl Timeout for Option<Duration> {
    fn limit(self) -> Option<Duration> {
        self
    }
}
