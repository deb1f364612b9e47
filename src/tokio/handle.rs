//! The state that all clones of a client share. The driver and event streams hold [`Shared`], but not this.

use super::shared::{Order, Shared};
use crate::message::Greeting;
use std::sync::Arc;

/// The connection is closed when this is dropped.
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    /// The monitor's greeting.
    pub(super) greeting: Option<Greeting>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.order(Order::Drop);
    }
}
