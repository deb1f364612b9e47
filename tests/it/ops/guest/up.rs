//! Agents that do not answer yet.

use super::clock::{garbles, refuses, Clocked, Return, Silence};
use super::Agent;
use crate::ops::clients::{block_on, with_fake};
use qemu_qmp::fake::Fault;
use qemu_qmp::ops::guest::WaitUntilUp;
use qemu_qmp::qga::commands::GuestPing;
use serde_json::json;
use std::time::Duration;
use support::{PATIENCE, SOON};

#[test]
fn answers_in_the_end() {
    let script = |fake: &Agent| {
        fake.fault::<GuestPing>(Fault::Silence);
    };
    with_fake!(agent: script, |agent| async move {
        WaitUntilUp::new(agent).every(SOON).deadline(PATIENCE).run().await.unwrap();
    });
}

#[test]
fn complains_before() {
    let script = |fake: &Agent| {
        fake.refuses::<GuestPing>("GenericError", "half a command");
        fake.spoils::<GuestPing>(garbles());
        fake.returns::<GuestPing>(());
    };
    with_fake!(agent: script, |agent| async move {
        WaitUntilUp::new(agent).every(Duration::from_secs(1)).run().await.unwrap();
    });
}

#[test]
fn the_connection_is_lost() {
    let script = |fake: &Agent| {
        fake.spoils::<GuestPing>(Fault::DisconnectBefore);
    };
    with_fake!(agent: script, |agent| async move {
        assert!(WaitUntilUp::new(agent).run().await.unwrap_err().is_disconnected());
    });
}

#[test]
fn intervals_and_the_deadline() {
    let mut agent = Clocked::new([Silence, refuses("no"), garbles(), Return(json!({}))]);
    block_on(WaitUntilUp::new(&mut agent).run()).unwrap();
    assert_eq!(
        agent.calls.iter().map(|call| (call.1, call.2)).collect::<Vec<_>>(),
        [(0, 1000), (1000, 2000), (2000, 3000), (3000, 4000)]
    );
    assert_eq!(agent.sleeps, [1000, 1000]);

    let mut agent = Clocked::new([Silence, Silence, Silence]);
    let error = block_on(WaitUntilUp::new(&mut agent).deadline(Duration::from_millis(2500)).run()).unwrap_err();
    assert!(error.is_timeout() && !error.is_disconnected());
    assert!(error.to_string().starts_with("gave up after 2.5s: "), "{error}");
    assert_eq!((agent.passed(), agent.names().len()), (2500, 3));

    // What it says in the end is the error.
    let mut agent = Clocked::new([refuses("never"), refuses("never"), refuses("never")]);
    let error = block_on(WaitUntilUp::new(&mut agent).deadline(Duration::from_millis(1500)).run()).unwrap_err();
    assert_eq!(error.server_error().unwrap().desc, "never");
    assert_eq!(agent.sleeps, [1000, 500]);
}
