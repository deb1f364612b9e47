//! What the checker makes of the vendored schemas.

use qemu_qmp_codegen::check::check;
use qemu_qmp_codegen::doc::Doc;
use qemu_qmp_codegen::load::{load, load_with};
use qemu_qmp_codegen::schema::{Data, Definition, EnumValue, Member, Schema, Type};
use std::collections::BTreeSet;
use std::path::Path;

/// The checked schema, and the definitions that the pragma exempts from being described.
fn checked(root: &str) -> (Schema, BTreeSet<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../qapi-schema").join(root).join("qapi-schema.json");
    let source = load(&root).unwrap();
    let exceptions = source.expressions[0].pragma.documentation_exceptions.clone();
    (check(&source).unwrap(), exceptions)
}

#[test]
fn all_definitions_arrive() {
    // Commands, events, structs and unions, unions, branches with data, enums, values, alternates, alternatives.
    for (root, counts) in [
        ("qmp", [243, 57, 533, 43, 268, 186, 1192, 7, 16]),
        ("qga", [44, 0, 37, 3, 3, 8, 38, 2, 4]),
        ("storage-daemon", [77, 13, 286, 25, 192, 81, 452, 6, 13]),
    ] {
        let (schema, _) = checked(root);
        let unions: Vec<_> = schema.objects.iter().filter_map(|object| object.branches.as_ref()).collect();
        let branches = unions.iter().flat_map(|union| &union.branches);
        let found = [
            schema.commands.len(),
            schema.events.len(),
            schema.objects.len(),
            unions.len(),
            branches.filter(|branch| branch.object.is_some()).count(),
            schema.enums.len(),
            schema.enums.iter().map(|it| it.values.len()).sum(),
            schema.alternates.len(),
            schema.alternates.iter().map(|it| it.alternatives.len()).sum(),
        ];
        assert_eq!(found, counts, "{root}");
    }
}

#[test]
fn exactly_the_undescribed_are_exempt() {
    for root in ["qmp", "qga"] {
        let (schema, exempt) = checked(root);
        let undescribed: BTreeSet<_> = undescribed(&schema).into_iter().map(|def| def.name.clone()).collect();
        assert_eq!(undescribed, exempt, "{root}");
    }
}

#[test]
fn definitions_keep_their_order() {
    let (schema, _) = checked("qmp");
    let definitions = schema.definitions();
    assert_eq!(definitions.len(), 1026);
    assert!(definitions.iter().enumerate().all(|(index, def)| def.order == index));
    let module = &schema.modules[definitions[0].module];
    assert_eq!((definitions[0].name.as_str(), module.name.as_str()), ("QapiErrorClass", "error"));
}

#[test]
fn members_of_bases_come_first() {
    let (schema, _) = checked("qmp");
    let object = |name: &str| schema.objects.iter().find(|object| object.def.name == name).unwrap();
    let names = |members: Vec<&Member>| members.iter().map(|member| member.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(schema.all_members(object("BlockdevOptionsCurlFtps")))[0], "url");
    assert_eq!(names(schema.all_members(object("BlockdevOptionsCurlFtps"))).last().unwrap(), "sslverify");
    let command = schema.commands.iter().find(|command| command.def.name == "blockdev-backup").unwrap();
    let Data::Object(id) = command.data else { panic!("{:?}", command.data) };
    assert_eq!(schema[id].def.name, "BlockdevBackup");
    let members = names(schema.data_members(&command.data));
    assert_eq!((members[0].as_str(), members.last().unwrap().as_str()), ("job-id", "target"));
}

#[test]
fn branches_follow_the_enum() {
    let (schema, _) = checked("qmp");
    for object in &schema.objects {
        let Some(branches) = &object.branches else { continue };
        let values = &schema[branches.tag_type].values;
        assert!(branches.branches.iter().map(|branch| &branch.value).eq(values.iter().map(|value| &value.name)));
        let tag = schema.all_members(object).into_iter().find(|member| member.name == branches.tag).unwrap();
        assert_eq!(tag.ty, Type::Enum(branches.tag_type));
    }
}

/// Checks a schema that is given as text.
fn check_text(text: &str) -> Result<Schema, String> {
    let source = load_with(Path::new("deep.json"), |_| Ok(text.as_bytes().to_vec())).unwrap();
    check(&source).map_err(|error| error.to_string())
}

/// So many structs, each the base of the one before.
fn chain_of_bases(length: usize) -> String {
    let link = |n| format!("{{ 'struct': 'Link{n}', 'base': 'Link{}', 'data': {{}} }}\n", n + 1);
    (1..length).map(link).chain([format!("{{ 'struct': 'Link{length}', 'data': {{}} }}\n")]).collect()
}

/// So many unions, each the type of both branches of the one before.
fn chain_of_branches(length: usize) -> String {
    let kind = "{ 'enum': 'Kind', 'data': [ 'one', 'two' ] }\n".to_string();
    let link = |n: usize| {
        let base = format!("'base': {{ 'kind{n}': 'Kind' }}, 'discriminator': 'kind{n}'");
        let next = format!("'data': {{ 'one': 'Link{0}', 'two': 'Link{0}' }}", n + 1);
        format!("{{ 'union': 'Link{n}', {base}, {next} }}\n")
    };
    (1..length).map(link).chain([kind, format!("{{ 'struct': 'Link{length}', 'data': {{}} }}\n")]).collect()
}

#[test]
fn depth_is_bounded() {
    for chain in [chain_of_bases, chain_of_branches] {
        assert_eq!(check_text(&chain(100)).unwrap().objects.len(), 100);
        let error = check_text(&chain(20_000)).unwrap_err();
        assert!(error.contains("contain one another"), "{error}");
    }
}

/// Definitions with a member, value or alternative that has no entry in the doc block, not even for its release.
fn undescribed(schema: &Schema) -> Vec<&Definition> {
    let silent = |doc: &Doc, name: &str| !doc.members.iter().any(|entry| entry.name == name);
    let member = |def: &Definition, members: &[Member]| members.iter().any(|member| silent(&def.doc, &member.name));
    let data = |def: &Definition, data: &Data| match data {
        Data::Members(members) => member(def, members),
        Data::Object(_) => false,
    };
    let value = |def: &Definition, value: &EnumValue| silent(&def.doc, &value.name);
    let enums = schema.enums.iter().filter(|it| it.values.iter().any(|it2| value(&it.def, it2))).map(|it| &it.def);
    let objects = schema.objects.iter().filter(|it| member(&it.def, &it.members)).map(|it| &it.def);
    let alternates = schema.alternates.iter().filter(|it| it.alternatives.iter().any(|a| silent(&it.def.doc, &a.name)));
    let commands = schema.commands.iter().filter(|it| data(&it.def, &it.data)).map(|it| &it.def);
    let events = schema.events.iter().filter(|it| data(&it.def, &it.data)).map(|it| &it.def);
    enums.chain(objects).chain(alternates.map(|it| &it.def)).chain(commands).chain(events).collect()
}
