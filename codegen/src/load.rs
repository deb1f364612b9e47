//! The only module that touches files: reads the root, follows includes, keeps the pragmas.
//!
//! A file is read once, where it is included first, and its definitions stand there. Assumes nothing about what
//! definitions mean. Never reads anything but the root and what is included from there.

use crate::doc::Doc;
use crate::error::{Error, Location, Result};
use crate::parser::{Item, Object, Parser, Text, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// How deep files may include each other. QEMU's schemas reach four.
const MAX_DEPTH: usize = 64;

/// The pragmas of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pragma {
    /// Every definition must have a doc block.
    pub doc_required: bool,
    /// Commands whose names may have upper case or `_`.
    pub command_name_exceptions: BTreeSet<String>,
    /// Commands that may return something else than an object or an array of them.
    pub command_returns_exceptions: BTreeSet<String>,
    /// Definitions with members that no words describe.
    pub documentation_exceptions: BTreeSet<String>,
    /// Types whose members may have upper case or `_`.
    pub member_name_exceptions: BTreeSet<String>,
}

/// A root file and all that it includes, parsed and not checked.
#[derive(Debug, Clone)]
pub struct Source {
    /// The files in the order of their first inclusion, the root first.
    pub modules: Vec<Module>,
    /// The definitions of all files; those of an included file stand where it is included first.
    pub expressions: Vec<Expression>,
    /// Warnings of bad style, with the feature `tools`.
    pub warnings: Vec<Error>,
}

/// One definition as written: an object that is neither `include` nor `pragma`, and the doc block above it.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The object.
    pub object: Object,
    /// The doc block above it. Whether it names this definition is for the checker to find out.
    pub doc: Option<Doc>,
    /// Index of the module (file) it stands in, in reading order.
    pub module: usize,
    /// The pragmas. QEMU applies what all files together end up with to every definition, earlier ones too.
    pub pragma: Rc<Pragma>,
}

/// One schema file.
#[derive(Debug, Clone)]
pub struct Module {
    /// Path relative to the root file's folder without `.json`, such as `block-core` or `../qmp/crypto`.
    pub name: String,
    /// The file that was read, as locations name it.
    pub path: PathBuf,
    /// The pragmas it sets, in order; one that is set again replaces the earlier one.
    pub pragmas: Vec<(Text, Value)>,
    /// The paths it includes, as written.
    pub includes: Vec<String>,
    /// Free-form doc blocks of the file, in order.
    pub free_docs: Vec<Doc>,
}

/// Reads a schema from its root file.
pub fn load(root: &Path) -> Result<Source> {
    load_with(root, |path| std::fs::read(path))
}

/// Reads a schema whose files `read` knows, such as a test's.
pub fn load_with(root: &Path, read: impl FnMut(&Path) -> io::Result<Vec<u8>>) -> Result<Source> {
    let mut loader = Loader {
        read,
        root: identity(root).parent().map(PathBuf::from).unwrap_or_default(),
        seen: Vec::new(),
        open: Vec::new(),
        pragma: Pragma::default(),
        modules: Vec::new(),
        expressions: Vec::new(),
        warnings: Vec::new(),
    };
    let text = (loader.read)(root).map_err(|error| unreadable(root, &error))?;
    loader.file(root, &text)?;
    let pragma = Rc::new(loader.pragma);
    for expression in &mut loader.expressions {
        expression.pragma = pragma.clone();
    }
    Ok(Source { modules: loader.modules, expressions: loader.expressions, warnings: loader.warnings })
}

/// The state while files are being read.
struct Loader<R> {
    read: R,
    /// The folder that module names are relative to.
    root: PathBuf,
    /// Files that have been opened.
    seen: Vec<PathBuf>,
    /// The file being read and those that led to it, outermost first.
    open: Vec<PathBuf>,
    /// Shared by all files: a list given later replaces an earlier one.
    pragma: Pragma,
    modules: Vec<Module>,
    /// Their pragmas come last, when all are known.
    expressions: Vec<Expression>,
    warnings: Vec<Error>,
}

