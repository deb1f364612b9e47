//! `qapi vendor` without its command line: what it takes from a tree, and that it changes nothing that it made.

use qemu_qmp_codegen::vendor::{self, late, Tree, Vendored};
use qemu_qmp_codegen::{check, load};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const VERSION: &str = "99.1.0";

/// A fresh folder of this name with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    for (path, contents) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    folder
}

fn vendored_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../qapi-schema")
}

fn vendored_files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for program in ["qmp", "qga", "storage-daemon"] {
        for entry in fs::read_dir(vendored_folder().join(program)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{program}/{}", entry.file_name().to_string_lossy());
            files.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    files
}

fn assert_unchanged(vendored: Vendored) {
    let files: BTreeMap<String, String> = vendored.files.into_iter().collect();
    let expected = vendored_files();
    assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, contents) in files {
        assert!(contents == expected[&name], "{name} differs");
    }
}

#[test]
fn a_vendored_tree_stays_as_it_is() {
    let version = fs::read_to_string(vendored_folder().join("VERSION")).unwrap();
    let tree = Tree::load(&vendored_folder(), vendor::VENDORED).unwrap();
    let fresh = vendor::vendor(&tree, version.trim(), None);
    assert_eq!(fresh.report.len(), 1026 + 91, "all that is new");
    assert_unchanged(fresh);
    let again = vendor::vendor(&tree, version.trim(), Some(&tree));
    assert_eq!((&again.report, &again.gone), (&Vec::new(), &Vec::new()));
    assert_unchanged(again);
}

#[test]
fn a_vendored_tree_in_the_layout_of_qemu_stays_as_it_is() {
    let version = fs::read_to_string(vendored_folder().join("VERSION")).unwrap();
    let files: Vec<(String, String)> = vendored_files()
        .into_iter()
        .map(|(name, contents)| {
            let name = name.replace("qmp/", "qapi/").replace("storage-daemon/", "storage-daemon/qapi/");
            (name, contents.replace("'../qmp/", "'../../qapi/"))
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, contents)| (name.as_str(), contents.as_str())).collect();
    let new = Tree::load(&folder("layout-of-qemu", &files), vendor::QEMU).unwrap();
    let old = Tree::load(&vendored_folder(), vendor::VENDORED).unwrap();
    let vendored = vendor::vendor(&new, version.trim(), Some(&old));
    assert_eq!(vendored.report, Vec::<String>::new());
    assert_unchanged(vendored);
}

const QEMU_ROOT: &str = "\
{ 'include': 'pragma.json' }

##
# = Cats
##

# An ordinary comment.
{ 'include': 'cat.json' }
{ 'include': 'new.json' }
";

const QEMU_PRAGMA: &str = "\
{ 'pragma': { 'doc-required': true } }
{ 'pragma': {
    # Old ones
    'command-name-exceptions': [ 'feed_cat' ],
    'documentation-exceptions': [ 'Mood' ] } }
";

const QEMU_CAT: &str = "\
##
# @Cat:
#
# Words of the upstream project about cats.
#
# @lives: words about lives (default: 9, since 2.1)
# @mice: words about mice.  (Since: 3.0)
# @tail: words about a tail
#
# Features:
# @unstable: words about jumping
# @deprecated: words about getting rid of it
# @odd: words about oddity (since 2.2)
#
# Note: Words to note.
#
# Since: 1.0
##
{ 'struct': 'Cat', 'features': [ 'odd' ], 'if': { 'any': ['CATS', 'DOGS'] },
  'data': { '*lives': { 'features': [ 'unstable', 'deprecated' ], 'type': 'int' }, 'mice': ['str'], 'tail': 'bool' } }

##
# @Mood:
##
{ 'enum': 'Mood', 'data': [ 'sleepy', { 'name': 'hungry', 'if': 'CATS' } ] }

##
# @feed_cat:
#
# Returns: words about what comes back
#
# Since: 1.1
##
{ 'command': 'feed_cat', 'allow-oob': true, 'returns': [ 'Cat' ] }
";

const VENDORED_CAT: &str = "\
# Interface facts of QEMU 99.1.0: module qmp/cat

##
# @Cat:
#
# What purrs.
#
# @lives: how many it has left (since 2.1)
#
# @mice: (since 3.0)
#
# Features:
#
# @odd: see the QEMU manual (since 2.2)
#
# @unstable: may change or go in any release
#
# @deprecated: to be removed in a later release
#
# Since: 1.0
##
{
    'struct': 'Cat',
    'data': {
        '*lives': { 'type': 'int', 'features': ['unstable', 'deprecated'] },
        'mice': ['str'],
        'tail': 'bool'
    },
    'if': { 'any': [ 'CATS', 'DOGS' ] },
    'features': [
        'odd'
    ]
}

##
# @Mood:
##
{
    'enum': 'Mood',
    'data': [
        'sleepy',
        { 'name': 'hungry', 'if': 'CATS' }
    ]
}

##
# @feed_cat:
#
# Since: 1.1
##
{
    'command': 'feed_cat',
    'returns': ['Cat'],
    'allow-oob': true
}
";

const VENDORED_PRAGMA: &str = "\
# Interface facts of QEMU 99.1.0: module qmp/pragma

