//! Writes three schemas that use names which mean something in Rust, in the generator or in the runtime, in every place where a
//! schema has a name, and makes APIs of them. That they compile is the test.

use qemu_qmp_codegen::Generator;
use std::fmt::Write;
use std::path::Path;

/// In lower case, as values, members, branches and commands are; capitals make types of them, and events.
const WORDS: &[&str] = &[
    // Keywords.
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "raw",
    "ref",
    "return",
    "safe",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    // The prelude.
    "clone",
    "copy",
    "debug",
    "default",
    "drop",
    "eq",
    "err",
    "error",
    "fn-once",
    "from",
    "into",
    "into-iterator",
    "iterator",
    "none",
    "ok",
    "option",
    "partial-eq",
    "result",
    "send",
    "sized",
    "some",
    "string",
    "str",
    "sync",
    "to-string",
    "vec",
    "bool",
    "char",
    "f64",
    "i64",
    "u8",
    "usize",
    "std",
    "core",
    "alloc",
    // What generated code calls its own, and what the runtime does.
    "any",
    "any-event",
    "any-map",
    "api",
    "argument",
    "arguments",
    "as-str",
    "blank",
    "branch",
    "command",
    "command-for",
    "commands",
    "data",
    "decode",
    "deserialize",
    "deserializer",
    "empty",
    "event",
    "event-set",
    "events",
    "extra",
    "f",
    "fmt",
    "id",
    "index",
    "input",
    "into-any",
    "is-unrecognized",
    "item",
    "json-error",
    "maybe",
    "members",
    "monitor",
    "name",
    "new",
    "null",
    "object",
    "oob-command",
    "out",
    "output",
    "put",
    "qapi",
    "qapi-box",
    "qtype",
    "raw-value",
    "reply",
    "request",
    "required",
    "serialize",
    "serializer",
    "set",
    "strict",
    "tag",
    "tagged",
    "types",
    "undecodable",
    "undecodable-event",
    "unrecognized",
    "unrecognized-event",
    "value",
    "values",
    "wire",
    "without-new",
    "write",
];

fn main() {
    let folder = std::env::var_os("OUT_DIR").expect("cargo names a folder for output");
    for kind in ["struct", "enum", "alternate"] {
        let path = Path::new(&folder).join(format!("{kind}.json"));
        std::fs::write(&path, schema(kind)).expect("the folder can be written to");
        Generator::new(path, &format!("{kind}s")).run_in_build_script();
    }
}

/// A schema in which types of the words' names are of this kind.
fn schema(kind: &str) -> String {
    let mut text = String::new();
    let list = |member: &dyn Fn(&str) -> String| WORDS.iter().map(|word| member(word)).collect::<Vec<_>>().join(", ");
    let mandatory = list(&|word| format!("'{word}': 'str'"));
    let optional = list(&|word| format!("'*{word}': ['str']"));
    let values = list(&|word| format!("'{word}'"));
    let branches = list(&|word| format!("'{word}': 'Only{}'", camel(word)));
    // Names of types, whichever kind they are of.
    for word in WORDS {
        let ty = camel(word);
        let definition = match kind {
            "struct" => format!("{{ 'struct': '{ty}', 'data': {{ '{word}': 'int', '*other': '{ty}' }} }}"),
            "enum" => {
                let values = three(word).map(|value| format!("'{value}'")).join(", ");
                format!("{{ 'enum': '{ty}', 'data': [ {values} ] }}")
            }
            _ => format!("{{ 'alternate': '{ty}', 'data': {{ '{word}': 'Only{ty}', 'number': 'int' }} }}"),
        };
        if is_type(&ty) {
            writeln!(text, "{definition}").unwrap();
        }
        writeln!(text, "{{ 'struct': 'Only{ty}', 'data': {{ '{word}': 'str' }} }}").unwrap();
    }
    writeln!(text, "{{ 'enum': 'AllValues', 'data': [ {values} ] }}").unwrap();
    writeln!(text, "{{ 'struct': 'Mandatory', 'data': {{ {mandatory} }} }}").unwrap();
    writeln!(text, "{{ 'struct': 'Optional', 'data': {{ {optional} }} }}").unwrap();
    writeln!(
        text,
        "{{ 'union': 'AllBranches', 'base': {{ 'kind': 'AllValues' }}, 'discriminator': 'kind', 'data': {{ {branches} }} }}"
    )
    .unwrap();
    // Commands and events, with and without arguments.
    for (index, word) in WORDS.iter().enumerate() {
        let (ty, event) = (camel(word), word.replace('-', "_").to_uppercase());
        let member = if is_type(&ty) { &ty } else { "str" };
        let data = match index % 3 {
            0 => String::new(),
            1 => format!(", 'data': {{ '{word}': '{member}', '*more-{word}': 'any' }}"),
            _ => format!(", 'data': {{ '*{word}': '{member}' }}"),
        };
        let returns = if index % 2 == 0 { format!(", 'returns': 'Only{ty}'") } else { String::new() };
        // QAPI has types of these names.
        if !["any", "bool", "f64", "i64", "null", "str", "u8"].contains(word) {
            writeln!(text, "{{ 'command': '{word}'{data}{returns} }}").unwrap();
        }
        writeln!(text, "{{ 'event': '{event}'{data} }}").unwrap();
    }
    for (name, data) in [("one", "Mandatory"), ("two", "Optional"), ("three", "AllBranches")] {
        let boxed = if name == "three" { ", 'boxed': true" } else { "" };
        writeln!(text, "{{ 'command': 'send-{name}', 'data': '{data}', 'returns': '{data}'{boxed} }}").unwrap();
        writeln!(text, "{{ 'command': 'open-{name}', 'gen': false, 'data': '{data}'{boxed} }}").unwrap();
        writeln!(text, "{{ 'event': 'RECEIVED_{}', 'data': '{data}'{boxed} }}", name.to_uppercase()).unwrap();
    }
    text
}

/// The word, and two that are names of associated types.
fn three(word: &str) -> [&str; 3] {
    match word {
        "ok" => ["ok", "err", "error"],
        "err" => ["err", "ok", "error"],
        "error" => ["error", "ok", "err"],
        _ => [word, "ok", "err"],
    }
}

/// QAPI has no types without lower case.
fn is_type(name: &str) -> bool {
    name.contains(|letter: char| letter.is_ascii_lowercase())
}

fn camel(word: &str) -> String {
    let words = word.split('-').map(|part| part[..1].to_uppercase() + &part[1..]);
    words.collect()
}
