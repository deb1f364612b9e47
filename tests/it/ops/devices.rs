//! Unplugging on scripted servers: guests that refuse, answer late or not at all, and other clients.

use super::clients::{with_each_client, LATE};
use qemu_qmp::ops::devices::{Unplug, UnplugOutcome};
use qemu_qmp::qmp::commands::QueryStatus;
use qemu_qmp::ErrorClass;
use serde_json::json;
use std::time::Duration;
use support::{event_with as event, Peer};

const PENDING: &str = "Device net1 is already in the process of unplug";

fn deleted() -> String {
    event("DEVICE_DELETED", json!({"device": "net1", "path": "/machine/peripheral/net1"}))
}

fn refused() -> String {
    event("DEVICE_UNPLUG_GUEST_ERROR", json!({"device": "net1", "path": "/machine/peripheral/net1"}))
}

/// Events that are about something else.
fn others(peer: &mut Peer) {
    peer.line(&event("DEVICE_DELETED", json!({"path": "/machine/peripheral/net1/virtio-backend"})));
    peer.line(&event("DEVICE_DELETED", json!({"device": "net10", "path": "/machine/peripheral/net10"})));
}

fn pending(peer: &mut Peer) {
    let command = peer.expect("device_del");
    peer.error(&command, "GenericError", PENDING);
}

macro_rules! unplugs {
    ($script:expr, $expected:expr) => {
        with_each_client!($script, |vm| async move {
            assert_eq!(Unplug::new(vm, "net1").run().await.unwrap(), $expected);
        })
    };
}

#[test]
fn gone_before_the_reply_or_after_it() {
    let before = |mut peer: Peer| {
        let command = peer.expect("device_del");
        peer.line(&deleted());
        peer.reply(&command, json!({}));
        peer.wait_for_end();
    };
    unplugs!(before, UnplugOutcome::Gone);
    let after = |mut peer: Peer| {
        peer.answer("device_del", json!({}));
        peer.line(&deleted());
        peer.wait_for_end();
    };
    unplugs!(after, UnplugOutcome::Gone);
}

#[test]
fn refused_by_the_guest() {
    let script = |mut peer: Peer| {
        peer.answer("device_del", json!({}));
        peer.line(&refused());
        peer.wait_for_end();
    };
    unplugs!(script, UnplugOutcome::Refused(None));
    // As QEMU 6.1 and older say it of memory.
    let old = |mut peer: Peer| {
        peer.answer("device_del", json!({}));
        peer.line(&event("MEM_UNPLUG_ERROR", json!({"device": "net1", "msg": "busy"})));
        peer.wait_for_end();
    };
    unplugs!(old, UnplugOutcome::Refused(Some("busy".to_owned())));
}

/// QEMU forgets the earlier request when it is refused, and takes ours after that: what comes before the reply is about the
/// earlier one.
#[test]
fn an_older_refusal_that_arrives_late() {
    let script = |mut peer: Peer| {
        let command = peer.expect("device_del");
        peer.line(&refused());
        peer.reply(&command, json!({}));
        peer.line(&deleted());
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(Unplug::new(&mut vm, "net1").run().await.unwrap(), UnplugOutcome::Gone);
    });
}

#[test]
fn an_earlier_attempt_is_pending() {
    let script = |mut peer: Peer| {
        pending(&mut peer);
        peer.line(&refused());
        // Ours has not been made yet.
        peer.answer("device_del", json!({}));
        peer.line(&refused());
        peer.wait_for_end();
    };
    unplugs!(script, UnplugOutcome::Refused(None));
    let script = |mut peer: Peer| {
        pending(&mut peer);
        peer.line(&deleted());
        peer.wait_for_end();
    };
    unplugs!(script, UnplugOutcome::Gone);
}

/// While ours is pending, asking again changes nothing.
#[test]
fn asked_again() {
    let script = |mut peer: Peer| {
        peer.answer("device_del", json!({}));
        for _ in 0..3 {
            peer.answer("qom-list", json!([]));
            pending(&mut peer);
        }
        peer.answer("qom-list", json!([]));
        let command = peer.expect("device_del");
        peer.error(&command, "GenericError", PENDING);
        peer.line(&refused());
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let unplug = Unplug::new(&mut vm, "net1").ask_again_every(Duration::from_millis(1));
        assert_eq!(unplug.run().await.unwrap(), UnplugOutcome::Refused(None));
    });
}

#[test]
fn no_answer() {
    let script = |mut peer: Peer| {
        peer.answer("device_del", json!({}));
        let question = peer.answer("qom-list", json!([]));
        assert_eq!(question["arguments"]["path"], "/machine/peripheral/net1");
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let unplug = Unplug::new(&mut vm, "net1").deadline(LATE);
        let outcome = unplug.run().await.unwrap();
        assert_eq!(outcome, UnplugOutcome::NotAnswered);
        assert!(outcome.gone().unwrap_err().to_string().contains("did not answer"));
    });
}

/// Its event was lost.
#[test]
fn gone_in_silence() {
    let script = |mut peer: Peer| {
        peer.answer("device_del", json!({}));
        let question = peer.expect("qom-list");
        peer.error(&question, "DeviceNotFound", "no such device");
        let command = peer.expect("netdev_del");
        peer.error(&command, "GenericError", "Device 'hostnet1' is in use");
        peer.answer("netdev_del", json!({}));
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let unplug = Unplug::new(&mut vm, "net1").and_netdev("hostnet1").deadline(LATE);
        assert_eq!(unplug.run().await.unwrap(), UnplugOutcome::Gone);
    });
}

#[test]
fn no_such_device_or_gone_just_now() {
    let script = |mut peer: Peer| {
        let command = peer.expect("device_del");
        peer.error(&command, "DeviceNotFound", "Device 'net1' not found");
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let error = Unplug::new(&mut vm, "net1").run().await.unwrap_err();
        assert_eq!(error.server_error().unwrap().class, ErrorClass::DeviceNotFound);
    });
    let script = |mut peer: Peer| {
        let command = peer.expect("device_del");
        peer.line(&deleted());
        peer.error(&command, "DeviceNotFound", "Device 'net1' not found");
        peer.wait_for_end();
    };
    unplugs!(script, UnplugOutcome::Gone);
}

/// What is about others stays where it is.
#[test]
fn events_of_others() {
    let script = |mut peer: Peer| {
        peer.answer("device_del", json!({}));
        others(&mut peer);
        peer.line(&deleted());
        peer.answer("query-status", json!({"running": true, "status": "running"}));
        peer.wait_for_end();
    };
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let script = support::Script::start(move || {
        let mut peer = Peer::unix(theirs);
        peer.negotiate();
        script(peer)
    });
    let mut vm = qemu_qmp::Client::connect_over(ours, &support::options()).unwrap();
    assert_eq!(vm.unplug("net1").run().unwrap(), UnplugOutcome::Gone);
    vm.execute(QueryStatus::new()).unwrap();
    assert_eq!(vm.take_events().unwrap().len(), 2);
    drop(vm);
    script.finish();
}