{ 'pragma': {
    'command-name-exceptions': [
        'feed_cat'
    ],
    'documentation-exceptions': [
        'Cat',
        'Mood'
    ]
} }
";

const OLD_CAT: &str = "\
##
# @Cat:
#
# What purrs.
#
# @lives: how many it has left
#
# @whiskers: are no more
##
{ 'struct': 'Cat', 'data': { '*lives': 'int', 'whiskers': 'int' } }
{ 'struct': 'Dog', 'data': {} }
";

#[test]
fn facts_come_from_the_tree_and_words_from_what_is_vendored() {
    let tree = folder(
        "facts",
        &[
            ("qapi/qapi-schema.json", QEMU_ROOT),
            ("qapi/pragma.json", QEMU_PRAGMA),
            ("qapi/cat.json", QEMU_CAT),
            ("qapi/new.json", ""),
            ("qga/qapi-schema.json", "{ 'command': 'guest-purr' }\n"),
            ("storage-daemon/qapi/qapi-schema.json", "{ 'include': '../../qapi/pragma.json' }\n"),
        ],
    );
    let dest = folder(
        "words",
        &[
            ("qmp/qapi-schema.json", "{ 'include': 'cat.json' }\n{ 'include': 'gone.json' }\n"),
            ("qmp/cat.json", OLD_CAT),
            ("qmp/gone.json", ""),
            ("qga/qapi-schema.json", ""),
            ("storage-daemon/qapi-schema.json", ""),
        ],
    );
    let new = Tree::load(&tree, vendor::QEMU).unwrap();
    let old = Tree::load(&dest, vendor::VENDORED).unwrap();
    let vendored = vendor::vendor(&new, VERSION, Some(&old));
    let files: BTreeMap<String, String> = vendored.files.into_iter().collect();
    assert_eq!(files["qmp/cat.json"], VENDORED_CAT);
    assert_eq!(files["qmp/pragma.json"], VENDORED_PRAGMA);
    let storage_daemon = "# Interface facts of QEMU 99.1.0: module storage-daemon/qapi-schema\n\n\
                          { 'include': '../qmp/pragma.json' }\n";
    assert_eq!(files["storage-daemon/qapi-schema.json"], storage_daemon);
    assert_eq!(vendored.gone, ["qmp/gone.json"]);
    let heads: Vec<&String> = vendored.report.iter().filter(|line| !line.starts_with(' ')).collect();
    let expected = [
        "gone: struct Dog (qmp/cat)",
        "new: command guest-purr (qga/qapi-schema)",
        "changed: struct Cat (qmp/cat)",
        "new: enum Mood (qmp/cat)",
        "new: command feed_cat (qmp/cat)",
    ];
    assert_eq!(heads, expected);
    assert!(vendored.report.contains(&"    - 'whiskers': 'int'".to_string()), "{:#?}", vendored.report);
    for text in files.values() {
        assert!(!text.contains("ords"), "QEMU's words pass through:\n{text}");
    }
}

/// What one release demands and the one before did not, in what programs send and in what servers send.
#[test]
fn members_that_have_become_mandatory_are_reported() {
    let schema = |name: &str, text: &str| {
        let file = folder(name, &[("schema.json", text)]).join("schema.json");
        check::check(&load::load(&file).unwrap()).unwrap()
    };
    let old = schema(
        "late-old",
        "{ 'struct': 'Yarn', 'data': { '*length': 'int', 'colour': 'str' } }
{ 'struct': 'Nap', 'data': { 'minutes': 'int' } }
{ 'struct': 'Nobodys', 'data': {} }
{ 'command': 'throw', 'data': { 'yarn': [ 'Yarn' ] } }
{ 'command': 'sleep', 'data': { 'a': 'int' }, 'returns': 'Nap' }
{ 'event': 'PURR', 'data': {} }
",
    );
    let new = schema(
        "late-new",
        "{ 'struct': 'Yarn', 'data': { 'length': 'int', 'colour': 'str', '*end': 'str' } }
{ 'struct': 'Nap', 'data': { 'minutes': 'int', 'dreams': 'bool' } }
{ 'struct': 'Nobodys', 'data': { 'new': 'int' } }
{ 'struct': 'Fresh', 'data': { 'new': 'int' } }
{ 'command': 'throw', 'data': { 'yarn': [ 'Yarn' ] } }
##
# @sleep:
#
# @a: (since 2.0)
#
# @b: (since 9.1)
#
# Since: 1.0
##
{ 'command': 'sleep', 'data': { 'a': 'int', 'b': 'int' }, 'returns': 'Nap' }
{ 'event': 'PURR', 'data': { 'loud': 'bool' } }
{ 'command': 'fetch', 'data': { 'fresh': 'Fresh' } }
",
    );
    let late = late::late_members(&new, VERSION, Some(&old));
    let listed = BTreeMap::from([("PURR".to_owned(), BTreeMap::from([("loud".to_owned(), "99.1".to_owned())]))]);
    let expected = [
        "late member: Nap.dreams (99.1.0) is not in late-members.json",
        "late argument: Yarn.length (99.1.0) is not in late-members.json",
        "late argument: sleep.b (9.1) is not in late-members.json",
    ];
    assert_eq!(late::report(&late, &listed), expected);
    assert_eq!(late.len(), 4);
}
