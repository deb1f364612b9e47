//! Power on scripted servers: every way in which a machine ends.

use super::clients::{with_each_client, LATE};
use qemu_qmp::ops::power::{MachineEnd, PowerDown, QuitOutcome, QuitServer, ResetMachine, WaitForShutdown};
use qemu_qmp::qmp::types::{GuestPanicAction, ShutdownCause};
use serde_json::{json, Value};
use std::time::Duration;
use support::{event_with as event, Peer};

fn shutdown(reason: &str) -> String {
    event("SHUTDOWN", json!({"guest": true, "reason": reason}))
}

fn reset() -> String {
    event("RESET", json!({"guest": true, "reason": "guest-reset"}))
}

fn running() -> Value {
    json!({"running": true, "status": "running"})
}

#[test]
fn a_guest_that_shuts_down() {
    let script = |mut peer: Peer| {
        peer.answer("query-status", running());
        peer.line(&event("POWERDOWN", json!({})));
        peer.line(&shutdown("guest-shutdown"));
    };
    with_each_client!(script, |vm| async move {
        let end = WaitForShutdown::new(vm).run().await.unwrap();
        assert_eq!(end, MachineEnd::ShutDown(ShutdownCause::GuestShutdown));
        // The one about the button is nobody's.
    }, leaves 1);
}

#[test]
fn a_guest_that_panics_is_reset_or_dies() {
    let script = |mut peer: Peer| {
        peer.answer("query-status", running());
        peer.line(&event("GUEST_PANICKED", json!({"action": "pause"})));
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let MachineEnd::Panicked(panic) = WaitForShutdown::new(vm).run().await.unwrap() else { panic!("it panicked") };
        assert_eq!(panic.action, GuestPanicAction::Pause);
    });
    let script = |mut peer: Peer| {
        peer.answer("query-status", running());
        peer.line(&reset());
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        let end = WaitForShutdown::new(vm).run().await.unwrap();
        assert_eq!(end, MachineEnd::Reset(ShutdownCause::GuestReset));
    });
    let script = |mut peer: Peer| {
        peer.answer("query-status", running());
        peer.line(&reset());
    };
    with_each_client!(script, |vm| async move {
        let end = WaitForShutdown::new(vm).through_resets().run().await.unwrap();
        assert_eq!((&end, end.to_string().as_str()), (&MachineEnd::Gone, "is gone without having said why"));
    }, leaves 1);
}

/// As with `-no-shutdown`, if somebody else has taken the event.
#[test]
fn a_machine_that_has_ended_already() {
    let script = |mut peer: Peer| {
        peer.answer("query-status", json!({"running": false, "status": "shutdown"}));
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        assert!(WaitForShutdown::new(vm).run().await.unwrap().is_shut_down());
    });
    let script = |_: Peer| {};
    with_each_client!(script, |vm| async move {
        assert_eq!(WaitForShutdown::new(vm).run().await.unwrap(), MachineEnd::Gone);
    });
}

/// No event is to come after half a line, which is no gap between events.
#[test]
fn a_machine_that_is_killed_in_the_middle_of_a_line() {
    let script = |mut peer: Peer| {
        peer.next_command();
        peer.raw(b"{\"event\": ");
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(WaitForShutdown::new(vm).run().await.unwrap(), MachineEnd::Gone);
    });
    with_each_client!(script, |vm| async move {
        assert_eq!(PowerDown::new(vm).run().await.unwrap(), MachineEnd::Gone);
    });
    with_each_client!(script, |vm| async move {
        assert_eq!(ResetMachine::new(vm).run().await.unwrap(), MachineEnd::Gone);
    });
}

#[test]
fn a_guest_that_ignores_the_button() {
    let script = |mut peer: Peer| {
        peer.answer("system_powerdown", json!({}));
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(PowerDown::new(vm).deadline(LATE).run().await.unwrap(), MachineEnd::TimedOut);
    });
    let script = |mut peer: Peer| {
        for _ in 0..3 {
            peer.answer("system_powerdown", json!({}));
        }
        let command = peer.expect("system_powerdown");
        peer.line(&shutdown("guest-shutdown"));
        peer.reply(&command, json!({}));
    };
    with_each_client!(script, |vm| async move {
        let end = PowerDown::new(vm).press_again_every(Duration::from_millis(1)).run().await.unwrap();
        assert_eq!(end, MachineEnd::ShutDown(ShutdownCause::GuestShutdown));
    });
    // The reply is lost on the way out.
    let script = |mut peer: Peer| {
        peer.expect("system_powerdown");
        peer.line(&shutdown("host-error"));
    };
    with_each_client!(script, |vm| async move {
        let end = PowerDown::new(vm).run().await.unwrap();
        assert_eq!(end, MachineEnd::ShutDown(ShutdownCause::HostError));
    });
}

#[test]
fn a_machine_that_is_reset() {
    let script = |mut peer: Peer| {
        let command = peer.expect("system_reset");
        peer.line(&reset());
        peer.reply(&command, json!({}));
        peer.wait_for_end();
    };
    with_each_client!(script, |vm| async move {
        assert_eq!(ResetMachine::new(vm).run().await.unwrap(), MachineEnd::Reset(ShutdownCause::GuestReset));
    });
}

#[test]
fn a_server_that_quits_with_or_without_a_reply() {
    let with = |mut peer: Peer| {
        peer.answer("quit", json!({}));
        peer.line(&shutdown("host-qmp-quit"));
    };
    let without = |mut peer: Peer| {
        peer.expect("quit");
        peer.raw(b"{\"return\"");
    };
    with_each_client!(with, |vm| async move {
        assert_eq!(QuitServer::new(vm).run().await.unwrap(), QuitOutcome::Gone);
    });
    with_each_client!(without, |vm| async move {
        assert_eq!(QuitServer::new(vm).run().await.unwrap(), QuitOutcome::Gone);
    });
    let hangs = |mut peer: Peer| {
        peer.expect("quit");
        peer.wait_for_end();
    };
    with_each_client!(hangs, |vm| async move {
        assert_eq!(QuitServer::new(vm).deadline(LATE).run().await.unwrap(), QuitOutcome::TimedOut);
    });
    let refuses = |mut peer: Peer| {
        let command = peer.expect("quit");
        peer.error(&command, "GenericError", "no");
        peer.wait_for_end();
    };
    with_each_client!(refuses, |vm| async move {
        assert!(QuitServer::new(vm).run().await.unwrap_err().is_server());
    });
}
