//! Testing without QEMU: a stand-in for QEMU, its storage daemon, or its guest agent.
//!
//! A [`Fake`] is a server that a program's tests make, and that lives in the tests' process. It speaks the protocol as QEMU does,
//! and executes commands by handlers, which have the commands' types. It plays what no test can have of a real QEMU: guests
//! that refuse or never answer, connections that break, and releases that are not installed.
//!
//! # A first test
//!
//! This is a program that unplugs disks, and its test:
//!
//! ```
//! # #[cfg(feature = "qmp")] {
//! use qemu_qmp::fake::{filled, Fake};
//! use qemu_qmp::qmp::{commands::*, events::*};
//! # use qemu_qmp::ops::devices::UnplugOutcome;
//! # use std::time::Duration;
//!
//! /// Unplugs a disk, and forgets its image.
//! fn unplug_disk(vm: &mut qemu_qmp::Client, disk: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     let outcome = vm.unplug(disk).and_blockdev(format!("{disk}-image")).deadline(Duration::from_secs(30)).run()?;
//!     Ok(outcome.gone()?)
//! }
//!
//! # fn test() -> qemu_qmp::Result<()> {
//! let fake = Fake::new();
//! fake.on_with(|del: DeviceDel, cx| {
//!     cx.emit_after(&filled(|gone: &mut DeviceDeleted| gone.device = Some(del.id)));
//!     Ok(())
//! });
//! fake.on(|_: BlockdevDel| Ok(()));
//! unplug_disk(&mut fake.client()?, "disk1").unwrap();
//! assert_eq!(fake.calls_of::<BlockdevDel>()[0].node_name, "disk1-image");
//! # Ok(())
//! # }
//! # test().unwrap();
//! # }
//! ```
//!
//! # Handlers
//!
//! - [`on`](Fake::on) takes a closure from a command to what it returns, or to a [`ServerError`](crate::ServerError). The
//!   compiler knows from the closure which command it is for, and that the peer has it.
//! - [`on_with`](Fake::on_with) gives the closure an [`Exchange`] besides: for events before the reply and after it, for
//!   delays and faults, and to know how often the command came.
//! - [`once`](Fake::once) is for the next call only, so that several make a sequence. [`otherwise`](Fake::otherwise) is for all
//!   commands without a handler, and [`on_name`](Fake::on_name) for those that no schema has.
//!
//! Handlers run one after the other on each connection, in a thread of the stand-in's, or in a task for tokio's client; an
//! out-of-band command overtakes.
//!
//! # Without handlers
//!
//! A stand-in negotiates, agrees to out-of-band execution, and answers `query-version`, `query-commands`, `query-qmp-schema`,
//! `query-name`, `query-status`, `stop` and `cont` with their events, and `quit`, which ends it; as an agent `guest-ping` and
//! `guest-info`. What a client sends that is no command, a command that the schema does not know, and arguments that do not
//! fit it are refused with the classes and texts of QEMU. For all other commands, an error says that there is no handler.
//!
//! # Events and calls
//!
//! [`emit`](Fake::emit) tells all clients of an event. [`calls`](Fake::calls) and [`calls_of`](Fake::calls_of) give the
//! commands that came, and [`wait_for_call`](Fake::wait_for_call) waits for one, which needs no sleep in a test that has
//! threads.
//!
//! # What goes wrong
//!
//! ```
//! # #[cfg(feature = "qmp")] {
//! # use qemu_qmp::fake::{Fake, Fault};
//! # use qemu_qmp::qmp::commands::*;
//! # fn test() -> qemu_qmp::Result<()> {
//! let fake = Fake::new();
//! fake.fault::<QueryStatus>(Fault::DisconnectWithin);
//! let error = fake.client()?.execute(QueryStatus::new()).unwrap_err();
//! assert!(error.is_disconnected());
//! # Ok(())
//! # }
//! # test().unwrap();
//! # }
//! ```
//!
//! [`Fault`] lists what can happen to an answer, [`Opening`] what to the beginning of a conversation. A program that
//! connects by itself does so to a socket: [`listen_unix`](Fake::listen_unix), [`listen_tcp`](Fake::listen_tcp). There, one client
//! at a time is served, as by a real monitor, and [`disconnect`](Fake::disconnect) is a crash.
//!
//! # Recordings
//!
//! A [`Recorder`] stands between a program and a real QEMU, and writes down what they say. Such a file is
//! [played](Fake::replay) by a stand-in: a run that failed somewhere becomes a test. The recording's QEMU is one that went away
//! before it answered:
//!
//! ```
//! # #[cfg(feature = "qmp")] {
//! # use qemu_qmp::fake::{Fake, Replay};
//! # use qemu_qmp::qmp::commands::*;
//! # fn program(vm: &mut qemu_qmp::Client) -> qemu_qmp::Result<()> {
//! #     vm.execute(Stop::new())?;
//! #     vm.execute(BlockdevDel::new("disk1-image"))
//! # }
//! # fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let recording = r#"
//! -> {"execute": "stop", "id": 1}
//! <- {"return": {}, "id": 1}
//! -> {"execute": "blockdev-del", "arguments": {"node-name": "disk1-image"}, "id": 2}
//! "#;
//! let fake = Fake::new();
//! fake.replay(recording, Replay::Strict)?;
//! assert!(program(&mut fake.client()?).unwrap_err().is_disconnected());
//! # Ok(())
//! # }
//! # test().unwrap();
//! # }
//! ```
//!
//! # Other releases
//!
//! [`release`](Fake::release) makes it an older QEMU: it refuses commands and arguments that came later, and what came later in
//! its replies and events is left out of them.
//!
//! # Other peers and clients
//!
//! ```
//! # #[cfg(feature = "qga")] {
//! # use qemu_qmp::fake::Fake;
//! # use qemu_qmp::qga::commands::*;
//! # use qemu_qmp::GuestAgent;
//! # fn test() -> qemu_qmp::Result<()> {
//! let fake = Fake::<GuestAgent>::of_peer();
//! fake.on(|_: GuestFsfreezeFreeze| Ok(3));
//! assert_eq!(fake.client()?.execute(GuestFsfreezeFreeze::new())?, 3);
//! # Ok(())
//! # }
//! # test().unwrap();
//! # }
//! ```
//!
//! `client()?.share()?` is the client for several threads, and `tokio_client`, with the feature `tokio`, the
//! asynchronous one. Its connection lives in tasks of the test's own runtime, and waits by tokio's clock: where that clock stands
//! still, a guest that takes an hour costs no time.
//!
//! ```
//! # #[cfg(all(feature = "qmp", feature = "tokio"))] {
//! # use qemu_qmp::fake::Fake;
//! # use qemu_qmp::ops::devices::UnplugOutcome;
//! # use qemu_qmp::qmp::commands::*;
//! # use std::time::Duration;
//! # async fn test() -> qemu_qmp::Result<()> {
//! // In a test with `#[tokio::test(start_paused = true)]`.
//! let fake = Fake::new();
//! fake.on(|_: DeviceDel| Ok(())).on(|_: QomList| Ok(Vec::new()));
//! let vm = fake.tokio_client().await?;
//! let outcome = vm.unplug("disk1").deadline(Duration::from_secs(3600)).run().await?;
//! assert_eq!(outcome, UnplugOutcome::NotAnswered);
//! # Ok(())
//! # }
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
//! # runtime.block_on(test()).unwrap();
//! # }
//! ```

mod builtin;
mod call;
mod connection;
mod core;
mod encode;
mod entry;
mod exchange;
mod fault;
mod framer;
mod listen;
mod machine;
mod outlet;
mod prune;
mod recorder;
mod recording;
mod release;
mod request;
mod schema;
mod stand_in;
mod stream;
#[cfg(feature = "tokio")]
mod tasks;
#[cfg(feature = "tokio")]
mod tokio;

pub use call::Call;
pub use exchange::Exchange;
pub use fault::{Fault, Opening};
pub use recorder::Recorder;
pub use recording::Replay;
pub use stand_in::{filled, Fake};
