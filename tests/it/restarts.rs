//! Guest agents that start anew while the connection stays, in all clients.

use qemu_qmp::blocking::Client;
use qemu_qmp::error::Malformed;
use qemu_qmp::qga::commands::{GuestInfo, GuestPing};
use qemu_qmp::{Error, ErrorKind, GuestAgent};
use serde_json::json;
use std::path::Path;
use support::programs::Folder;
use support::{listen_unix, options, Peer, Script, SOON};

/// The agent goes in the middle of its first reply, and so late that the call has been given up. The next agent's first line
/// goes on where that one ends.
fn restarting_agent(socket: &Path) -> Script<()> {
    listen_unix(socket, |mut peer| {
        let sync = peer.expect("guest-sync-delimited");
        peer.raw(b"\xff");
        peer.reply(&sync, sync["arguments"]["id"].clone());
        let info = peer.expect("guest-info");
        peer.raw(&Peer::reply_to(&info, json!({"version": "7.2"})).as_bytes()[..20]);
        for _ in 0..3 {
            peer.answer("guest-ping", json!({}));
        }
        peer.wait_for_end();
    })
}

/// The first call after the restart fails, at once and because of what came.
fn check(outcomes: [Result<(), Error>; 3]) {
    let kinds = outcomes.map(|outcome| outcome.err().map(|error| error.kind()));
    assert_eq!(kinds, [Some(ErrorKind::Malformed(Malformed::NotJson)), None, None]);
}

#[test]
fn blocking() {
    let folder = Folder::new();
    let script = restarting_agent(&folder.socket());
    let mut agent = Client::<GuestAgent>::connect_with(folder.socket(), &options()).unwrap();
    assert!(agent.within(SOON).execute(GuestInfo::new()).unwrap_err().is_timeout());
    check([(); 3].map(|()| agent.execute(GuestPing::new())));
    drop(agent);
    script.finish();
}

#[test]
fn shared() {
    let folder = Folder::new();
    let script = restarting_agent(&folder.socket());
    let agent = Client::<GuestAgent>::connect_with(folder.socket(), &options()).unwrap().share().unwrap();
    assert!(agent.within(SOON).execute(GuestInfo::new()).unwrap_err().is_timeout());
    check([(); 3].map(|()| agent.execute(GuestPing::new())));
    drop(agent);
    script.finish();
}

#[tokio::test]
async fn asynchronous() {
    let folder = Folder::new();
    let script = restarting_agent(&folder.socket());
    let agent = qemu_qmp::tokio::Client::<GuestAgent>::connect_with(folder.socket(), &options()).await.unwrap();
    assert!(agent.within(SOON).execute(GuestInfo::new()).await.unwrap_err().is_timeout());
    let ping = || agent.execute(GuestPing::new());
    check([ping().await, ping().await, ping().await]);
    drop(agent);
    tokio::task::spawn_blocking(|| script.finish()).await.unwrap();
}
