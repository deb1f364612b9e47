//! Power: how a machine is told to end, and how it ends.
//!
//! The loop of a CI harness, which lets a guest run and tells how that ended:
//!
//! ```no_run
//! use qemu_qmp::ops::power::MachineEnd;
//! use qemu_qmp::qmp::commands::Cont;
//! use std::time::Duration;
//!
//! # fn main() -> qemu_qmp::Result<()> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! vm.execute(Cont::new())?;
//! match vm.wait_for_shutdown().deadline(Duration::from_secs(600)).run()? {
//!     MachineEnd::ShutDown(cause) => println!("shut down: {cause}"),
//!     MachineEnd::Panicked(panic) => println!("the guest panicked: {:?}", panic.info),
//!     other => println!("the machine {other}"),
//! }
//! vm.quit().run()?;
//! # Ok(())
//! # }
//! ```

use super::steps::{after, earlier, is_late, is_over, next, paced};
use crate::api::{CommandFor, Monitor, MonitorPeer};
use crate::error::Result;
use crate::message::RawEvent;
use crate::qmp::commands::{QueryStatus, Quit, SystemPowerdown, SystemReset};
use crate::qmp::events::{GuestPanicked, Reset, Shutdown};
use crate::qmp::types::{RunState, ShutdownCause};
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// How a machine ended, or why it is no longer waited for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MachineEnd {
    /// It shut down, for this cause. With `-no-shutdown` QEMU is there still; with `-no-reboot` this is what a reset
    /// becomes.
    ShutDown(ShutdownCause),
    /// It was reset, for this cause, and starts again.
    Reset(ShutdownCause),
    /// The guest told of a panic of its kernel, through a device such as `pvpanic`. What QEMU does then, `-action panic=`
    /// says.
    Panicked(GuestPanicked),
    /// QEMU is gone without having told why: it was killed, or has crashed.
    Gone,
    /// It did not end by the deadline.
    TimedOut,
}

impl MachineEnd {
    /// Returns whether it shut down, whatever the cause.
    #[inline]
    pub fn is_shut_down(&self) -> bool {
        matches!(self, MachineEnd::ShutDown(_))
    }
}

/// Waits for a machine's end. Made by a client's `wait_for_shutdown`.
#[derive(Debug)]
#[must_use = "nothing is waited for until this is run"]
pub struct WaitForShutdown<K> {
    connection: K,
    resets: bool,
    timeout: Option<Duration>,
}

impl<K: Connection<Peer = Monitor>> WaitForShutdown<K> {
    /// Waits for a machine's end, on a connection of whatever kind.
    pub fn new(connection: K) -> Self {
        WaitForShutdown { connection, resets: true, timeout: None }
    }

    /// Waits no longer than this. Without it, or with `None`, it waits as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Takes no reset for the end: a guest may start again as often as it likes.
    pub fn through_resets(mut self) -> Self {
        self.resets = false;
        self
    }

    /// Waits for the first of what is told about the machine's end, from what the client keeps on.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors), but for the end of the connection.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<MachineEnd>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            let now = self.connection.now();
            // What is there already, before asking: the answer would not tell more.
            if let Some(end) = end_of(&mut self.connection, Some(now), self.resets).await? {
                return Ok(end);
            }
            loop {
                // Events may be taken by others, or be lost.
                match self.connection.execute(QueryStatus::new(), deadline).await {
                    Ok(answer) if answer.reply.status == RunState::Shutdown => {
                        let now = self.connection.now();
                        let told = end_of(&mut self.connection, Some(now), self.resets).await?;
                        return Ok(told.unwrap_or(MachineEnd::ShutDown(ShutdownCause::None)));
                    }
                    Ok(_) => {}
                    // The events before the end of the connection come first, below.
                    Err(error) if error.is_disconnected() => {}
                    Err(error) if error.is_timeout() => {}
                    Err(error) => return Err(error),
                }
                if let Some(end) = end_of(&mut self.connection, deadline, self.resets).await? {
                    return Ok(end);
                }
                if is_over(&self.connection, deadline) {
                    return Ok(MachineEnd::TimedOut);
                }
            }
        })
    }
}

/// A guest that is to shut down by itself. Made by a client's `power_down`.
#[derive(Debug)]
#[must_use = "nothing is done until this is run"]
pub struct PowerDown<K> {
    connection: K,
    timeout: Option<Duration>,
    again: Option<Duration>,
}

impl<K: Connection<Peer = Monitor>> PowerDown<K> {
    /// A guest that is to shut down by itself, on a connection of whatever kind.
    pub fn new(connection: K) -> Self {
        PowerDown { connection, timeout: None, again: None }
    }

    /// Waits for the guest no longer than this. Without it, or with `None`, it waits as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Presses the button again whenever so much time has passed: a guest that is still starting does not see the first
    /// time. Some guests take a second press for the wish to be turned off at once.
    pub fn press_again_every(mut self, interval: Duration) -> Self {
        self.again = Some(paced(interval));
        self
    }

