//! The one home of QAPI name → Rust identifier: spelling, keywords, exceptions, clashes.
//!
//! Assumes names that the checker has let through. Every name that does not follow the rules is a row of a table here,
//! so that no other module ever holds a literal QAPI name.

use crate::text::begins;
use proc_macro2::{Ident, Span};
use std::collections::BTreeSet;

/// Rust's keywords, strict, reserved and those of newer editions. An identifier among them gets an underscore.
const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
    "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield",
];

/// Names that generated code spells without a path. A definition of such a name gets the prefix `Qapi`.
const PRELUDE: &[&str] =
    &["Box", "Err", "From", "Into", "IntoIterator", "None", "Ok", "Option", "Result", "Self", "Some", "String", "Vec"];

/// Enums whose values start with a digit, and what to put in front of such a value.
const DIGIT_PREFIXES: &[(&str, &str)] = &[
    ("FloppyDriveType", "Drive"),
    ("GranuleMode", "Size"),
    ("OasMode", "Bits"),
    ("PCIELinkSpeed", "Gt"),
    ("PCIELinkWidth", "X"),
    ("QKeyCode", "Digit"),
    ("SmbiosEntryPointType", "Bits"),
    ("SsidSizeMode", "Bits"),
];

/// The prefix of a value that starts with a digit where no row of [`DIGIT_PREFIXES`] knows better.
const DIGIT_PREFIX: &str = "N";

/// Values whose spelling no rule makes readable: enum, value, identifier.
const VALUES: &[(&str, &str, &str)] = &[("QCryptoCipherAlgo", "3des", "TripleDes")];

/// The feature of what is to be removed.
pub const DEPRECATED: &str = "deprecated";
/// The feature of what may change at any time.
pub const UNSTABLE: &str = "unstable";

/// The variant, in every enum of values, branches, alternatives or events, for what the schema does not know.
pub const UNRECOGNIZED: &str = "Unrecognized";
/// The variant for an event that the schema knows but whose data does not fit it.
pub const UNDECODABLE: &str = "Undecodable";
/// The enum of all events.
pub const ANY_EVENT: &str = "AnyEvent";
/// The field of a union that holds its branch.
pub const BRANCH: &str = "branch";
/// The field of a command that is on the wire what another type is.
pub const ARGUMENTS: &str = "arguments";
/// The field of a command that takes members which the schema does not list.
pub const EXTRA: &str = "extra";
/// The functions of generated types that no member or branch is named by.
pub const METHODS: &[&str] = &["blank", "maybe", "new"];
/// The function that sets a member which the schema does not list.
pub const ARGUMENT: &str = "argument";
/// The field that tells whether a union's tag came, where an older QEMU sends none.
pub const TAGGED: &str = "tagged";

/// The identifier of an enum, struct, union or alternate.
pub fn type_name(name: &str) -> String {
    let camel = camel(name);
    if PRELUDE.contains(&camel.as_str()) {
        format!("Qapi{camel}")
    } else {
        legal(camel)
    }
}

/// The identifier of the enum of a union's branches.
pub fn branch_type_name(union: &str) -> String {
    format!("{}Branch", type_name(union))
}

/// The identifier of a command or an event.
pub fn message_name(name: &str) -> String {
    type_name(name)
}

/// The identifier of a value's variant. `owner` is the enum's name in the schema.
pub fn value_name(owner: &str, value: &str) -> String {
    if let Some((_, _, identifier)) = VALUES.iter().find(|row| row.0 == owner && row.1 == value) {
        return (*identifier).to_owned();
    }
    let camel = camel(value);
    if begins(&camel, u8::is_ascii_digit) {
        let prefix = DIGIT_PREFIXES.iter().find(|row| row.0 == owner).map_or(DIGIT_PREFIX, |row| row.1);
        return format!("{prefix}{camel}");
    }
    legal(camel)
}

/// The identifier of a member's field, of its setter and of a branch's constructor.
pub fn member_name(name: &str) -> String {
    let snake = snake(name);
    if begins(&snake, u8::is_ascii_digit) {
        return format!("n{snake}");
    }
    legal(snake)
}

/// Returns whether this can be part of other names in emitted code as it is.
pub fn is_identifier(name: &str) -> bool {
    let is_part = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
    !name.is_empty() && !begins(name, u8::is_ascii_digit) && name.bytes().all(is_part)
}

/// An identifier for `quote!`.
pub fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// The suffix of an event's identifier if a command has it without.
pub const EVENT_SUFFIX: &str = "Event";
/// The suffix of a type's identifier if a command has it without and returns the type.
pub const REPLY_SUFFIX: &str = "Reply";
/// The suffix of a type's identifier if a command or an event has it without.
pub const TYPE_SUFFIX: &str = "Type";

