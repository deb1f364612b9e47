//! What would break with the next schema: struct literals, and matches that foresee nothing new.

use qemu_qmp::qmp::{events::AnyEvent, types::*};

fn main() {
    let _ = StatusInfo { running: true, status: RunState::Running }; //~ E0639 non-exhaustive
}

fn name(status: RunState) -> &'static str {
    match status { //~ E0004 non-exhaustive patterns
        RunState::Running => "running",
        RunState::Paused => "paused",
        RunState::Unrecognized(_) => "new",
    }
}

fn reason(event: AnyEvent) -> String {
    match event { //~ E0004 non-exhaustive patterns
        AnyEvent::Shutdown(shutdown) => shutdown.reason.to_string(),
        AnyEvent::Unrecognized(other) => other.name.into(),
    }
}
