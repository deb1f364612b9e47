//! Common rules for the parts of a definition: keys, conditions, features, type names.
//!
//! Recurses into conditions only as deep as the parser lets values nest.

use super::name::{self, Case};
use crate::ast::{Context, TypeName};
use crate::error::{Error, Result};
use crate::parser::{Object, Value};
use crate::schema::{Condition, Feature};
use crate::text::{add, begins};
use std::fmt;

/// A definition or a named part of it, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    context: Context<'a>,
    /// The kind of part, such as `member`; empty for the definition as a whole.
    role: &'a str,
    name: Option<&'a str>,
}

impl<'a> Part<'a> {
    /// The definition as a whole.
    pub(super) fn whole(context: Context<'a>) -> Self {
        Part { context, role: "", name: None }
    }

    /// A part of the same definition that has no name, or none yet.
    pub(super) fn unnamed<'b>(&self, role: &'b str) -> Part<'b>
    where
        'a: 'b,
    {
        Part { context: self.context, role, name: None }
    }

    /// A part of the same definition.
    pub(super) fn part<'b>(&self, role: &'b str, name: &'b str) -> Part<'b>
    where
        'a: 'b,
    {
        Part { context: self.context, role, name: Some(name) }
    }

    /// An error about this part; `message` continues "struct 'Name': member 'name' ".
    pub(super) fn error(&self, message: impl fmt::Display) -> Error {
        match (self.role, self.name) {
            ("", _) => self.context.error(message),
            (role, None) => self.context.error(format_args!("{role} {message}")),
            (role, Some(name)) => self.context.error(format_args!("{role} '{name}' {message}")),
        }
    }

    /// Checks that an object has all the required keys and none but the required and optional ones.
    pub(super) fn keys(&self, object: &Object, required: &[&str], optional: &[&str]) -> Result<()> {
        let mut missing = Vec::new();
        for key in required {
            if object.get(key).is_none() {
                missing.push(*key);
            }
        }
        if !missing.is_empty() {
            return Err(self.error(format_args!("lacks {}", list(&missing))));
        }
        let mut unknown = Vec::new();
        for (key, _) in &object.members {
            let key = key.value.as_str();
            if !required.contains(&key) && !optional.contains(&key) {
                unknown.push(key);
            }
        }
        if !unknown.is_empty() {
            let allowed = [required, optional].concat();
            return Err(self.error(format_args!("has unknown {}; allowed: {}", list(&unknown), quoted(&allowed))));
        }
        Ok(())
    }

    /// Takes apart what is either a plain value or an object with that value under `main`.
    pub(super) fn entry<'v>(&self, value: &'v Value, main: &str, optional: &[&str]) -> Result<Entry<'v>> {
        let Value::Object(object) = value else {
            return Ok(Entry { main: value, object: None });
        };
        self.keys(object, &[main], optional)?;
        // The keys are checked: the fallback is never taken.
        Ok(Entry { main: object.get(main).unwrap_or(value), object: Some(object) })
    }

    /// A type name or an array of one.
    pub(super) fn type_name<'v>(&self, value: &'v Value) -> Result<TypeName<'v>> {
        match value {
            Value::String(name) => Ok(TypeName::Plain(&name.value)),
            Value::Array(elements, _) => match elements.as_slice() {
                [Value::String(name)] => Ok(TypeName::Array(&name.value)),
                _ => Err(self.error("must have exactly one type name in its array type")),
            },
            Value::Object(_) | Value::Bool(..) => Err(self.error("must be a type name or an array of one")),
        }
    }

    /// The value of `if`.
    pub(super) fn condition(&self, object: &Object) -> Result<Option<Condition>> {
        object.get("if").map(|value| self.condition_value(value)).transpose()
    }

    fn condition_value(&self, value: &Value) -> Result<Condition> {
        let object = match value {
            Value::String(symbol) if is_symbol(&symbol.value) => return Ok(Condition::Symbol(symbol.value.clone())),
            Value::String(symbol) => {
                let message = "is no configuration symbol: capital letters, digits and '_'";
                return Err(self.condition_error(format_args!("'{}' {message}", symbol.value)));
            }
            Value::Object(object) => object,
            _ => return Err(self.condition_error("must be a string or an object")),
        };
        let [(key, operand)] = object.members.as_slice() else {
            return Err(self.condition_error("must have exactly one of the keys 'all', 'any' and 'not'"));
        };
        match key.value.as_str() {
            "not" => Ok(Condition::Not(Box::new(self.condition_value(operand)?))),
            "all" => Ok(Condition::All(self.operands("all", operand)?)),
            "any" => Ok(Condition::Any(self.operands("any", operand)?)),
            other => Err(self.condition_error(format_args!("has unknown key '{other}'; allowed: 'all', 'any', 'not'"))),
        }
    }

    fn operands(&self, operator: &str, value: &Value) -> Result<Vec<Condition>> {
        match value {
            Value::Array(operands, _) if operands.is_empty() => {
                Err(self.condition_error(format_args!("has nothing to combine in '{operator}'")))
            }
            Value::Array(operands, _) => {
                let mut conditions = Vec::with_capacity(operands.len());
                for operand in operands {
                    conditions.push(self.condition_value(operand)?);
                }
                Ok(conditions)
            }
            _ => Err(self.condition_error(format_args!("needs an array in '{operator}'"))),
        }
    }

    fn condition_error(&self, message: impl fmt::Display) -> Error {
        match self.name {
            None => self.context.error(format_args!("condition {message}")),
            Some(name) => self.context.error(format_args!("{} '{name}': condition {message}", self.role)),
        }
    }
}

