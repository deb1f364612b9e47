//! Frozen file systems, which are thawed whatever happens in between.

use super::thaw::{release, Release};
use super::AtLast;
use crate::api::GuestAgent;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::steps::{after, count};
use crate::qga::commands::{GuestFsfreezeFreeze, GuestFsfreezeFreezeList, GuestFsfreezeThaw};
use crate::timeout::Timeout;
use crate::verbs::{Asynchronous, Blocking, Connection, Mode, Running};
use std::future::{pending, poll_fn, Future};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::pin::{pin, Pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use std::{fmt, thread};

/// File systems of the guest that are to be frozen while something is done. Made by a client's `freeze`.
#[must_use = "nothing is frozen until something is done `during` it"]
pub struct Freeze<K> {
    connection: K,
    mountpoints: Option<Vec<String>>,
    timeout: Option<Duration>,
}

/// The outcome for file systems that were to be frozen while something was done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FreezeOutcome<T> {
    /// They were frozen until it was done, and are thawed.
    Thawed {
        /// The result.
        value: T,
        /// How many were frozen: 0 if the guest has none that can be.
        frozen: u64,
        /// How many were thawed by this.
        thawed: u64,
    },
    /// It was done, and they are thawed, but not as they should be: the agent failed at it, and says that none is frozen any
    /// more. They may have been thawed before it was done: Windows holds writes back for ten seconds at most.
    ThawedBefore {
        /// The result.
        value: T,
        /// How many were frozen.
        frozen: u64,
        /// The agent's message about thawing.
        error: Error,
    },
    /// It was not done by the deadline and given up. They are thawed.
    TimedOut,
    /// They may still be frozen: the connection was lost, or the agent is silent or refuses to thaw. Connect again if need be,
    /// and `thaw`.
    MayBeFrozen {
        /// The result, if it was done.
        value: Option<T>,
        /// The error.
        error: Error,
    },
}

/// File systems may still be frozen, or were thawed too early, or nothing was done in time: as an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeFailure(String);

impl fmt::Display for FreezeFailure {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FreezeFailure {}

/// The work to do while file systems are frozen: a closure with a client that blocks, or else a future.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be done while file systems are frozen",
    note = "a client that blocks takes a closure without parameters, as in `during(|| …)`",
    note = "tokio's client takes a future, as in `during(async {{ … }})`"
)]
pub trait Work<M> {
    /// The result.
    type Output;
    /// How it is done.
    type Future: Future<Output = Self::Output>;

    /// Begins it.
    fn begin(self) -> Self::Future;
}

impl<F: FnOnce() -> T, T> Work<Blocking> for F {
    type Output = T;
    type Future = Call<F>;

    fn begin(self) -> Call<F> {
        Call(Some(self))
    }
}

impl<F: Future> Work<Asynchronous> for F {
    type Output = F::Output;
    type Future = F;

    fn begin(self) -> F {
        self
    }
}

/// A closure as a future.
#[doc(hidden)]
#[derive(Debug)]
pub struct Call<F>(Option<F>);

/// Nothing refers to where the closure is.
impl<F> Unpin for Call<F> {}

impl<F: FnOnce() -> T, T> Future for Call<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        match self.0.take() {
            Some(call) => Poll::Ready(call()),
            // A future that is ready is not polled again.
            None => Poll::Pending,
        }
    }
}

impl<K: Connection<Peer = GuestAgent>> Freeze<K> {
    /// On this connection: all file systems that can be frozen.
    pub fn new(connection: K) -> Self {
        Freeze { connection, mountpoints: None, timeout: None }
    }

    /// Freezes the file systems that are mounted at these places only. The agent passes over places where none is.
    pub fn mountpoints(mut self, mountpoints: impl IntoIterator<Item = impl crate::wire::IntoText>) -> Self {
        self.mountpoints = Some(crate::wire::strings(mountpoints));
        self
    }

