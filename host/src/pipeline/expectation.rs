//! Expectation: whether a result is what the agent said it expected.
//!
//! Not here: doing anything about it; it goes into the decision log. Invariant: pure; an expectation that cannot be
//! understood is unknown, never met.

use crate::schema::{Role, Schema};
use serde_json::{Map, Value};

/// Members that make an object a JSON Schema rather than a value.
const SCHEMA_WORDS: [&str; 9] =
    ["$schema", "$ref", "type", "properties", "items", "enum", "const", "anyOf", "allOf"];

/// Comparisons after which an expectation is given up: the agent chooses it, and the host's time is not its own.
const STEPS_MAX: u32 = 100_000;

/// `expected` is a JSON Schema that the result must fit, or a value that it must contain: every member of an
/// object, every item of an array in any order, a string as part of a string, anything else exactly. `None` when
/// it cannot be told.
pub(super) fn met(expected: &Value, actual: &Value) -> Option<bool> {
    match expected {
        Value::Object(members) if looks_like_schema(members) => {
            let schema = Schema::compile(expected, Role::Output).ok()?;
            Some(schema.check(actual).is_ok())
        }
        Value::Null => None,
        _ => Search { steps_left: STEPS_MAX }.contains(actual, expected),
    }
}

fn looks_like_schema(members: &Map<String, Value>) -> bool {
    let type_is_a_value = members.get("type").is_some_and(|kind| !is_type(kind));
    !type_is_a_value && SCHEMA_WORDS.iter().any(|word| members.contains_key(*word))
}

/// A word, or a list of words, that JSON Schema knows as a type.
fn is_type(kind: &Value) -> bool {
    const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];
    match kind {
        Value::String(word) => TYPES.contains(&word.as_str()),
        Value::Array(words) => words.iter().all(is_type),
        _ => false,
    }
}

/// One search, within its steps.
struct Search {
    steps_left: u32,
}

impl Search {
    /// `None` when the steps do not suffice.
    fn contains(&mut self, actual: &Value, expected: &Value) -> Option<bool> {
        let text = if let Value::String(text) = actual { text.len() / 64 } else { 0 };
        let step = u32::try_from(text).unwrap_or(u32::MAX).saturating_add(1);
        self.steps_left = self.steps_left.checked_sub(step)?;
        match (actual, expected) {
            (Value::Object(actual), Value::Object(expected)) => {
                for (name, value) in expected {
                    match actual.get(name) {
                        Some(actual) if self.contains(actual, value)? => {}
                        _ => return Some(false),
                    }
                }
                Some(true)
            }
            (Value::Array(actual), Value::Array(expected)) => {
                for item in expected {
                    if !self.any(actual.iter(), item)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            (Value::String(actual), Value::String(expected)) => Some(actual.contains(expected.as_str())),
            (Value::Number(actual), Value::Number(expected)) => Some(
                actual == expected || actual.as_f64().is_some_and(|actual| Some(actual) == expected.as_f64()),
            ),
            // A word that is expected somewhere in a structured result.
            (Value::Object(actual), Value::String(_)) => self.any(actual.values(), expected),
            (Value::Array(actual), Value::String(_)) => self.any(actual.iter(), expected),
            _ => Some(actual == expected),
        }
    }

    fn any<'a>(&mut self, actual: impl Iterator<Item = &'a Value>, expected: &Value) -> Option<bool> {
        for value in actual {
            if self.contains(value, expected)? {
                return Some(true);
            }
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_is_met_by_what_fits_it() {
        let expected = json!({ "type": "object", "required": ["total"] });
        assert_eq!(met(&expected, &json!({ "total": 3 })), Some(true));
        assert_eq!(met(&expected, &json!({ "sum": 3 })), Some(false));
    }

    #[test]
    fn a_value_is_met_by_what_contains_it() {
        let actual = json!({ "order": { "id": 7, "state": "shipped today" }, "lines": [1, 2, 3] });
        for expected in
            [json!({ "order": { "id": 7 } }), json!({ "lines": [3, 1] }), json!("shipped"), json!({})]
        {
            assert_eq!(met(&expected, &actual), Some(true), "{expected}");
        }
        for expected in [json!({ "order": { "id": 8 } }), json!({ "lines": [4] }), json!("lost"), json!(7)] {
            assert_eq!(met(&expected, &actual), Some(false), "{expected}");
        }
    }

    #[test]
    fn a_value_with_a_member_called_type_is_no_schema() {
        assert_eq!(met(&json!({ "type": "refund" }), &json!({ "type": "refund", "id": 1 })), Some(true));
        assert_eq!(met(&json!({ "type": "refund" }), &json!({ "type": "order" })), Some(false));
    }

    #[test]
    fn what_takes_too_long_to_compare_is_unknown() {
        let many = |text: &str| Value::Array(vec![json!(text); 1_000]);
        assert_eq!(met(&many("b"), &many("a")), Some(false));
        let mut ends_alike = vec![json!("a"); 1_000];
        ends_alike.push(json!("b"));
        assert_eq!(met(&many("b"), &Value::Array(ends_alike)), None);
        assert_eq!(met(&json!("b"), &json!("a".repeat(10_000_000))), None);
    }

    #[test]
    fn what_cannot_be_understood_is_unknown() {
        assert_eq!(met(&Value::Null, &json!(1)), None);
        assert_eq!(met(&json!({ "type": "object", "pattern": 5, "properties": 7 }), &json!({})), None);
    }
}
