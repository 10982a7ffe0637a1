//! What makes no difference between two calls, taken away: near-equal arguments become equal.
//!
//! Not here: what "exactly equal" means (`schema/canonical.rs`), and fingerprints. Invariant: pure; equal
//! arguments stay equal, and normalizing twice is normalizing once.

use serde_json::{Map, Number, Value};

/// Arguments nested deeper than this are compared as they are.
const DEPTH_MAX: usize = 64;
/// Schemas that may speak of one place (through `$ref` and the like); more are not followed.
const SCHEMAS_MAX: usize = 16;

/// `arguments` in the form in which near-equal ones are equal: white space collapsed and trimmed and letters in
/// lower case in every string, numbers in one form (`1.0` is `1`; `"1"` stays a string), names in order, and
/// arrays that `schema` marks `uniqueItems` sorted. The schema is followed through `properties`,
/// `additionalProperties`, `items`, `allOf`, `anyOf`, `oneOf` and local `$ref`s.
pub fn near(arguments: &Value, schema: &Value) -> Value {
    Walk { root: schema }.value(arguments, &[schema], 0)
}

struct Walk<'a> {
    root: &'a Value,
}

impl<'a> Walk<'a> {
    fn value(&self, value: &Value, schemas: &[&'a Value], depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return value.clone();
        }
        match value {
            Value::String(text) => Value::String(plain(text)),
            Value::Number(number) => Value::Number(one_form(number)),
            Value::Array(items) => self.array(items, &self.expand(schemas), depth),
            Value::Object(members) => self.object(members, &self.expand(schemas), depth),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    fn array(&self, items: &[Value], schemas: &[&'a Value], depth: usize) -> Value {
        let of_items: Vec<&'a Value> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
        let mut items: Vec<Value> = items.iter().map(|item| self.value(item, &of_items, depth + 1)).collect();
        if schemas.iter().any(|schema| schema.get("uniqueItems") == Some(&Value::Bool(true))) {
            items.sort_by_cached_key(Value::to_string);
        }
        Value::Array(items)
    }

    fn object(&self, members: &Map<String, Value>, schemas: &[&'a Value], depth: usize) -> Value {
        let mut names: Vec<&String> = members.keys().collect();
        names.sort_unstable();
        let member = |name: &String| {
            let of_member: Vec<&'a Value> =
                schemas.iter().filter_map(|schema| schema_of_member(schema, name)).collect();
            let value = members.get(name)?;
            Some((name.clone(), self.value(value, &of_member, depth + 1)))
        };
        Value::Object(names.into_iter().filter_map(member).collect())
    }

    /// The schemas and all that they refer to or are combined of.
    fn expand(&self, schemas: &[&'a Value]) -> Vec<&'a Value> {
        let mut all = schemas.to_vec();
        let mut next = 0;
        while let Some(schema) = all.get(next).copied().filter(|_| all.len() < SCHEMAS_MAX) {
            all.extend(self.referred(schema));
            for combined in ["allOf", "anyOf", "oneOf"] {
                all.extend(schema.get(combined).and_then(Value::as_array).into_iter().flatten());
            }
            next += 1;
        }
        all
    }

    /// The target of a local reference (`#`, `#/$defs/name`).
    fn referred(&self, schema: &Value) -> Option<&'a Value> {
        self.root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
    }
}

fn schema_of_member<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let named = schema.get("properties").and_then(|properties| properties.get(name));
    named.or_else(|| schema.get("additionalProperties"))
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(&word.to_lowercase());
    }
    plain
}

/// An integer where the number is one that doubles hold exactly.
fn one_form(number: &Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(double) if double.fract() == 0.0 && double.abs() <= EXACT => Number::from(double as i64),
        _ => number.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn same(a: Value, b: Value, schema: &Value) -> bool {
        let text = |value| format!("{}", near(value, schema));
        text(&a) == text(&b)
    }

    #[test]
    fn white_space_letter_case_number_form_and_order_of_names_make_no_difference() {
        let (a, b) = (json!({"q": "  Blue\n Sky", "n": 1}), json!({"n": 1.0, "q": "blue sky "}));
        assert!(same(a, b, &json!({})));
    }

    #[test]
    fn other_words_other_types_and_other_numbers_do() {
        for (a, b) in [(json!("a b"), json!("ab")), (json!(1), json!("1")), (json!(1), json!(1.5))] {
            assert!(!same(a, b, &json!({})));
        }
        assert!(!same(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64), &json!({})));
    }

    #[test]
    fn the_order_of_a_set_makes_no_difference_and_that_of_a_list_does() {
        let schema = json!({"properties": {
            "set": {"type": "array", "uniqueItems": true},
            "list": {"type": "array"}}});
        assert!(same(json!({"set": ["B", "a"]}), json!({"set": ["A", "b"]}), &schema));
        assert!(!same(json!({"list": [1, 2]}), json!({"list": [2, 1]}), &schema));
    }

    #[test]
    fn sets_are_found_behind_references_and_options() {
        let schema = json!({"$defs": {"Tags": {"uniqueItems": true}}, "properties": {
            "tags": {"anyOf": [{"$ref": "#/$defs/Tags"}, {"type": "null"}]},
            "rows": {"items": {"$ref": "#/$defs/Tags"}}}});
        assert!(same(json!({"tags": [1, 2]}), json!({"tags": [2, 1]}), &schema));
        assert!(same(json!({"rows": [[1, 2]]}), json!({"rows": [[2, 1]]}), &schema));
        assert!(!same(json!({"rows": [[1], [2]]}), json!({"rows": [[2], [1]]}), &schema));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#", "allOf": [{"$ref": "#"}, {"$ref": "#"}]});
        assert!(same(json!({"a": ["X"]}), json!({"a": ["x"]}), &schema));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| json!(n)),
            any::<i64>().prop_map(|n| json!(n)),
            "[ aAİß\\t]{0,6}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec(("[aA]{0,2}", inner), 0..4).prop_map(|m| m.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn normalizing_twice_is_normalizing_once(value in any_json()) {
            let schema = json!({"uniqueItems": true, "items": {"$ref": "#"}, "additionalProperties": {"$ref": "#"}});
            let once = near(&value, &schema);
            prop_assert_eq!(near(&once, &schema).to_string(), once.to_string());
        }
    }
}
