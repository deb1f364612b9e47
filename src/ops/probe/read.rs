//! Reading the schema of a QEMU that runs.

use super::schema::Schema;
use crate::api::MonitorPeer;
use crate::error::Result;
use crate::ops::steps::after;
use crate::qmp::commands::QueryQmpSchema;
use crate::timeout::Timeout;
use crate::verbs::{Connection, Mode, Running};
use std::future::Future;
use std::time::Duration;

/// A schema that is to be read. Made by a client's `schema`.
#[derive(Debug)]
#[must_use = "a schema is not read until this is run"]
pub struct ReadSchema<K> {
    connection: K,
    timeout: Option<Duration>,
}

impl<K: Connection<Peer: MonitorPeer>> ReadSchema<K> {
    pub(crate) fn new(connection: K) -> Self {
        ReadSchema { connection, timeout: None }
    }

    /// Gives up after so long.
    pub fn deadline(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Reads the schema: one command, and a reply of up to 300 kB.
    ///
    /// # Errors
    ///
    /// Those of [every operation](crate::Client#errors).
    pub fn run(mut self) -> Running<K, impl Future<Output = Result<Schema>> + use<K>> {
        K::Mode::run(async move {
            let deadline = after(&self.connection, self.timeout);
            let answer = self.connection.execute(QueryQmpSchema::new(), deadline).await?;
            Ok(answer.reply.into_iter().collect())
        })
    }
}