    /// Presses the machine's power button (`system_powerdown`), and waits for what comes of it:
    /// [`TimedOut`](MachineEnd::TimedOut) if the guest ignores it.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if the machine cannot be powered down; and those of
    /// [every operation](crate::Client#errors), but for the end of the connection.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<MachineEnd>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            loop {
                begin(&mut self.connection, SystemPowerdown::new(), deadline).await?;
                let until = earlier(deadline, after(&self.connection, self.again));
                if let Some(end) = end_of(&mut self.connection, until, true).await? {
                    return Ok(end);
                }
                if is_over(&self.connection, deadline) {
                    return Ok(MachineEnd::TimedOut);
                }
            }
        })
    }
}

/// A machine that is to be reset. Made by a client's `reset`.
#[derive(Debug)]
#[must_use = "nothing is done until this is run"]
pub struct ResetMachine<K> {
    connection: K,
    timeout: Option<Duration>,
}

impl<K: Connection<Peer = Monitor>> ResetMachine<K> {
    /// A machine that is to be reset, on a connection of whatever kind.
    pub fn new(connection: K) -> Self {
        ResetMachine { connection, timeout: None }
    }

    /// Waits no longer than this. Without it, or with `None`, it waits as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Resets the machine (`system_reset`), and waits until it is done: [`Reset`](MachineEnd::Reset), or
    /// [`ShutDown`](MachineEnd::ShutDown) with `-no-reboot`.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors), but for the end of the connection.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<MachineEnd>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            begin(&mut self.connection, SystemReset::new(), deadline).await?;
            let end = end_of(&mut self.connection, deadline, true).await?;
            Ok(end.unwrap_or(MachineEnd::TimedOut))
        })
    }
}

/// A QEMU or a storage daemon that is to end. Made by a client's `quit`.
#[derive(Debug)]
#[must_use = "nothing is done until this is run"]
pub struct QuitServer<K> {
    connection: K,
    timeout: Option<Duration>,
}

/// The outcome for a server that was to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuitOutcome {
    /// It has closed the connection, as it does on its way out.
    Gone,
    /// It was not gone by the deadline.
    TimedOut,
}

impl<K: Connection<Peer: MonitorPeer>> QuitServer<K>
where
    Quit: CommandFor<K::Peer>,
{
    /// A server that is to end, on a connection of whatever kind.
    pub fn new(connection: K) -> Self {
        QuitServer { connection, timeout: None }
    }

    /// Waits no longer than this. Without it, or with `None`, it waits as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Tells the server to end (`quit`), and waits until it has closed the connection. That the reply may be lost on the way is
    /// no failure. Afterwards the client is of no use any more.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if it refuses; and those of [every operation](crate::Client#errors), but for the
    /// end of the connection.
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<QuitOutcome>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            begin(&mut self.connection, Quit::new(), deadline).await?;
            loop {
                match next(&mut self.connection, deadline, |event, _| is_shutdown(event).then_some(())).await {
                    Err(error) if error.is_disconnected() => return Ok(QuitOutcome::Gone),
                    Err(error) => return Err(error),
                    Ok(_) if is_over(&self.connection, deadline) => return Ok(QuitOutcome::TimedOut),
                    Ok(_) => {}
                }
            }
        })
    }
}

/// Begins the end. Events before the end of the connection tell more than a reply that is lost with it, and come first.
async fn begin<K: Connection, C: CommandFor<K::Peer>>(
    connection: &mut K,
    command: C,
    deadline: Option<Instant>,
) -> Result<()> {
    match connection.execute(command, deadline).await {
        Err(error) if !error.is_disconnected() && !is_late(connection, deadline, &error) => Err(error),
        _ => Ok(()),
    }
}

/// Reads a machine's end from its events; `None` at the deadline, or if events were missed.
async fn end_of<K: Connection>(
    connection: &mut K,
    deadline: Option<Instant>,
    resets: bool,
) -> Result<Option<MachineEnd>> {
    match next(connection, deadline, |event, _| told(event, resets)).await {
        Err(error) if error.is_disconnected() => Ok(Some(MachineEnd::Gone)),
        end => end,
    }
}

#[inline]
fn told(event: &RawEvent, resets: bool) -> Option<MachineEnd> {
    if let Some(Ok(event)) = event.decode::<Shutdown>() {
        return Some(MachineEnd::ShutDown(event.data.reason));
    }
    if let Some(Ok(event)) = event.decode::<GuestPanicked>() {
        return Some(MachineEnd::Panicked(event.data));
    }
    match event.decode::<Reset>() {
        Some(Ok(event)) if resets => Some(MachineEnd::Reset(event.data.reason)),
        _ => None,
    }
}

#[inline]
fn is_shutdown(event: &RawEvent) -> bool {
    event.decode::<Shutdown>().is_some()
}

impl fmt::Display for MachineEnd {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MachineEnd::ShutDown(cause) => write!(f, "shut down (`{cause}`)"),
            MachineEnd::Reset(cause) => write!(f, "was reset (`{cause}`)"),
            MachineEnd::Panicked(panic) => write!(f, "panicked (action `{}`)", panic.action),
            MachineEnd::Gone => f.write_str("is gone without having said why"),
            MachineEnd::TimedOut => f.write_str("did not end in time"),
        }
    }
}
