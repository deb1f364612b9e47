//! Where a server is, and what a connection to it is called. How to get there is each client's own business.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a monitor or guest agent listens.
///
/// Made from a path (`&str`, `String`, `&Path`, `PathBuf`) or from a host and a port (`(&str, u16)`, `(String, u16)`,
/// `(IpAddr, u16)`, `SocketAddr`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A Unix socket in the file system. Where there are none, connecting fails with
    /// [`Unsupported`](std::io::ErrorKind::Unsupported).
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// IPv4 or IPv6 address, or name. Of a name with several addresses, each is tried.
        host: String,
        /// Port number.
        port: u16,
    },
}

impl From<&str> for Address {
    fn from(path: &str) -> Self {
        Address::Unix(path.into())
    }
}

impl From<String> for Address {
    fn from(path: String) -> Self {
        Address::Unix(path.into())
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Address::Unix(path.into())
    }
}

impl From<&PathBuf> for Address {
    fn from(path: &PathBuf) -> Self {
        Address::Unix(path.into())
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Address::Unix(path)
    }
}

impl From<(&str, u16)> for Address {
    fn from((host, port): (&str, u16)) -> Self {
        Address::Tcp { host: host.into(), port }
    }
}

impl From<(String, u16)> for Address {
    fn from((host, port): (String, u16)) -> Self {
        Address::Tcp { host, port }
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from((address, port): (IpAddr, u16)) -> Self {
        Address::Tcp { host: address.to_string(), port }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        // A scope, which an IPv6 address may have, is part of how the host is written.
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            other => other.ip().to_string(),
        };
        Address::Tcp { host, port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => path.display().fmt(f),
            Address::Tcp { host, port } if host.as_bytes().contains(&b':') => write!(f, "[{host}]:{port}"),
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// What a connection is called in errors and traces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    /// Where it leads to.
    pub(crate) address: Option<Arc<str>>,
    /// What the program calls it.
    pub(crate) name: Option<Arc<str>>,
    /// Tells it from all others of this process, in traces.
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "only traces tell it"))]
    pub(crate) number: u64,
}

impl Label {
    /// Name and address, as far as they are known; `None` without either.
    #[cold]
    pub(crate) fn shown(&self) -> Option<Box<str>> {
        Some(match (&self.name, &self.address) {
            (Some(name), Some(address)) => format!("{name} ({address})").into(),
            (Some(one), None) | (None, Some(one)) => (**one).into(),
            (None, None) => return None,
        })
    }
}
