//! Values of any kind, as `serde_json` holds them.

use super::Text;
use crate::wire::builtin::{Any, AnyMap};
use serde_json::Error as JsonError;

impl Text<'_> {
    /// Takes a value of any kind. Recurses, but no deeper than arrays and objects may be nested.
    pub(in crate::wire) fn any(&mut self) -> Result<Any, JsonError> {
        match self.peek() {
            Some(b'n') => self.null(&"null").map(|()| Any::Null),
            Some(b't' | b'f') => self.boolean().map(Any::Bool),
            Some(b'"') => self.string().map(|string| Any::String(string.into_owned())),
            Some(b'[') => self.any_array(),
            Some(b'{') => self.any_object(),
            // How precise a number is depends on serde_json's features.
            _ => self.precise_number().map(Any::Number),
        }
    }

    fn any_array(&mut self) -> Result<Any, JsonError> {
        self.open(b'[', &"an array")?;
        let (mut array, mut first) = (Vec::new(), true);
        while self.next(&mut first, b']')? {
            array.push(self.any()?);
        }
        Ok(Any::Array(array))
    }

    /// Of a repeated member, the last counts.
    fn any_object(&mut self) -> Result<Any, JsonError> {
        self.open(b'{', &"an object")?;
        let (mut object, mut first) = (AnyMap::new(), true);
        while self.next(&mut first, b'}')? {
            let name = self.name()?.into_owned();
            object.insert(name, self.any()?);
        }
        Ok(Any::Object(object))
    }
}
