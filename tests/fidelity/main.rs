//! Holds the generated types against the schemas that they were generated from.
//!
//! Values of every command, reply and event are made from the schema: each optional member there and absent, each enum
//! value, each branch of a union and each alternative, numbers and strings at the borders, and what a later or an older
//! release would send instead. Each is written in several ways that must not matter, decoded, encoded again, and has to
//! come out as it went in. The values depend on nothing but the schema, so a failure can be repeated.
//!
//! What serde_json can do is up to the program that it is built for. These tests have to pass with each of its features, too:
//! `cargo test --features serde_json/arbitrary_precision,serde_json/preserve_order`.

mod bad_values;
mod codecs;
mod events;
mod expect;
mod names;
mod text;
mod values;
mod words;
mod world;

use bad_values::{bad_values, bad_values_of_parts};
use codecs::Table;
use expect::{Feature, Walk};
use qemu_qmp::wire::tolerating_unknown;
use serde_json::{json, Map, Value};
use std::collections::BTreeSet;
use std::path::Path;
use text::{same, Style};
use transcript::api::{Codec, DecodeError};
use world::{Kind, Message, Node, Shape, World};

/// A schema, the types that were generated from it, and what has been seen of it.
struct Bench {
    world: World,
    table: Table,
    tags: BTreeSet<String>,
    used: BTreeSet<Feature>,
    values: usize,
    texts: usize,
}

impl Bench {
    fn new(api: &str, table: Table) -> Self {
        let world = World::vendored(api);
        let branches = world.schema.objects.iter().filter_map(|object| object.branches.as_ref());
        let tags = branches.map(|branches| branches.tag.clone()).collect();
        Bench { world, table, tags, used: BTreeSet::new(), values: 0, texts: 0 }
    }

    fn codec(&self, message: &Message) -> Codec {
        let found = self.table.get(message.kind, &message.name);
        found.unwrap_or_else(|| panic!("{} is in no list of the generated code", message.name))
    }

    /// Every way to write a value that is tried.
    fn styles(&self) -> [Style<'_>; 4] {
        let style = |tags_first, reversed, lavish| Style { tags: &self.tags, tags_first, reversed, lavish };
        [style(true, false, false), style(false, false, true), style(false, true, false), style(true, true, true)]
    }

    /// The value has to come out as it went in, and what it holds of the unknown has to be told.
    fn round_trips(&mut self, index: usize, value: &Value) {
        self.comes_out(index, value, value);
    }

    /// What goes in has to come out as `value`.
    fn comes_out(&mut self, index: usize, goes_in: &Value, value: &Value) {
        let message = &self.world.messages[index];
        let mut walk = Walk::new(&self.world, &mut self.used);
        walk.shape(&message.name, &message.shape, value);
        let mut expected = walk.unrecognized;
        expected.sort();
        let codec = self.codec(message);
        for style in self.styles() {
            let text = style.write(goes_in);
            match codec(&text) {
                Ok(mut again) => {
                    assert!(same(value, &again.json), "{}: {text}\nbecame {}", message.name, again.json);
                    again.unrecognized.sort();
                    assert_eq!(again.unrecognized, expected, "unrecognized in {}: {text}", message.name);
                }
                Err(error) => panic!("{}: {text}\n{error:?}", message.name),
            }
        }
        self.texts += self.styles().len();
        self.values += 1;
    }

    /// Everything that the schema allows.
    fn everything_round_trips(&mut self) {
        for (index, value) in self.world.all_cases() {
            self.round_trips(index, &value);
        }
        let missed: Vec<_> = self.world.features().difference(&self.used).cloned().collect();
        assert!(missed.is_empty(), "no value made use of {missed:?}");
    }

    /// Members that no schema lists yet change nothing in what servers send, wherever they stand, nor do they in commands that
    /// are read as others' words. As a program's own words, commands that have them are refused; those that take any argument
    /// keep them.
    fn extra_members_are_ignored_or_refused(&mut self) {
        for index in 0..self.world.messages.len() {
            let message = &self.world.messages[index];
            let open = message.open;
            if let Shape::Members(parts) = &message.shape {
                for value in self.world.with_parts(&Map::new(), &Map::new(), parts).into_iter().take(2) {
                    let more = with_extras(&value);
                    self.extras(index, &more, if open { &more } else { &value }, "");
                }
            }
        }
        let nodes: Vec<Node> = self.world.places.keys().copied().collect();
        for node in nodes {
            let Node::Object(id) = node else { continue };
            for value in self.world.smallest_of_each_branch(id) {
                let (index, more, place) = self.world.embed(node, with_extras(&value));
                let (_, value, _) = self.world.embed(node, value);
                self.extras(index, &more, &value, &place);
            }
        }
    }

    /// What has more members than `value` at the given place is refused as the arguments of a command, unless they are kept.
    fn extras(&mut self, index: usize, more: &Value, value: &Value, place: &str) {
        let arguments = self.world.messages[index].kind == Kind::Arguments;
        tolerating_unknown(|| self.comes_out(index, more, value));
        if !arguments || more == value {
            self.comes_out(index, more, value);
        } else {
            let codec = self.codec(&self.world.messages[index]);
            for style in self.styles() {
                let text = style.write(more);
                let error = codec(&text).expect_err(&text);
                let is_there = EXTRAS.iter().any(|extra| error.path == format!("{place}.{extra}"));
                assert!(is_there && error.reason.starts_with("unknown member; "), "{text}\n{error}");
            }
        }
    }

