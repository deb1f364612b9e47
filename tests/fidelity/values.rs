//! Values of a schema's types: the smallest, a large one, and those at the borders.

use crate::world::{Holder, Message, Node, Part, Shape, Step, World};
use qemu_qmp_codegen::schema::{Branch, Builtin, ObjectId, Type};
use serde_json::{json, Map, Value};

/// A name that no schema has.
pub const UNKNOWN: &str = "x-of-a-later-release";

impl World {
    /// The smallest value of a type: what has to be there, as small as can be.
    pub fn minimal(&self, ty: &Type) -> Value {
        match ty {
            Type::Builtin(builtin) => usual(*builtin),
            Type::Array(_) => json!([]),
            Type::Enum(id) => self.schema[*id].values[0].name.as_str().into(),
            Type::Object(id) => self.minimal_node(Node::Object(*id)),
            Type::Alternate(id) => self.minimal_node(Node::Alternate(*id)),
        }
    }

    /// The smallest value of an object or alternate.
    pub fn minimal_node(&self, node: Node) -> Value {
        match node {
            Node::Enum(id) => self.minimal(&Type::Enum(id)),
            Node::Object(id) => {
                let first = self.schema[id].branches.as_ref().map(|branches| &branches.branches[0]);
                let mut members = self.minimal_base(id, first.map_or("", |branch| &branch.value));
                members.extend(first.and_then(|branch| branch.object).map(|id| self.members(id)).unwrap_or_default());
                Value::Object(members)
            }
            Node::Alternate(id) => {
                let alternatives = &self.schema[id].alternatives;
                let simple = alternatives.iter().find(|each| matches!(each.ty, Type::Builtin(_) | Type::Enum(_)));
                self.minimal(&simple.unwrap_or(&alternatives[0]).ty)
            }
        }
    }

    /// The members of an object's smallest value.
    fn members(&self, id: ObjectId) -> Map<String, Value> {
        match self.minimal_node(Node::Object(id)) {
            Value::Object(members) => members,
            other => panic!("{other} is no object"),
        }
    }

    pub fn minimal_parts(&self, parts: &[Part]) -> Map<String, Value> {
        let required = parts.iter().filter(|part| part.required);
        required.map(|part| (part.name.clone(), self.minimal(&part.ty))).collect()
    }

    /// The smallest data of a message.
    pub fn minimal_message(&self, index: usize) -> Value {
        match &self.messages[index].shape {
            Shape::Members(parts) => Value::Object(self.minimal_parts(parts)),
            Shape::Type(ty) => self.minimal(ty),
            Shape::Nothing => json!({}),
        }
    }

    /// A value with every member there, down to the given depth; below that the smallest values. Of a union it is the last
    /// branch, of an alternate the last alternative.
    fn maximal(&self, ty: &Type, depth: usize) -> Value {
        match ty {
            _ if depth == 0 => self.minimal(ty),
            Type::Builtin(_) => self.minimal(ty),
            Type::Array(element) => json!([self.maximal(element, depth - 1), self.minimal(element)]),
            Type::Enum(id) => self.schema[*id].values.last().map(|value| value.name.as_str()).into(),
            Type::Alternate(id) => {
                self.schema[*id].alternatives.last().map(|last| self.maximal(&last.ty, depth - 1)).into()
            }
            Type::Object(id) => {
                let last = self.schema[*id].branches.as_ref().and_then(|branches| branches.branches.last());
                Value::Object(self.maximal_object(*id, last.map(|branch| branch.value.as_str()), depth))
            }
        }
    }

    fn maximal_object(&self, id: ObjectId, tag: Option<&str>, depth: usize) -> Map<String, Value> {
        let mut members = self.maximal_parts(&self.parts(id), depth);
        if let (Some(branches), Some(tag)) = (&self.schema[id].branches, tag) {
            members.insert(branches.tag.clone(), tag.into());
            let branch = branches.branches.iter().find(|branch| branch.value == tag).and_then(|branch| branch.object);
            if let Some(Value::Object(more)) = branch.map(|id| self.maximal(&Type::Object(id), depth)) {
                members.extend(more);
            }
        }
        members
    }

    fn maximal_parts(&self, parts: &[Part], depth: usize) -> Map<String, Value> {
        parts.iter().map(|part| (part.name.clone(), self.maximal(&part.ty, depth - 1))).collect()
    }

