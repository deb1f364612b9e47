//! Locks, and waiting for a change of what is under them.
//!
//! The model checker's types replace the standard library's where all interleavings of a shared client's threads are tried.

use super::transport::Wait;
#[cfg(all(test, qemu_qmp_loom))]
pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
use std::sync::PoisonError;
#[cfg(not(all(test, qemu_qmp_loom)))]
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};

/// Locks. What panics while it holds a lock of this crate leaves a state behind that is as good as any.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a change, or until the time is over.
#[cfg(not(all(test, qemu_qmp_loom)))]
pub(super) fn wait_for_change<'a, T>(changed: &Condvar, state: MutexGuard<'a, T>, wait: Wait) -> MutexGuard<'a, T> {
    match wait.remaining() {
        None => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        Some(left) => changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
    }
}

/// Waits for a change, or not at all: the model checker has no clock.
#[cfg(all(test, qemu_qmp_loom))]
pub(super) fn wait_for_change<'a, T>(changed: &Condvar, state: MutexGuard<'a, T>, wait: Wait) -> MutexGuard<'a, T> {
    match wait {
        Wait::Forever => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        _ => state,
    }
}