    /// Each mandatory member that is missing and each value of a wrong kind is an error that names the place.
    fn decode_errors_name_what_is_wrong(&mut self) {
        for index in 0..self.world.messages.len() {
            let message = &self.world.messages[index];
            let smallest = self.world.minimal_message(index);
            match message.shape.clone() {
                Shape::Nothing => self.is_refused(index, &json!([]), "", ""),
                Shape::Members(parts) => {
                    for bad in bad_values_of_parts(&smallest, &parts) {
                        self.is_refused(index, &bad.value, &bad.path, &bad.reason);
                    }
                }
                Shape::Type(ty) => {
                    for (value, path) in bad_values(&ty) {
                        self.is_refused(index, &value, path, "");
                    }
                }
            }
        }
        let nodes: Vec<Node> = self.world.places.keys().copied().collect();
        for node in nodes {
            for bad in self.world.bad_values_of_node(node) {
                let (index, value, place) = self.world.embed(node, bad.value);
                self.is_refused(index, &value, &(place + &bad.path), &bad.reason);
            }
        }
    }

    fn is_refused(&mut self, index: usize, value: &Value, place: &str, because: &str) {
        let message = &self.world.messages[index];
        let codec = self.codec(message);
        for style in self.styles() {
            let text = style.write(value);
            match codec(&text) {
                Ok(_) => panic!("{}: {text} decoded in spite of {place}", message.name),
                Err(DecodeError { path, reason }) => {
                    assert_eq!(path, place, "{}: {text}\n{reason}", message.name);
                    assert!(reason.starts_with(because), "{}: {text}\n{reason} instead of {because}", message.name);
                }
            }
        }
        self.texts += self.styles().len();
        self.values += 1;
    }

    fn report(&self, what: &str) {
        println!("{what}: {} values in {} texts", self.values, self.texts);
        for (kind, count) in expect::count(&self.used) {
            println!("  {count} {kind}");
        }
    }
}

/// Names that no schema has.
const EXTRAS: [&str; 2] = ["0-extra", "zz_Extra \u{e9}"];

fn with_extras(value: &Value) -> Value {
    let mut members = value.as_object().cloned().unwrap_or_default();
    members.insert(EXTRAS[0].to_owned(), json!({"type": "x", "a": [null, 0.5, u64::MAX]}));
    members.insert(EXTRAS[1].to_owned(), Value::Null);
    Value::Object(members)
}

#[test]
fn everything_of_qmp_round_trips() {
    let mut bench = Bench::new("qmp", Table::qmp());
    bench.everything_round_trips();
    bench.report("qmp");
}

#[test]
fn everything_of_qga_round_trips() {
    let mut bench = Bench::new("qga", Table::qga());
    bench.everything_round_trips();
    bench.report("qga");
}

#[test]
fn extra_members_are_ignored_or_refused() {
    for (api, table) in [("qmp", Table::qmp()), ("qga", Table::qga())] {
        let mut bench = Bench::new(api, table);
        bench.extra_members_are_ignored_or_refused();
        bench.report(api);
    }
}

#[test]
fn decode_errors_name_what_is_wrong() {
    for (api, table) in [("qmp", Table::qmp()), ("qga", Table::qga())] {
        let mut bench = Bench::new(api, table);
        bench.decode_errors_name_what_is_wrong();
        bench.report(api);
    }
}

/// Whatever another server may send decodes, and comes out but for members that are no more. The other server is the storage
/// daemon, or any release:
///
/// `QAPI_SCHEMA=qemu/qapi/qapi-schema.json cargo test --test fidelity another_server -- --nocapture`
#[test]
fn another_server() {
    let storage_daemon = concat!(env!("CARGO_MANIFEST_DIR"), "/qapi-schema/storage-daemon/qapi-schema.json");
    let root = std::env::var_os("QAPI_SCHEMA").unwrap_or_else(|| storage_daemon.into());
    let mut bench = Bench::new("qmp", Table::qmp());
    bench.world = World::of_server(Path::new(&root));
    let mut gone = BTreeSet::new();
    for (index, value) in bench.world.all_cases() {
        let message = &bench.world.messages[index];
        let Some(codec) = bench.table.get(message.kind, &message.name) else {
            gone.insert(message.name.clone());
            continue;
        };
        for style in bench.styles() {
            let text = style.write(&value);
            let again = codec(&text).unwrap_or_else(|error| panic!("{}: {text}\n{error}", message.name));
            let lost = transcript::compare::compare(&value, &again.json);
            let lost = lost.unwrap_or_else(|error| panic!("{}: {text}\n{}: {error}", message.name, again.json));
            gone.extend(
                lost.iter().map(|path| format!("{}{}", message.name, path.replace("[0]", "").replace("[1]", ""))),
            );
        }
        bench.values += 1;
        bench.texts += bench.styles().len();
    }
    bench.report("another server");
    println!("no more: {gone:#?}");
}

/// The generator of values would notice no type that it does not know of.
#[test]
fn generated_lists_are_complete() {
    for (api, table) in [("qmp", Table::qmp()), ("qga", Table::qga())] {
        let schema = World::vendored(api).schema;
        let types = schema.enums.len() + schema.objects.len() + schema.alternates.len();
        assert_eq!(table.counts(), (schema.commands.len(), schema.events.len(), types));
    }
}