impl<R: FnMut(&Path) -> io::Result<Vec<u8>>> Loader<R> {
    fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        let file: Arc<Path> = path.into();
        let text = decode(&file, bytes)?;
        let identity = identity(path);
        let module = self.modules.len();
        let name = module_name(&self.root, &identity);
        self.modules.push(Module {
            name,
            path: path.into(),
            pragmas: Vec::new(),
            includes: Vec::new(),
            free_docs: Vec::new(),
        });
        self.seen.push(identity.clone());
        self.open.push(identity);
        let mut parser = Parser::new(file, &text)?;
        let mut doc = None;
        while let Some(item) = parser.next_item()? {
            self.warnings.append(&mut parser.warnings);
            match item {
                Item::Doc(next) => {
                    self.leave_behind(doc.replace(*next), module)?;
                }
                Item::Object(object) if object.get("include").is_some() => {
                    self.leave_behind(doc.take(), module)?;
                    self.include(path, &object, module)?;
                }
                Item::Object(object) if object.get("pragma").is_some() => {
                    self.leave_behind(doc.take(), module)?;
                    self.pragmas(object, module)?;
                }
                Item::Object(object) => {
                    if let Some(Doc { symbol: None, at: Some(at), .. }) = &doc {
                        return Err(Error::new(at, "this block stands above a definition but does not name it"));
                    }
                    self.expressions.push(Expression { object, doc: doc.take(), module, pragma: Rc::default() });
                }
            }
        }
        self.open.pop();
        self.leave_behind(doc, module)
    }

    /// Keeps a block that no definition follows, which must be in free form.
    fn leave_behind(&mut self, doc: Option<Doc>, module: usize) -> Result<()> {
        let Some(doc) = doc else { return Ok(()) };
        if let Doc { symbol: Some(symbol), at: Some(at), .. } = &doc {
            return Err(Error::new(at, format!("the definition of '{symbol}' should stand below its block")));
        }
        if let Some(module) = self.modules.get_mut(module) {
            module.free_docs.push(doc);
        }
        Ok(())
    }

    fn include(&mut self, from: &Path, object: &Object, module: usize) -> Result<()> {
        let error = |message: String| Err(Error::new(&object.at, message));
        let [(_, Value::String(included))] = object.members.as_slice() else {
            return error("`include` takes one string and stands alone".into());
        };
        let path = from.parent().unwrap_or(Path::new("")).join(&included.value);
        let identity = identity(&path);
        if let Some(module) = self.modules.get_mut(module) {
            module.includes.push(included.value.clone());
        }
        if self.open.contains(&identity) {
            return error(format!("'{}' includes itself by way of this", included.value));
        }
        if self.seen.contains(&identity) {
            return Ok(());
        }
        if self.open.len() == MAX_DEPTH {
            return error(format!("files include each other more than {MAX_DEPTH} levels deep"));
        }
        match (self.read)(&path) {
            Ok(bytes) => self.file(&path, &bytes),
            Err(cause) => error(format!("'{}' cannot be read: {cause}", path.display())),
        }
    }

    fn pragmas(&mut self, object: Object, module: usize) -> Result<()> {
        let Object { mut members, at } = object;
        let (Some((_, Value::Object(pragmas))), true) = (members.pop(), members.is_empty()) else {
            return Err(Error::new(&at, "`pragma` takes one object and stands alone"));
        };
        for (name, value) in pragmas.members {
            self.pragma.set(&name.value, &value).map_err(|message| Error::new(&at, message))?;
            if let Some(module) = self.modules.get_mut(module) {
                match module.pragmas.iter_mut().find(|(earlier, _)| earlier.value == name.value) {
                    Some((_, earlier)) => *earlier = value,
                    None => module.pragmas.push((name, value)),
                }
            }
        }
        Ok(())
    }
}

impl Pragma {
    /// Sets one pragma, or says why not.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let list = match (name, value) {
            ("doc-required", Value::Bool(required, _)) => {
                self.doc_required = *required;
                return Ok(());
            }
            ("doc-required", _) => return Err(format!("pragma '{name}' takes a boolean")),
            ("command-name-exceptions", _) => &mut self.command_name_exceptions,
            ("command-returns-exceptions", _) => &mut self.command_returns_exceptions,
            ("documentation-exceptions", _) => &mut self.documentation_exceptions,
            ("member-name-exceptions", _) => &mut self.member_name_exceptions,
            _ => return Err(format!("there is no pragma '{name}'")),
        };
        *list = strings(value).ok_or_else(|| format!("pragma '{name}' takes an array of strings"))?;
        Ok(())
    }
}

