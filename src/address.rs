//! Where a server is. How to get there is each client's own business.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The address that a monitor or guest agent listens at.
///
/// Made from a path (`&str`, `String`, `&String`, `&Path`, `PathBuf`) or from a host and a port (`(&str, u16)`,
/// `(String, u16)`, `(IpAddr, u16)`, `SocketAddr`).
///
/// Text that people type is [parsed](Self::from_str), and the text shown is parsed to the same address:
///
/// ```
/// use qemu_qmp::Address;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!("localhost:4444".parse::<Address>()?, Address::from(("localhost", 4444)));
/// assert_eq!("[::1]:4444".parse::<Address>()?, Address::from(("::1", 4444)));
/// assert_eq!("/run/vm.qmp".parse::<Address>()?, Address::from("/run/vm.qmp"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A Unix socket in the file system. Where there are none, connecting fails with
    /// [`Unsupported`](std::io::ErrorKind::Unsupported).
    Unix(PathBuf),
    /// A Unix socket with a name that is no file, as QEMU makes with `abstract=on`. Only Linux has them; elsewhere connecting
    /// fails with [`Unsupported`](std::io::ErrorKind::Unsupported).
    Abstract(String),
    /// A TCP port.
    Tcp {
        /// IPv4 or IPv6 address, or name. Of a name with several addresses, each is tried.
        host: String,
        /// Port number.
        port: u16,
    },
}

impl Address {
    /// Guesses the address that was meant, if this is a path that looks like another address.
    pub(crate) fn mistaken(&self) -> Option<Address> {
        let Address::Unix(path) = self else { return None };
        path.to_str()?.parse().ok().filter(|meant| meant != self)
    }
}

/// Parses what people type:
///
/// - `HOST:PORT`, `[IPV6]:PORT`, `tcp:HOST:PORT`: a TCP port.
/// - `@NAME`: an abstract Unix socket.
/// - `unix:PATH`, whatever is in the path; anything with a slash; and a name without a colon: a Unix socket.
///
/// # Errors
///
/// [`ParseAddressError`] for any other text, such as a host without a port.
impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        let refused = |reason| ParseAddressError { text: text.into(), reason };
        if let Some(path) = text.strip_prefix("unix:") {
            return not_empty(path, "the path is missing").map(|path| Address::Unix(path.into())).map_err(refused);
        }
        if let Some(tcp) = text.strip_prefix("tcp:") {
            return parse_tcp(tcp).map_err(refused);
        }
        if let Some(name) = text.strip_prefix('@') {
            let name = not_empty(name, "the name is missing").map_err(refused)?;
            return Ok(Address::Abstract(name.into()));
        }
        if text.contains('/') || !text.contains(':') {
            return not_empty(text, "it is empty").map(|path| Address::Unix(path.into())).map_err(refused);
        }
        parse_tcp(text).map_err(refused)
    }
}

fn parse_tcp(text: &str) -> Result<Address, &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
    let port = port.parse().map_err(|_| "what follows the last colon is no port")?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inside) if is_ipv6(inside) => inside,
        Some(_) => return Err("what is in brackets is no IPv6 address"),
        None if host.contains(':') => return Err("an IPv6 address has to be in brackets"),
        None => not_empty(host, "the host is missing")?,
    };
    Ok(Address::Tcp { host: host.into(), port })
}

/// A scope may follow the address.
fn is_ipv6(text: &str) -> bool {
    text.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn not_empty<'t>(text: &'t str, or: &'static str) -> Result<&'t str, &'static str> {
    if text.is_empty() {
        return Err(or);
    }
    Ok(text)
}

