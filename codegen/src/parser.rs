//! Tokens → located expressions: the top-level objects of one schema file and the doc blocks between them.
//!
//! Knows the grammar and nothing of the meaning: which keys an expression may have is [`crate::check`]'s business, and
//! what `include` and `pragma` do is [`crate::load`]'s.

use crate::doc::{self, Doc};
use crate::error::{Error, Location, Result};
use crate::lexer::{Comments, Kind, Lexer, Token};
use std::path::Path;
use std::sync::Arc;

/// How deep objects and arrays may nest. QEMU's schemas reach six.
const MAX_DEPTH: u32 = 64;

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
    /// `[ … ]`, with the location of the bracket.
    Array(Vec<Value>, Location),
    /// `'…'`
    String(Text),
    /// `true` or `false`
    Bool(bool, Location),
}

impl Value {
    /// Where it begins.
    pub fn at(&self) -> &Location {
        match self {
            Value::Object(object) => &object.at,
            Value::String(text) => &text.at,
            Value::Array(_, at) | Value::Bool(_, at) => at,
        }
    }
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

/// An item at the top level of a file.
#[derive(Debug, Clone)]
pub enum Item {
    /// A `##` block.
    Doc(Box<Doc>),
    /// A definition or directive.
    Object(Object),
}

/// Reads one file item by item.
#[derive(Debug)]
pub struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The token to be looked at next.
    token: Token<'t>,
    /// Warnings of bad style, in source order.
    pub warnings: Vec<Error>,
}

impl<'t> Parser<'t> {
    /// Starts to read `text`, whose lines end in `\n`; `file` is what locations will name.
    pub fn new(file: Arc<Path>, text: &'t str) -> Result<Self> {
        Self::start(Lexer::new(file, text))
    }

    fn start(mut lexer: Lexer<'t>) -> Result<Self> {
        let token = lexer.next(Comments::Skip)?;
        Ok(Self { lexer, token, warnings: Vec::new() })
    }

    /// The object that a file of JSON consists of. Strings in it have no escapes but `\\\\`, and there are no numbers.
    pub(crate) fn json(file: Arc<Path>, text: &'t str) -> Result<Object> {
        let mut parser = Self::start(Lexer::json(file, text))?;
        let Kind::Punctuation('{') = parser.token.kind else { return Err(parser.expected("a `{`")) };
        let at = parser.token.at.clone();
        let members = parser.members(0)?;
        match parser.token.kind {
            Kind::End => Ok(Object { members, at }),
            _ => Err(parser.expected("the end of the file")),
        }
    }

    /// The next item; `None` at the end.
    pub fn next_item(&mut self) -> Result<Option<Item>> {
        match self.token.kind {
            Kind::End => Ok(None),
            Kind::Comment(opening) => {
                let doc = doc::Reader::new(&mut self.lexer, &mut self.warnings, &self.token.at).read(opening)?;
                self.advance()?;
                Ok(Some(Item::Doc(Box::new(doc.finish()?))))
            }
            _ => match self.value(0)? {
                Value::Object(object) => Ok(Some(Item::Object(object))),
                other => Err(Error::new(other.at(), "only objects may stand at the top level")),
            },
        }
    }

    fn value(&mut self, depth: u32) -> Result<Value> {
        let at = self.token.at.clone();
        if depth == MAX_DEPTH {
            return Err(Error::new(&at, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let value = match &mut self.token.kind {
            Kind::Punctuation('{') => return Ok(Value::Object(Object { members: self.members(depth)?, at })),
            Kind::Punctuation('[') => return Ok(Value::Array(self.elements(depth)?, at)),
            Kind::String(value) => Value::String(Text { value: std::mem::take(value), at }),
            Kind::Bool(value) => Value::Bool(*value, at),
            _ => return Err(self.expected("a `{`, a `[`, a string or a boolean")),
        };
        self.advance()?;
        Ok(value)
    }

    /// The members of an object whose opening brace is the current token.
    fn members(&mut self, depth: u32) -> Result<Vec<(Text, Value)>> {
        let mut members: Vec<(Text, Value)> = Vec::new();
        self.advance()?;
        if self.skip('}')? {
            return Ok(members);
        }
        loop {
            let Kind::String(key) = &mut self.token.kind else {
                return Err(self.expected(if members.is_empty() { "a string or a `}`" } else { "a string" }));
            };
            let key = Text { value: std::mem::take(key), at: self.token.at.clone() };
            self.advance()?;
            if !self.skip(':')? {
                return Err(self.expected("a `:`"));
            }
            if members.iter().any(|(earlier, _)| earlier.value == key.value) {
                return Err(Error::new(&self.token.at, format!("key '{}' stands here twice", key.value)));
            }
            members.push((key, self.value(depth + 1)?));
            if self.skip('}')? {
                return Ok(members);
            }
            if !self.skip(',')? {
                return Err(self.expected("a `,` or a `}`"));
            }
        }
    }

    /// The elements of an array whose opening bracket is the current token.
    fn elements(&mut self, depth: u32) -> Result<Vec<Value>> {
        let mut elements = Vec::new();
        self.advance()?;
        if self.skip(']')? {
            return Ok(elements);
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if self.skip(']')? {
                return Ok(elements);
            }
            if !self.skip(',')? {
                return Err(self.expected("a `,` or a `]`"));
            }
        }
    }

    /// Moves past a punctuation mark if it comes next.
    fn skip(&mut self, mark: char) -> Result<bool> {
        let found = self.token.kind == Kind::Punctuation(mark);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn advance(&mut self) -> Result<()> {
        self.token = self.lexer.next(Comments::Skip)?;
        Ok(())
    }

    fn expected(&self, what: &str) -> Error {
        let found = match &self.token.kind {
            Kind::Punctuation(mark) => format!("`{mark}`"),
            Kind::String(value) => format!("'{value}'"),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Comment(_) => "a doc block".into(),
            Kind::End => "the end of the file".into(),
        };
        Error::new(&self.token.at, format!("{what} should stand here, not {found}"))
    }
}
