//! Devices that are plugged in and unplugged while the machine runs.
//!
//! # Plugging in
//!
//! This takes no operation: a backend, and then the device on top of it. QEMU has done it when the reply comes, and the guest
//! notices in its own time.
//!
//! ```no_run
//! use qemu_qmp::qmp::{commands::*, types::*};
//!
//! # fn main() -> qemu_qmp::Result<()> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! let netdev = Netdev::user("hostnet1", NetdevUserOptions::new());
//! vm.execute(NetdevAdd::from(netdev))?;
//! vm.execute(DeviceAdd::new("virtio-net-pci").id("net1").bus("slot7").argument("netdev", "hostnet1"))?;
//!
//! let file = BlockdevOptions::file(BlockdevOptionsFile::new("/srv/disk7.qcow2"));
//! vm.execute(BlockdevAdd::from(BlockdevOptions::qcow2(BlockdevOptionsQcow2::new(file)).node_name("image7")))?;
//! vm.execute(DeviceAdd::new("virtio-blk-pci").id("disk7").bus("slot8").argument("drive", "image7"))?;
//! # Ok(())
//! # }
//! ```
//!
//! Each device has arguments of its own, which the schema does not list: `device-list-properties` does. On a machine with PCI
//! Express each slot takes one device, and is a `pcie-root-port` that was there from the beginning.
//!
//! # Unplugging
//!
//! Unplugging asks the guest, which may take its time, refuse, or not answer. [`Unplug`], made by a client's `unplug`, asks,
//! and tells which:
//!
//! ```no_run
//! use qemu_qmp::ops::devices::UnplugOutcome;
//! use std::time::Duration;
//!
//! # fn main() -> qemu_qmp::Result<()> {
//! let mut vm = qemu_qmp::Client::connect_unix("/run/vm.qmp")?;
//! match vm.unplug("net1").and_netdev("hostnet1").deadline(Duration::from_secs(30)).run()? {
//!     UnplugOutcome::Gone => println!("unplugged"),
//!     outcome => println!("net1 {outcome}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It does the same for all that `device_del` takes: PCI and USB devices, disks, memory (`pc-dimm`), CPUs.
//!
//! # What it sees to
//!
//! - A device that is gone counts as gone, whether its event came before the reply to `device_del`, after it, or never.
//! - While QEMU waits for the guest's answer to an earlier request, it takes no other. If the guest refuses that one, this
//!   asks again; a refusal that came before QEMU took this request is no answer to it.
//! - QEMU 6.1 and older tells only of memory that a guest refuses to release it, with `MEM_UNPLUG_ERROR`.
//!
//! A guest that has no operating system yet does not answer. See "PCI Express Hot-Plug" in QEMU's manual for buses on which
//! devices cannot be unplugged.

use super::steps::{after, earlier, is_late, is_over, next, paced, pause};
use super::unfinished::{Outcome, Unfinished};
use crate::api::{CommandFor, Monitor};
use crate::error::{Error, ErrorClass, Result};
use crate::message::RawEvent;
use crate::qmp::commands::{BlockdevDel, DeviceDel, NetdevDel, QomList};
use crate::qmp::events::{DeviceDeleted, DeviceUnplugGuestError};
use crate::session::EventCursor;
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use crate::wire::Any;
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// Where devices are that have an id.
const PERIPHERALS: &str = "/machine/peripheral/";

/// How often to look whether a device is there still, in case its event was lost; and how long it may hold its backends when
/// it is gone.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long to wait before a backend is deleted again that a device has not let go of yet.
const PAUSE: Duration = Duration::from_millis(20);

/// A device that is to be unplugged. Made by a client's `unplug`.
#[derive(Debug)]
#[must_use = "nothing is unplugged until this is run"]
pub struct Unplug<K> {
    connection: K,
    /// An id, or a QOM path.
    device: String,
    node: Option<String>,
    netdev: Option<String>,
    timeout: Option<Duration>,
    again: Option<Duration>,
}

/// The outcome for a device that was to be unplugged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnplugOutcome {
    /// It is gone, and so are the backends that were to go with it.
    Gone,
    /// The guest refuses to let go of it; QEMU's reason, if it gives one.
    Refused(Option<String>),
    /// The guest did not answer by the deadline. It may do so later.
    NotAnswered,
}