/// A text that is no [`Address`]. `{}` shows the text, why it is none, and what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no address: {reason}; an address is HOST:PORT, [IPV6]:PORT, a path, unix:PATH, tcp:HOST:PORT or @NAME"
)]
pub struct ParseAddressError {
    text: Box<str>,
    reason: &'static str,
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

impl From<&String> for Address {
    fn from(path: &String) -> Self {
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

impl From<(&String, u16)> for Address {
    fn from((host, port): (&String, u16)) -> Self {
        Address::Tcp { host: host.into(), port }
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

impl From<&Address> for Address {
    fn from(address: &Address) -> Self {
        address.clone()
    }
}

/// Shows what is [parsed](Address::from_str) to the same address, as far as a path is UTF-8: in the shortest form that is.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, bare) = match self {
            Address::Unix(path) => ("unix:", path.display().to_string()),
            Address::Abstract(name) => ("", format!("@{name}")),
            Address::Tcp { host, port } if host.contains(':') => ("tcp:", format!("[{host}]:{port}")),
            Address::Tcp { host, port } => ("tcp:", format!("{host}:{port}")),
        };
        let is_clear = match self {
            // What is no UTF-8 is shown as well as it can be.
            Address::Unix(path) => path.to_str().is_none() || bare.parse().as_ref() == Ok(self),
            _ => bare.parse().as_ref() == Ok(self),
        };
        write!(f, "{}{bare}", if is_clear { "" } else { prefix })
    }
}

/// Makes sure that a path can be that of a socket.
///
/// # Errors
///
/// [`InvalidInput`](std::io::ErrorKind::InvalidInput) if it has a NUL, which would end it or make a name that has no file, or if
/// it is longer than a socket's address can hold.
#[cfg(unix)]
pub(crate) fn check_path(path: &Path) -> std::io::Result<()> {
    let Err(error) = std::os::unix::net::SocketAddr::from_pathname(path) else { return Ok(()) };
    let advice = match cfg!(any(target_os = "linux", target_os = "android")) {
        true => ": take a relative path, or one through /proc/self/fd",
        false => ": take a relative path",
    };
    Err(too_long("path", path.as_os_str().len(), advice).unwrap_or(error))
}

/// The error of a path or name with so many bytes, if it is too long for a socket.
#[cfg(unix)]
fn too_long(what: &str, len: usize, advice: &str) -> Option<std::io::Error> {
    // Each system has its own limit, and only says whether something is over it.
    let fits = |len: &usize| std::os::unix::net::SocketAddr::from_pathname("x".repeat(*len)).is_ok();
    let limit = (1..len).take_while(fits).last().unwrap_or_default();
    let text = || format!("the {what} has {len} bytes, and that of a socket {limit} at most{advice}");
    (!fits(&len)).then(|| std::io::Error::new(std::io::ErrorKind::InvalidInput, text()))
}

/// The address of an abstract socket.
///
/// # Errors
///
/// [`Unsupported`](std::io::ErrorKind::Unsupported) where there are none; [`InvalidInput`](std::io::ErrorKind::InvalidInput) if
/// the name is longer than a socket's address can hold.
#[cfg(unix)]
pub(crate) fn abstract_socket(name: &str) -> std::io::Result<std::os::unix::net::SocketAddr> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return std::os::unix::net::SocketAddr::from_abstract_name(name)
        .map_err(|error| too_long("name", name.len(), "").unwrap_or(error));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = name;
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::from((host, port))
    }

    #[test]
    fn what_people_type() {
        let unix = |path: &str| Address::Unix(path.into());
        let cases = [
            ("localhost:4444", tcp("localhost", 4444)),
            ("127.0.0.1:0", tcp("127.0.0.1", 0)),
            ("[::1]:4444", tcp("::1", 4444)),
            ("[fe80::1%eth0]:4444", tcp("fe80::1%eth0", 4444)),
            ("tcp:vm.example:4444", tcp("vm.example", 4444)),
            ("tcp:[::1]:4444", tcp("::1", 4444)),
            ("/run/vm.qmp", unix("/run/vm.qmp")),
            ("/run/vm:4444", unix("/run/vm:4444")),
            ("./vm:4444", unix("./vm:4444")),
            ("vm.qmp", unix("vm.qmp")),
            ("unix:vm:4444", unix("vm:4444")),
            ("unix:@vm", unix("@vm")),
            ("unix:unix:vm", unix("unix:vm")),
            ("@vm", Address::Abstract("vm".into())),
            ("@vm:4444", Address::Abstract("vm:4444".into())),
        ];
        for (text, address) in cases {
            assert_eq!(text.parse(), Ok(address), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        let cases = [
            ("", "it is empty"),
            ("unix:", "the path is missing"),
            ("tcp:localhost", "the port is missing"),
            ("@", "the name is missing"),
            (":4444", "the host is missing"),
            ("localhost:", "no port"),
            ("localhost:qmp", "no port"),
            ("localhost:65536", "no port"),
            ("::1:4444", "has to be in brackets"),
            ("[localhost]:4444", "no IPv6 address"),
            ("[::1]", "no port"),
        ];
        for (text, reason) in cases {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no address: ")) && error.contains(reason), "{error}");
            assert!(error.contains("HOST:PORT, [IPV6]:PORT, a path"), "{error}");
        }
    }

    #[test]
    fn what_is_shown_is_parsed_to_the_same() {
        let paths = ["/run/vm.qmp", "vm", "vm:1", "@vm", "unix:vm", "tcp:a:1", "/a:1", "[::1]:1", "a\u{e9}b"];
        let unix = paths.iter().map(|path| Address::Unix(path.into()));
        let tcp = ["localhost", "::1", "fe80::1%2", "unix", "tcp", "@vm", "a/b", "127.0.0.1"].map(|host| tcp(host, 1));
        for address in unix.chain(tcp).chain([Address::Abstract("vm/1:2".into())]) {
            let shown = address.to_string();
            assert_eq!(shown.parse(), Ok(address), "{shown}");
        }
        assert_eq!(Address::from("/run/vm.qmp").to_string(), "/run/vm.qmp");
        assert_eq!(Address::from("vm:1").to_string(), "unix:vm:1");
    }

    #[test]
    fn paths_that_look_like_something_else() {
        let meant = |path: &str| Address::from(path).mistaken();
        assert_eq!(meant("127.0.0.1:4444"), Some(tcp("127.0.0.1", 4444)));
        assert_eq!(meant("unix:/run/vm.qmp"), Some(Address::from("/run/vm.qmp")));
        for path in ["/run/vm.qmp", "/run/vm:1", "vm", "vm:qmp", ""] {
            assert_eq!(meant(path), None, "{path}");
        }
    }
}
