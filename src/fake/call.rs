//! Commands that clients sent, as they are noted.

use super::request::Request;
use crate::api::Command;
use crate::secrets;
use serde_json::{Map, Value};
use std::fmt;

/// A command that a client sent.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// Its name on the wire.
    pub name: String,
    /// Its arguments, as they came.
    pub arguments: Map<String, Value>,
    /// Its id, if it has one.
    pub id: Option<Value>,
    /// True if it is to be executed out-of-band.
    pub out_of_band: bool,
}

impl Call {
    pub(super) fn new(request: Request) -> Self {
        Call { name: request.name, arguments: request.arguments, id: request.id, out_of_band: request.oob }
    }

    /// The call as a command, if it is one and its arguments fit.
    pub fn decode<C: Command>(&self) -> Option<C> {
        let arguments = Value::Object(self.arguments.clone());
        serde_json::from_value(arguments).ok().filter(|_| self.name == C::NAME)
    }
}

/// Shows the arguments without secrets.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments = Value::Object(self.arguments.clone()).to_string();
        let mut shown = f.debug_struct("Call");
        shown.field("name", &self.name);
        shown.field("arguments", &format_args!("{}", secrets::members(&self.name, &[], &arguments)));
        shown.field("id", &self.id).field("out_of_band", &self.out_of_band).finish()
    }
}