/// The elements of an array that has only strings.
fn strings(value: &Value) -> Option<BTreeSet<String>> {
    let Value::Array(elements, _) = value else { return None };
    let string = |element: &Value| match element {
        Value::String(text) => Some(text.value.clone()),
        _ => None,
    };
    // One by one: to collect a set sorts it first, which is more to compile.
    let mut strings = BTreeSet::new();
    for element in elements {
        strings.insert(string(element)?);
    }
    Some(strings)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(&Location::start_of(path), format!("cannot be read: {error}"))
}

/// UTF-8 with whatever line ends → text with lines that end in `\n`.
fn decode(file: &Arc<Path>, bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let count = |n| u32::try_from(n).unwrap_or(u32::MAX);
        let at = Location { file: file.clone(), line: count(line), column: count(column) };
        Error::new(&at, "the file is not in UTF-8 from here on")
    })?;
    Ok(if text.contains("\r") { text.replace("\r\n", "\n").replace("\r", "\n") } else { text.into() })
}

/// The absolute path without `.` and `..`, by which files are told apart; symbolic links are not followed.
pub(crate) fn identity(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// The path of a file relative to the root's folder, with `/` and without `.json`.
fn module_name(root: &Path, file: &Path) -> String {
    let (mut up, mut down) = (root.components(), file.components());
    while let (Some(folder), Some(part)) = (up.clone().next(), down.clone().next()) {
        if folder != part {
            break;
        }
        up.next();
        down.next();
    }
    let mut name = String::new();
    for _ in up {
        name.push_str("../");
    }
    for (index, part) in down.enumerate() {
        name.push_str(if index > 0 { "/" } else { "" });
        name.push_str(&part.as_os_str().to_string_lossy());
    }
    name.strip_suffix(".json").unwrap_or(&name).into()
}

/// Members that older servers do not send: definition, then member and the first release that always sends it.
pub(crate) type LateMembers = Vec<(String, Vec<(String, String)>)>;

/// Reads a table of members that older servers do not send: definition → member → first release that always sends it.
///
/// # Errors
/// Where the file cannot be read or holds something else.
// Inlined so that those who do without these maps do not compile them: every build script does.
#[inline]
pub fn late_members(path: &Path) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
    let table = late_table(path)?.into_iter();
    Ok(table.map(|(definition, members)| (definition, members.into_iter().collect())).collect())
}

/// The same as lists.
pub(crate) fn late_table(path: &Path) -> Result<LateMembers> {
    let file: Arc<Path> = path.into();
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let text = decode(&file, &bytes)?;
    let mut table = Vec::new();
    for (definition, members) in Parser::json(file, &text)?.members {
        let Value::Object(members) = members else {
            return Err(Error::new(members.at(), "an object of members and their releases should stand here"));
        };
        let mut releases = Vec::with_capacity(members.members.len());
        for (member, release) in members.members {
            let Value::String(release) = release else {
                return Err(Error::new(release.at(), "a release, such as \"9.2\", should stand here"));
            };
            releases.push((member.value, release.value));
        }
        table.push((definition.value, releases));
    }
    Ok(table)
}

