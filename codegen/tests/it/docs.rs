//! What becomes of doc blocks in the styles of different releases. The texts are those of the golden cases.

use qemu_qmp_codegen::doc::{Doc, Entry};
use qemu_qmp_codegen::load::load;
use qemu_qmp_codegen::Generator;
use std::path::Path;

/// The docs of the two definitions of a golden case, and its free-form blocks.
fn docs(case: &str) -> (Doc, Doc, Vec<Doc>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
    let source = load(&root).unwrap();
    let mut docs = source.expressions.into_iter().map(|expression| expression.doc.unwrap());
    let (first, second) = (docs.next().unwrap(), docs.next().unwrap());
    (first, second, source.modules.into_iter().flat_map(|module| module.free_docs).collect())
}

/// Name, line, text and release of each entry.
fn entries(entries: &[Entry]) -> Vec<(&str, u32, &str, Option<&str>)> {
    entries.iter().map(|e| (e.name.as_str(), e.at.line, e.text.as_str(), e.since.as_deref())).collect()
}

#[test]
fn new_style() {
    let (cat, feed, free) = docs("doc-new-style.json");
    assert_eq!(cat.symbol.as_deref(), Some("Cat"));
    assert_eq!(cat.at.as_ref().map(|at| at.line), Some(9));
    assert_eq!(cat.summary, "An animal.\n\n.. note:: It scratches.");
    let lives = "how many it has left.  There is no way to count those\nthat it had.\n\n- fewer than before";
    let members = [("lives", 16, lives, None), ("mice", 21, "how many it has caught (default: 0)", Some("2.1"))];
    assert_eq!(entries(&cat.members), members);
    assert_eq!(entries(&cat.features), [("tired", 25, "it may\nsleep", None)]);
    assert_eq!(cat.since.as_deref(), Some("1.0"));
    assert_eq!(cat.other, [".. qmp-example::\n   :annotated:\n\n    @ is no entry: neither is this"]);
    let returns = feed.returns.unwrap();
    assert_eq!((returns.text.as_str(), returns.at.line), ("the cat", 44));
    let errors = feed.errors.unwrap();
    assert_eq!((errors.text.as_str(), errors.at.line), ("- If there is none, CatNotFound", 46));
    assert_eq!(feed.other, ["TODO: Feed several."]);
    assert_eq!(free.len(), 1);
    assert_eq!((&free[0].symbol, free[0].summary.lines().nth(1)), (&None, Some("Cats")));
}

#[test]
fn old_style() {
    let (cat, feed, free) = docs("doc-old-style.json");
    assert_eq!(cat.summary, "An animal.");
    let mice = "* few: one a week\n* many: more\n@name : is no entry";
    assert_eq!(entries(&cat.members), [("lives", 11, "how many it\nhas left", None), ("mice", 13, mice, None)]);
    assert_eq!(cat.since.as_deref(), Some("1.0"));
    let other = ["It scratches.", "Since 1.0 (2.0 with a tail)", "Notes: It sleeps.\n\n  Often.\nAnd purrs."];
    assert_eq!(cat.other, other);
    assert_eq!(entries(&feed.features), [("unstable", 38, "it may refuse", None)]);
    assert_eq!(feed.other.len(), 1);
    assert!(feed.other[0].starts_with("Example: -> {") && feed.other[0].ends_with("\n   } }"), "{:?}", feed.other);
    assert_eq!(free[0].summary, "= Cats\n\n== Felis catus");
}

/// Whoever matches on the enum of events sees what each is about.
#[test]
fn variants_of_events_have_the_summaries() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../qapi-schema/qmp/qapi-schema.json");
    let schema = qemu_qmp_codegen::check::check(&load(&root).unwrap()).unwrap();
    let generated = Generator::new(&root, "qmp").generate().unwrap();
    let (_, text) = generated.files.iter().find(|(name, _)| name.contains("events")).unwrap();
    let (_, variants) = text.split_once("pub enum AnyEvent {").unwrap();
    let mut described = 0;
    for event in &schema.events {
        let first = event.def.doc.summary.trim().lines().next().unwrap_or_default();
        // Up to the first name, which becomes a link.
        let words = first.split("``").next().unwrap_or_default();
        let line = format!("`{}`{}", event.def.name, if first.is_empty() { "" } else { ": " }.to_owned() + words);
        assert!(variants.contains(&line), "{line}");
        described += usize::from(!first.is_empty());
    }
    assert!(described > 40, "{described}");
}

/// The emitted files of a schema, as one text.
fn emitted(test: &str, schema: &str) -> String {
    let folder = std::env::temp_dir().join(format!("qemu-qmp-docs-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("schema.json"), schema).unwrap();
    let generated = Generator::new(folder.join("schema.json"), "docs").generate();
    std::fs::remove_dir_all(&folder).unwrap();
    generated.unwrap_or_else(|error| panic!("{error}")).files.into_iter().map(|(_, text)| text).collect()
}

/// A value that members of one type have means that type, wherever those members stand.
#[test]
fn values_of_members_are_links() {
    let text = emitted(
        "values",
        "
{ 'enum': 'Kind', 'data': [ 'one', 'two' ] }
{ 'enum': 'Other', 'data': [ 'two', 'three' ] }
{ 'enum': 'Third', 'data': [ 'one', 'three' ] }

##
# @act:
#
# Starts from ``one``, not from ``two``, nor from `a[0] <b>`, but [``three``].
#
# @from: where from
#
# @by: how
#
# @to: where to
##
{ 'command': 'act', 'data': { 'from': 'Kind', 'by': 'Other', 'to': 'Kind' } }
",
    );
    let line = r"Starts from [`one`](super::types::Kind::One), not from ``two``, nor from `a[0] <b>`, but \[[`three`](super::types::Other::Three)\].";
    assert!(text.contains(line), "{text}");
}

/// All paragraphs that name events count, for the command and for the events.
#[test]
fn events_of_a_command_may_take_several_paragraphs() {
    let text = emitted(
        "events",
        "
##
# @act:
#
# Events: ``BEGUN`` at first.
#
# Events: ``ENDED`` at last.
##
{ 'command': 'act' }

{ 'event': 'BEGUN' }

{ 'event': 'ENDED' }
",
    );
    let begun = "/// # Events\n/// [`BEGUN`](super::events::Begun) at first.\n///\n";
    assert!(text.contains(&format!("{begun}/// [`ENDED`](super::events::Ended) at last.\n")), "{text}");
    assert_eq!(text.matches("/// Follows [`act`](super::commands::Act).").count(), 2, "{text}");
}
