//! A vendored schema as a tester sees it: what a message consists of, which types it leads to, and how a value of a type
//! becomes a whole message.
//!
//! It reads the schema through the generator's front half and knows nothing of the Rust that is emitted.

use crate::text::object;
use qemu_qmp_codegen::schema::{AlternateId, Data, EnumId, Member, ObjectId, Schema, Type};
use qemu_qmp_codegen::{check, load};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;

/// Members that older releases do not send, by the definition that declares them.
type LateMembers = BTreeMap<String, BTreeMap<String, String>>;

/// A schema, its messages, and the way from each type to one of them.
pub struct World {
    pub schema: Schema,
    late: LateMembers,
    pub messages: Vec<Message>,
    /// For each type that messages lead to, where it is found first.
    pub places: HashMap<Node, Place>,
}

/// What travels in one direction: a command's arguments, its reply, or an event's data. Types that no message has are
/// taken for messages of their own.
#[derive(Debug, Clone)]
pub struct Message {
    pub kind: Kind,
    pub name: String,
    pub shape: Shape,
    /// Whether members are kept that the schema does not list.
    pub open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Arguments,
    Reply,
    Event,
    Type,
}

#[derive(Debug, Clone)]
pub enum Shape {
    /// Members written in place, by the name of their owner.
    Members(Vec<Part>),
    Type(Type),
    /// The empty object.
    Nothing,
}

/// A member, as decoding sees it.
#[derive(Debug, Clone)]
pub struct Part {
    pub name: String,
    pub ty: Type,
    /// Whether a message without it is refused.
    pub required: bool,
}

/// A named type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    Enum(EnumId),
    Object(ObjectId),
    Alternate(AlternateId),
}

/// Where a type stands in another one.
#[derive(Debug, Clone)]
pub struct Place {
    pub holder: Holder,
    pub step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Message(usize),
    Node(Node),
}

#[derive(Debug, Clone)]
pub enum Step {
    /// As it is: a message's data, or an alternative.
    Whole,
    /// As a value of the given type, which is an array of it.
    Element(Type),
    /// As the value of a member, whose type may be an array of it.
    Member(Part),
    /// As the tag of a union. What values it takes is tried with the union.
    Tag,
    /// As the members of a union's branch.
    Branch(String),
}

impl World {
    /// Reads one of the vendored schemas.
    pub fn vendored(api: &str) -> World {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("qapi-schema");
        let late = std::fs::read_to_string(folder.join("late-members.json")).unwrap();
        let late = if api == "qmp" { serde_json::from_str(&late).unwrap() } else { LateMembers::new() };
        World::read(&folder.join(api).join("qapi-schema.json"), late, |_| true)
    }

    /// What a server of another release sends, whose schema is at that place.
    pub fn of_server(root: &Path) -> World {
        World::read(root, LateMembers::new(), |message| matches!(message.kind, Kind::Reply | Kind::Event))
    }

    fn read(root: &Path, late: LateMembers, wanted: impl Fn(&Message) -> bool) -> World {
        let source = load::load(root).unwrap_or_else(|error| panic!("{error}"));
        let schema = check::check(&source).unwrap_or_else(|error| panic!("{error}"));
        let mut world = World { schema, late, messages: Vec::new(), places: HashMap::new() };
        world.messages = world.all_messages();
        let all = world.messages.len();
        world.messages.retain(wanted);
        world.find_places();
        if world.messages.len() == all {
            world.place_the_rest();
        }
        world
    }

