//! The operations' view of a client: three verbs, and whether it blocks.
//!
//! Clients implement [`Connection`], and operations are written over it, so that neither knows the other. No client, no clock
//! but the connection's, no generated types.

use crate::api::{CommandFor, Peer};
use crate::error::Result;
use crate::message::RawEvent;
use crate::session::{CallSpan, EventCursor};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A connection that an operation runs on: a client that is lent to it. For other clients than this crate's, three functions.
///
/// It has the events that arrive from the moment on when it is made. A deadline is a point in time by the connection's own
/// clock, [`now`](Self::now); without one it waits for ever.
///
/// A program that wants to be told of each command puts its own in front of a client's:
///
/// ```no_run
/// use qemu_qmp::message::RawEvent;
/// use qemu_qmp::ops::{jobs::Job, Answer, Connection};
/// use qemu_qmp::qmp::{commands::*, types::*};
/// use qemu_qmp::session::EventCursor;
/// use qemu_qmp::CommandFor;
/// use std::time::Instant;
///
/// struct Logged<K>(K);
///
/// impl<K: Connection> Connection for Logged<K> {
///     type Peer = K::Peer;
///     type Mode = K::Mode;
///
///     async fn execute<C: CommandFor<K::Peer>>(
///         &mut self,
///         command: C,
///         deadline: Option<Instant>,
///     ) -> qemu_qmp::Result<Answer<C::Reply>> {
///         println!("{}", C::NAME);
///         self.0.execute(command, deadline).await
///     }
///
///     async fn find_event<T>(
///         &mut self,
///         deadline: Option<Instant>,
///         wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
///     ) -> qemu_qmp::Result<Option<T>> {
///         self.0.find_event(deadline, wanted).await
///     }
///
///     async fn sleep_until(&mut self, time: Instant) {
///         self.0.sleep_until(time).await;
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
/// let backup = BlockdevBackup::new("disk0", MirrorSyncMode::Full, "copy");
/// Job::new(Logged(vm.lend()), backup).run()?.completed()?;
/// # Ok(())
/// # }
/// ```
pub trait Connection {
    /// The peer at the other end.
    type Peer: Peer;
    /// The kind of client: [`Blocking`] or [`Asynchronous`].
    type Mode: Mode;

    /// Executes a command.
    ///
    /// # Errors
    ///
    /// Those of the client's own calls. A deadline that passes is a [`Timeout`](crate::ErrorKind::Timeout), and leaves the
    /// connection as it is.
    fn execute<C: CommandFor<Self::Peer>>(
        &mut self,
        command: C,
        deadline: Option<Instant>,
    ) -> impl Future<Output = Result<Answer<C::Reply>>>;

    /// Looks through the events, waiting for more if need be, until the function gives a value for one; `None` if the deadline
    /// passes before. Each event is looked at once. The one that was wanted is taken from what the client keeps for others
    /// to take, and the others stay there.
    ///
    /// # Errors
    ///
    /// Those of the client's own waiting. Events that were [missed](crate::ErrorKind::Missed) are told once.
    fn find_event<T>(
        &mut self,
        deadline: Option<Instant>,
        wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
    ) -> impl Future<Output = Result<Option<T>>>;

    /// Waits until this point in time.
    fn sleep_until(&mut self, time: Instant) -> impl Future<Output = ()>;

    /// Executes a command that puts right what a dropped operation would leave, such as file systems that are frozen. Nobody
    /// waits for the answer. Does nothing, unless a connection says otherwise.
    fn execute_unawaited<C: CommandFor<Self::Peer> + Send + 'static>(&mut self, command: C) {
        drop(command);
    }

    /// The current time. Deadlines are measured by this clock.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A connection that one part of an operation lends to another.
impl<K: Connection> Connection for &mut K {
    type Peer = K::Peer;
    type Mode = K::Mode;

    fn execute<C: CommandFor<K::Peer>>(
        &mut self,
        command: C,
        deadline: Option<Instant>,
    ) -> impl Future<Output = Result<Answer<C::Reply>>> {
        K::execute(self, command, deadline)
    }

    fn find_event<T>(
        &mut self,
        deadline: Option<Instant>,
        wanted: impl FnMut(&RawEvent, EventCursor) -> Option<T>,
    ) -> impl Future<Output = Result<Option<T>>> {
        K::find_event(self, deadline, wanted)
    }

    fn sleep_until(&mut self, time: Instant) -> impl Future<Output = ()> {
        K::sleep_until(self, time)
    }

    fn execute_unawaited<C: CommandFor<K::Peer> + Send + 'static>(&mut self, command: C) {
        K::execute_unawaited(self, command);
    }

    fn now(&self) -> Instant {
        K::now(self)
    }
}

/// A command's reply, and when it came in the order of events.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The reply.
    pub reply: T,
    /// The events that arrived meanwhile. A connection that cannot tell says that all events came later:
    /// [`CallSpan::default`].
    pub span: CallSpan,
}

impl<T> Answer<T> {
    /// An answer of a connection.
    pub fn new(reply: T, span: CallSpan) -> Self {
        Answer { reply, span }
    }
}

/// How an operation runs: [`Blocking`] or [`Asynchronous`].
pub trait Mode {
    /// The result of running an operation: the future itself, or what comes of it.
    type Running<F: Future>;

    /// Runs an operation.
    fn run<F: Future>(operation: F) -> Self::Running<F>;
}

/// The result of an operation that runs on the connection `K`: its outcome if the client blocks, or else a future of it.
pub type Running<K, F> = <<K as Connection>::Mode as Mode>::Running<F>;

/// An operation runs until it is over, in the thread that calls.
#[derive(Debug)]
pub enum Blocking {}

/// An operation is a future.
#[derive(Debug)]
pub enum Asynchronous {}

impl Mode for Asynchronous {
    type Running<F: Future> = F;

    fn run<F: Future>(operation: F) -> F {
        operation
    }
}

impl Mode for Blocking {
    type Running<F: Future> = F::Output;

    fn run<F: Future>(operation: F) -> F::Output {
        let mut operation = pin!(operation);
        // A connection that blocks is ready at the first poll. Parking is for those that wait for another thread.
        let waker = Unpark::this_thread();
        let mut context = Context::from_waker(&waker);
        loop {
            match operation.as_mut().poll(&mut context) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => thread::park(),
            }
        }
    }
}

struct Unpark(Thread);

impl Unpark {
    fn this_thread() -> Waker {
        Waker::from(Arc::new(Unpark(thread::current())))
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// How long a call may take that has a time of its own, and is to be over by the deadline.
pub(crate) fn shorter(timeout: Option<Duration>, deadline: Option<Instant>, now: Instant) -> Option<Duration> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
    timeout.into_iter().chain(left).min()
}

/// How long a blocking client takes for a command of an operation that is dropped.
pub(crate) const PARTING: Duration = Duration::from_secs(1);
