//! Golden test of the emitter: a small schema with one of everything, and the Rust that it becomes.
//!
//! `BLESS=1 cargo test -p qemu-qmp-codegen --test it emitted` writes down what comes out now, here and in doc/generated-code.md; read the
//! difference before committing it.

use qemu_qmp_codegen::{Generated, Generator};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/emitted")
}

fn schema() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/own-schema/schema")
}

fn generate() -> Generated {
    let schema = schema();
    let generator = Generator::new(schema.join("api.json"), "lamps");
    let generator = generator.manual("https://example.org/lamps.html", "LAMPS");
    generator.late_members(schema.join("late.json")).generate().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn one_of_everything() {
    let bless = std::env::var_os("BLESS").is_some();
    for (name, text) in generate().files {
        // The name keeps tools that look for `.rs` from taking it for a file of this crate.
        let file = folder().join(format!("{name}.golden"));
        if bless {
            std::fs::write(&file, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        let first = golden.lines().zip(text.lines()).position(|(old, new)| old != new);
        assert!(golden == text, "{name} differs from its golden file, first at line {:?}", first.map(|line| line + 1));
    }
}

/// The excerpts in doc/generated-code.md. Before each stands where it is from: `<!-- FILE: FIRST ... LAST -->`. It goes from a line that
/// begins with FIRST to one that begins with LAST or, where no LAST is given, to the next empty line.
#[test]
fn the_page_shows_what_is_read_and_emitted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../doc/generated-code.md");
    let old = std::fs::read_to_string(&page).unwrap();
    let files = generate().files;
    let mut lines = old.lines();
    let mut new = String::new();
    let mut excerpts = 0;
    while let Some(line) = lines.next() {
        new.extend([line, "\n"]);
        let Some(source) = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->")) else { continue };
        let (file, range) = source.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let emitted = files.iter().find(|(name, _)| name == file).map(|(_, text)| text.clone());
        let text = emitted.unwrap_or_else(|| std::fs::read_to_string(schema().join(file)).expect(file));
        let fence = lines.next().filter(|fence| fence.starts_with("```")).unwrap_or_else(|| panic!("no block: {line}"));
        assert!(lines.any(|line| line == "```"), "{line}");
        let excerpt = excerpt(&text, range).unwrap_or_else(|| panic!("{file} has no {range}"));
        new.extend([fence, "\n", &excerpt, "```\n"]);
        excerpts += 1;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&page, &new).unwrap();
    } else {
        let first = new.lines().zip(old.lines()).find(|(new, old)| new != old);
        assert!(old == new, "doc/generated-code.md has other excerpts, first: {first:#?}");
    }
    assert!(excerpts > 20, "{excerpts}");
}

/// Some lines of a text, without what all are indented by.
fn excerpt(text: &str, range: &str) -> Option<String> {
    let (first, last) = range.split_once(" ... ").map_or((range, None), |(first, last)| (first, Some(last)));
    let from: Vec<&str> = text.lines().skip_while(|line| !line.trim_start().starts_with(first)).collect();
    let begins = |line: &&str, start: &str| line.trim_start().starts_with(start);
    let count = match last {
        Some(last) => 1 + from.iter().skip(1).position(|line| begins(line, last))? + 1,
        None => from.iter().position(|line| line.is_empty()).unwrap_or(from.len()),
    };
    let indent = from.first()?.len() - from.first()?.trim_start().len();
    let lines = from.iter().take(count).map(|line| line.get(indent..).unwrap_or_default());
    Some(lines.map(|line| format!("{line}\n")).collect())
}

#[test]
fn the_same_schema_gives_the_same_text() {
    assert_eq!(generate().files, generate().files);
}

#[test]
fn inputs_are_exactly_the_files_that_were_read() {
    let mut inputs: Vec<_> = generate().inputs.iter().map(|input| input.file_name().map(ToOwned::to_owned)).collect();
    inputs.sort();
    let expected: Vec<_> = ["api.json", "late.json", "types.json"].map(|name| Some(name.into())).into();
    assert_eq!(inputs, expected);
}

#[test]
fn a_type_without_finite_values_is_refused() {
    let folder = std::env::temp_dir().join(format!("qemu-qmp-codegen-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("endless.json");
    let schema = "{ 'struct': 'Hen', 'data': { 'from': 'Egg' } }\n{ 'struct': 'Egg', 'data': { 'from': 'Hen' } }\n";
    std::fs::write(&file, schema).unwrap();
    let error = Generator::new(&file, "hens").generate().map(|_| ()).unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((error.at.line, error.message.contains("'Hen'")), (1, true), "{error}");
}

/// Setters are for what programs send: directly, in arrays, branches and alternatives, or both ways. What no message has
/// may be anybody's.
#[test]
fn only_what_is_received_has_no_setters() {
    let schema = "
{ 'enum': 'Kind', 'data': [ 'one', 'two' ] }
{ 'struct': 'Sent', 'data': { '*sent': 'int', '*rest': [ 'SentWithin' ] } }
{ 'struct': 'SentWithin', 'data': { '*within': 'int' } }
{ 'struct': 'SentAlternative', 'data': { '*alternative': 'int' } }
{ 'alternate': 'Either', 'data': { 'text': 'str', 'object': 'SentAlternative' } }
{ 'struct': 'SentBranch', 'data': { '*branch': 'Either' } }
{ 'union': 'SentUnion', 'base': { 'kind': 'Kind', '*base': 'int' }, 'discriminator': 'kind', 'data': { 'one': 'SentBranch' } }
{ 'struct': 'Both', 'data': { '*both': 'int' } }
{ 'struct': 'Returned', 'data': { '*returned': 'int', 'more': [ 'ReturnedWithin' ], 'back': [ 'Back' ] } }
{ 'struct': 'Back', 'data': {
    'a': 'Sent', 'b': 'SentWithin', 'c': 'SentAlternative', 'd': 'SentBranch', 'e': 'SentUnion', 'f': 'Both' } }
{ 'struct': 'Told', 'data': { '*told': 'int' } }
{ 'struct': 'ReturnedWithin', 'data': { '*found': 'int' } }
{ 'struct': 'Nobodys', 'data': { '*nobody': 'int' } }
{ 'command': 'do-it', 'data': { '*top': 'Sent', '*choice': 'SentUnion', '*again': 'Both' }, 'returns': [ 'Returned' ] }
{ 'event': 'DONE', 'data': { '*late': 'int', '*result': 'Told' } }
";
    let folder = std::env::temp_dir().join(format!("qemu-qmp-setters-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("setters.json"), schema).unwrap();
    let generated = Generator::new(folder.join("setters.json"), "setters").generate();
    std::fs::remove_dir_all(&folder).unwrap();
    let text: String =
        generated.unwrap_or_else(|error| panic!("{error}")).files.into_iter().map(|(_, text)| text).collect();
    let has_setter = |name: &&&str| text.contains(&format!("pub fn {name}(mut self,"));
    let sent = ["top", "choice", "again", "sent", "rest", "within", "alternative", "branch", "base", "both", "nobody"];
    assert_eq!(sent.iter().filter(has_setter).collect::<Vec<_>>(), sent.iter().collect::<Vec<_>>());
    let received = ["returned", "found", "told", "late", "result"];
    assert_eq!(received.iter().find(has_setter), None);
    assert!(received.iter().all(|name| text.contains(&format!("pub {name}: Option<"))), "but they are fields");
}

#[test]
fn a_name_that_is_no_identifier_is_refused() {
    for name in ["my-api", "", "1st", "my api", "löffel"] {
        let error = Generator::new(schema().join("api.json"), name).generate().map(|_| ()).unwrap_err();
        assert!(error.message.contains(&format!("'{name}', is no identifier")), "{error}");
    }
    for name in ["type", "_1"] {
        assert!(Generator::new(schema().join("api.json"), name).generate().is_ok());
    }
}
