use super::*;
use qemu_qmp_codegen::schema::{Builtin, Data, Member, Schema, Type};
use qemu_qmp_codegen::{check, load};
use std::path::Path;

#[test]
fn names_of_secrets() {
    for name in
        ["password", "Password", "vnc_passwd", "x-password", "secret", "api-key", "file.key", "PIN", "x.pass-word"]
    {
        assert!(is_secret_name(name), "{name}");
    }
    for name in ["keys", "keyid", "key-offset", "passthrough", "passt", "auth", "tls-creds", "pincounter", "data", ""] {
        assert!(!is_secret_name(name), "{name}");
    }
    for part in PARTS {
        assert!(is_secret_name(&format!("x-{part}-y")) && is_secret_name(&format!("{part}.y")), "{part}");
    }
    for name in NAMES {
        assert!(is_secret_name(name) && is_secret_name(&format!("a.b.{name}")), "{name}");
    }
    for name in REFERENCES {
        assert!(!is_secret_name(name) && !is_secret_name(&format!("file.{name}")), "{name}");
        assert!(PARTS.iter().any(|part| name.contains(part)), "{name} needs no exception");
    }
}

/// The members in the schemas whose names sound as if they were secrets: ids, files, choices, and keys that are public.
const HARMLESS: &[&str] = &["auth", "id-auth", "keyid", "keys", "tls-authz", "tls-creds"];

fn schemas() -> Vec<Schema> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("qapi-schema");
    let files = ["qmp/qapi-schema.json", "qga/qapi-schema.json", "storage-daemon/qapi-schema.json"];
    files.map(|file| check::check(&load::load(&folder.join(file)).unwrap()).unwrap()).into()
}

fn members(schema: &Schema) -> Vec<&Member> {
    let data = schema.commands.iter().map(|command| &command.data).chain(schema.events.iter().map(|event| &event.data));
    let inline = data.filter_map(|data| match data {
        Data::Members(members) => Some(members),
        Data::Object(_) => None,
    });
    inline.chain(schema.objects.iter().map(|object| &object.members)).flatten().collect()
}

fn carries_text(ty: &Type) -> bool {
    match ty {
        Type::Builtin(builtin) => matches!(builtin, Builtin::Str | Builtin::Any),
        Type::Array(item) => carries_text(item),
        Type::Alternate(_) => true,
        Type::Enum(_) | Type::Object(_) => false,
    }
}

/// A member of a newer schema makes this fail, until somebody has decided.
#[test]
fn each_member_that_sounds_like_a_secret_was_decided_on() {
    let sounds = ["auth", "b64", "base64", "cookie", "cred", "key", "pass", "psk", "secret", "token"];
    let schemas = schemas();
    let members: Vec<_> = schemas.iter().flat_map(members).filter(|member| carries_text(&member.ty)).collect();
    let sounding: Vec<_> = members
        .iter()
        .map(|member| member.name.as_str())
        .filter(|name| sounds.iter().any(|sound| name.to_lowercase().contains(sound)))
        .collect();
    let known = |name: &str| {
        let bare = name.replace('-', "");
        is_secret_name(name) || HARMLESS.contains(&name) || REFERENCES.contains(&&*bare)
    };
    let unknown: Vec<_> = sounding.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for name in HARMLESS {
        assert!(sounding.contains(name) && !is_secret_name(name), "{name} needs no mention");
    }
}

#[test]
fn each_row_is_about_a_command_that_there_is() {
    let schemas = schemas();
    for row in COMMANDS.iter().filter(|row| row.command != "change") {
        let of = |schema: &Schema| schema.commands.iter().any(|command| command.def.name == row.command);
        let Some(schema) = schemas.iter().find(|schema| of(schema)) else { panic!("{}", row.command) };
        let members = members(schema);
        for name in row.arguments {
            assert!(members.iter().any(|member| member.name == *name), "{}: {name}", row.command);
            assert!(!is_secret_name(name), "{}: {name} is masked everywhere", row.command);
        }
    }
}

/// Types that have members of these names, and those that these are in, starting from the arguments of a command.
fn types_with(schema: &Schema, data: &Data, names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let start: Vec<Type> = match data {
        Data::Object(id) => vec![Type::Object(*id)],
        Data::Members(members) => members.iter().map(|member| member.ty.clone()).collect(),
    };
    for ty in start {
        has_secret(schema, &ty, names, &mut Vec::new(), &mut found);
    }
    found
}

fn has_secret(schema: &Schema, ty: &Type, names: &[&str], path: &mut Vec<Type>, found: &mut Vec<String>) -> bool {
    if path.contains(ty) {
        return false;
    }
    path.push(ty.clone());
    let mut inner = Vec::new();
    let (name, own) = match ty {
        Type::Object(id) => {
            let object = &schema[*id];
            let members = schema.all_members(object);
            inner.extend(members.iter().map(|member| member.ty.clone()));
            let branches = object.branches.iter().flat_map(|branches| &branches.branches);
            inner.extend(branches.filter_map(|branch| branch.object).map(Type::Object));
            (object.def.name.clone(), members.iter().any(|member| names.contains(&member.name.as_str())))
        }
        Type::Alternate(id) => {
            let alternate = &schema.alternates[id.0];
            inner.extend(alternate.alternatives.iter().map(|each| each.ty.clone()));
            (alternate.def.name.clone(), false)
        }
        Type::Array(item) => {
            inner.push((**item).clone());
            (String::new(), false)
        }
        _ => (String::new(), false),
    };
    // All of them are looked at: each adds what it finds.
    let nested = inner.iter().filter(|ty| has_secret(schema, ty, names, path, found)).count() > 0;
    path.pop();
    if (own || nested) && !name.is_empty() && !found.contains(&name) {
        found.push(name);
    }
    own || nested
}

#[test]
fn types_with_secrets_of_commands_are_in_the_table() {
    let mut missing = Vec::new();
    let mut needed = Vec::new();
    for schema in schemas() {
        for command in &schema.commands {
            let rows = COMMANDS.iter().filter(|row| row.command == command.def.name);
            for name in rows.flat_map(|row| row.arguments) {
                for ty in types_with(&schema, &command.data, &[name]) {
                    needed.push(ty.clone());
                    if !TYPES.iter().any(|(known, members)| *known == ty && members.contains(name)) {
                        missing.push((ty, *name));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    let stale = TYPES.iter().find(|(name, members)| *members != ["value"] && !needed.iter().any(|ty| ty == name));
    assert!(stale.is_none(), "{stale:?}");
}
