//! Values that do not fit a type, with what is wrong and where.

use crate::text::object;
use crate::world::{Node, Part, World};
use qemu_qmp_codegen::schema::{Builtin, ObjectId, Type};
use serde_json::{json, Value};

/// A value, and the error that decoding it has to give.
pub struct BadValue {
    pub value: Value,
    /// From the value to what is wrong.
    pub path: String,
    /// How the reason starts.
    pub reason: String,
}

impl World {
    /// Values of a type with one thing wrong.
    pub fn bad_values_of_node(&self, node: Node) -> Vec<BadValue> {
        match node {
            Node::Object(id) => self.bad_values_of_object(id),
            // Any kind of value is taken; but what is in an array has to fit.
            Node::Alternate(id) => {
                let arrays = self.schema[id].alternatives.iter().filter(|each| matches!(each.ty, Type::Array(_)));
                let bad_values = arrays.flat_map(|each| bad_values(&each.ty)).filter(|(value, _)| value.is_array());
                let bad =
                    |(value, path): (Value, &str)| BadValue { value, path: path.into(), reason: "invalid ".into() };
                bad_values.map(bad).collect()
            }
            Node::Enum(_) => Vec::new(),
        }
    }

    fn bad_values_of_object(&self, id: ObjectId) -> Vec<BadValue> {
        let mut all = Vec::new();
        let parts = self.parts(id);
        let smallest = self.smallest_of_each_branch(id);
        all.extend(bad_values_of_parts(&smallest[0], &parts));
        let Some(branches) = &self.schema[id].branches else { return all };
        let tag =
            Part { name: branches.tag.clone(), ty: Type::Enum(branches.tag_type), required: !self.tag_is_late(id) };
        all.extend(bad_values_of_parts(&smallest[0], &[tag]));
        for (branch, smallest) in branches.branches.iter().zip(&smallest) {
            let parts = branch.object.map(|object| self.parts(object)).unwrap_or_default();
            all.extend(bad_values_of_parts(smallest, &parts));
        }
        all
    }
}

/// An object with one of these members missing, or with a value of a wrong kind.
pub fn bad_values_of_parts(smallest: &Value, parts: &[Part]) -> Vec<BadValue> {
    let mut all = Vec::new();
    for Part { name, ty, required } in parts {
        if *required {
            let mut value = smallest.clone();
            object(&mut value).remove(name);
            all.push(BadValue { value, path: String::new(), reason: format!("missing member `{name}`") });
        }
        for (bad, path) in bad_values(ty) {
            let mut value = smallest.clone();
            object(&mut value).insert(name.clone(), bad);
            all.push(BadValue { value, path: format!(".{name}{path}"), reason: "invalid ".to_owned() });
        }
    }
    all
}

/// Values that do not fit this type, with the path from there to what is wrong.
pub fn bad_values(ty: &Type) -> Vec<(Value, &'static str)> {
    let here = |values: Vec<Value>| values.into_iter().map(|value| (value, "")).collect::<Vec<_>>();
    let not_integer = [json!(null), json!("1"), json!(true), json!([]), json!({}), json!(1.5)];
    let out_of = |low: i128, high: i128| {
        let beyond = [low - 1, high + 1].into_iter().filter_map(|number| {
            i64::try_from(number).map(Value::from).or_else(|_| u64::try_from(number).map(Value::from)).ok()
        });
        here(not_integer.iter().cloned().chain(beyond).collect())
    };
    match ty {
        Type::Builtin(Builtin::Any) | Type::Alternate(_) => Vec::new(),
        Type::Builtin(Builtin::Str | Builtin::QType) | Type::Enum(_) => {
            here(vec![json!(null), json!(1), json!(true), json!(["a"]), json!({})])
        }
        Type::Builtin(Builtin::Number) => here(vec![json!(null), json!("1"), json!(false), json!([1])]),
        Type::Builtin(Builtin::Bool) => here(vec![json!(null), json!("true"), json!(1), json!([])]),
        Type::Builtin(Builtin::Null) => here(vec![json!(0), json!(""), json!({})]),
        Type::Builtin(Builtin::Int8) => out_of(i8::MIN.into(), i8::MAX.into()),
        Type::Builtin(Builtin::Int16) => out_of(i16::MIN.into(), i16::MAX.into()),
        Type::Builtin(Builtin::Int32) => out_of(i32::MIN.into(), i32::MAX.into()),
        Type::Builtin(Builtin::Int | Builtin::Int64) => out_of(i64::MIN.into(), i64::MAX.into()),
        Type::Builtin(Builtin::Uint8) => out_of(0, u8::MAX.into()),
        Type::Builtin(Builtin::Uint16) => out_of(0, u16::MAX.into()),
        Type::Builtin(Builtin::Uint32) => out_of(0, u32::MAX.into()),
        Type::Builtin(Builtin::Uint64 | Builtin::Size) => out_of(0, u64::MAX.into()),
        Type::Object(_) => here(vec![json!(null), json!("x"), json!(1), json!([])]),
        Type::Array(element) => {
            let mut all = here(vec![json!(null), json!("x"), json!({}), json!(0)]);
            let inside = bad_values(element).into_iter().filter(|(_, path)| path.is_empty());
            all.extend(inside.map(|(value, _)| (json!([value]), "[0]")));
            all
        }
    }
}
