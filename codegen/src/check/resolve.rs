//! Written definitions → the parts of a [`Schema`]: every name resolved, every rule across definitions checked.
//!
//! Goes through the definitions in source order, so that of several errors the same one as QEMU's is reported.

use super::docs;
use super::name::Clashes;
use super::object::{check_features, inline_members, Objects};
use super::table::Table;
use super::Dialect;
use crate::ast::{Branch, Context, Data, Flags, Kind, Meta, TypeName, Written};
use crate::error::Result;
use crate::schema::{self, Alternate, Alternative, Builtin, Command, Definition, Enum, EnumValue, Event, Schema, Type};
use crate::text::begins;

/// Resolves all definitions and adds them to the schema.
pub(super) fn resolve<'a>(
    definitions: &'a [Written<'a>],
    table: &'a Table<'a>,
    dialect: Dialect,
    schema: &mut Schema,
) -> Result<()> {
    let mut resolver = Resolver { table, objects: Objects::new(table), next_object: 0 };
    for (order, written) in definitions.iter().enumerate() {
        resolver.definition(written, order, schema)?;
        docs::check_complete(written, dialect)?;
    }
    Ok(())
}

struct Resolver<'a> {
    table: &'a Table<'a>,
    objects: Objects<'a>,
    /// Objects enter the schema in the order in which the table counted them.
    next_object: usize,
}

impl<'a> Resolver<'a> {
    fn definition(&mut self, written: &'a Written<'a>, order: usize, schema: &mut Schema) -> Result<()> {
        let context = written.context;
        check_features(&context, "", &written.features)?;
        if !matches!(context.meta, Meta::Command | Meta::Event) {
            refuse_special_features(written)?;
        }
        let def = define(written, order);
        match &written.kind {
            Kind::Enum { values, prefix } => {
                check_values(&context, values)?;
                schema.enums.push(Enum { def, values: values.clone(), prefix: prefix.clone() });
            }
            Kind::Struct { .. } | Kind::Union { .. } => schema.objects.push(self.object(&context, def)?),
            Kind::Alternate { alternatives } => {
                let alternatives = self.alternatives(&context, alternatives)?;
                schema.alternates.push(Alternate { def, alternatives });
            }
            Kind::Command { data, returns, flags } => {
                schema.commands.push(self.command(written, def, data, *returns, flags)?);
            }
            Kind::Event { data, boxed } => {
                let data = self.data(context, data, *boxed)?;
                schema.events.push(Event { def, data, boxed: *boxed });
            }
        }
        Ok(())
    }

    fn object(&mut self, context: &Context<'a>, def: Definition) -> Result<schema::Object> {
        let id = schema::ObjectId(self.next_object);
        self.next_object += 1;
        let resolved = self.objects.get(id, context)?;
        Ok(schema::Object {
            def,
            base: resolved.base,
            members: resolved.members.clone(),
            branches: resolved.branches.clone(),
        })
    }

