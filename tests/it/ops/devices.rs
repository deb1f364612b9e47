//! Unplugging on stand-ins: guests that refuse, answer late or not at all, and other clients.

use super::clients::{with_fake, Scripted, LATE};
use qemu_qmp::fake::{filled, Exchange};
use qemu_qmp::ops::devices::{Unplug, UnplugOutcome};
use qemu_qmp::qmp::{commands::*, events::*};
use qemu_qmp::{ErrorClass, ServerError};
use serde_json::json;
use std::time::Duration;

const PENDING: &str = "Device net1 is already in the process of unplug";

fn deleted() -> DeviceDeleted {
    deleted_at(Some("net1"), "/machine/peripheral/net1")
}

fn deleted_at(device: Option<&str>, path: &str) -> DeviceDeleted {
    filled(|deleted: &mut DeviceDeleted| (deleted.device, deleted.path) = (device.map(Into::into), path.into()))
}

fn refused() -> DeviceUnplugGuestError {
    filled(|refused: &mut DeviceUnplugGuestError| {
        (refused.device, refused.path) = (Some("net1".into()), "/machine/peripheral/net1".into());
    })
}

/// The next request is taken, and more happens.
fn takes(fake: &Scripted, and: impl FnOnce(&mut Exchange<'_>) + Send + 'static) {
    fake.next(|_: DeviceDel, exchange| {
        and(exchange);
        Ok(())
    });
}

/// The next request is refused, and more happens.
fn refuses(fake: &Scripted, error: ServerError, and: impl FnOnce(&mut Exchange<'_>) + Send + 'static) {
    fake.next(|_: DeviceDel, exchange| {
        and(exchange);
        Err(error)
    });
}

fn is_pending(fake: &Scripted, and: impl FnOnce(&mut Exchange<'_>) + Send + 'static) {
    refuses(fake, ServerError::new(ErrorClass::GenericError, PENDING), and);
}

fn is_not_there(fake: &Scripted, and: impl FnOnce(&mut Exchange<'_>) + Send + 'static) {
    refuses(fake, ServerError::new(ErrorClass::DeviceNotFound, "Device 'net1' not found"), and);
}

macro_rules! unplugs {
    ($script:expr, $expected:expr) => {
        with_fake!($script, |vm| async move {
            assert_eq!(Unplug::new(vm, "net1").run().await.unwrap(), $expected);
        })
    };
}

#[test]
fn gone_before_the_reply_or_after_it() {
    unplugs!(|fake: &Scripted| takes(fake, |exchange| exchange.emit(&deleted())), UnplugOutcome::Gone);
    unplugs!(|fake: &Scripted| takes(fake, |exchange| exchange.emit_after(&deleted())), UnplugOutcome::Gone);
}

#[test]
fn refused_by_the_guest() {
    let script = |fake: &Scripted| takes(fake, |exchange| exchange.emit_after(&refused()));
    unplugs!(script, UnplugOutcome::Refused(None));
    // As QEMU 6.1 and older say it of memory.
    let old = |fake: &Scripted| {
        takes(fake, |exchange| {
            exchange.emit_json_after("MEM_UNPLUG_ERROR", &json!({"device": "net1", "msg": "busy"}));
        });
    };
    unplugs!(old, UnplugOutcome::Refused(Some("busy".to_owned())));
}

/// QEMU forgets the earlier request when it is refused, and takes ours after that: what comes before the reply is about the
/// earlier one.
#[test]
fn an_older_refusal_that_arrives_late() {
    let script = |fake: &Scripted| {
        takes(fake, |exchange| {
            exchange.emit(&refused());
            exchange.emit_after(&deleted());
        });
    };
    unplugs!(script, UnplugOutcome::Gone);
}

#[test]
fn an_earlier_attempt_is_pending() {
    let script = |fake: &Scripted| {
        // Ours has not been made yet.
        is_pending(fake, |exchange| exchange.emit_after(&refused()));
        takes(fake, |exchange| exchange.emit_after(&refused()));
    };
    unplugs!(script, UnplugOutcome::Refused(None));
    let script = |fake: &Scripted| is_pending(fake, |exchange| exchange.emit_after(&deleted()));
    unplugs!(script, UnplugOutcome::Gone);
}

/// While ours is pending, asking again changes nothing.
#[test]
fn asked_again() {
    let script = |fake: &Scripted| {
        takes(fake, |_| {});
        for _ in 0..3 {
            fake.returns::<QomList>(vec![]);
            is_pending(fake, |_| {});
        }
        fake.returns::<QomList>(vec![]);
        is_pending(fake, |exchange| exchange.emit_after(&refused()));
    };
    with_fake!(script, |vm| async move {
        let unplug = Unplug::new(&mut vm, "net1").ask_again_every(Duration::from_millis(1));
        assert_eq!(unplug.run().await.unwrap(), UnplugOutcome::Refused(None));
    });
}

#[test]
fn no_answer() {
    let script = |fake: &Scripted| {
        takes(fake, |_| {});
        fake.expects(QomList::new("/machine/peripheral/net1"), vec![]);
    };
    with_fake!(script, |vm| async move {
        let unplug = Unplug::new(&mut vm, "net1").deadline(LATE);
        let outcome = unplug.run().await.unwrap();
        assert_eq!(outcome, UnplugOutcome::NotAnswered);
        assert!(outcome.gone().unwrap_err().to_string().contains("did not answer"));
    });
}

/// Its event was lost.
#[test]
fn gone_in_silence() {
    let script = |fake: &Scripted| {
        takes(fake, |_| {});
        fake.refuses::<QomList>("DeviceNotFound", "no such device");
        fake.refuses::<NetdevDel>("GenericError", "Device 'hostnet1' is in use");
        fake.returns::<NetdevDel>(());
    };
    with_fake!(script, |vm| async move {
        let unplug = Unplug::new(&mut vm, "net1").and_netdev("hostnet1").deadline(LATE);
        assert_eq!(unplug.run().await.unwrap(), UnplugOutcome::Gone);
    });
}

#[test]
fn no_such_device_or_gone_just_now() {
    with_fake!(|fake: &Scripted| is_not_there(fake, |_| {}), |vm| async move {
        let error = Unplug::new(&mut vm, "net1").run().await.unwrap_err();
        assert_eq!(error.server_error().unwrap().class, ErrorClass::DeviceNotFound);
    });
    let script = |fake: &Scripted| is_not_there(fake, |exchange| exchange.emit(&deleted()));
    unplugs!(script, UnplugOutcome::Gone);
}

/// What is about others stays where it is.
#[test]
fn events_of_others() {
    let script = |fake: &Scripted| {
        takes(fake, |exchange| {
            exchange.emit_after(&deleted_at(None, "/machine/peripheral/net1/virtio-backend"));
            exchange.emit_after(&deleted_at(Some("net10"), "/machine/peripheral/net10"));
            exchange.emit_after(&deleted());
        });
    };
    with_fake!(script, |vm| async move {
        assert_eq!(Unplug::new(&mut vm, "net1").run().await.unwrap(), UnplugOutcome::Gone);
    }, leaves 2);
}
