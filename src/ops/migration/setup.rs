//! Settings that both sides make before they begin.

use crate::api::Monitor;
use crate::error::Result;
use crate::qmp::commands::{MigrateSetCapabilities, MigrateSetParameters};
use crate::qmp::types::{MigrationCapability, MigrationCapabilityStatus};
use crate::verbs::Connection;
use std::time::Instant;

/// Capabilities and parameters that the user wants.
#[derive(Default)]
pub(super) struct Setup {
    pub(super) capabilities: Vec<MigrationCapabilityStatus>,
    pub(super) parameters: Option<MigrateSetParameters>,
}

impl Setup {
    /// Sets them, and has events come.
    pub(super) async fn apply<K: Connection<Peer = Monitor>>(
        self,
        vm: &mut K,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let mut capabilities = vec![MigrationCapabilityStatus::new(MigrationCapability::Events, true)];
        capabilities.extend(self.capabilities);
        vm.execute(MigrateSetCapabilities::new(capabilities), deadline).await?;
        match self.parameters {
            Some(parameters) => vm.execute(parameters, deadline).await.map(drop),
            None => Ok(()),
        }
    }
}
