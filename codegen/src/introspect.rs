//! Checked schema → what QEMU answers when it is asked for its schema (`SchemaInfo` of the QMP reference manual).
//!
//! Types keep their names, which QEMU replaces by numbers; what depends on QEMU's build configuration is all there. Beside it
//! stands what QEMU does not tell: which commands take arguments that the schema does not list, which answer only if they
//! fail, and since which release there are commands, events, members and values.

mod json;

use crate::doc::Doc;
use crate::load::LateMembers;
use crate::schema::{Builtin, Command, Data, Definition, EnumValue, Feature, Member, Object, Schema, Type};
use json::{object, text, texts, Json};
use std::collections::{BTreeMap, HashSet, VecDeque};

/// The type of what has no members.
const EMPTY: &str = "q_empty";

/// The schema as JSON text.
pub(crate) fn introspect(schema: &Schema, late_members: &LateMembers) -> String {
    let mut out = Introspection {
        schema,
        late_members,
        entries: Vec::new(),
        since: BTreeMap::new(),
        late: BTreeMap::new(),
        seen: HashSet::new(),
        queue: VecDeque::new(),
    };
    for command in &schema.commands {
        let arguments = out.data(&command.def, &command.data);
        out.note_since(&command.def);
        let returns = out.name_or_empty(command.returns.as_ref());
        let oob = command.allow_oob.then_some(("allow-oob", Json::Bool(true)));
        let types = [("arg-type", text(&arguments)), ("ret-type", text(&returns))];
        out.entry(&command.def.name, "command", types.into_iter().chain(oob), &command.def.features);
    }
    for event in &schema.events {
        let data = out.data(&event.def, &event.data);
        out.note_since(&event.def);
        out.entry(&event.def.name, "event", [("arg-type", text(&data))], &event.def.features);
    }
    while let Some(ty) = out.queue.pop_front() {
        out.define(&ty);
    }
    let names = |is_it: fn(&Command) -> bool| {
        texts(schema.commands.iter().filter(|command| is_it(command)).map(|command| &*command.def.name))
    };
    let open = names(|command| !command.gen);
    let unanswered = names(|command| !command.success_response);
    let Introspection { entries, since, late, .. } = out;
    let late = late.iter().map(|(owner, members)| (&**owner, releases(members)));
    let whole = [
        ("schema", Json::List(entries)),
        ("open", open),
        ("unanswered", unanswered),
        ("since", releases(&since)),
        ("late", object(late)),
    ];
    object(whole).to_string()
}

struct Introspection<'s> {
    schema: &'s Schema,
    late_members: &'s LateMembers,
    entries: Vec<Json>,
    /// Command or event → the release in which it first appeared.
    since: BTreeMap<String, String>,
    /// Type → member or value → the same.
    late: BTreeMap<String, BTreeMap<String, String>>,
    /// Names of types that are defined, or queued.
    seen: HashSet<String>,
    queue: VecDeque<Type>,
}

