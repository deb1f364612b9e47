//! Commands whose success is not answered, in all clients: silence is success, a refusal is an error, and an agent that goes has
//! done what it was told.

use qemu_qmp::blocking::Client;
use qemu_qmp::qga::commands::{GuestPing, GuestShutdown};
use qemu_qmp::{ConnectOptions, Error, ErrorKind, GuestAgent};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use support::programs::Folder;
use support::{listen_unix, options, Script, PATIENCE, SOON};

fn agent(socket: &Path) -> Script<()> {
    listen_unix(socket, |mut peer| {
        let sync = peer.expect("guest-sync-delimited");
        peer.raw(b"\xff");
        peer.reply(&sync, sync["arguments"]["id"].clone());
        // Silence.
        peer.expect("guest-shutdown");
        peer.answer("guest-ping", json!({}));
        let refused = peer.expect("guest-shutdown");
        std::thread::sleep(SOON);
        peer.error(&refused, "GenericError", "no");
        peer.answer("guest-ping", json!({}));
        peer.expect("guest-shutdown");
    })
}

fn patient() -> ConnectOptions {
    options().refusal_timeout(PATIENCE)
}

fn check(refused: Result<(), Error>) {
    let error = refused.unwrap_err();
    assert_eq!((error.kind(), &*error.server_error().unwrap().desc), (ErrorKind::Server, "no"));
}

/// What each client sees. A deadline ends the wait as well, but not before the command is written.
macro_rules! conversation {
    ($agent:ident, $deadline:expr $(, $await:tt)?) => {
        $agent.within($deadline).execute(GuestShutdown::new())$(.$await)?.unwrap();
        $agent.execute(GuestPing::new())$(.$await)?.unwrap();
        check($agent.execute(GuestShutdown::new())$(.$await)?);
        $agent.execute(GuestPing::new())$(.$await)?.unwrap();
        $agent.execute(GuestShutdown::new())$(.$await)?.unwrap();
        assert!($agent.execute(GuestPing::new())$(.$await)?.unwrap_err().is_closed());
    };
}

#[test]
fn blocking() {
    let folder = Folder::new();
    let script = agent(&folder.socket());
    let mut agent = Client::<GuestAgent>::connect_with(folder.socket(), &patient()).unwrap();
    conversation!(agent, Duration::ZERO);
    script.finish();
}

#[test]
fn shared() {
    let folder = Folder::new();
    let script = agent(&folder.socket());
    let agent = Client::<GuestAgent>::connect_with(folder.socket(), &patient()).unwrap().share().unwrap();
    conversation!(agent, Duration::ZERO);
    script.finish();
}

#[tokio::test]
async fn asynchronous() {
    let folder = Folder::new();
    let script = agent(&folder.socket());
    let agent = qemu_qmp::tokio::Client::<GuestAgent>::connect_with(folder.socket(), &patient()).await.unwrap();
    conversation!(agent, SOON, await);
    tokio::task::spawn_blocking(|| script.finish()).await.unwrap();
}
