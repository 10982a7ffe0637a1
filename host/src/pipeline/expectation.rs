//! Expectation: whether a result is what the agent said it expected.
//!
//! Not here: doing anything about it; it goes into the decision log. Invariant: pure; an expectation that cannot be
//! understood is unknown, never met.

use crate::schema::{Role, Schema};
use serde_json::{Map, Value};

/// Members that make an object a JSON Schema rather than a value.
const SCHEMA_WORDS: [&str; 9] =
    ["$schema", "$ref", "type", "properties", "items", "enum", "const", "anyOf", "allOf"];

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
        _ => Some(contains(actual, expected)),
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

fn contains(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected
            .iter()
            .all(|(name, value)| actual.get(name).is_some_and(|actual| contains(actual, value))),
        (Value::Array(actual), Value::Array(expected)) => {
            expected.iter().all(|item| actual.iter().any(|actual| contains(actual, item)))
        }
        (Value::String(actual), Value::String(expected)) => actual.contains(expected.as_str()),
        (Value::Number(actual), Value::Number(expected)) => {
            actual == expected || actual.as_f64().is_some_and(|actual| Some(actual) == expected.as_f64())
        }
        // A word that is expected somewhere in a structured result.
        (Value::Object(actual), Value::String(_)) => actual.values().any(|value| contains(value, expected)),
        (Value::Array(actual), Value::String(_)) => actual.iter().any(|value| contains(value, expected)),
        _ => actual == expected,
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
    fn what_cannot_be_understood_is_unknown() {
        assert_eq!(met(&Value::Null, &json!(1)), None);
        assert_eq!(met(&json!({ "type": "object", "pattern": 5, "properties": 7 }), &json!({})), None);
    }
}
