//! The greeting: what the server is, and what it offers beyond the basic protocol.

use crate::json::{integer, items, members, string};
use std::fmt;

/// A server's first message. See "Server Greeting" in the QEMU Machine Protocol Specification.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Greeting {
    /// The release of QEMU.
    pub version: Version,
    /// The distributor's name for the build; empty for many.
    pub package: String,
    /// A capability, to be enabled by negotiation.
    pub capabilities: Vec<Capability>,
}

/// A release of QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number; counts up every year.
    pub major: u32,
    /// Second number. 50 and above are development versions of the next release.
    pub minor: u32,
    /// Third number: stable updates.
    pub micro: u32,
}

/// Something beyond the basic protocol that a server offers in its greeting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Out-of-band execution of some commands.
    Oob,
    /// A capability that this crate does not know, as it came.
    Unrecognized(Box<str>),
}

impl Greeting {
    /// The greeting of a server that has not greeted.
    pub(crate) const NONE: &'static Greeting = &Greeting {
        version: Version { major: 0, minor: 0, micro: 0 },
        package: String::new(),
        capabilities: Vec::new(),
    };

    /// Returns whether the server offers this capability.
    pub fn offers(&self, capability: &Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// From the member `QMP`. Absent capabilities and package are tolerated, a missing version is not: it is what makes
    /// an object a greeting.
    pub(super) fn parse(member: &str) -> Option<Self> {
        let [version, capabilities] = members(member, &["version", "capabilities"]);
        let [release, package] = members(version?, &["qemu", "package"]);
        let [major, minor, micro] = members(release?, &["major", "minor", "micro"]);
        let number = |json: Option<&str>| integer(json?)?.try_into().ok();
        let names = items(capabilities.unwrap_or_default()).filter_map(|(_, name)| string(name));
        Some(Greeting {
            version: Version { major: number(major)?, minor: number(minor)?, micro: number(micro)? },
            package: package.and_then(string).unwrap_or_default().into_owned(),
            capabilities: names.map(|name| Capability::from(&*name)).collect(),
        })
    }
}

impl Capability {
    /// The capability's name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Capability::Oob => "oob",
            Capability::Unrecognized(name) => name,
        }
    }
}

impl From<&str> for Capability {
    fn from(name: &str) -> Self {
        match name {
            "oob" => Capability::Oob,
            other => Capability::Unrecognized(other.into()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read() {
        let greeting = Greeting::parse(
            r#"{"version": {"qemu": {"micro": 22, "minor": 2, "major": 7, "nano": 1}, "package": "a build"},
                "capabilities": ["oob", "telepathy", 3], "more": null}"#,
        )
        .unwrap();
        assert_eq!(greeting.version.to_string(), "7.2.22");
        assert_eq!(greeting.package, "a build");
        assert_eq!(greeting.capabilities, [Capability::Oob, Capability::Unrecognized("telepathy".into())]);
        assert!(greeting.offers(&Capability::Oob));
    }

    #[test]
    fn only_the_version_is_needed() {
        let greeting = Greeting::parse(r#"{"version": {"qemu": {"micro": 0, "minor": 0, "major": 6}}}"#).unwrap();
        assert!(greeting.package.is_empty() && greeting.capabilities.is_empty());
        assert_eq!(Greeting::parse(r#"{"version": {"qemu": {"minor": 0, "major": 6}}}"#), None);
        assert_eq!(Greeting::parse(r#"{"version": {"qemu": {"micro": -1, "minor": 0, "major": 6}}}"#), None);
        assert_eq!(Greeting::parse(r#"{"capabilities": []}"#), None);
        assert_eq!(Greeting::parse("7"), None);
    }
}