/// Writes a file, unless it holds that text already: build tools look at the time of the last change.
///
/// # Errors
/// Where the file system refuses.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    std::fs::write(path, text).map_err(|error| {
        let at = Location::start_of(path);
        Error::new(&at, format!("cannot be written: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads `root` from files that exist only here.
    fn source(root: &str, files: &[(&str, &str)]) -> Result<Source> {
        load_with(Path::new(root), |path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            file.map(|(_, text)| text.as_bytes().to_vec()).ok_or(io::ErrorKind::NotFound.into())
        })
    }

    #[test]
    fn modules_are_named_from_the_folder_of_the_root() {
        for folder in ["", "cats/", "../cats/", "/cats/"] {
            let root = format!("{folder}root.json");
            let files = [
                (root.as_str(), "{ 'include': 'a.json' } { 'include': 'deep/b.json' } { 'include': '../up/c.json' }"),
                (&format!("{folder}a.json"), "{ 'include': './deep/../deep/b.json' }"),
                (&format!("{folder}./deep/../deep/b.json"), "{ 'struct': 'B', 'data': {} }"),
                (&format!("{folder}../up/c.json"), "{ 'struct': 'C', 'data': {} }"),
            ];
            let source = source(&root, &files).unwrap();
            let names: Vec<&str> = source.modules.iter().map(|module| module.name.as_str()).collect();
            assert_eq!(names, ["root", "a", "deep/b", "../up/c"], "{folder}");
            let modules: Vec<usize> = source.expressions.iter().map(|expression| expression.module).collect();
            assert_eq!(modules, [2, 3]);
            assert_eq!(source.modules[0].includes, ["a.json", "deep/b.json", "../up/c.json"]);
        }
    }

    #[test]
    fn a_chain_of_includes_ends_somewhere() {
        let error = load_with(Path::new("0"), |path| {
            let number: u32 = path.to_string_lossy().parse().unwrap();
            Ok(format!("{{ 'include': '{}' }}", number + 1).into_bytes())
        });
        assert_eq!(error.unwrap_err().to_string(), "63:1:1: files include each other more than 64 levels deep");
    }

    #[test]
    fn all_definitions_share_the_last_word_on_pragmas() {
        let text = "{ 'struct': 'A', 'data': {} }
            { 'pragma': { 'doc-required': true, 'member-name-exceptions': [ 'A' ] } }
            { 'pragma': { 'member-name-exceptions': [ 'B', 'C' ] } }";
        let source = source("root.json", &[("root.json", text)]).unwrap();
        let pragma = &source.expressions[0].pragma;
        assert!(pragma.doc_required);
        assert_eq!(pragma.member_name_exceptions, BTreeSet::from(["B".into(), "C".into()]));
        let kept: Vec<&str> = source.modules[0].pragmas.iter().map(|(name, _)| name.value.as_str()).collect();
        assert_eq!(kept, ["doc-required", "member-name-exceptions"]);
    }

    #[test]
    fn late_members_are_json() {
        let path = std::env::temp_dir().join(format!("qemu-qmp-late-members-{}.json", std::process::id()));
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let listed = late_members(&path).map_err(|error| {
                assert_eq!(*error.at.file, *path);
                format!("{}:{}: {}", error.at.line, error.at.column, error.message)
            });
            std::fs::remove_file(&path).unwrap();
            listed
        };
        assert_eq!(read("{}\n"), Ok(BTreeMap::new()));
        let listed =
            read("{\r\n  \"Cat\": {\"paws\": \"9.2\", \"tail-tip\": \"10.0\"},\r\n  \"NAP\": {}\r\n}").unwrap();
        let paws = [("paws", "9.2"), ("tail-tip", "10.0")].map(|(member, release)| (member.into(), release.into()));
        assert_eq!(listed, BTreeMap::from([("Cat".into(), BTreeMap::from(paws)), ("NAP".into(), BTreeMap::new())]));
        for (text, error) in [
            ("", "1:1: a `{` should stand here, not the end of the file"),
            ("[]", "1:1: a `{` should stand here, not `[`"),
            ("{} {}", "1:4: the end of the file should stand here, not `{`"),
            ("{\n\"Cat\": \"9.2\"}", "2:8: an object of members and their releases should stand here"),
            ("{\"Cat\": {\"paws\": true}}", "1:18: a release, such as \"9.2\", should stand here"),
            ("{\"Cat\": {\"paws\": 9.2}}", "1:18: `9.2` has no meaning here"),
            ("{\"Cat\": {}, \"Cat\": {}}", "1:20: key 'Cat' stands here twice"),
            ("{\"Cat\": {},}", "1:12: a string should stand here, not `}`"),
            ("{'Cat': {}}", "1:2: `'Cat` has no meaning here"),
        ] {
            assert_eq!(read(text), Err(error.into()), "{text}");
        }
        let error = late_members(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:1:1: cannot be read: ", path.display())), "{error}");
    }
}