/// A part that may be written short, as a plain value, or long, as an object.
pub(super) struct Entry<'a> {
    /// The plain value.
    pub(super) main: &'a Value,
    object: Option<&'a Object>,
}

impl Entry<'_> {
    /// Its condition; `part` names it in messages.
    pub(super) fn condition(&self, part: &Part<'_>) -> Result<Option<Condition>> {
        self.object.map_or(Ok(None), |object| part.condition(object))
    }

    /// Its features.
    pub(super) fn features(&self, context: Context<'_>) -> Result<Vec<Feature>> {
        self.object.map_or(Ok(Vec::new()), |object| features(context, object))
    }
}

/// The features of a definition or of a part of it.
pub(super) fn features(context: Context<'_>, object: &Object) -> Result<Vec<Feature>> {
    let features = match object.get("features") {
        None => return Ok(Vec::new()),
        Some(Value::Array(features, _)) => features,
        Some(_) => return Err(context.error("'features' must be an array")),
    };
    let mut checked = Vec::with_capacity(features.len());
    for value in features {
        let anonymous = Part::whole(context).unnamed("a feature");
        let entry = anonymous.entry(value, "name", &["if"])?;
        let Value::String(text) = entry.main else {
            return Err(anonymous.error("must be a string or an object with a 'name'"));
        };
        let part = Part::whole(context).part("feature", &text.value);
        name::check(&text.value, Case::Lower).map_err(|reason| part.error(reason))?;
        checked.push(Feature { name: text.value.clone(), condition: entry.condition(&part)? });
    }
    Ok(checked)
}

fn is_symbol(symbol: &str) -> bool {
    begins(symbol, u8::is_ascii_uppercase)
        && symbol.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `key 'a'` or `keys 'a', 'b'`.
fn list(keys: &[&str]) -> String {
    let noun = if keys.len() == 1 { "key" } else { "keys" };
    format!("{noun} {}", quoted(keys))
}

fn quoted(keys: &[&str]) -> String {
    let mut list = String::new();
    for key in keys {
        add(&mut list, ", ", &format!("'{key}'"));
    }
    list
}