    fn all_messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        for command in &self.schema.commands {
            let name = &command.def.name;
            let shape = self.data(name, &command.data);
            messages.push(Message { kind: Kind::Arguments, name: name.clone(), shape, open: !command.gen });
            let shape = command.returns.clone().map_or(Shape::Nothing, Shape::Type);
            messages.push(Message { kind: Kind::Reply, name: name.clone(), shape, open: false });
        }
        for event in &self.schema.events {
            let shape = self.data(&event.def.name, &event.data);
            messages.push(Message { kind: Kind::Event, name: event.def.name.clone(), shape, open: false });
        }
        messages
    }

    fn data(&self, owner: &str, data: &Data) -> Shape {
        match data {
            Data::Members(members) => Shape::Members(members.iter().map(|member| self.part(owner, member)).collect()),
            Data::Object(id) => Shape::Type(Type::Object(*id)),
        }
    }

    fn part(&self, owner: &str, member: &Member) -> Part {
        let late = self.late.get(owner).is_some_and(|members| members.contains_key(&member.name));
        Part {
            name: member.name.clone(),
            ty: member.ty.clone(),
            required: !member.optional && !late && member.condition.is_none(),
        }
    }

    /// The members that an object has whatever its tag, without the tag.
    pub fn parts(&self, id: ObjectId) -> Vec<Part> {
        let tag = self.schema[id].branches.as_ref().map(|branches| &branches.tag);
        let chain = self.schema.base_chain(&self.schema[id]);
        let all = chain.iter().flat_map(|object| object.members.iter().map(|member| (&object.def.name, member)));
        all.filter(|(_, member)| Some(&member.name) != tag).map(|(owner, member)| self.part(owner, member)).collect()
    }

    /// Whether an older release leaves the union's tag out. The branch is then that of the first value.
    pub fn tag_is_late(&self, id: ObjectId) -> bool {
        let Some(branches) = &self.schema[id].branches else { return false };
        let chain = self.schema.base_chain(&self.schema[id]);
        chain.iter().any(|object| self.late.get(&object.def.name).is_some_and(|late| late.contains_key(&branches.tag)))
    }

    /// The name of a type in the schema.
    pub fn name(&self, node: Node) -> &str {
        match node {
            Node::Enum(id) => &self.schema[id].def.name,
            Node::Object(id) => &self.schema[id].def.name,
            Node::Alternate(id) => &self.schema[id].def.name,
        }
    }

    /// Every type that the schema defines.
    pub fn nodes(&self) -> Vec<Node> {
        let enums = (0..self.schema.enums.len()).map(|index| Node::Enum(EnumId(index)));
        let objects = (0..self.schema.objects.len()).map(|index| Node::Object(ObjectId(index)));
        let alternates = (0..self.schema.alternates.len()).map(|index| Node::Alternate(AlternateId(index)));
        enums.chain(objects).chain(alternates).collect()
    }

    /// Walks from the messages to all types, breadth first, so that each type's place is near a message.
    fn find_places(&mut self) {
        let mut queue = VecDeque::new();
        for index in 0..self.messages.len() {
            self.enter_message(index, &mut queue);
        }
        self.walk(&mut queue);
    }

    /// Makes messages of the types that no message leads to.
    fn place_the_rest(&mut self) {
        let mut queue = VecDeque::new();
        for node in self.nodes() {
            if !self.places.contains_key(&node) {
                let ty = match node {
                    Node::Enum(id) => Type::Enum(id),
                    Node::Object(id) => Type::Object(id),
                    Node::Alternate(id) => Type::Alternate(id),
                };
                let (name, shape) = (self.name(node).to_owned(), Shape::Type(ty));
                self.messages.push(Message { kind: Kind::Type, name, shape, open: false });
                self.enter_message(self.messages.len() - 1, &mut queue);
                self.walk(&mut queue);
            }
        }
    }

    fn enter_message(&mut self, index: usize, queue: &mut VecDeque<Node>) {
        let holder = Holder::Message(index);
        match self.messages[index].shape.clone() {
            Shape::Nothing => {}
            Shape::Members(parts) => self.reach_parts(holder, parts, queue),
            Shape::Type(ty @ Type::Array(_)) => self.reach(holder, &ty, Step::Element(ty.clone()), queue),
            Shape::Type(ty) => self.reach(holder, &ty, Step::Whole, queue),
        }
    }

    fn walk(&mut self, queue: &mut VecDeque<Node>) {
        while let Some(node) = queue.pop_front() {
            let holder = Holder::Node(node);
            match node {
                Node::Enum(_) => {}
                Node::Alternate(id) => {
                    for alternative in self.schema[id].alternatives.clone() {
                        self.reach(holder, &alternative.ty, Step::Whole, queue);
                    }
                }
                Node::Object(id) => {
                    self.reach_parts(holder, self.parts(id), queue);
                    if let Some(branches) = self.schema[id].branches.clone() {
                        self.note(Node::Enum(branches.tag_type), holder, Step::Tag, queue);
                        for branch in branches.branches {
                            if let Some(object) = branch.object {
                                self.note(Node::Object(object), holder, Step::Branch(branch.value), queue);
                            }
                        }
                    }
                }
            }
        }
    }

    fn reach_parts(&mut self, holder: Holder, parts: Vec<Part>, queue: &mut VecDeque<Node>) {
        for part in parts {
            self.reach(holder, &part.ty.clone(), Step::Member(part), queue);
        }
    }

    fn reach(&mut self, holder: Holder, ty: &Type, step: Step, queue: &mut VecDeque<Node>) {
        match ty {
            Type::Builtin(_) => {}
            Type::Array(element) => self.reach(holder, element, step, queue),
            Type::Enum(id) => self.note(Node::Enum(*id), holder, step, queue),
            Type::Object(id) => self.note(Node::Object(*id), holder, step, queue),
            Type::Alternate(id) => self.note(Node::Alternate(*id), holder, step, queue),
        }
    }

    fn note(&mut self, node: Node, holder: Holder, step: Step, queue: &mut VecDeque<Node>) {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.places.entry(node) {
            entry.insert(Place { holder, step });
            queue.push_back(node);
        }
    }

    /// The message in which a value of this type stands at the type's first place: its index, the message's data, and
    /// the path of the value in it.
    pub fn embed(&self, node: Node, mut value: Value) -> (usize, Value, String) {
        let mut path = String::new();
        let mut place = &self.places[&node];
        loop {
            let step = match &place.step {
                Step::Whole => String::new(),
                Step::Element(ty) => self.wrap(ty, &mut value),
                Step::Member(part) => {
                    let indices = self.wrap(&part.ty, &mut value);
                    let mut members = match place.holder {
                        Holder::Message(index) => self.minimal_message(index),
                        Holder::Node(node) => self.minimal_node(node),
                    };
                    object(&mut members).insert(part.name.clone(), value);
                    value = members;
                    format!(".{}{indices}", part.name)
                }
                Step::Tag => unreachable!("tags are tried with their unions"),
                Step::Branch(tag) => {
                    let Holder::Node(Node::Object(union)) = place.holder else { unreachable!("only unions branch") };
                    let mut members = self.minimal_base(union, tag);
                    members.append(object(&mut value));
                    value = Value::Object(members);
                    String::new()
                }
            };
            path.insert_str(0, &step);
            match place.holder {
                Holder::Message(index) => return (index, value, path),
                Holder::Node(node) => place = &self.places[&node],
            }
        }
    }

    /// Puts a value into arrays until it is of the given type, as the second element where a first one can be made.
    fn wrap(&self, ty: &Type, value: &mut Value) -> String {
        let Type::Array(element) = ty else { return String::new() };
        let inner = self.wrap(element, value);
        *value = Value::Array(vec![self.minimal(element), value.take()]);
        format!("[1]{inner}")
    }

    /// A union's mandatory members and its tag, without those of the branch.
    pub fn minimal_base(&self, union: ObjectId, tag: &str) -> Map<String, Value> {
        let mut members = self.minimal_parts(&self.parts(union));
        if let Some(branches) = &self.schema[union].branches {
            members.insert(branches.tag.clone(), tag.into());
        }
        members
    }
}