/// The identifiers of one namespace: the second of two equal ones gets an underscore.
#[derive(Debug, Clone, Default)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// A namespace in which these are taken.
    pub fn with(taken: &[&str]) -> Self {
        Self::default().and(taken)
    }

    /// The same namespace, in which these are taken as well.
    pub fn and(mut self, taken: &[&str]) -> Self {
        for name in taken {
            self.0.insert((*name).to_owned());
        }
        self
    }

    /// Claims the identifier, with this at its end if it is taken.
    pub fn claim_or(&mut self, name: String, suffix: &str) -> String {
        if self.0.contains(&name) {
            self.claim(format!("{name}{suffix}"))
        } else {
            self.claim(name)
        }
    }

    /// Claims the identifier, or the next free one after it.
    pub fn claim(&mut self, mut name: String) -> String {
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

fn legal(mut identifier: String) -> String {
    if KEYWORDS.contains(&identifier.as_str()) {
        identifier.push('_');
    }
    identifier
}

/// `query-status`, `BLOCK_JOB_COMPLETED`, `x86_64` → `QueryStatus`, `BlockJobCompleted`, `X86_64`. A name that is
/// already in camel case stays as it is, and an underscore stays between digits, which would run together without it.
fn camel(name: &str) -> String {
    let shouting = !name.bytes().any(|letter| letter.is_ascii_lowercase());
    let mut out = String::with_capacity(name.len());
    for word in name.split(['-', '_', '.']).filter(|word| !word.is_empty()) {
        let after_digit = out.as_bytes().last().is_some_and(u8::is_ascii_digit);
        let digits_meet = after_digit && begins(word, u8::is_ascii_digit);
        if digits_meet {
            out.push('_');
        }
        let is_lowered = shouting && word.len() > 1;
        for (index, letter) in word.char_indices() {
            out.push(match index {
                0 => letter.to_ascii_uppercase(),
                _ if is_lowered => letter.to_ascii_lowercase(),
                _ => letter,
            });
        }
    }
    out
}

/// `node-name`, `PCI-slot`, `dieId` → `node_name`, `pci_slot`, `die_id`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut after_lower = false;
    for letter in name.trim_start_matches('_').chars() {
        match letter {
            '-' | '_' | '.' => out.push('_'),
            upper if upper.is_ascii_uppercase() && after_lower => {
                out.push('_');
                out.push(upper.to_ascii_lowercase());
            }
            other => out.push(other.to_ascii_lowercase()),
        }
        after_lower = letter.is_ascii_lowercase();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_events_and_types_become_camel_case() {
        let rows = [
            ("query-status", "QueryStatus"),
            ("device_add", "DeviceAdd"),
            ("x-blockdev-change", "XBlockdevChange"),
            ("__org.example_do-it", "OrgExampleDoIt"),
            ("BLOCK_JOB_COMPLETED", "BlockJobCompleted"),
            ("STOP", "Stop"),
            ("ACPI_DEVICE_OST", "AcpiDeviceOst"),
            ("X86CPURegister32", "X86CPURegister32"),
            ("String", "QapiString"),
        ];
        for (name, identifier) in rows {
            assert_eq!(message_name(name), identifier);
        }
    }

    #[test]
    fn values_become_variants() {
        let rows = [
            ("RunState", "io-error", "IoError"),
            ("SysEmuTarget", "x86_64", "X86_64"),
            ("PCIELinkSpeed", "2_5", "Gt2_5"),
            ("QKeyCode", "1", "Digit1"),
            ("Other", "4k", "N4k"),
            ("QCryptoCipherAlgo", "3des", "TripleDes"),
            ("QapiErrorClass", "GenericError", "GenericError"),
            ("Any", "self", "Self_"),
            ("X86CPURegister32", "EAX", "Eax"),
        ];
        for (owner, value, identifier) in rows {
            assert_eq!(value_name(owner, value), identifier);
        }
    }

    #[test]
    fn members_become_snake_case() {
        let rows = [
            ("node-name", "node_name"),
            ("type", "type_"),
            ("wr_total_time_ns", "wr_total_time_ns"),
            ("dieId", "die_id"),
            ("UUID", "uuid"),
            ("x-checkpoint-delay", "x_checkpoint_delay"),
            ("__com.example_x", "com_example_x"),
        ];
        for (name, identifier) in rows {
            assert_eq!(member_name(name), identifier);
        }
    }

    #[test]
    fn the_second_of_two_gets_an_underscore() {
        let mut scope = Scope::with(&["new"]);
        assert_eq!(scope.claim("new".into()), "new_");
        assert_eq!(scope.claim("old".into()), "old");
        assert_eq!(scope.claim("old".into()), "old_");
        assert_eq!(scope.claim_or("new".into(), "Type"), "newType");
        assert_eq!(scope.claim_or("new".into(), "Type"), "newType_");
        assert_eq!(scope.claim_or("other".into(), "Type"), "other");
    }
}
