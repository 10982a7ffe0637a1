//! Checking values: what a violation says, and that it never echoes a value.

use crate::schema::limits::VIOLATIONS_MAX;
use crate::schema::strict::DEPTH_MAX;
use crate::schema::{Role, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn said(schema: Value, value: Value) -> String {
    Schema::compile(&schema, Role::Output).unwrap().check(&value).unwrap_err().to_string()
}

fn search() -> Value {
    json!({"type": "object", "additionalProperties": false, "required": ["path"], "properties": {
        "path": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "maximum": 100}, "order": {"enum": ["newest", "oldest"]}}})
}

#[test]
fn a_limit_is_told_with_its_place() {
    assert_eq!(said(search(), json!({"path": "x", "limit": 1000})), "/limit: must be at most 100");
    assert_eq!(said(search(), json!({"path": "x", "limit": 0})), "/limit: must be at least 1");
}

#[test]
fn a_type_is_told_with_what_came_instead() {
    assert_eq!(
        said(search(), json!({"path": "x", "limit": "10"})),
        "/limit: must be an integer, not a string"
    );
    assert_eq!(said(search(), json!([])), "at the top: must be an object, not an array");
    assert_eq!(
        said(json!({"type": ["string", "null"]}), json!(1)),
        "at the top: must be null or a string, not an integer"
    );
}

#[test]
fn an_unknown_property_is_told_with_the_nearest_right_one() {
    let text = said(search(), json!({"path": "x", "limt": 3}));
    assert_eq!(
        text,
        "at the top: must not have \"limt\" (did you mean \"limit\"?); allowed: \"path\", \"limit\", \"order\""
    );
}

#[test]
fn a_missing_property_is_named_and_so_is_its_misspelling() {
    assert_eq!(said(search(), json!({})), "at the top: must have the property \"path\"");
    let open = json!({"required": ["path"], "properties": {"path": {}}});
    assert_eq!(
        said(open, json!({"Paht": 1})),
        "at the top: must have the property \"path\"; \"Paht\" is not it"
    );
}

#[test]
fn the_options_are_listed_and_the_nearest_is_offered() {
    let text = said(search(), json!({"path": "x", "order": "newst"}));
    assert_eq!(text, "/order: must be one of \"newest\", \"oldest\"; did you mean \"newest\"?");
    let many: Vec<String> = (0..40).map(|n| format!("option {n}")).collect();
    assert!(said(json!({"enum": many}), json!(0)).ends_with("\"option 11\" or one of 28 more"));
}

#[test]
fn unknown_properties_beyond_a_reference_find_their_neighbors() {
    let schema = json!({"properties": {"a": {"$ref": "#/$defs/item"}}, "$defs": {"item": {"additionalProperties": false, "properties": {"colour": {}}}}});
    assert_eq!(
        said(schema, json!({"a": {"color": 1}})),
        "/a: must not have \"color\" (did you mean \"colour\"?); allowed: \"colour\""
    );
}

#[test]
fn of_alternatives_the_nearest_speaks() {
    let schema = json!({"properties": {"filter": {"oneOf": [
        {"type": "object", "required": ["op", "value"], "properties": {"op": {"const": "equals"}, "value": {"type": "string"}}},
        {"type": "object", "required": ["op", "low"], "properties": {"op": {"const": "above"}, "low": {"type": "number"}}}]}}});
    let text = said(schema, json!({"filter": {"op": "above", "low": "7"}}));
    assert_eq!(
        text,
        "/filter: must fit one of 2 alternatives; in the nearest, /low must be a number, not a string"
    );
    let types = json!({"anyOf": [{"type": "string"}, {"type": "array"}]});
    assert_eq!(said(types, json!(1)), "at the top: must be a string or an array, not an integer");
}

#[test]
fn eight_violations_are_kept_and_the_rest_counted() {
    let schema = Schema::compile(&json!({"items": {"type": "string"}}), Role::Output).unwrap();
    let violations = schema.check(&json!(vec![1; 100])).unwrap_err();
    assert_eq!((violations.as_slice().len(), violations.more()), (VIOLATIONS_MAX, 92));
    assert!(violations.to_string().ends_with("/7: must be a string, not an integer; and 92 more"));
    assert_eq!(violations.as_slice()[0].keyword, "type");
    assert_eq!(violations.as_slice()[0].path, "/0");
}

#[test]
fn a_format_is_an_annotation() {
    for draft in ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"] {
        let schema = json!({"$schema": draft, "type": "string", "format": "date"});
        assert!(Schema::compile(&schema, Role::Output).unwrap().check(&json!("not a date")).is_ok());
    }
}

#[test]
fn a_value_deeper_than_strict_json_is_refused_and_nothing_overflows() {
    let deep = |depth| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let schema =
        Schema::compile(&json!({"uniqueItems": true, "items": {"$ref": "#"}}), Role::Output).unwrap();
    super::on_a_worker_stack(|| {
        assert!(schema.check(&deep(DEPTH_MAX)).is_ok());
        assert_eq!(
            schema.check(&deep(DEPTH_MAX + 1)).unwrap_err().to_string(),
            "at the top: must be nested less deep"
        );
        assert!(schema.check(&deep(1_000)).is_err());
    });
}

