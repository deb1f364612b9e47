//! Where a migration goes to, or comes from.

use crate::qmp::commands::{Migrate, MigrateIncoming};
use crate::qmp::types::MigrationChannel;
use std::fmt;

/// The other side of a migration: what it goes to, or comes from.
#[derive(Clone)]
pub struct MigrationTarget(Kind);

#[derive(Clone)]
enum Kind {
    Uri(String),
    Channels(Vec<MigrationChannel>),
}

impl MigrationTarget {
    /// A Unix socket. The receiving side makes it.
    #[inline]
    pub fn unix(path: impl fmt::Display) -> Self {
        Self::uri(format!("unix:{path}"))
    }

    /// A TCP port; the receiving side listens on all addresses if the host is empty. An IPv6 address goes without brackets.
    #[inline]
    pub fn tcp(host: &str, port: u16) -> Self {
        match host.contains(':') {
            true => Self::uri(format!("tcp:[{host}]:{port}")),
            false => Self::uri(format!("tcp:{host}:{port}")),
        }
    }

    /// The standard input, or output, of a command that QEMU has a shell run.
    #[inline]
    pub fn exec(command: impl fmt::Display) -> Self {
        Self::uri(format!("exec:{command}"))
    }

    /// A file. Since QEMU 8.2.
    #[inline]
    pub fn file(path: impl fmt::Display) -> Self {
        Self::uri(format!("file:{path}"))
    }

    /// A socket or a pipe whose file descriptor QEMU was given with [`getfd`](crate::qmp::commands::Getfd) under this name: `with_fds` of a
    /// client passes one.
    #[inline]
    pub fn fd(name: impl fmt::Display) -> Self {
        Self::uri(format!("fd:{name}"))
    }

    /// Any other URI of QEMU's.
    pub fn uri(uri: impl Into<String>) -> Self {
        MigrationTarget(Kind::Uri(uri.into()))
    }

    /// Channels, one for each purpose. Since QEMU 8.2.
    pub fn channels(channels: impl IntoIterator<Item = MigrationChannel>) -> Self {
        MigrationTarget(Kind::Channels(channels.into_iter().collect()))
    }

    #[inline]
    pub(super) fn outgoing(&self, resume: bool) -> Migrate {
        let command = match &self.0 {
            Kind::Uri(uri) => Migrate::new().uri(uri.clone()),
            Kind::Channels(channels) => Migrate::new().channels(channels.clone()),
        };
        if resume {
            command.resume(true)
        } else {
            command
        }
    }

    #[inline]
    pub(super) fn incoming(&self) -> MigrateIncoming {
        match &self.0 {
            Kind::Uri(uri) => MigrateIncoming::new().uri(uri.clone()),
            Kind::Channels(channels) => MigrateIncoming::new().channels(channels.clone()),
        }
    }
}

impl fmt::Debug for MigrationTarget {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Uri(uri) => f.debug_tuple("MigrationTarget").field(uri).finish(),
            Kind::Channels(channels) => f.debug_tuple("MigrationTarget").field(channels).finish(),
        }
    }
}