    /// Alternatives, no two of which look the same in JSON or as a string on QEMU's command line.
    fn alternatives(&self, context: &Context<'a>, alternatives: &[Branch<'a>]) -> Result<Vec<Alternative>> {
        let mut names = Clashes::default();
        let mut looks: Vec<(Look, &str)> = Vec::new();
        let mut resolved = Vec::with_capacity(alternatives.len());
        for alternative in alternatives {
            let name = alternative.name;
            let role = format!("alternative '{name}'");
            let ty = self.table.resolve(alternative.ty, context, &role)?;
            if let Some(first) = names.add(name) {
                return Err(context.error(format_args!("{role} clashes with alternative '{first}'")));
            }
            let own = self.looks(&ty);
            for look in &own {
                if let Some((_, first)) = looks.iter().find(|(known, _)| known == look) {
                    let look = look.describe();
                    return Err(context.error(format_args!(
                        "{role} cannot be told apart from alternative '{first}': both may look like {look}"
                    )));
                }
                looks.push((*look, name));
            }
            if own.is_empty() {
                return Err(context.error(format_args!(
                    "{role} cannot be of {}, which is of no single JSON type",
                    self.table.describe(&ty)
                )));
            }
            resolved.push(Alternative { name: name.to_owned(), ty, condition: alternative.condition.clone() });
        }
        Ok(resolved)
    }

    /// The JSON types that values of a type may be taken for; none for types without a JSON type of their own.
    ///
    /// QEMU's command line knows only strings: there a `str` may be meant as a number or a bool as well,
    /// and so may values of enums that look like one.
    fn looks(&self, ty: &Type) -> Vec<Look> {
        match ty {
            Type::Array(_) => vec![Look::Array],
            Type::Object(_) => vec![Look::Object],
            Type::Alternate(_) | Type::Builtin(Builtin::Any) => vec![],
            Type::Builtin(Builtin::Null) => vec![Look::Null],
            Type::Builtin(Builtin::Bool) => vec![Look::Bool],
            Type::Builtin(Builtin::QType) => vec![Look::String],
            Type::Builtin(Builtin::Str) => vec![Look::String, Look::Number, Look::Bool],
            Type::Builtin(_) => vec![Look::Number],
            Type::Enum(id) => {
                let values = self.table.values(*id);
                let mut looks = vec![Look::String];
                if values.iter().any(|value| matches!(value.name.as_str(), "on" | "off")) {
                    looks.push(Look::Bool);
                }
                if values
                    .iter()
                    .any(|value| begins(&value.name, |first| matches!(first, b'-' | b'+' | b'.' | b'0'..=b'9')))
                {
                    looks.push(Look::Number);
                }
                looks
            }
        }
    }

    fn command(
        &mut self,
        written: &Written<'a>,
        def: Definition,
        data: &Data<'a>,
        returns: Option<TypeName<'a>>,
        flags: &Flags,
    ) -> Result<Command> {
        let context = written.context;
        let data = self.data(context, data, flags.boxed)?;
        let returns = returns.map(|returns| self.table.resolve(returns, &context, "'returns'")).transpose()?;
        if let Some(ty) = &returns {
            let element = if let Type::Array(element) = ty { element } else { ty };
            let exempt = written.pragma.command_returns_exceptions.contains(context.name);
            if !exempt && !matches!(element, Type::Object(_)) {
                let ty = self.table.describe(ty);
                return Err(context.error(format_args!(
                    "'returns' must be a struct, a union or an array of them, not {ty}, \
                     unless the pragma 'command-returns-exceptions' lists the command"
                )));
            }
        }
        Ok(Command {
            def,
            data,
            boxed: flags.boxed,
            returns,
            gen: flags.gen,
            success_response: flags.success_response,
            allow_oob: flags.allow_oob,
            allow_preconfig: flags.allow_preconfig,
            coroutine: flags.coroutine,
        })
    }

    /// The data of a command or an event. Only boxed data can have branches or members under a condition.
    fn data(&mut self, context: Context<'a>, data: &Data<'a>, boxed: bool) -> Result<schema::Data> {
        let conditional = "'data' has members under a condition, which needs 'boxed': true";
        match data {
            Data::Inline(members) => {
                let members = inline_members(self.table, context, members)?;
                match members.iter().any(|member| member.condition.is_some()) {
                    true => Err(context.error(conditional)),
                    false => Ok(schema::Data::Members(members)),
                }
            }
            Data::Named(name) => {
                let ty = self.table.resolve(TypeName::Plain(name), &context, "'data'")?;
                let Type::Object(id) = ty else {
                    let ty = self.table.describe(&ty);
                    return Err(context.error(format_args!("'data' must be a struct or a union, but {ty} is neither")));
                };
                let object = self.objects.get(id, &context)?;
                if !boxed && object.branches.is_some() {
                    return Err(context.error("a union as 'data' needs 'boxed': true"));
                }
                if !boxed && object.has_conditional_members {
                    return Err(context.error(conditional));
                }
                Ok(schema::Data::Object(id))
            }
        }
    }
}

/// The form of a value before its type is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Look {
    fn describe(self) -> &'static str {
        match self {
            Look::Null => "null",
            Look::Bool => "a bool",
            Look::Number => "a number",
            Look::String => "a string",
            Look::Array => "an array",
            Look::Object => "an object",
        }
    }
}

fn define(written: &Written<'_>, order: usize) -> Definition {
    Definition {
        name: written.context.name.to_owned(),
        module: written.module,
        order,
        at: written.context.at.clone(),
        doc: written.doc.cloned().unwrap_or_default(),
        features: written.features.clone(),
        condition: written.condition.clone(),
    }
}

/// Features with a meaning of their own are for what a client sees: commands, events, members and values.
fn refuse_special_features(written: &Written<'_>) -> Result<()> {
    match written.features.iter().find(|feature| SPECIAL_FEATURES.contains(&feature.name.as_str())) {
        Some(feature) => Err(written.context.error(format_args!("types cannot have the feature '{}'", feature.name))),
        None => Ok(()),
    }
}

/// Features that mean something to QEMU's generator.
pub(super) const SPECIAL_FEATURES: [&str; 2] = ["deprecated", "unstable"];

fn check_values(context: &Context<'_>, values: &[EnumValue]) -> Result<()> {
    let mut seen = Clashes::default();
    for value in values {
        if let Some(first) = seen.add(&value.name) {
            return Err(context.error(format_args!("value '{}' clashes with value '{first}'", value.name)));
        }
    }
    Ok(())
}
