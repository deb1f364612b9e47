//! Structs and unions: bases, tags, branches, and members that must not clash.
//!
//! An object is checked when something that contains it is, so that its base and branches are known by then;
//! each is checked once, and how deep they nest is bounded.

use super::name::{mangle, Clashes};
use super::table::Table;
use crate::ast::{Base, Branch, Context, Kind, Member, TypeName};
use crate::error::Result;
use crate::schema::{self, Branches, EnumId, ObjectId, Type};
use std::rc::Rc;

/// How many objects may contain one another as bases and branches, which is what the smallest usual stack, of 1 MiB, has
/// room for in a debug build. QEMU's schemas need four.
const MAX_DEPTH: usize = 100;

/// An object whose names are resolved.
#[derive(Debug)]
pub(super) struct Resolved<'a> {
    pub(super) base: Option<ObjectId>,
    pub(super) members: Vec<schema::Member>,
    pub(super) branches: Option<Branches>,
    /// Its members, those of its base and those that its branches may add, by their names in C.
    names: Names<'a>,
    /// True if it or its base has a member under a condition. Branches do not count.
    pub(super) has_conditional_members: bool,
}

/// Members by their names in C, few enough to look through.
type Names<'a> = Vec<(String, Origin<'a>)>;

/// A member and where it comes from.
#[derive(Debug, Clone)]
struct Origin<'a> {
    name: &'a str,
    owner: Context<'a>,
    ty: Type,
    optional: bool,
    conditional: bool,
}

/// Checks objects on demand and remembers the results.
#[derive(Debug)]
pub(super) struct Objects<'a> {
    table: &'a Table<'a>,
    states: Vec<State<'a>>,
}

#[derive(Debug, Clone)]
enum State<'a> {
    Untouched,
    InProgress,
    Done(Rc<Resolved<'a>>),
}

impl<'a> Objects<'a> {
    pub(super) fn new(table: &'a Table<'a>) -> Self {
        Objects { table, states: vec![State::Untouched; table.objects().len()] }
    }

