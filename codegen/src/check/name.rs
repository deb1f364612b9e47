//! The naming rules of the QAPI language: which names are legal for what, and which of them are one name in C.
//!
//! Assumes nothing about its input. Knows no Rust names: those are [`crate::names`]' business.

/// What a name is for, which decides its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// A type: `CamelCase`.
    Camel,
    /// An event: `UPPER_CASE`.
    Upper,
    /// A command, member, value or feature: `lower-case`.
    Lower {
        /// Whether a pragma allows upper case.
        upper: bool,
        /// Whether a pragma allows `_`.
        underscore: bool,
    },
}

impl Case {
    /// Lower case without any exception.
    pub(super) const LOWER: Case = Case::Lower { upper: false, underscore: false };

    /// Lower case for members of a type, which a pragma may exempt from the rule.
    pub(super) fn member(exempt: bool) -> Case {
        Case::Lower { upper: exempt, underscore: exempt }
    }
}

/// Why `name` is not legal for its purpose, as the end of a sentence that begins with the name.
pub(super) fn check(name: &str, case: Case) -> Result<(), &'static str> {
    let stem = stem(name).filter(|_| !mangle(name).starts_with("q_")).ok_or(
        "is not legal: names consist of letters, digits, '-' and '_', start with a letter \
         and do not start with 'q_' or 'q-'",
    )?;
    let has = |test: fn(&u8) -> bool| stem.bytes().any(|byte| test(&byte));
    match case {
        Case::Camel => {
            let camel = stem.starts_with(|first: char| first.is_ascii_uppercase())
                && has(u8::is_ascii_lowercase)
                && stem.bytes().all(|byte| byte.is_ascii_alphanumeric());
            match camel {
                false => Err("must be in CamelCase"),
                true if name.ends_with("List") => Err("must not end in 'List', which is reserved for arrays"),
                true => Ok(()),
            }
        }
        Case::Upper if has(u8::is_ascii_lowercase) || stem.contains('-') => {
            Err("must not have lower case or '-': events are named in UPPER_CASE")
        }
        Case::Lower { upper, .. } if !upper && has(u8::is_ascii_uppercase) => {
            Err("must not have upper case unless a pragma exempts it")
        }
        Case::Lower { underscore, .. } if !underscore && stem.contains('_') => {
            Err("must not have '_' unless a pragma exempts it")
        }
        Case::Upper | Case::Lower { .. } => Ok(()),
    }
}

/// Checks the value of an enum, which follows the rules of members but may start with a digit.
pub(super) fn check_value(name: &str, case: Case) -> Result<(), &'static str> {
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => check(&format!("d{name}"), case),
        false => check(name, case),
    }
}

/// Whether QEMU's C code has another use for a member of this name: `u` holds the branches of a union,
/// `has_…` tells whether an optional member is there.
pub(super) fn is_reserved_for_c(member: &str) -> bool {
    let mangled = mangle(member);
    mangled == "u" || mangled.starts_with("has_")
}

/// The name as C spells it. Two members whose names are one name in C clash.
pub(super) fn mangle(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// What is left of a name without the prefixes `__RFQDN_` (of a vendor) and `x-` (experimental);
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
        stem.starts_with(|first: char| first.is_ascii_alphabetic())
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let experimental = name.strip_prefix("x-").or_else(|| name.strip_prefix("X-"));
    experimental.filter(|stem| is_stem(stem)).or(Some(name).filter(|stem| is_stem(stem)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower(name: &str) -> bool {
        check(name, Case::LOWER).is_ok()
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
        assert!(check("q_speed", Case::member(true)).is_err());
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
        assert!(check_value("9p", Case::LOWER).is_ok());
        assert!(check_value("9P", Case::LOWER).is_err());
        assert!(!lower("9p"));
        assert!(check_value("", Case::LOWER).is_err());
    }

    #[test]
    fn reserved_members_are_found_by_their_name_in_c() {
        assert!(is_reserved_for_c("u") && is_reserved_for_c("has-speed") && is_reserved_for_c("has_speed"));
        assert!(!is_reserved_for_c("unit") && !is_reserved_for_c("hash") && !is_reserved_for_c("has"));
    }
}
