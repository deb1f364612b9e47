//! The asynchronous client, over tokio's sockets or any stream.
//!
//! [`Client`] is a handle of one connection: cheap to clone, and to be used from as many tasks as there are. A
//! background task moves bytes between the [stream](Stream) and a [`Session`](crate::session::Session); calls and event
//! streams talk to that session and not to the task, so that each of them can be dropped at any point without harm.
//!
//! This module never starts a thread and never blocks one, and has no buffer without a bound: see [Memory](Client#memory).
//! It works on each kind of tokio's runtimes, which must have I/O and time enabled.
//!
//! ```no_run
//! use qemu_qmp::qmp::{commands::*, events::*};
//! use qemu_qmp::tokio::Client;
//! use std::time::Duration;
//!
//! # async fn example() -> qemu_qmp::Result<()> {
//! let vm = Client::connect_unix("/run/vm.qmp").await?;
//! println!("{}", vm.execute(QueryStatus::new()).await?.status);
//!
//! let is_net0 = |gone: &DeviceDeleted| gone.device.as_deref() == Some("net0");
//! vm.execute_and_wait(DeviceDel::new("net0"), Duration::from_secs(30), is_net0).await?;
//!
//! vm.close().await;
//! # Ok(())
//! # }
//! ```

mod calls;
mod client;
mod connect;
mod deadline;
mod driver;
mod events;
mod framed;
mod handle;
mod lend;
mod listener;
mod notifications;
mod pending;
mod readers;
mod shared;
mod stream;
#[cfg(all(test, feature = "qmp"))]
mod tests;

pub use calls::CallBuilder;
pub use client::Client;
pub use events::Events;
pub use lend::ClientConnection;
pub use listener::Listener;
pub use stream::Stream;
