//! What a value lost by being decoded and encoded again.

use crate::api::DecodeError;
use serde_json::Value;

/// The paths of the members that `again` lacks.
///
/// # Errors
/// Where anything else differs: then the types did not keep what they had decoded.
pub fn compare(came: &Value, again: &Value) -> Result<Vec<String>, DecodeError> {
    let mut comparison = Comparison { path: String::new(), missing: Vec::new() };
    comparison.value(came, again)?;
    Ok(comparison.missing)
}

struct Comparison {
    path: String,
    missing: Vec<String>,
}

impl Comparison {
    fn value(&mut self, came: &Value, again: &Value) -> Result<(), DecodeError> {
        match (came, again) {
            (Value::Array(came), Value::Array(again)) if came.len() == again.len() => {
                let mut pairs = came.iter().zip(again).enumerate();
                pairs.try_for_each(|(index, (came, again))| self.inside(&format!("[{index}]"), came, again))
            }
            (Value::Object(came), Value::Object(again)) => {
                for (name, came) in came {
                    let step = format!(".{name}");
                    match again.get(name) {
                        Some(again) => self.inside(&step, came, again)?,
                        None => self.missing.push(format!("{}{step}", self.path)),
                    }
                }
                match again.keys().find(|name| !came.contains_key(*name)) {
                    None => Ok(()),
                    Some(name) => self.differs(&format!("`{name}` was encoded, but had not come")),
                }
            }
            (Value::Number(_), Value::Number(_)) if worth(came) == worth(again) => Ok(()),
            _ if came == again => Ok(()),
            _ => self.differs(&format!("came as {came} and was encoded as {again}")),
        }
    }

    fn inside(&mut self, step: &str, came: &Value, again: &Value) -> Result<(), DecodeError> {
        let length = self.path.len();
        self.path.push_str(step);
        self.value(came, again)?;
        self.path.truncate(length);
        Ok(())
    }

    fn differs(&self, reason: &str) -> Result<(), DecodeError> {
        Err(DecodeError { path: self.path.clone(), reason: reason.to_owned() })
    }
}

/// What a number is worth: 1 and 1.0 are the same, integers that no double tells apart are not.
fn worth(number: &Value) -> (Option<i128>, u64) {
    let integer = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    let double = number.as_f64().unwrap_or_default();
    let whole = double.fract() == 0.0 && double.abs() <= 9_007_199_254_740_992.0;
    match integer {
        Some(integer) => (Some(integer), 0),
        #[allow(clippy::cast_possible_truncation, reason = "the range was just checked")]
        None if whole => (Some(double as i128), 0),
        None => (None, double.to_bits()),
    }
}
