//! Tokens → located expressions: the top-level objects of one schema file, each with the doc block above it.
//!
//! Knows the grammar and nothing of the meaning: which keys an expression may have is [`crate::check`]'s business.

use crate::doc::Doc;
use crate::error::Location;

/// A string of the schema and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The string without its quotes.
    pub value: String,
    /// Where its opening quote is.
    pub at: Location,
}

/// A value of the QAPI language, a subset of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `{ … }`
    Object(Object),
    /// `[ … ]`, with the place of the bracket.
    Array(Vec<Value>, Location),
    /// `'…'`
    String(Text),
    /// `true` or `false`
    Bool(bool, Location),
}

/// `{ … }`: keys in order of appearance, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Keys and values in the order of the source.
    pub members: Vec<(Text, Value)>,
    /// Where the opening brace is.
    pub at: Location,
}

impl Object {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.members.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }
}

/// One definition as written: an object that is neither `include` nor `pragma`, and the doc block above it.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The object.
    pub object: Object,
    /// The doc block that names this definition.
    pub doc: Option<Doc>,
    /// Index of the module (file) it stands in, in reading order.
    pub module: usize,
    /// The pragmas in force where it stands (those of its root file's includes before it, as QEMU counts them).
    pub pragma: std::rc::Rc<crate::load::Pragma>,
}