    /// The values that a place of this type is tried with.
    pub fn choices(&self, ty: &Type) -> Vec<Value> {
        match ty {
            Type::Builtin(builtin) => borders(*builtin),
            Type::Enum(id) => {
                let known = self.schema[*id].values.iter().map(|value| value.name.as_str());
                known.chain([UNKNOWN, "", "\u{1f980} \"\\\u{0}"]).map(Value::from).collect()
            }
            Type::Object(_) => vec![self.minimal(ty), self.maximal(ty, 3)],
            Type::Alternate(id) => {
                let alternatives = &self.schema[*id].alternatives;
                let mut choices: Vec<_> = alternatives.iter().flat_map(|each| self.choices(&each.ty)).collect();
                choices.extend(unforeseen(alternatives.iter().map(|each| &each.ty)));
                choices
            }
            Type::Array(element) => {
                let choices = self.choices(element);
                let mut arrays = vec![json!([])];
                arrays.extend(choices.iter().map(|choice| json!([choice])));
                arrays.push(Value::Array(choices));
                arrays
            }
        }
    }

    /// Objects of a type in which each member comes and goes and takes each of its choices, in every branch.
    fn objects(&self, id: ObjectId) -> Vec<Value> {
        let parts = self.parts(id);
        let Some(branches) = &self.schema[id].branches else {
            return self.with_parts(&Map::new(), &Map::new(), &parts);
        };
        let mut values = Vec::new();
        for (index, branch) in branches.branches.iter().enumerate() {
            let object = branch.object.map(|id| self.objects(id)).unwrap_or_else(|| vec![json!({})]);
            let base = self.minimal_base(id, &branch.value);
            let full = self.maximal_object(id, Some(&branch.value), 3);
            values.push(Value::Object(full));
            values.extend(object.iter().map(|members| merged(&base, members)));
            if index == 0 {
                // The members of the base mean the same in every branch.
                let mut branch = object[0].as_object().cloned().unwrap_or_default();
                branch.insert(branches.tag.clone(), base[&branches.tag].clone());
                values.extend(self.with_parts(&branch, &branch, &parts));
                if self.tag_is_late(id) {
                    branch.remove(&branches.tag);
                    values.extend(self.with_parts(&branch, &branch, &parts));
                }
            }
        }
        for tag in [UNKNOWN, "", "\u{e9}\n"] {
            let base = self.minimal_base(id, tag);
            values.push(Value::Object(base.clone()));
            let later = json!({UNKNOWN: {"type": [1.5, null]}, "x-flag": true, "x-none": null, "\u{fc}": u64::MAX});
            values.push(merged(&base, &later));
        }
        values
    }

    /// The smallest object with these parts and the rest, the largest, and everything between that differs in one part.
    pub fn with_parts(&self, rest: &Map<String, Value>, full_rest: &Map<String, Value>, parts: &[Part]) -> Vec<Value> {
        let mut least = rest.clone();
        least.extend(self.minimal_parts(parts));
        let mut most = full_rest.clone();
        most.extend(self.maximal_parts(parts, 3));
        let mut values = vec![Value::Object(least.clone()), Value::Object(most.clone())];
        for part in parts {
            if !part.required {
                let mut without = most.clone();
                without.remove(&part.name);
                values.push(Value::Object(without));
            }
            for choice in self.choices(&part.ty) {
                let mut with = least.clone();
                with.insert(part.name.clone(), choice);
                values.push(Value::Object(with));
            }
        }
        values
    }

    /// The smallest object, in every branch.
    pub fn smallest_of_each_branch(&self, id: ObjectId) -> Vec<Value> {
        let Some(branches) = &self.schema[id].branches else { return vec![self.minimal(&Type::Object(id))] };
        let smallest = |branch: &Branch| {
            let mut members = self.minimal_base(id, &branch.value);
            members.extend(branch.object.map(|object| self.members(object)).unwrap_or_default());
            Value::Object(members)
        };
        branches.branches.iter().map(smallest).collect()
    }

    /// Everything that the messages are tried with: the index of a message, and its data.
    pub fn all_cases(&self) -> Vec<(usize, Value)> {
        let mut cases = Vec::new();
        for (index, message) in self.messages.iter().enumerate() {
            cases.extend(self.message_cases(message, index).into_iter().map(|value| (index, value)));
        }
        for node in self.places.keys() {
            for value in self.cases(*node) {
                let (index, value, _) = self.embed(*node, value);
                cases.push((index, value));
            }
        }
        cases
    }

    /// Everything that a type is tried with on its own.
    fn cases(&self, node: Node) -> Vec<Value> {
        match node {
            _ if matches!(self.places[&node].step, Step::Tag | Step::Branch(_)) => Vec::new(),
            Node::Object(id) => self.objects(id),
            Node::Enum(id) => self.choices(&Type::Enum(id)),
            Node::Alternate(id) => self.choices(&Type::Alternate(id)),
        }
    }

