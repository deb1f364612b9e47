//! Keys and shapes: expressions → [`Written`] definitions.
//!
//! Looks at one expression at a time: which keys it has, of what kind their values are, whether names are legal and
//! flags agree. Never looks up a name: that is [`super::resolve`]'s business.

use super::name::{self, Case};
use super::parts::{self, Part};
use super::{docs, Dialect};
use crate::ast::{Base, Branch, Context, Data, Flags, Kind, Member, Meta, TypeName, Written};
use crate::error::{Error, Result};
use crate::load::Expression;
use crate::parser::{Object, Value};
use crate::schema::EnumValue;

/// Checks one definition on its own.
pub(super) fn definition(expression: &Expression, dialect: Dialect) -> Result<Written<'_>> {
    let object = &expression.object;
    let context = identify(object)?;
    check_name(&context, expression)?;
    docs::check_block(&context, expression, dialect)?;
    let definition = Definition { context, expression, whole: Part::whole(context) };
    let kind = match context.meta {
        Meta::Enum => definition.enumeration(),
        Meta::Struct => definition.structure(),
        Meta::Union => definition.union(),
        Meta::Alternate => definition.alternate(),
        Meta::Command => definition.command(),
        Meta::Event => definition.event(),
    }?;
    Ok(Written {
        context,
        module: expression.module,
        doc: expression.doc.as_ref(),
        pragma: expression.pragma.clone(),
        features: parts::features(context, object)?,
        condition: definition.whole.condition(object)?,
        kind,
    })
}

/// Finds out what kind of definition it is and what it is called.
fn identify(object: &Object) -> Result<Context<'_>> {
    let mut metas = Meta::ALL.into_iter().filter_map(|meta| Some((meta, object.get(meta.key())?)));
    let (Some((meta, name)), None) = (metas.next(), metas.next()) else {
        let message = "a definition needs exactly one of the keys 'enum', 'struct', 'union', 'alternate', \
                       'command' and 'event'";
        return Err(Error::new(&object.at, message));
    };
    match name {
        Value::String(name) => Ok(Context { meta, name: &name.value, at: &object.at }),
        _ => Err(Error::new(&object.at, format!("the value of '{}' must be a string, a name", meta.key()))),
    }
}

fn check_name(context: &Context<'_>, expression: &Expression) -> Result<()> {
    let case = match context.meta {
        Meta::Event => Case::Upper,
        Meta::Command => Case::Command { exempt: expression.pragma.command_name_exceptions.contains(context.name) },
        Meta::Enum | Meta::Struct | Meta::Union | Meta::Alternate => Case::Camel,
    };
    name::check(context.name, case).map_err(|reason| context.error(format_args!("its name {reason}")))
}

/// One definition on its way from expression to [`Kind`].
struct Definition<'a> {
    context: Context<'a>,
    expression: &'a Expression,
    whole: Part<'a>,
}

