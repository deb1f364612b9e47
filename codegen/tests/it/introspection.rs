//! The schema as data: what a server says when it is asked for its schema, and what only the schema's text has.

use qemu_qmp_codegen::{Generator, Peer};
use serde_json::{json, Value};

const SCHEMA: &str = r#"
{ 'include': 'part.json' }
{ 'enum': 'Colour', 'data': [ 'red', { 'name': 'blue', 'features': [ 'unstable' ] } ] }
{ 'struct': 'Base', 'data': { 'colour': 'Colour', '*sizes': [ 'uint8' ] } }
##
# @Shape:
#
# A shape.
#
# @colour: its colour
#
# @name: its name (since 7.1)
#
# Since: 6.2
##
{ 'union': 'Shape', 'base': { 'colour': 'Colour', '*name': 'str' }, 'discriminator': 'colour', 'data': { 'red': 'Base2' } }
{ 'struct': 'Base2', 'data': { 'x': 'number' } }
{ 'alternate': 'Either', 'data': { 'a': 'Shape', 'b': 'null' } }
##
# @paint:
#
# Paints.
#
# @what: what
#
# Features:
#
# @deprecated: do not
#
# Since: 9.0
##
{ 'command': 'paint', 'data': { 'what': 'Either' }, 'returns': [ 'Base' ], 'allow-oob': true, 'features': [ 'deprecated' ] }
{ 'command': 'free', 'data': { 'x': 'any' }, 'gen': false }
{ 'command': 'off', 'success-response': false, 'if': 'CONFIG_OFF' }
{ 'event': 'PAINTED', 'data': 'Base' }
"#;

const PART: &str = "{ 'command': 'status', 'returns': 'bool' }\n";

fn introspections(test: &str) -> [Value; 2] {
    let folder = std::env::temp_dir().join(format!("qemu-qmp-introspection-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let pragma = "{ 'pragma': { 'command-returns-exceptions': [ 'paint', 'status' ] } }\n";
    let late = r#"{"Base": {"colour": "8.0"}}"#;
    for (file, text) in [("whole.json", [pragma, SCHEMA].concat()), ("part.json", [pragma, PART].concat())] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    std::fs::write(folder.join("late.json"), late).unwrap();
    let generator = Generator::new(folder.join("whole.json"), "api")
        .also_for(Peer::StorageDaemon, folder.join("part.json"))
        .late_members(folder.join("late.json"));
    let plain = generator.clone().generate().unwrap_or_else(|error| panic!("{error}"));
    assert!(plain.files.iter().all(|(name, _)| name.ends_with(".rs")));
    let generated = generator.introspection().generate().unwrap();
    std::fs::remove_dir_all(&folder).ok();
    ["api_introspection.json", "api_StorageDaemon_introspection.json"].map(|wanted| {
        let (_, text) = generated.files.iter().find(|(name, _)| name == wanted).unwrap();
        text.parse().unwrap()
    })
}

#[test]
fn every_kind_of_definition_is_told() {
    let [whole, part] = introspections("kinds");
    let entry = |name: &str| {
        let entries = whole["schema"].as_array().unwrap();
        entries.iter().find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    let object = |name: &str, members: Value| json!({"name": name, "meta-type": "object", "members": members});
    for expected in [
        json!({"name": "paint", "meta-type": "command", "arg-type": "q_obj_paint-arg", "ret-type": "[Base]",
               "allow-oob": true, "features": ["deprecated"]}),
        json!({"name": "off", "meta-type": "command", "arg-type": "q_empty", "ret-type": "q_empty"}),
        json!({"name": "PAINTED", "meta-type": "event", "arg-type": "Base"}),
        object("q_obj_paint-arg", json!([{"name": "what", "type": "Either"}])),
        object("q_empty", json!([])),
        object(
            "Base",
            json!([{"name": "colour", "type": "Colour"}, {"name": "sizes", "type": "[int]", "default": null}]),
        ),
        json!({"name": "Shape", "meta-type": "object", "tag": "colour",
               "members": [{"name": "colour", "type": "Colour"}, {"name": "name", "type": "str", "default": null}],
               "variants": [{"case": "red", "type": "Base2"}, {"case": "blue", "type": "q_empty"}]}),
        json!({"name": "Either", "meta-type": "alternate", "members": [{"type": "Shape"}, {"type": "null"}]}),
        json!({"name": "Colour", "meta-type": "enum", "values": ["red", "blue"],
               "members": [{"name": "red"}, {"name": "blue", "features": ["unstable"]}]}),
        json!({"name": "[int]", "meta-type": "array", "element-type": "int"}),
        json!({"name": "int", "meta-type": "builtin", "json-type": "int"}),
        json!({"name": "null", "meta-type": "builtin", "json-type": "null"}),
        json!({"name": "any", "meta-type": "builtin", "json-type": "value"}),
    ] {
        assert_eq!(entry(expected["name"].as_str().unwrap()), expected);
    }
    let names: Vec<_> = part["schema"].as_array().unwrap().iter().map(|entry| entry["name"].clone()).collect();
    assert_eq!(names, ["q_empty", "status", "bool"]);
}

#[test]
fn so_is_what_no_server_tells() {
    let [whole, _] = introspections("rest");
    assert_eq!((&whole["open"], &whole["unanswered"]), (&json!(["free"]), &json!(["off"])));
    assert_eq!(whole["since"], json!({"paint": "9.0"}));
    assert_eq!(whole["late"], json!({"Base": {"colour": "8.0"}, "Shape": {"name": "7.1"}}));
}