#[test]
fn a_schema_that_doubles_with_the_depth_of_the_value_cannot_hang_the_check() {
    let twice =
        json!({"allOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}}}]});
    let schema = Schema::compile(&twice, Role::Output).unwrap();
    let deep = |depth| (0..depth).fold(json!({}), |inner, _| json!({"a": inner}));
    assert!(schema.check(&deep(10)).is_ok());
    let start = Instant::now();
    let violations = schema.check(&deep(60)).unwrap_err();
    assert!(violations.to_string().contains("takes too long"), "{violations}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_recursive_schema_on_the_deepest_value_stays_on_the_stack() {
    let links: Value =
        (0..20).fold(json!({"properties": {"a": {"$ref": "#"}}}), |inner, _| json!({"allOf": [inner]}));
    let schema = Schema::compile(&links, Role::Output).unwrap();
    let deep = |depth| (0..depth).fold(json!({}), |inner, _| json!({"a": inner}));
    super::on_a_worker_stack(|| {
        assert!(schema.check(&deep(8)).is_ok());
        assert!(schema.check(&deep(100)).unwrap_err().to_string().contains("nested less deep"));
    });
}

#[test]
fn the_check_of_a_large_wrong_value_ends_soon_and_says_so() {
    let schema =
        Schema::compile(&json!({"items": {"type": "string"}, "uniqueItems": true}), Role::Output).unwrap();
    let start = Instant::now();
    let text = schema.check(&json!((0..300_000).collect::<Vec<u32>>())).unwrap_err().to_string();
    assert!(text.contains("too large"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn numbers_of_any_size_are_checked_without_panic() {
    for of in [json!(0.1), json!(1e-300), json!(5e-324), json!(1e300), json!(7)] {
        let schema = Schema::compile(
            &json!({"multipleOf": of, "maximum": 1e308, "exclusiveMinimum": -1e308}),
            Role::Output,
        )
        .unwrap();
        for value in [json!(1e308), json!(5e-324), json!(u64::MAX), json!(i64::MIN), json!(0.3), json!(-0.0)]
        {
            let _ = schema.check(&value);
        }
    }
}

#[test]
fn names_of_the_value_are_shown_short_and_in_ascii() {
    let name = format!("\u{1b}]0;x\u{7}\u{202e}{}", "y".repeat(1_000));
    let closed = json!({"additionalProperties": false});
    let typed = json!({"additionalProperties": {"type": "string"}});
    for schema in [closed, typed] {
        let text = said(schema, json!({name.as_str(): 1}));
        assert!(text.is_ascii() && text.len() < 250 && !text.contains('\u{1b}'), "{text}");
    }
}

/// Schemas of one keyword each, which refuse most values.
fn keyword() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({"type": "null"}),
        json!({"enum": ["alpha", 7]}),
        json!({"const": {"a": 1}}),
        json!({"maxLength": 3}),
        json!({"minLength": 30}),
        json!({"pattern": "^zzz$"}),
        json!({"not": {}}),
        json!({"not": {"type": "string"}}),
        json!({"anyOf": [{"type": "null"}, {"maxLength": 2, "enum": ["x"]}]}),
        json!({"oneOf": [{"type": "string"}, {"minLength": 1}]}),
        json!({"contentEncoding": "base64", "type": "null"}),
        json!({"if": {"type": "string"}, "then": {"maxLength": 1}}),
        json!(false),
    ])
}

proptest! {
    #[test]
    fn no_value_of_the_instance_is_ever_told(wanted in keyword(), place in 0_usize..4) {
        let secret = "SECRETVALUE";
        let (schema, value) = match place {
            0 => (json!({"allOf": [wanted]}), json!(secret)),
            1 => (json!({"properties": {"a": wanted}}), json!({"a": secret})),
            2 => (json!({"items": wanted}), json!([secret, {"b": secret}])),
            _ => (json!({"unevaluatedProperties": wanted, "contains": wanted}), json!({"a": [secret], "b": secret})),
        };
        if let Err(violations) = Schema::compile(&schema, Role::Output).unwrap().check(&value) {
            prop_assert!(!violations.to_string().contains("SECRET"), "{}", violations);
            let debug = format!("{violations:?}");
            prop_assert!(!debug.contains("SECRET"));
        }
    }
}

#[test]
fn a_long_enum_of_mixed_types_cannot_hang_the_check() {
    let options: Vec<Value> =
        (0..5_000).map(|n| json!(if n % 2 == 0 { json!(n) } else { json!(n.to_string()) })).collect();
    let schema = json!({"items": {"enum": options}});
    let schema = Schema::compile(&schema, Role::Output).unwrap();
    assert!(schema.check(&json!(vec!["4999"; 100])).is_ok());
    let text = schema.check(&json!(vec!["4999"; 50_000])).unwrap_err().to_string();
    assert!(text.contains("takes too long"), "{text}");
}

#[test]
fn many_absent_properties_in_many_items_cannot_hang_the_check() {
    let properties: serde_json::Map<String, Value> =
        (0..5_000).map(|n| (format!("p{n}"), json!({}))).collect();
    let schema = Schema::compile(&json!({"items": {"properties": properties}}), Role::Output).unwrap();
    assert!(schema.check(&json!(vec![json!({"p1": 1}); 100])).is_ok());
    assert!(schema.check(&json!(vec![json!({}); 50_000])).is_err());
}
