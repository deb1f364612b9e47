//! Operations on the guest agent: on scripted agents in all clients, on a connection without a clock, and on a real agent.

mod fake;
mod files;
mod freeze;
mod live;
mod programs;
mod up;

use serde_json::{json, Value};
use std::os::unix::net::UnixStream;
use std::panic::{catch_unwind, AssertUnwindSafe};
use support::Peer;

/// Synchronizes as an agent does.
fn synchronize(peer: &mut Peer) {
    let sync = peer.expect("guest-sync-delimited");
    peer.raw(b"\xff");
    peer.reply(&sync, sync["arguments"]["id"].clone());
}

/// The arguments of the next command, which is answered with this.
fn answered(peer: &mut Peer, name: &str, value: Value) -> Value {
    peer.answer(name, value)["arguments"].clone()
}

/// The next command is refused.
fn refuse(peer: &mut Peer, name: &str, class: &str, desc: &str) {
    let command = peer.expect(name);
    peer.error(&command, class, desc);
}

/// Ends the connection.
fn gone(peer: &mut Peer) {
    let (one, _) = UnixStream::pair().unwrap();
    drop(std::mem::replace(peer, Peer::unix(one)));
}

/// The panic of a future.
async fn catch<F: std::future::Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => std::task::Poll::Ready(Err(panic)),
    })
    .await
}

fn nothing() -> Value {
    json!({})
}

/// Runs the scenario, a future that uses the connection, with each client, against an agent that follows the script once more
/// for each of them.
macro_rules! with_each_agent {
    ($script:expr, |$agent:ident| $scenario:expr) => {{
        use crate::ops::clients::{block_on, runtime, Awaited};
        use qemu_qmp::GuestAgent;
        use std::os::unix::net::UnixStream;
        let script = $script;
        let connect = || {
            let script = script.clone();
            let (ours, theirs) = UnixStream::pair().unwrap();
            let script = support::Script::start(move || {
                let mut peer = support::Peer::unix(theirs);
                crate::ops::guest::synchronize(&mut peer);
                script(&mut peer);
                assert_eq!(peer.next_command(), None, "that was all");
            });
            (ours, script)
        };
        let connect_blocking = |ours: UnixStream| {
            qemu_qmp::blocking::Client::<GuestAgent>::connect_over(ours, &support::options()).unwrap()
        };

        let (ours, script) = connect();
        let mut agent = connect_blocking(ours);
        let $agent = Awaited(agent.lend());
        block_on($scenario);
        drop(agent);
        script.finish();

        let (ours, script) = connect();
        let agent = connect_blocking(ours).share().unwrap();
        let $agent = Awaited(agent.lend());
        block_on($scenario);
        drop(agent);
        script.finish();

        let (ours, script) = connect();
        runtime().block_on(async {
            ours.set_nonblocking(true).unwrap();
            let ours = ::tokio::net::UnixStream::from_std(ours).unwrap();
            let agent = qemu_qmp::tokio::Client::<GuestAgent>::connect_over(ours, &support::options()).await.unwrap();
            let $agent = Awaited(agent.lend());
            $scenario.await;
            agent.close().await;
        });
        script.finish();
    }};
}
use with_each_agent;