    /// How long freezing, and what is done meanwhile, may take together. A future that is not ready then is dropped; a closure
    /// is not interrupted. Thawing has the call's own time.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Freezes the file systems, does this, and thaws them: also if it panics. If it can fail, its result has to be looked at
    /// besides the outcome.
    ///
    /// It has to be done without the agent, which refuses nearly all else while file systems are frozen.
    ///
    /// With tokio's client, a future that is dropped meanwhile thaws as well, in a task that is spawned for it. That needs a runtime
    /// which goes on; a [deadline](Self::deadline) does not.
    ///
    /// # Errors
    ///
    /// [`Server`](ErrorKind::Server) if the agent refuses to freeze, as it does if they are frozen already; and those of
    /// [every operation](crate::Client#errors). Nothing is frozen then, and nothing was done. If that is not sure, it is an
    /// [outcome](FreezeOutcome::MayBeFrozen).
    pub fn during<W: Work<K::Mode>>(
        mut self,
        work: W,
    ) -> Running<K, impl Future<Output = Result<FreezeOutcome<W::Output>>> + use<K, W>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            let guest = AtLast::execute(&mut self.connection, GuestFsfreezeThaw::new());
            let frozen = match freeze(guest.connection, self.mountpoints.take(), deadline).await {
                Ok(frozen) => frozen,
                Err(error) => {
                    let outcome = undo(guest.connection, error).await;
                    guest.done();
                    return outcome;
                }
            };
            let done = attempt(guest.connection, work.begin(), deadline).await;
            let released = release(guest.connection).await;
            guest.done();
            let value = done.unwrap_or_else(|panic| resume_unwind(panic));
            Ok(FreezeOutcome::new(value, frozen, released))
        })
    }
}

async fn freeze<K: Connection<Peer = GuestAgent>>(
    connection: &mut K,
    mountpoints: Option<Vec<String>>,
    deadline: Option<Instant>,
) -> Result<u64> {
    let frozen = match mountpoints {
        None => connection.execute(GuestFsfreezeFreeze::new(), deadline).await?.reply,
        Some(mountpoints) => {
            let freeze = GuestFsfreezeFreezeList::new().mountpoints(mountpoints);
            connection.execute(freeze, deadline).await?.reply
        }
    };
    Ok(count(frozen))
}

/// The outcome of a failure to freeze.
async fn undo<K: Connection<Peer = GuestAgent>, T>(connection: &mut K, error: Error) -> Result<FreezeOutcome<T>> {
    // An agent that cannot freeze one thaws those that it has frozen. Others are not ours to thaw.
    if matches!(error.kind(), ErrorKind::Server | ErrorKind::Encode | ErrorKind::NotConnected) {
        return Err(error);
    }
    match release(connection).await {
        Release::MayBeFrozen(_) => Ok(FreezeOutcome::MayBeFrozen { value: None, error }),
        Release::Thawed(_) | Release::ThawedBefore(_) => Err(error),
    }
}

/// Does the work until the deadline. A panic is kept for later.
async fn attempt<K: Connection, F: Future>(
    connection: &mut K,
    work: F,
    deadline: Option<Instant>,
) -> thread::Result<Option<F::Output>> {
    let mut work = pin!(work);
    let mut late = pin!(async {
        match deadline {
            Some(deadline) => connection.sleep_until(deadline).await,
            None => pending().await,
        }
    });
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(Some(value))),
        // Where waiting blocks, work is done when it was polled once.
        Ok(Poll::Pending) => late.as_mut().poll(context).map(|()| Ok(None)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

impl<T> FreezeOutcome<T> {
    fn new(value: Option<T>, frozen: u64, released: Release) -> Self {
        match (value, released) {
            (value, Release::MayBeFrozen(error)) => FreezeOutcome::MayBeFrozen { value, error },
            (None, _) => FreezeOutcome::TimedOut,
            (Some(value), Release::Thawed(thawed)) => FreezeOutcome::Thawed { value, frozen, thawed },
            (Some(value), Release::ThawedBefore(error)) => FreezeOutcome::ThawedBefore { value, frozen, error },
        }
    }

    /// Returns the result, if the file systems were frozen until it was done and are thawed; an error of every other outcome, for
    /// `?`.
    ///
    /// # Errors
    ///
    /// Describes the outcome in words.
    pub fn thawed(self) -> Result<T, FreezeFailure> {
        match self {
            FreezeOutcome::Thawed { value, .. } => Ok(value),
            other => Err(FreezeFailure(other.to_string())),
        }
    }
}

impl<T> fmt::Display for FreezeOutcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FreezeOutcome::Thawed { frozen, thawed, .. } => {
                write!(f, "{frozen} file systems were frozen, and {thawed} thawed")
            }
            FreezeOutcome::ThawedBefore { error, .. } => {
                write!(f, "the guest's file systems are thawed, perhaps since before it was done: {error}")
            }
            FreezeOutcome::TimedOut => f.write_str(
                "what was to be done while the guest's file systems were frozen was not done in time; they are thawed",
            ),
            FreezeOutcome::MayBeFrozen { error, .. } => {
                write!(f, "the guest's file systems may still be frozen; connect again if need be, and thaw: {error}")
            }
        }
    }
}

impl<K> fmt::Debug for Freeze<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Freeze");
        shown.field("mountpoints", &self.mountpoints).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