    /// The object of an id, checked. `user` is blamed if it nests too deep.
    pub(super) fn get(&mut self, id: ObjectId, user: &Context<'_>) -> Result<Rc<Resolved<'a>>> {
        self.get_nested(id, user, 0)
    }

    fn get_nested(&mut self, id: ObjectId, user: &Context<'_>, depth: usize) -> Result<Rc<Resolved<'a>>> {
        let (Some(state), Some(written)) = (self.states.get(id.0), self.table.objects().get(id.0)) else {
            return Err(user.error("refers to an object of another schema"));
        };
        match state {
            State::Done(resolved) => return Ok(Rc::clone(resolved)),
            State::InProgress => return Err(written.context.error("contains itself")),
            State::Untouched if depth == MAX_DEPTH => {
                return Err(user.error(format_args!("more than {MAX_DEPTH} objects contain one another")));
            }
            State::Untouched => {}
        }
        self.set(id, State::InProgress);
        let resolved = Rc::new(match &written.kind {
            Kind::Union { base, tag, branches } => self.union(written.context, base, tag, branches, depth)?,
            Kind::Struct { base, members } => self.structure(written.context, *base, members, depth)?,
            _ => return Err(user.error("refers to something that is no object")),
        });
        self.set(id, State::Done(Rc::clone(&resolved)));
        Ok(resolved)
    }

    fn set(&mut self, id: ObjectId, state: State<'a>) {
        if let Some(slot) = self.states.get_mut(id.0) {
            *slot = state;
        }
    }

    fn structure(
        &mut self,
        context: Context<'a>,
        base: Option<&str>,
        members: &[Member<'a>],
        depth: usize,
    ) -> Result<Resolved<'a>> {
        let (id, base) = match base {
            Some(name) => {
                let (id, base) = self.base(&context, name, depth)?;
                (Some(id), Some(base))
            }
            None => (None, None),
        };
        let mut names = base.as_ref().map_or_else(Names::new, |base| base.names.clone());
        let members = add_members(self.table, context, members, &mut names)?;
        let has_conditional_members = names.iter().any(|(_, origin)| origin.conditional);
        Ok(Resolved { base: id, members, branches: None, names, has_conditional_members })
    }

    /// A named base, which must be a struct.
    fn base(&mut self, context: &Context<'a>, name: &str, depth: usize) -> Result<(ObjectId, Rc<Resolved<'a>>)> {
        let ty = self.table.resolve(TypeName::Plain(name), context, "'base'")?;
        if let Type::Object(id) = ty {
            if self.table.objects().get(id.0).is_some_and(|base| matches!(base.kind, Kind::Struct { .. })) {
                return Ok((id, self.get_nested(id, context, depth + 1)?));
            }
        }
        Err(context.error(format_args!("'base' must be a struct, but {} is not one", self.table.describe(&ty))))
    }

    fn union(
        &mut self,
        context: Context<'a>,
        base: &Base<'a>,
        tag: &str,
        branches: &[Branch<'a>],
        depth: usize,
    ) -> Result<Resolved<'a>> {
        let inline = match base {
            Base::Named(name) => self.structure(context, Some(name), &[], depth)?,
            Base::Inline(members) => self.structure(context, None, members, depth)?,
        };
        let tag_type = self.tag(&context, tag, &inline.names)?;
        let mut names = inline.names.clone();
        for branch in branches {
            self.branch(context, branch, tag_type, &inline.names, &mut names, depth)?;
        }
        let branches = self.all_branches(&context, tag_type, branches)?;
        Ok(Resolved { branches: Some(Branches { tag: tag.to_owned(), tag_type, branches }), names, ..inline })
    }

    /// The enum of the tag, which must be there whatever the build and the message.
    fn tag(&self, context: &Context<'_>, tag: &str, base: &Names<'a>) -> Result<EnumId> {
        let Some(member) = find(base, &mangle(tag)).filter(|member| member.name == tag) else {
            return Err(context.error(format_args!("the discriminator '{tag}' is no member of the base")));
        };
        let problem = match member.ty {
            _ if member.optional => "is optional, but must always be there",
            _ if member.conditional => "is conditional, but must always be there",
            Type::Enum(id) => return Ok(id),
            _ => "must be of an enum type",
        };
        Err(context.error(format_args!("the discriminator '{tag}' {problem}")))
    }

    /// Checks one branch; adds the members that it may bring along to `names`.
    fn branch(
        &mut self,
        context: Context<'a>,
        branch: &Branch<'a>,
        tag_type: EnumId,
        base: &Names<'a>,
        names: &mut Names<'a>,
        depth: usize,
    ) -> Result<()> {
        let role = format!("branch '{}'", branch.name);
        let ty = self.table.resolve(branch.ty, &context, &role)?;
        if !self.table.values(tag_type).iter().any(|value| value.name == branch.name) {
            let tag_type = self.table.describe(&Type::Enum(tag_type));
            return Err(context.error(format_args!("{role} is no value of the discriminator's {tag_type}")));
        }
        let Type::Object(id) = ty else {
            let ty = self.table.describe(&ty);
            return Err(context.error(format_args!("{role} must be a struct or union, but {ty} is neither")));
        };
        let object = self.get_nested(id, &context, depth + 1)?;
        for (name, origin) in &object.names {
            if let Some(first) = find(base, name) {
                return Err(context.error(format_args!("in {role}, {}", clash(origin, first, &context))));
            }
            if find(names, name).is_none() {
                names.push((name.clone(), origin.clone()));
            }
        }
        Ok(())
    }

    /// One branch for each value of the tag's enum.
    fn all_branches(
        &self,
        context: &Context<'_>,
        tag_type: EnumId,
        branches: &[Branch<'_>],
    ) -> Result<Vec<schema::Branch>> {
        let values = self.table.values(tag_type);
        if values.is_empty() {
            return Err(context.error("has no branches, because the discriminator's enum has no values"));
        }
        let mut all = Vec::with_capacity(values.len());
        for value in values {
            let branch = branches.iter().find(|branch| branch.name == value.name);
            let object = match branch.map(|branch| self.table.resolve(branch.ty, context, "branch")).transpose()? {
                Some(Type::Object(id)) => Some(id),
                _ => None,
            };
            let condition = branch.and_then(|branch| branch.condition.clone()).or_else(|| value.condition.clone());
            all.push(schema::Branch { value: value.name.clone(), object, condition });
        }
        Ok(all)
    }
}

/// Resolves members written in place that nothing else adds to.
pub(super) fn inline_members<'a>(
    table: &Table<'a>,
    context: Context<'a>,
    members: &[Member<'a>],
) -> Result<Vec<schema::Member>> {
    add_members(table, context, members, &mut Names::new())
}

/// Refuses features that are one in C.
pub(super) fn check_features(context: &Context<'_>, role: &str, features: &[schema::Feature]) -> Result<()> {
    let mut seen = Clashes::default();
    for feature in features {
        if let Some(first) = seen.add(&feature.name) {
            return Err(context.error(format_args!("{role}feature '{}' clashes with '{first}'", feature.name)));
        }
    }
    Ok(())
}

fn find<'n, 'a>(names: &'n Names<'a>, name: &str) -> Option<&'n Origin<'a>> {
    names.iter().find(|(known, _)| known == name).map(|(_, origin)| origin)
}

/// Resolves members, adding each to the names of its object.
fn add_members<'a>(
    table: &Table<'a>,
    context: Context<'a>,
    members: &[Member<'a>],
    names: &mut Names<'a>,
) -> Result<Vec<schema::Member>> {
    let mut resolved = Vec::with_capacity(members.len());
    for member in members {
        let role = format!("member '{}'", member.name);
        let ty = table.resolve(member.ty, &context, &role)?;
        check_features(&context, &format!("{role}: "), &member.features)?;
        let origin = Origin {
            name: member.name,
            owner: context,
            ty: ty.clone(),
            optional: member.optional,
            conditional: member.condition.is_some(),
        };
        let name = mangle(member.name);
        if let Some(first) = find(names, &name) {
            return Err(context.error(clash(&origin, first, &context)));
        }
        names.push((name, origin));
        resolved.push(schema::Member {
            name: member.name.to_owned(),
            ty,
            optional: member.optional,
            features: member.features.clone(),
            condition: member.condition.clone(),
            at: member.at.clone(),
        });
    }
    Ok(resolved)
}

/// The clash of a member of an object that is being checked.
fn clash(second: &Origin<'_>, first: &Origin<'_>, context: &Context<'_>) -> String {
    let describe = |origin: &Origin<'_>| match origin.owner.name == context.name {
        true => format!("member '{}'", origin.name),
        false => format!("member '{}' of {}", origin.name, origin.owner),
    };
    let hint = if first.name == second.name { "" } else { ": they are one name in C" };
    format!("{} clashes with {}{hint}", describe(second), describe(first))
}
