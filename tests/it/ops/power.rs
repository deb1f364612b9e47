//! Power on stand-ins: every way in which a machine ends.

use super::clients::{with_each_client, with_fake, Scripted, LATE};
use qemu_qmp::fake::{filled, Fault};
use qemu_qmp::ops::power::{MachineEnd, PowerDown, QuitOutcome, QuitServer, ResetMachine, WaitForShutdown};
use qemu_qmp::qmp::{commands::*, events::*, types::*};
use qemu_qmp::Event;
use std::time::Duration;
use support::Peer;

fn shutdown(reason: ShutdownCause) -> Shutdown {
    filled(|shutdown: &mut Shutdown| (shutdown.guest, shutdown.reason) = (true, reason))
}

fn reset() -> Reset {
    filled(|reset: &mut Reset| (reset.guest, reset.reason) = (true, ShutdownCause::GuestReset))
}

fn status(status: RunState) -> StatusInfo {
    filled(|info: &mut StatusInfo| (info.running, info.status) = (status == RunState::Running, status))
}

/// The machine runs, and then there is this event.
fn runs_until(fake: &Scripted, event: impl Event + Send + 'static) {
    fake.next(move |_: QueryStatus, exchange| {
        exchange.emit_after(&event);
        Ok(status(RunState::Running))
    });
}

#[test]
fn a_guest_that_shuts_down() {
    let script = |fake: &Scripted| {
        fake.next(|_: QueryStatus, exchange| {
            exchange.emit_after(&Powerdown::blank());
            exchange.emit_after(&shutdown(ShutdownCause::GuestShutdown));
            Ok(status(RunState::Running))
        });
    };
    with_fake!(script, |vm| async move {
        let end = WaitForShutdown::new(vm).run().await.unwrap();
        assert_eq!(end, MachineEnd::ShutDown(ShutdownCause::GuestShutdown));
        // The one about the button is nobody's.
    }, leaves 1);
}

#[test]
fn a_guest_that_panics_is_reset_or_dies() {
    let panics = |fake: &Scripted| {
        runs_until(fake, filled(|panicked: &mut GuestPanicked| panicked.action = GuestPanicAction::Pause));
    };
    with_fake!(panics, |vm| async move {
        let MachineEnd::Panicked(panic) = WaitForShutdown::new(vm).run().await.unwrap() else { panic!("it panicked") };
        assert_eq!(panic.action, GuestPanicAction::Pause);
    });
    with_fake!(|fake: &Scripted| runs_until(fake, reset()), |vm| async move {
        let end = WaitForShutdown::new(vm).run().await.unwrap();
        assert_eq!(end, MachineEnd::Reset(ShutdownCause::GuestReset));
    });
    let dies = |fake: &Scripted| {
        fake.next(|_: QueryStatus, exchange| {
            exchange.emit_after(&reset());
            exchange.fault(Fault::DisconnectAfter);
            Ok(status(RunState::Running))
        });
    };
    with_fake!(dies, |vm| async move {
        let end = WaitForShutdown::new(vm).through_resets().run().await.unwrap();
        assert_eq!((&end, end.to_string().as_str()), (&MachineEnd::Gone, "is gone without having said why"));
    }, leaves 1);
}

/// As with `-no-shutdown`, if somebody else has taken the event.
#[test]
fn a_machine_that_has_ended_already() {
    let script = |fake: &Scripted| fake.returns::<QueryStatus>(status(RunState::Shutdown));
    with_fake!(script, |vm| async move {
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
    with_fake!(|fake: &Scripted| fake.returns::<SystemPowerdown>(()), |vm| async move {
        assert_eq!(PowerDown::new(vm).deadline(LATE).run().await.unwrap(), MachineEnd::TimedOut);
    });
    let at_last = |fake: &Scripted| {
        for _ in 0..3 {
            fake.returns::<SystemPowerdown>(());
        }
        fake.next(|_: SystemPowerdown, exchange| {
            exchange.emit(&shutdown(ShutdownCause::GuestShutdown));
            Ok(())
        });
    };
    with_fake!(at_last, |vm| async move {
        let end = PowerDown::new(vm).press_again_every(Duration::from_millis(1)).run().await.unwrap();
        assert_eq!(end, MachineEnd::ShutDown(ShutdownCause::GuestShutdown));
    });
    // The reply is lost on the way out.
    let unanswered = |fake: &Scripted| {
        fake.next(|_: SystemPowerdown, exchange| {
            exchange.emit(&shutdown(ShutdownCause::HostError));
            exchange.fault(Fault::DisconnectBefore);
            Ok(())
        });
    };
    with_fake!(unanswered, |vm| async move {
        let end = PowerDown::new(vm).run().await.unwrap();
        assert_eq!(end, MachineEnd::ShutDown(ShutdownCause::HostError));
    });
}

#[test]
fn a_machine_that_is_reset() {
    let script = |fake: &Scripted| {
        fake.next(|_: SystemReset, exchange| {
            exchange.emit(&reset());
            Ok(())
        });
    };
    with_fake!(script, |vm| async move {
        assert_eq!(ResetMachine::new(vm).run().await.unwrap(), MachineEnd::Reset(ShutdownCause::GuestReset));
    });
}

#[test]
fn a_server_that_quits_with_or_without_a_reply() {
    let with = |fake: &Scripted| {
        fake.next(|_: Quit, exchange| {
            exchange.emit_after(&shutdown(ShutdownCause::HostQmpQuit));
            exchange.fault(Fault::DisconnectAfter);
            Ok(())
        });
    };
    with_fake!(with, |vm| async move {
        assert_eq!(QuitServer::new(vm).run().await.unwrap(), QuitOutcome::Gone);
    });
    with_fake!(|fake: &Scripted| fake.spoils::<Quit>(Fault::DisconnectWithin), |vm| async move {
        assert_eq!(QuitServer::new(vm).run().await.unwrap(), QuitOutcome::Gone);
    });
    with_fake!(|fake: &Scripted| fake.spoils::<Quit>(Fault::Silence), |vm| async move {
        assert_eq!(QuitServer::new(vm).deadline(LATE).run().await.unwrap(), QuitOutcome::TimedOut);
    });
    with_fake!(|fake: &Scripted| fake.refuses::<Quit>("GenericError", "no"), |vm| async move {
        assert!(QuitServer::new(vm).run().await.unwrap_err().is_server());
    });
}