impl Introspection<'_> {
    fn entry<'m>(
        &mut self,
        name: &str,
        meta_type: &str,
        members: impl IntoIterator<Item = (&'m str, Json)>,
        features: &[Feature],
    ) {
        let head = [("name", text(name)), ("meta-type", text(meta_type))];
        self.entries.push(object(head.into_iter().chain(members).chain(self::features(features))));
    }

    fn note_since(&mut self, def: &Definition) {
        self.since.extend(def.doc.since.clone().map(|since| (def.name.clone(), since)));
    }

    /// Notes since when the members of a type are there that a definition declares.
    fn note_late(&mut self, ty: &str, owner: &str, doc: &Doc) {
        let told = doc.members.iter().filter_map(|entry| Some((entry.name.clone(), entry.since.clone()?)));
        let known = self.late_members.iter().filter(|(definition, _)| definition == owner);
        let known = known.flat_map(|(_, members)| members.iter().cloned());
        let late: BTreeMap<_, _> = told.chain(known).collect();
        if !late.is_empty() {
            self.late.entry(ty.to_owned()).or_default().extend(late);
        }
    }

    /// The type of a command's arguments or an event's data.
    fn data(&mut self, def: &Definition, data: &Data) -> String {
        match data {
            Data::Object(id) => self.name(&Type::Object(*id)),
            Data::Members(members) if members.is_empty() => self.empty(),
            Data::Members(members) => {
                let name = format!("q_obj_{}-arg", def.name);
                self.note_late(&name, &def.name, &def.doc);
                let members = self.members(members.iter().collect());
                self.entry(&name, "object", [("members", members)], &[]);
                name
            }
        }
    }

    fn empty(&mut self) -> String {
        if self.seen.insert(EMPTY.to_owned()) {
            self.entry(EMPTY, "object", [("members", texts([]))], &[]);
        }
        EMPTY.to_owned()
    }

    fn name_or_empty(&mut self, ty: Option<&Type>) -> String {
        match ty {
            Some(ty) => self.name(ty),
            None => self.empty(),
        }
    }

    /// A type's name; sees to it that the type is defined.
    fn name(&mut self, ty: &Type) -> String {
        let name = match ty {
            Type::Builtin(builtin) => builtin_name(*builtin).to_owned(),
            Type::Enum(id) => self.schema[*id].def.name.clone(),
            Type::Object(id) => self.schema[*id].def.name.clone(),
            Type::Alternate(id) => self.schema[*id].def.name.clone(),
            Type::Array(element) => format!("[{}]", self.name(element)),
        };
        if self.seen.insert(name.clone()) {
            self.queue.push_back(ty.clone());
        }
        name
    }

    fn define(&mut self, ty: &Type) {
        let schema = self.schema;
        match ty {
            Type::Builtin(builtin) => {
                let kind = text(json_type(*builtin));
                self.entry(builtin_name(*builtin), "builtin", [("json-type", kind)], &[]);
            }
            Type::Array(element) => {
                let element = self.name(element);
                self.entry(&format!("[{element}]"), "array", [("element-type", text(&element))], &[]);
            }
            Type::Enum(id) => {
                let definition = &schema[*id];
                self.note_late(&definition.def.name, &definition.def.name, &definition.def.doc);
                let names = texts(definition.values.iter().map(|value| &*value.name));
                let members = definition.values.iter().map(enum_member).collect();
                let members = [("members", members), ("values", names)];
                self.entry(&definition.def.name, "enum", members, &definition.def.features);
            }
            Type::Object(id) => self.object(&schema[*id]),
            Type::Alternate(id) => {
                let definition = &schema[*id];
                let types =
                    definition.alternatives.iter().map(|it| object([("type", text(&self.name(&it.ty)))])).collect();
                self.entry(&definition.def.name, "alternate", [("members", types)], &definition.def.features);
            }
        }
    }

    fn object(&mut self, object: &Object) {
        for base in self.schema.base_chain(object) {
            self.note_late(&object.def.name, &base.def.name, &base.def.doc);
        }
        let members = self.members(self.schema.all_members(object));
        let mut all = vec![("members", members)];
        if let Some(branches) = &object.branches {
            let mut variants = Vec::new();
            for branch in &branches.branches {
                let ty = self.name_or_empty(branch.object.map(Type::Object).as_ref());
                variants.push(json::object([("case", text(&branch.value)), ("type", text(&ty))]));
            }
            all.extend([("tag", text(&branches.tag)), ("variants", Json::List(variants))]);
        }
        self.entry(&object.def.name, "object", all, &object.def.features);
    }

    fn members(&mut self, members: Vec<&Member>) -> Json {
        let member = |member: &Member| {
            let head = [("name", text(&member.name)), ("type", text(&self.name(&member.ty)))];
            let default = member.optional.then_some(("default", Json::Null));
            object(head.into_iter().chain(default).chain(features(&member.features)))
        };
        members.into_iter().map(member).collect()
    }
}

fn enum_member(value: &EnumValue) -> Json {
    object([("name", text(&value.name))].into_iter().chain(features(&value.features)))
}

/// The member that lists features, if there are any.
fn features(features: &[Feature]) -> Option<(&'static str, Json)> {
    (!features.is_empty()).then(|| ("features", texts(features.iter().map(|feature| &*feature.name))))
}

/// Name → release, as an object.
fn releases(releases: &BTreeMap<String, String>) -> Json {
    object(releases.iter().map(|(name, release)| (&**name, text(release))))
}

/// All integers are one type to clients.
fn builtin_name(builtin: Builtin) -> &'static str {
    match builtin {
        Builtin::Str => "str",
        Builtin::Number => "number",
        Builtin::Bool => "bool",
        Builtin::Null => "null",
        Builtin::Any => "any",
        Builtin::QType => "QType",
        _ => "int",
    }
}

fn json_type(builtin: Builtin) -> &'static str {
    match builtin {
        Builtin::Str | Builtin::QType => "string",
        Builtin::Number => "number",
        Builtin::Bool => "boolean",
        Builtin::Null => "null",
        Builtin::Any => "value",
        _ => "int",
    }
}
