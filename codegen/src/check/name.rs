//! The naming rules of the QAPI language: which names are legal for what, and which of them are one name in C.
//!
//! Assumes nothing about its input. Knows no Rust names: those are [`crate::names`]' business.

use crate::text::begins;

/// The purpose of a name, which decides its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// A type: `CamelCase`.
    Camel,
    /// An event: `UPPER_CASE`.
    Upper,
    /// A command: `lower-case`; a pragma can allow it `_`.
    Command {
        /// True if it does.
        exempt: bool,
    },
    /// A member or value of a type: `lower-case`; a pragma can allow the type upper case and `_`.
    Member {
        /// True if it does.
        exempt: bool,
    },
    /// Anything else: `lower-case`.
    Lower,
}

/// Why `name` is not legal for its purpose, as the end of a sentence that begins with the name.
pub(super) fn check(name: &str, case: Case) -> Result<(), &'static str> {
    let stem = stem(name).filter(|_| !mangle(name).starts_with("q_")).ok_or(
        "is not legal: names consist of letters, digits, '-' and '_', start with a letter \
         and do not start with 'q_' or 'q-'",
    )?;
    let has = |test: fn(&u8) -> bool| stem.bytes().any(|byte| test(&byte));
    let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    let (dash, underscore) = (stem.contains('-'), stem.contains('_'));
    match case {
        Case::Camel if !lower || dash || underscore || !begins(stem, u8::is_ascii_uppercase) => {
            Err("must be in CamelCase")
        }
        Case::Camel if name.ends_with("List") => Err("must not end in 'List', which is reserved for arrays"),
        Case::Upper if lower || dash => Err("must not have lower case or '-': events are named in UPPER_CASE"),
        Case::Command { .. } if upper => Err("must not have upper case"),
        Case::Command { exempt: false } if underscore => {
            Err("must not have '_' unless the pragma 'command-name-exceptions' lists it")
        }
        Case::Member { exempt: false } if upper || underscore => {
            Err("must not have upper case or '_' unless the pragma 'member-name-exceptions' lists its type")
        }
        Case::Lower if upper || underscore => Err("must not have upper case or '_'"),
        _ => Ok(()),
    }
}

/// Checks the value of an enum, which follows the rules of members but may start with a digit.
pub(super) fn check_value(name: &str, case: Case) -> Result<(), &'static str> {
    match begins(name, u8::is_ascii_digit) {
        true => check(&format!("d{name}"), case),
        false => check(name, case),
    }
}

/// Returns whether QEMU's C code has another use for a member of this name: `u` holds the branches of a union,
/// `has_…` tells whether an optional member is there.
pub(super) fn is_reserved_for_c(member: &str) -> bool {
    let mangled = mangle(member);
    mangled == "u" || mangled.starts_with("has_")
}

/// The name as C spells it. Two members whose names are one name in C clash.
pub(super) fn mangle(name: &str) -> String {
    let mut mangled = String::with_capacity(name.len());
    for letter in name.chars() {
        mangled.push(if letter.is_ascii_alphanumeric() { letter } else { '_' });
    }
    mangled
}

/// Names that have come, by what C makes of them; few enough to look through.
#[derive(Debug, Default)]
pub(super) struct Clashes<'n>(Vec<(String, &'n str)>);

impl<'n> Clashes<'n> {
    /// Adds a name, or returns the earlier one that is the same in C.
    pub(super) fn add(&mut self, name: &'n str) -> Option<&'n str> {
        let mangled = mangle(name);
        for (known, first) in &self.0 {
            if *known == mangled {
                return Some(first);
            }
        }
        self.0.push((mangled, name));
        None
    }
}

/// Strips from a name the prefixes `__RFQDN_` (of a vendor) and `x-` (experimental);
/// `None` if it is not a name at all.
fn stem(name: &str) -> Option<&str> {
    let name = match name.strip_prefix("__") {
        Some(vendor) => {
            let (domain, rest) = vendor.split_once('_')?;
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
            (!domain.is_empty() && domain.bytes().all(legal)).then_some(rest)?
        }
        None => name,
    };
    let is_stem = |stem: &str| {
        begins(stem, u8::is_ascii_alphabetic)
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let experimental = name.strip_prefix("x-").or_else(|| name.strip_prefix("X-"));
    experimental.filter(|stem| is_stem(stem)).or(Some(name).filter(|stem| is_stem(stem)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower(name: &str) -> bool {
        check(name, Case::Lower).is_ok()
    }

    #[test]
    fn prefixes_do_not_count_towards_case() {
        assert!(lower("__com.example_speed-limit"));
        assert!(lower("__com.example_x-speed-limit"));
        assert!(!lower("__com.example_speed_limit"));
        assert!(check("__com.example_SpeedLimit", Case::Camel).is_ok());
        assert!(check("x-SPEED_LIMIT", Case::Upper).is_ok());
        assert!(check("SPEED-LIMIT", Case::Upper).is_err());
        assert!(check("x-SpeedLimit", Case::Camel).is_ok());
    }

    #[test]
    fn a_vendor_needs_a_domain_and_a_stem() {
        assert!(!lower("___speed"));
        assert!(!lower("__com.example"));
        assert!(!lower("__com.example_"));
        assert!(!lower("__com.example_9"));
        assert!(!lower("_speed"));
    }

    #[test]
    fn what_only_looks_experimental_is_a_stem() {
        assert!(lower("x-"));
        assert!(lower("x-9"));
        assert!(check("x-9", Case::Camel).is_err());
    }

    #[test]
    fn the_generators_own_prefix_is_reserved() {
        assert!(!lower("q-speed"));
        assert!(check("q_speed", Case::Member { exempt: true }).is_err());
        assert!(lower("qspeed"));
    }

    #[test]
    fn camel_case_needs_a_capital_first_and_a_small_letter() {
        let camel = |name| check(name, Case::Camel).is_ok();
        assert!(camel("Disk") && camel("AB1c"));
        assert!(!camel("disk") && !camel("DISK") && !camel("Disk-Cache") && !camel("DiskList"));
    }

    #[test]
    fn values_may_start_with_a_digit() {
        assert!(check_value("9p", Case::Lower).is_ok());
        assert!(check_value("9P", Case::Lower).is_err());
        assert!(!lower("9p"));
        assert!(check_value("", Case::Lower).is_err());
    }

    #[test]
    fn reserved_members_are_found_by_their_name_in_c() {
        assert!(is_reserved_for_c("u") && is_reserved_for_c("has-speed") && is_reserved_for_c("has_speed"));
        assert!(!is_reserved_for_c("unit") && !is_reserved_for_c("hash") && !is_reserved_for_c("has"));
    }
}
