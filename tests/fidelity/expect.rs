//! What decoding a value and encoding it again has to say about it, and what of the schema the value makes use of.

use crate::values::takes;
use crate::world::{Node, Shape, World};
use qemu_qmp_codegen::schema::{Builtin, ObjectId, Type};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Something of a schema that a value can make use of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    Type(String),
    Value(String, String),
    Unknown(String),
    Present(String, String),
    Absent(String, String),
    Branch(String, String),
    Alternative(String, String),
}

/// How many there are of each kind.
pub fn count(features: &BTreeSet<Feature>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for feature in features {
        let kind = match feature {
            Feature::Type(_) => "types",
            Feature::Value(..) => "values of enums",
            Feature::Unknown(_) => "types with something unknown",
            Feature::Present(..) => "members present",
            Feature::Absent(..) => "members absent",
            Feature::Branch(..) => "branches",
            Feature::Alternative(..) => "alternatives",
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// A walk along a value.
pub struct Walk<'a> {
    world: &'a World,
    path: String,
    /// The paths of what the schema does not know.
    pub unrecognized: Vec<String>,
    pub used: &'a mut BTreeSet<Feature>,
}

impl<'a> Walk<'a> {
    pub fn new(world: &'a World, used: &'a mut BTreeSet<Feature>) -> Self {
        Walk { world, path: String::new(), unrecognized: Vec::new(), used }
    }

    pub fn shape(&mut self, owner: &str, shape: &Shape, value: &Value) {
        match (shape, value) {
            (Shape::Members(parts), Value::Object(members)) => {
                self.parts(owner, parts.iter().map(|part| (&*part.name, &part.ty)), members);
            }
            (Shape::Type(ty), value) => self.value(ty, value),
            _ => {}
        }
    }

    fn value(&mut self, ty: &Type, value: &Value) {
        match ty {
            Type::Array(element) => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    self.inside(&format!("[{index}]"), |walk| walk.value(element, value));
                }
            }
            Type::Builtin(Builtin::QType) => {
                let known = ["none", "qnull", "qnum", "qstring", "qdict", "qlist", "qbool"];
                if !known.contains(&value.as_str().unwrap_or_default()) {
                    self.unrecognized.push(self.path.clone());
                }
            }
            Type::Builtin(_) => {}
            Type::Enum(id) => {
                let known = &self.world.schema[*id];
                let value = value.as_str().unwrap_or_default();
                let known = known.values.iter().any(|known| known.name == value);
                self.choice(Node::Enum(*id), known.then(|| value.to_owned()), Feature::Value);
            }
            Type::Alternate(id) => {
                let alternatives = &self.world.schema[*id].alternatives;
                let chosen = alternatives.iter().find(|alternative| takes(&alternative.ty, value));
                self.choice(Node::Alternate(*id), chosen.map(|chosen| chosen.name.clone()), Feature::Alternative);
                if let Some(chosen) = chosen {
                    self.value(&chosen.ty, value);
                }
            }
            Type::Object(id) => {
                if let Value::Object(members) = value {
                    self.object(*id, members);
                }
            }
        }
    }

    fn object(&mut self, id: ObjectId, members: &Map<String, Value>) {
        let world = self.world;
        let name = world.name(Node::Object(id)).to_owned();
        self.used.insert(Feature::Type(name.clone()));
        let parts = world.parts(id);
        self.parts(&name, parts.iter().map(|part| (&*part.name, &part.ty)), members);
        let Some(branches) = &world.schema[id].branches else { return };
        let absent = Value::from(branches.branches[0].value.as_str());
        let tag = members.get(&branches.tag);
        if tag.is_none() {
            assert!(world.tag_is_late(id), "a value of {name} without its tag");
            self.used.insert(Feature::Absent(name.clone(), branches.tag.clone()));
        }
        let tag = tag.unwrap_or(&absent);
        self.inside(&format!(".{}", branches.tag), |walk| walk.value(&Type::Enum(branches.tag_type), tag));
        if let Some(branch) = branches.branches.iter().find(|branch| branch.value == *tag) {
            self.used.insert(Feature::Branch(name, branch.value.clone()));
            if let Some(object) = branch.object {
                self.object(object, members);
            }
        } else {
            self.used.insert(Feature::Unknown(name));
        }
    }

    fn parts<'p>(
        &mut self,
        owner: &str,
        parts: impl Iterator<Item = (&'p str, &'p Type)>,
        members: &Map<String, Value>,
    ) {
        for (name, ty) in parts {
            if let Some(value) = members.get(name) {
                self.used.insert(Feature::Present(owner.to_owned(), name.to_owned()));
                self.inside(&format!(".{name}"), |walk| walk.value(ty, value));
            } else {
                self.used.insert(Feature::Absent(owner.to_owned(), name.to_owned()));
            }
        }
    }

    fn choice(&mut self, node: Node, known: Option<String>, feature: fn(String, String) -> Feature) {
        let name = self.world.name(node).to_owned();
        self.used.insert(Feature::Type(name.clone()));
        match known {
            Some(choice) => self.used.insert(feature(name, choice)),
            None => {
                self.unrecognized.push(self.path.clone());
                self.used.insert(Feature::Unknown(name))
            }
        };
    }

    fn inside(&mut self, step: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        walk(self);
        self.path.truncate(length);
    }
}

impl World {
    /// Everything that values of this schema's messages can make use of.
    pub fn features(&self) -> BTreeSet<Feature> {
        let mut all = BTreeSet::new();
        for message in &self.messages {
            if let Shape::Members(parts) = &message.shape {
                for part in parts {
                    all.insert(Feature::Present(message.name.clone(), part.name.clone()));
                    all.extend((!part.required).then(|| Feature::Absent(message.name.clone(), part.name.clone())));
                }
            }
        }
        for node in self.places.keys() {
            let name = self.name(*node).to_owned();
            all.insert(Feature::Type(name.clone()));
            match node {
                Node::Enum(id) => {
                    let values = &self.schema[*id].values;
                    all.extend(values.iter().map(|value| Feature::Value(name.clone(), value.name.clone())));
                    all.insert(Feature::Unknown(name));
                }
                Node::Alternate(id) => {
                    let alternatives = &self.schema[*id].alternatives;
                    all.extend(alternatives.iter().map(|each| Feature::Alternative(name.clone(), each.name.clone())));
                    all.insert(Feature::Unknown(name));
                }
                Node::Object(id) => {
                    for part in self.parts(*id) {
                        all.extend((!part.required).then(|| Feature::Absent(name.clone(), part.name.clone())));
                        all.insert(Feature::Present(name.clone(), part.name));
                    }
                    if let Some(branches) = &self.schema[*id].branches {
                        let branches = branches.branches.iter().map(|branch| &branch.value);
                        all.extend(branches.map(|value| Feature::Branch(name.clone(), value.clone())));
                        all.insert(Feature::Unknown(name));
                    }
                }
            }
        }
        all
    }
}