    /// Everything that a message is tried with beyond the cases of its types.
    fn message_cases(&self, message: &Message, index: usize) -> Vec<Value> {
        let at_home = |node| self.places.get(&node).is_some_and(|place| place.holder == Holder::Message(index));
        match &message.shape {
            Shape::Nothing => vec![json!({})],
            Shape::Members(parts) => self.with_parts(&Map::new(), &Map::new(), parts),
            // The arguments of a command have a type of their own, with the members of the one that the schema names.
            Shape::Type(Type::Object(id)) if !at_home(Node::Object(*id)) => self.objects(*id),
            Shape::Type(ty) => self.choices(ty),
        }
    }
}

fn merged(base: &Map<String, Value>, members: &Value) -> Value {
    let mut all = base.clone();
    all.extend(members.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

fn usual(builtin: Builtin) -> Value {
    match builtin {
        Builtin::Str => "text".into(),
        Builtin::Number => 1.5.into(),
        Builtin::Bool => true.into(),
        Builtin::Null => Value::Null,
        Builtin::Any => json!({"any": [null, 1]}),
        Builtin::QType => "qdict".into(),
        _ => 7.into(),
    }
}

/// The values of a built-in type at its borders, and the awkward ones.
fn borders(builtin: Builtin) -> Vec<Value> {
    let strings = [
        "",
        "disk0",
        "null",
        "\u{0}\u{1f}\"\\/\u{7f}",
        "gr\u{fc}\u{df}e \u{1f600}\u{10ffff}\u{fffd}\u{2028}",
        ".a[1]: b",
    ];
    let doubles = [0.0, -0.0, 0.1, -1.5, 1e300, -5e-324, 1e15, 9_007_199_254_740_993.0, 123_456_789.123_456_79, 7.0];
    match builtin {
        Builtin::Str => strings.into_iter().map(Value::from).collect(),
        Builtin::Number => doubles.into_iter().map(Value::from).chain([json!(5), json!(-3), json!(0)]).collect(),
        Builtin::Bool => vec![json!(true), json!(false)],
        Builtin::Null => vec![Value::Null],
        Builtin::QType => vec![json!("none"), json!("qbool"), json!(UNKNOWN)],
        Builtin::Int8 => vec![json!(i8::MIN), json!(i8::MAX), json!(0)],
        Builtin::Int16 => vec![json!(i16::MIN), json!(i16::MAX), json!(0)],
        Builtin::Int32 => vec![json!(i32::MIN), json!(i32::MAX), json!(0)],
        Builtin::Int | Builtin::Int64 => vec![json!(i64::MIN), json!(i64::MAX), json!(0), json!(-1)],
        Builtin::Uint8 => vec![json!(u8::MAX), json!(0)],
        Builtin::Uint16 => vec![json!(u16::MAX), json!(0)],
        Builtin::Uint32 => vec![json!(u32::MAX), json!(0)],
        Builtin::Uint64 | Builtin::Size => vec![json!(u64::MAX), json!(i64::MAX as u64 + 1), json!(0)],
        Builtin::Any => anything(),
    }
}

/// Every kind of JSON value.
fn anything() -> Vec<Value> {
    let mut all = vec![json!(null), json!(false), json!([]), json!({}), json!([[{}], [null], {"": []}]), json!(1.0)];
    let nested = json!({"a": {"b": [u64::MAX, i64::MIN, 0.1, -0.0, "\u{1f600}", null]}, "c": {}, "\u{e9}": ""});
    all.extend([json!(u64::MAX), json!(i64::MIN), json!(-2.5e-7), json!("text"), nested]);
    all
}

/// Values of the kinds that no alternative takes.
fn unforeseen<'a>(alternatives: impl Iterator<Item = &'a Type> + Clone) -> Vec<Value> {
    let of_every_kind =
        [json!(null), json!(true), json!(u64::MAX), json!(0.5), json!("x"), json!([1]), json!({"a": null})];
    let taken = |value: &Value| alternatives.clone().any(|ty| takes(ty, value));
    of_every_kind.into_iter().filter(|value| !taken(value)).collect()
}

/// Whether an alternative is the one for this kind of value.
pub fn takes(ty: &Type, value: &Value) -> bool {
    match ty {
        Type::Builtin(Builtin::Null) => value.is_null(),
        Type::Builtin(Builtin::Bool) => value.is_boolean(),
        Type::Builtin(Builtin::Number) => value.is_number(),
        Type::Builtin(Builtin::Any) => true,
        Type::Builtin(Builtin::Str | Builtin::QType) | Type::Enum(_) => value.is_string(),
        Type::Builtin(_) => value.is_i64() || value.is_u64(),
        Type::Array(_) => value.is_array(),
        Type::Object(_) | Type::Alternate(_) => value.is_object(),
    }
}