impl Outcome for UnplugOutcome {
    const SUBJECT: &'static str = "the device";
}

impl UnplugOutcome {
    /// Makes an error of every outcome but [`Gone`](Self::Gone), for `?`.
    ///
    /// # Errors
    ///
    /// The outcome, as an error that tells it.
    #[inline]
    pub fn gone(self) -> Result<(), Unfinished<Self>> {
        match self {
            UnplugOutcome::Gone => Ok(()),
            other => Err(Unfinished(other)),
        }
    }
}

/// An event's news of the device.
enum Answer {
    Gone,
    Refused(Option<String>, EventCursor),
}

/// The request that QEMU waits for the guest to answer.
#[derive(Clone, Copy)]
enum Pending {
    /// Ours, which QEMU took at this point in the order of events.
    Ours(EventCursor),
    SomebodyElses,
}

impl<K: Connection<Peer = Monitor>> Unplug<K> {
    /// A device that is to be unplugged, by its id or its QOM path, on a connection of whatever kind.
    pub fn new(connection: K, device: impl Into<String>) -> Self {
        let device = device.into();
        Unplug { connection, device, node: None, netdev: None, timeout: None, again: None }
    }

    /// Waits for the guest no longer than this. Without it, or with `None`, it waits as long as it takes.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Asks the guest again whenever so much time has passed without an answer, as far as QEMU takes another request then: a
    /// guest that is still starting does not see the first one.
    pub fn ask_again_every(mut self, interval: Duration) -> Self {
        self.again = Some(paced(interval));
        self
    }

    /// Deletes this block node when the device is gone (`blockdev-del`).
    pub fn and_blockdev(mut self, node_name: impl Into<String>) -> Self {
        self.node = Some(node_name.into());
        self
    }

    /// Deletes this network backend when the device is gone (`netdev_del`).
    pub fn and_netdev(mut self, id: impl Into<String>) -> Self {
        self.netdev = Some(id.into());
        self
    }

