//! Where a connection's output goes: to the thread that writes, or to tasks.

#[cfg(feature = "tokio")]
use ::tokio::{sync::mpsc::UnboundedSender, time::Instant};
#[cfg(feature = "tokio")]
use std::collections::VecDeque;
use std::sync::{mpsc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The next step of a connection.
#[derive(Debug)]
pub(super) enum Output {
    Bytes(Vec<u8>),
    /// Waits so long before the next message. A thread waits itself.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "there are threads only"))]
    Pause(Duration),
    Close,
}

/// Where output goes.
#[derive(Debug)]
pub(super) enum Outlet {
    Thread(mpsc::Sender<Output>),
    #[cfg(feature = "tokio")]
    Tasks(Tasks),
}

impl Outlet {
    /// It fails only when the connection is gone, which nobody is to be told.
    pub(super) fn put(&self, output: Output) {
        match self {
            Outlet::Thread(thread) => drop(thread.send(output)),
            #[cfg(feature = "tokio")]
            Outlet::Tasks(tasks) => tasks.put(output),
        }
    }
}

/// Longer than any test takes, and not too long for a clock.
#[cfg(feature = "tokio")]
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Where output goes in tasks.
#[cfg(feature = "tokio")]
#[derive(Debug)]
pub(super) struct Tasks {
    pub(super) writer: UnboundedSender<Output>,
    /// A command's messages while it is executed.
    pub(super) lane: Mutex<Option<Lane>>,
}

/// What is to be said one after the other.
#[cfg(feature = "tokio")]
pub(super) type Lane = VecDeque<Output>;

#[cfg(feature = "tokio")]
impl Tasks {
    pub(super) fn put(&self, output: Output) {
        match &mut *lock(&self.lane) {
            Some(lane) => lane.push_back(output),
            None => self.write(output),
        }
    }

    /// It fails only when the connection is gone.
    fn write(&self, output: Output) {
        drop(self.writer.send(output));
    }

    /// Gives what is said meanwhile.
    pub(super) fn lane_of(&self, execute: impl FnOnce()) -> Lane {
        *lock(&self.lane) = Some(Lane::new());
        execute();
        lock(&self.lane).take().unwrap_or_default()
    }

    /// Says what it can of a lane at once. Returns until when the rest has to wait, if there is any.
    pub(super) fn play(&self, lane: &mut Lane) -> Option<Instant> {
        while let Some(output) = lane.pop_front() {
            match output {
                Output::Pause(time) => return Some(Instant::now() + time.min(FOR_EVER)),
                output => self.write(output),
            }
        }
        None
    }
}

/// A mutex whose former owner panicked holds what it held: nothing in here is changed in more than one step.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