impl<'a> Definition<'a> {
    fn enumeration(&self) -> Result<Kind<'a>> {
        let object = self.keys(&["data"], &["prefix"])?;
        let Some(Value::Array(data, _)) = object.get("data") else {
            return Err(self.context.error("'data' must be an array of values"));
        };
        let prefix = match object.get("prefix") {
            None => None,
            Some(Value::String(prefix)) => Some(prefix.value.clone()),
            Some(_) => return Err(self.context.error("'prefix' must be a string")),
        };
        let mut values = Vec::with_capacity(data.len());
        for value in data {
            values.push(self.enum_value(value)?);
        }
        Ok(Kind::Enum { values, prefix })
    }

    fn enum_value(&self, value: &'a Value) -> Result<EnumValue> {
        let anonymous = self.whole.unnamed("a value");
        let entry = anonymous.entry(value, "name", &["if", "features"])?;
        let Value::String(text) = entry.main else {
            return Err(anonymous.error("must be a string or an object with a 'name'"));
        };
        let part = self.whole.part("value", &text.value);
        name::check_value(&text.value, self.case()).map_err(|reason| part.error(reason))?;
        Ok(EnumValue {
            name: text.value.clone(),
            condition: entry.condition(&part)?,
            features: entry.features(self.context)?,
        })
    }

    fn structure(&self) -> Result<Kind<'a>> {
        let object = self.keys(&["data"], &["base"])?;
        let members = match object.get("data") {
            Some(Value::Object(data)) => self.members("member", data, self.case())?,
            _ => return Err(self.context.error("'data' must be an object of members")),
        };
        let base = match object.get("base") {
            None => None,
            Some(Value::String(base)) => Some(base.value.as_str()),
            Some(_) => return Err(self.context.error("'base' must be the name of a struct")),
        };
        Ok(Kind::Struct { base, members })
    }

    fn union(&self) -> Result<Kind<'a>> {
        let object = self.keys(&["base", "discriminator", "data"], &[])?;
        let base = match object.get("base") {
            Some(Value::String(base)) => Base::Named(&base.value),
            Some(Value::Object(members)) => Base::Inline(self.members("base member", members, self.case())?),
            _ => return Err(self.context.error("'base' must be an object of members or the name of a struct")),
        };
        let Some(Value::String(tag)) = object.get("discriminator") else {
            return Err(self.context.error("'discriminator' must be a string, the name of a member of the base"));
        };
        let Some(Value::Object(data)) = object.get("data") else {
            return Err(self.context.error("'data' must be an object of branches"));
        };
        let mut branches = Vec::with_capacity(data.members.len());
        for (key, value) in &data.members {
            let part = self.whole.part("branch", &key.value);
            let branch = self.branch(&part, &key.value, value)?;
            if let TypeName::Array(_) = branch.ty {
                return Err(part.error("must be a type name: a branch adds members, no array"));
            }
            branches.push(branch);
        }
        Ok(Kind::Union { base, tag: &tag.value, branches })
    }

    fn alternate(&self) -> Result<Kind<'a>> {
        let object = self.keys(&["data"], &[])?;
        let data = match object.get("data") {
            Some(Value::Object(data)) if !data.members.is_empty() => data,
            _ => return Err(self.context.error("'data' must be an object of one alternative or more")),
        };
        let mut alternatives = Vec::with_capacity(data.members.len());
        for (key, value) in &data.members {
            let part = self.whole.part("alternative", &key.value);
            name::check(&key.value, Case::Lower).map_err(|reason| part.error(reason))?;
            alternatives.push(self.branch(&part, &key.value, value)?);
        }
        Ok(Kind::Alternate { alternatives })
    }

    fn command(&self) -> Result<Kind<'a>> {
        let optional =
            ["data", "returns", "boxed", "gen", "success-response", "allow-oob", "allow-preconfig", "coroutine"];
        let object = self.keys(&[], &optional)?;
        let flags = Flags {
            boxed: self.flag("boxed", true)?,
            gen: !self.flag("gen", false)?,
            success_response: !self.flag("success-response", false)?,
            allow_oob: self.flag("allow-oob", true)?,
            allow_preconfig: self.flag("allow-preconfig", true)?,
            coroutine: self.flag("coroutine", true)?,
        };
        if flags.allow_oob && flags.coroutine {
            return Err(self.context.error("'allow-oob' and 'coroutine' exclude each other"));
        }
        let data = self.data(flags.boxed)?;
        let returns = object.get("returns").map(|value| self.whole.unnamed("'returns'").type_name(value));
        Ok(Kind::Command { data, returns: returns.transpose()?, flags })
    }

    fn event(&self) -> Result<Kind<'a>> {
        self.keys(&[], &["data", "boxed"])?;
        let boxed = self.flag("boxed", true)?;
        Ok(Kind::Event { data: self.data(boxed)?, boxed })
    }

    /// Checks the keys besides those that every definition has.
    fn keys(&self, required: &[&str], optional: &[&str]) -> Result<&'a Object> {
        let mut all_required = vec![self.context.meta.key()];
        all_required.extend_from_slice(required);
        let mut all_optional = optional.to_vec();
        all_optional.extend_from_slice(&["if", "features"]);
        self.whole.keys(&self.expression.object, &all_required, &all_optional)?;
        Ok(&self.expression.object)
    }

    /// Returns whether a flag is there; it may only have the value that is not its default.
    fn flag(&self, key: &str, only: bool) -> Result<bool> {
        match self.expression.object.get(key) {
            None => Ok(false),
            Some(Value::Bool(value, _)) if *value == only => Ok(true),
            Some(_) => Err(self.context.error(format_args!("flag '{key}' can only be {only}"))),
        }
    }

    fn data(&self, boxed: bool) -> Result<Data<'a>> {
        match self.expression.object.get("data") {
            None if boxed => Err(self.context.error("'boxed' needs 'data'")),
            None => Ok(Data::Inline(Vec::new())),
            Some(Value::String(name)) => Ok(Data::Named(&name.value)),
            Some(_) if boxed => Err(self.context.error("'data' must be the name of a type, because it is 'boxed'")),
            Some(Value::Object(members)) => Ok(Data::Inline(self.members("member", members, Case::Lower)?)),
            Some(_) => Err(self.context.error("'data' must be an object of members or the name of a struct")),
        }
    }

    fn members(&self, role: &'static str, object: &'a Object, case: Case) -> Result<Vec<Member<'a>>> {
        let mut members = Vec::with_capacity(object.members.len());
        for (key, value) in &object.members {
            let (name, optional) = match key.value.strip_prefix('*') {
                Some(name) => (name, true),
                None => (key.value.as_str(), false),
            };
            let part = self.whole.part(role, name);
            name::check(name, case).map_err(|reason| part.error(reason))?;
            if name::is_reserved_for_c(name) {
                return Err(part.error("has a name that QEMU's C code needs for itself"));
            }
            let entry = part.entry(value, "type", &["if", "features"])?;
            members.push(Member {
                name,
                optional,
                condition: entry.condition(&part)?,
                features: entry.features(self.context)?,
                ty: part.type_name(entry.main)?,
                at: &key.at,
            });
        }
        Ok(members)
    }

    fn branch(&self, part: &Part<'_>, name: &'a str, value: &'a Value) -> Result<Branch<'a>> {
        let entry = part.entry(value, "type", &["if"])?;
        Ok(Branch { name, condition: entry.condition(part)?, ty: part.type_name(entry.main)? })
    }

    /// The rule for the names of this type's members or values.
    fn case(&self) -> Case {
        Case::Member { exempt: self.expression.pragma.member_name_exceptions.contains(self.context.name) }
    }
}
