//! Agents that do not answer yet.

use super::fake::{Fake, Say};
use super::{answered, gone, nothing, refuse, with_each_agent};
use crate::ops::clients::block_on;
use qemu_qmp::ops::guest::WaitUntilUp;
use std::time::Duration;
use support::{Peer, PATIENCE, SOON};

#[test]
fn answers_in_the_end() {
    let script = |peer: &mut Peer| {
        peer.expect("guest-ping");
        // The answer to the next may be late as well.
        while let Some(ping) = peer.next_command() {
            assert_eq!(ping["execute"], "guest-ping");
            peer.reply(&ping, nothing());
        }
    };
    with_each_agent!(script, |agent| async move {
        WaitUntilUp::new(agent).every(SOON).deadline(PATIENCE).run().await.unwrap();
    });
}

#[test]
fn complains_before() {
    let script = |peer: &mut Peer| {
        refuse(peer, "guest-ping", "GenericError", "half a command");
        peer.expect("guest-ping");
        peer.line("garbage");
        answered(peer, "guest-ping", nothing());
    };
    with_each_agent!(script, |agent| async move {
        WaitUntilUp::new(agent).every(Duration::ZERO).run().await.unwrap();
    });
}

#[test]
fn the_connection_is_lost() {
    let script = |peer: &mut Peer| {
        peer.expect("guest-ping");
        gone(peer);
    };
    with_each_agent!(script, |agent| async move {
        assert!(WaitUntilUp::new(agent).run().await.unwrap_err().is_disconnected());
    });
}

#[test]
fn intervals_and_the_deadline() {
    let mut fake = Fake::new([Say::Silence, Say::Refuses("no"), Say::Garbles, Say::Returns(nothing())]);
    block_on(WaitUntilUp::new(&mut fake).run()).unwrap();
    assert_eq!(
        fake.calls.iter().map(|call| (call.1, call.2)).collect::<Vec<_>>(),
        [(0, 1000), (1000, 2000), (2000, 3000), (3000, 4000)]
    );
    assert_eq!(fake.sleeps, [1000, 1000]);

    let mut fake = Fake::new([Say::Silence, Say::Silence, Say::Silence]);
    let error = block_on(WaitUntilUp::new(&mut fake).deadline(Duration::from_millis(2500)).run()).unwrap_err();
    assert!(error.is_timeout() && !error.is_disconnected());
    assert!(error.to_string().starts_with("gave up after 2.5s: "), "{error}");
    assert_eq!((fake.passed(), fake.names().len()), (2500, 3));

    // What it says in the end is the error.
    let mut fake = Fake::new([Say::Refuses("never"), Say::Refuses("never"), Say::Refuses("never")]);
    let error = block_on(WaitUntilUp::new(&mut fake).deadline(Duration::from_millis(1500)).run()).unwrap_err();
    assert_eq!(error.server_error().unwrap().desc, "never");
    assert_eq!(fake.sleeps, [1000, 500]);
}
