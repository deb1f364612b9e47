//! Operations on the guest agent: on stand-ins in all clients, on a connection with a clock of its own, and on a real agent.

mod clock;
mod files;
mod freeze;
mod live;
mod programs;
mod up;

use super::clients::Scripted;
use qemu_qmp::GuestAgent;
use std::panic::{catch_unwind, AssertUnwindSafe};

type Agent = Scripted<GuestAgent>;

/// The panic of a future.
async fn catch<F: std::future::Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => std::task::Poll::Ready(Err(panic)),
    })
    .await
}