    /// Asks the guest to let go of the device, waits for its answer, and deletes what was to go with it.
    ///
    /// # Errors
    ///
    /// [`Server`](crate::ErrorKind::Server) if there is no such device (`DeviceNotFound`), if it cannot be unplugged, or if a
    /// backend cannot be deleted; and those of [every operation](crate::Client#errors).
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<UnplugOutcome>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            let outcome = self.unplug(deadline).await?;
            if outcome == UnplugOutcome::Gone {
                if let Some(node) = self.node.take() {
                    self.delete(BlockdevDel::new(node)).await?;
                }
                if let Some(netdev) = self.netdev.take() {
                    self.delete(NetdevDel::new(netdev)).await?;
                }
            }
            Ok(outcome)
        })
    }

    async fn unplug(&mut self, deadline: Option<Instant>) -> Result<UnplugOutcome> {
        let mut pending = None;
        loop {
            pending = match self.ask(pending, deadline).await? {
                Some(pending) => Some(pending),
                None => return Ok(UnplugOutcome::Gone),
            };
            let ask_again_at = after(&self.connection, self.again);
            loop {
                let until = earlier(earlier(deadline, ask_again_at), after(&self.connection, Some(INTERVAL)));
                match (self.next_answer(until).await?, pending) {
                    (Some(Answer::Gone), _) => return Ok(UnplugOutcome::Gone),
                    (Some(Answer::Refused(reason, at)), Some(Pending::Ours(from))) if at >= from => {
                        return Ok(UnplugOutcome::Refused(reason));
                    }
                    // An earlier request was refused: ours has not been made.
                    (Some(Answer::Refused(..)), Some(Pending::SomebodyElses)) => break,
                    (Some(Answer::Refused(..)), _) => {}
                    (None, _) if !self.is_there(deadline).await? => return Ok(UnplugOutcome::Gone),
                    (None, _) if is_over(&self.connection, deadline) => return Ok(UnplugOutcome::NotAnswered),
                    (None, _) if is_over(&self.connection, ask_again_at) => break,
                    (None, _) => {}
                }
            }
        }
    }

    /// Makes a request. Returns whose request is pending then; `None` if the device is gone.
    async fn ask(&mut self, pending: Option<Pending>, deadline: Option<Instant>) -> Result<Option<Pending>> {
        match self.connection.execute(DeviceDel::new(self.device.clone()), deadline).await {
            Ok(answer) => Ok(Some(Pending::Ours(answer.span.ended))),
            Err(error) if is_pending(&error) => Ok(Some(pending.unwrap_or(Pending::SomebodyElses))),
            Err(error) if is_not_found(&error) => {
                // Somebody else may just have unplugged it.
                let now = self.connection.now();
                let is_gone = pending.is_some() || matches!(self.next_answer(Some(now)).await?, Some(Answer::Gone));
                if is_gone {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
            Err(error) if is_late(&self.connection, deadline, &error) => {
                Ok(Some(pending.unwrap_or(Pending::SomebodyElses)))
            }
            Err(error) => Err(error),
        }
    }

    async fn next_answer(&mut self, until: Option<Instant>) -> Result<Option<Answer>> {
        let device = &*self.device;
        next(&mut self.connection, until, |event, cursor| answer(event, cursor, device)).await
    }

    /// Returns whether the device is there, as far as QEMU says in time.
    async fn is_there(&mut self, deadline: Option<Instant>) -> Result<bool> {
        let path =
            if self.device.starts_with('/') { self.device.clone() } else { format!("{PERIPHERALS}{}", self.device) };
        match self.connection.execute(QomList::new(path), None).await {
            Err(error) if error.is_server() => Ok(!is_not_found(&error)),
            Err(error) if is_late(&self.connection, deadline, &error) => Ok(true),
            Err(error) => Err(error),
            Ok(_) => Ok(true),
        }
    }

    /// Deletes what the device has used. It may take a moment to let go of it after it is gone.
    async fn delete<C: CommandFor<Monitor> + Clone>(&mut self, command: C) -> Result<()> {
        let limit = after(&self.connection, Some(INTERVAL));
        loop {
            match self.connection.execute(command.clone(), None).await {
                Err(error) if is_in_use(&error) && !is_over(&self.connection, limit) => {}
                outcome => return outcome.map(drop),
            }
            pause(&mut self.connection, PAUSE, limit).await;
        }
    }
}

/// Reads an event's news of a device, by its id or path.
#[inline]
fn answer(event: &RawEvent, cursor: EventCursor, device: &str) -> Option<Answer> {
    let is_it = |id: Option<&str>, path: &str| {
        id == Some(device) || path == device || path.strip_prefix(PERIPHERALS) == Some(device)
    };
    if let Some(Ok(event)) = event.decode::<DeviceDeleted>() {
        return is_it(event.data.device.as_deref(), &event.data.path).then_some(Answer::Gone);
    }
    if let Some(Ok(event)) = event.decode::<DeviceUnplugGuestError>() {
        let is_it = is_it(event.data.device.as_deref(), &event.data.path);
        return is_it.then_some(Answer::Refused(None, cursor));
    }
    // Not in the schema any more.
    if &*event.name != "MEM_UNPLUG_ERROR" {
        return None;
    }
    let data: Any = event.data.as_deref()?.parse().ok()?;
    let member = |name| data.get(name).and_then(Any::as_str);
    (member("device")? == device).then(|| Answer::Refused(member("msg").map(str::to_owned), cursor))
}

#[inline]
fn is_not_found(error: &Error) -> bool {
    error.server_error().is_some_and(|error| error.class == ErrorClass::DeviceNotFound)
}

/// Returns whether QEMU waits for the answer to an earlier request. It has no class of its own for that.
#[inline]
fn is_pending(error: &Error) -> bool {
    error.server_error().is_some_and(|error| error.desc.contains("in the process of unplug"))
}

/// Likewise.
#[inline]
fn is_in_use(error: &Error) -> bool {
    error.server_error().is_some_and(|error| error.desc.contains("in use"))
}

impl fmt::Display for UnplugOutcome {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnplugOutcome::Gone => f.write_str("is gone"),
            UnplugOutcome::Refused(None) => f.write_str("stays, because the guest refused to let go of it"),
            UnplugOutcome::Refused(Some(reason)) => write!(f, "stays, because the guest refused: {reason}"),
            UnplugOutcome::NotAnswered => f.write_str("stays so far, because the guest did not answer in time"),
        }
    }
}
