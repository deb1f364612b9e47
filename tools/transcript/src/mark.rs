//! Encodes a value of the generated types as JSON and notes where it holds what the types do not know.
//!
//! The types encode an unknown value, tag or alternative inside a newtype named [`wire::UNRECOGNIZED`]. serde_json writes
//! through it; the serializer here remembers the path and writes through it too. It must never change what is written.

use qemu_qmp::wire;
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::Serializer as Plain;
use serde_json::{Error, Map, Value};

/// The value as JSON, and the paths of what its types do not know.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<(Value, Vec<String>), Error> {
    let mut path = String::new();
    let mut marks = Vec::new();
    let json = value.serialize(Marker { path: &mut path, marks: &mut marks })?;
    Ok((json, marks))
}

struct Marker<'a> {
    path: &'a mut String,
    marks: &'a mut Vec<String>,
}

impl Marker<'_> {
    /// The same marker for a value inside, which lasts no longer than its encoding.
    fn inside<T: Serialize + ?Sized>(&mut self, step: &str, value: &T) -> Result<Value, Error> {
        let length = self.path.len();
        self.path.push_str(step);
        let json = value.serialize(Marker { path: self.path, marks: self.marks });
        self.path.truncate(length);
        json
    }
}

/// Values without parts, and kinds of value that only serde_json's own numbers use, are written as serde_json does.
macro_rules! plainly {
    ($($method:ident($($name:ident: $ty:ty),*) -> $result:ty;)*) => {$(
        fn $method(self, $($name: $ty),*) -> Result<$result, Error> {
            Plain.$method($($name),*)
        }
    )*};
}

impl<'a> Serializer for Marker<'a> {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Array<'a>;
    type SerializeMap = Object<'a>;
    type SerializeTuple = <Plain as Serializer>::SerializeTuple;
    type SerializeTupleStruct = <Plain as Serializer>::SerializeTupleStruct;
    type SerializeTupleVariant = <Plain as Serializer>::SerializeTupleVariant;
    type SerializeStruct = <Plain as Serializer>::SerializeStruct;
    type SerializeStructVariant = <Plain as Serializer>::SerializeStructVariant;

    plainly! {
        serialize_bool(value: bool) -> Value;
        serialize_i8(value: i8) -> Value;
        serialize_i16(value: i16) -> Value;
        serialize_i32(value: i32) -> Value;
        serialize_i64(value: i64) -> Value;
        serialize_u8(value: u8) -> Value;
        serialize_u16(value: u16) -> Value;
        serialize_u32(value: u32) -> Value;
        serialize_u64(value: u64) -> Value;
        serialize_f32(value: f32) -> Value;
        serialize_f64(value: f64) -> Value;
        serialize_char(value: char) -> Value;
        serialize_str(value: &str) -> Value;
        serialize_bytes(value: &[u8]) -> Value;
        serialize_none() -> Value;
        serialize_unit() -> Value;
        serialize_unit_struct(name: &'static str) -> Value;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> Value;
        serialize_tuple(length: usize) -> Self::SerializeTuple;
        serialize_tuple_struct(name: &'static str, length: usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize) -> Self::SerializeTupleVariant;
        serialize_struct(name: &'static str, length: usize) -> Self::SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize) -> Self::SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<Value, Error> {
        if name == wire::UNRECOGNIZED {
            self.marks.push(self.path.clone());
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Plain.serialize_newtype_variant(name, index, variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, Error> {
        Ok(Array { marker: self, elements: Vec::new() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Error> {
        Ok(Object { marker: self, members: Map::new(), name: String::new() })
    }
}

struct Array<'a> {
    marker: Marker<'a>,
    elements: Vec<Value>,
}

impl SerializeSeq for Array<'_> {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let json = self.marker.inside(&format!("[{}]", self.elements.len()), value)?;
        self.elements.push(json);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.elements))
    }
}

struct Object<'a> {
    marker: Marker<'a>,
    members: Map<String, Value>,
    name: String,
}

impl SerializeMap for Object<'_> {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match key.serialize(Plain)? {
            Value::String(name) => self.name = name,
            other => self.name = other.to_string(),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let json = self.marker.inside(&format!(".{}", self.name), value)?;
        let name = std::mem::take(&mut self.name);
        match self.members.insert(name, json) {
            None => Ok(()),
            Some(_) => Err(Error::custom("a member is written twice")),
        }
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Object(self.members))
    }
}
