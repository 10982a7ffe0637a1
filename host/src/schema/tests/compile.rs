//! Compiling schemas: what is refused, and at which limit.

use super::on_a_worker_stack;
use crate::schema::limits::{EXPANDED_DEPTH_MAX, PATTERN_BYTES_MAX, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX};
use crate::schema::{PatternProblem, Role, Schema, SchemaError};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn refused(schema: &Value) -> SchemaError {
    Schema::compile(schema, Role::Output).unwrap_err()
}

fn accepted(schema: &Value) -> Schema {
    Schema::compile(schema, Role::Output).unwrap()
}

/// `levels` definitions, each built from the name of the next; the last accepts anything.
fn chain(levels: usize, link: impl Fn(Value) -> Value) -> Value {
    let mut defs: Map<String, Value> = (1..levels)
        .map(|n| (format!("d{n}"), link(json!({"$ref": format!("#/$defs/d{}", n + 1)}))))
        .collect();
    defs.insert(format!("d{levels}"), json!({}));
    json!({"$ref": "#/$defs/d1", "$defs": defs})
}

/// A document nested `depth` deep.
fn nested(depth: usize) -> Value {
    (0..depth / 2).fold(json!({}), |inner, _| json!({"properties": {"a": inner}}))
}

#[test]
fn a_schema_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Schema>();
}

#[test]
fn an_input_schema_asks_for_an_object() {
    for schema in [
        json!({}),
        json!({"type": "string"}),
        json!({"type": ["object", "null"]}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {}}}),
    ] {
        assert_eq!(Schema::compile(&schema, Role::Input).unwrap_err(), SchemaError::RootNotObject);
        accepted(&schema);
    }
    assert!(Schema::compile(&json!({"type": "object"}), Role::Input).is_ok());
}

#[test]
fn a_schema_that_is_no_object_is_refused() {
    for schema in [json!(true), json!([]), json!("x"), json!(null)] {
        assert_eq!(refused(&schema), SchemaError::NotAnObject);
    }
}

#[test]
fn a_schema_nested_900_deep_is_refused_and_nothing_overflows() {
    let error = on_a_worker_stack(|| refused(&nested(900)));
    assert_eq!(error, SchemaError::TooDeep);
}

#[test]
fn nesting_is_accepted_up_to_the_limit_and_refused_one_deeper() {
    // The innermost `{}` counts too.
    let at_limit = json!({"not": nested(SCHEMA_DEPTH_MAX - 2)});
    on_a_worker_stack(|| accepted(&at_limit));
    assert_eq!(refused(&json!({"not": at_limit})), SchemaError::TooDeep);
}

#[test]
fn a_schema_of_10_mib_is_refused() {
    assert_eq!(refused(&json!({"description": "x".repeat(10 * 1024 * 1024)})), SchemaError::TooLarge);
}

#[test]
fn bytes_are_accepted_up_to_the_limit_and_refused_one_past_it() {
    let of = |bytes: usize| json!({"title": "x".repeat(bytes)});
    let rest = of(0).to_string().len();
    let (last, next) = (of(SCHEMA_BYTES_MAX - rest), of(SCHEMA_BYTES_MAX - rest + 1));
    accepted(&last);
    assert_eq!(refused(&next), SchemaError::TooLarge);
}

#[test]
fn twenty_five_doubling_references_are_refused() {
    let doubling = chain(25, |next| json!({"allOf": [next.clone(), next]}));
    assert_eq!(refused(&doubling), SchemaError::TooManyReferences);
    let in_properties = chain(25, |next| json!({"properties": {"a": next.clone(), "b": next}}));
    assert_eq!(refused(&in_properties), SchemaError::TooManyReferences);
    accepted(&chain(8, |next| json!({"allOf": [next.clone(), next]})));
}

#[test]
fn nested_unevaluated_properties_are_refused_where_they_would_multiply() {
    let level = |inner: Value| json!({"anyOf": [inner], "unevaluatedProperties": false});
    assert_eq!(refused(&(0..20).fold(json!({}), |inner, _| level(inner))), SchemaError::TooManyReferences);
    accepted(&(0..4).fold(json!({}), |inner, _| level(inner)));
}

#[test]
fn a_long_chain_of_references_is_refused_and_nothing_overflows() {
    let error = on_a_worker_stack(|| refused(&chain(2_000, |next| next)));
    assert_eq!(error, SchemaError::ReferencesTooDeep);
}

#[test]
fn the_deepest_chain_accepted_compiles_and_checks_on_a_worker_stack() {
    on_a_worker_stack(|| {
        let deepest = |levels| chain(levels, |next| json!({"properties": {"a": next}}));
        let links = EXPANDED_DEPTH_MAX / 2;
        assert_eq!(refused(&deepest(links + 1)), SchemaError::ReferencesTooDeep);
        let schema = accepted(&deepest(links));
        let value = (0..120).fold(json!({}), |inner, _| json!({"a": inner}));
        assert!(schema.check(&value).is_ok());
    });
}

#[test]
fn references_that_lead_back_to_the_same_value_are_refused() {
    let error = refused(&json!({"$ref": "#"}));
    assert_eq!(error, SchemaError::EndlessReference { path: String::new() });
    let loops =
        json!({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}});
    assert!(matches!(refused(&loops), SchemaError::EndlessReference { .. }));
    let crossing = json!({"$defs": {
        "v": {"properties": {"x": {"$ref": "#/$defs/u"}}, "anyOf": [{"$ref": "#/$defs/w"}]},
        "u": {"$ref": "#/$defs/v"}, "w": {"$ref": "#/$defs/u"}}, "$ref": "#/$defs/v"});
    assert!(matches!(refused(&crossing), SchemaError::EndlessReference { .. }));
}

#[test]
fn a_tree_of_nodes_is_accepted() {
    let tree = json!({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}, "name": {"type": "string"}}});
    let schema = Schema::compile(&tree, Role::Input).unwrap();
    assert!(schema.check(&json!({"name": "a", "children": [{"name": "b", "children": []}]})).is_ok());
    assert!(schema.check(&json!({"children": [{"name": 1}]})).is_err());
}

#[test]
fn a_reference_to_another_document_is_refused() {
    for reference in
        ["https://example.com/schema.json", "other.json#/a", "file:///etc/passwd", "//example.com", "urn:x"]
    {
        let error = refused(&json!({"properties": {"a": {"$ref": reference}}}));
        let SchemaError::RemoteReference { path, .. } = error else { panic!("{reference}: {error:?}") };
        assert_eq!(path, "/properties/a");
    }
}

#[test]
fn a_reference_to_nothing_is_refused() {
    for reference in ["#/$defs/missing", "#name", "#/type", "#/%zz", "#/$defs/a%"] {
        let error = refused(&json!({"type": "object", "not": {"$ref": reference}}));
        assert!(matches!(error, SchemaError::UnresolvedReference { .. }), "{reference}: {error:?}");
    }
    accepted(&json!({"$ref": "#/%24defs/a%3Cb%3E~1c", "$defs": {"a<b>/c": {}}}));
}

#[test]
fn a_property_named_like_a_keyword_is_no_keyword() {
    accepted(
        &json!({"properties": {"$ref": {"type": "string"}, "$id": {}, "$schema": {}, "pattern": {}}, "const": {"$ref": "https://x"}}),
    );
}

#[test]
fn keywords_that_change_what_references_mean_are_refused() {
    for keyword in ["$dynamicRef", "$recursiveRef", "$id", "$schema"] {
        let error =
            refused(&json!({"properties": {"a": {keyword: "https://json-schema.org/draft/2020-12/schema"}}}));
        assert!(matches!(error, SchemaError::UnsupportedKeyword { .. }), "{keyword}: {error:?}");
    }
    accepted(&json!({"$id": "https://example.com/tool.json", "$ref": "#/$defs/a", "$defs": {"a": {}}}));
}

#[test]
fn an_unknown_dialect_is_refused_and_named() {
    let error = refused(&json!({"$schema": "https://example.com/\u{1b}dialect"}));
    assert!(
        matches!(&error, SchemaError::UnknownDialect { dialect } if dialect == "\"https://example.com/\\u001bdialect\"")
    );
    for dialect in [
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema#",
    ] {
        accepted(&json!({"$schema": dialect}));
    }
}

fn pattern_problem(pattern: &str) -> PatternProblem {
    match refused(&json!({"properties": {"a": {"pattern": pattern}}})) {
        SchemaError::Pattern { problem, .. } => problem,
        other => panic!("{pattern}: {other:?}"),
    }
}

#[test]
fn look_around_and_back_references_are_refused_with_an_explanation() {
    for pattern in ["^(?=.*x)y", "a(?!b)", "(?<=a)b", "(?<!a)b", r"(a)\1"] {
        assert_eq!(pattern_problem(pattern), PatternProblem::NotRegular, "{pattern}");
    }
    let text = refused(&json!({"patternProperties": {"^(?!x)": {}}})).to_string();
    assert!(text.contains("linear time") && text.contains("allOf"), "{text}");
}

#[test]
fn a_pattern_that_is_malformed_long_or_large_is_refused() {
    assert_eq!(pattern_problem("("), PatternProblem::Malformed);
    assert_eq!(pattern_problem(&"a".repeat(PATTERN_BYTES_MAX + 1)), PatternProblem::TooLong);
    assert_eq!(pattern_problem(r"(\w{1000}){1000}"), PatternProblem::TooLarge);
    accepted(&json!({"pattern": "a".repeat(PATTERN_BYTES_MAX)}));
    let many: Vec<Value> = (0..17).map(|n| json!({"pattern": format!("{n:01024}")})).collect();
    accepted(&json!({"allOf": many[..16]}));
    assert!(matches!(
        refused(&json!({"allOf": many})),
        SchemaError::Pattern { problem: PatternProblem::TooMany, .. }
    ));
}

#[test]
fn patterns_that_schemas_of_tools_use_are_accepted() {
    for pattern in [
        r"^\d{4}-\d{2}-\d{2}$",
        r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$",
        r"^\w{1,255}$",
        r"^.{1,255}$",
        r"^\/.*$",
        r"^\p{L}+$",
        r"\S",
    ] {
        accepted(&json!({"pattern": pattern}));
    }
}

#[test]
fn the_slowest_patterns_to_translate_compile_in_time() {
    let many: Vec<Value> =
        (0..16).map(|n| json!({"pattern": format!("{n:x}{}", r"\d".repeat(511))})).collect();
    let start = std::time::Instant::now();
    accepted(&json!({"allOf": many}));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_pattern_of_nested_repetition_runs_in_linear_time() {
    let schema = accepted(&json!({"pattern": "^(a+)+$"}));
    assert!(schema.check(&json!("a".repeat(100_000) + "b")).is_err());
    assert!(schema.check(&json!("a".repeat(100_000))).is_ok());
}

#[test]
fn a_value_that_the_dialect_does_not_allow_is_named_with_its_place() {
    let error = refused(&json!({"properties": {"a": {"type": "text"}}}));
    let SchemaError::Invalid { path, .. } = &error else { panic!("{error:?}") };
    assert_eq!(path, "/properties/a/type");
    for schema in [
        json!({"required": "a"}),
        json!({"minLength": -1}),
        json!({"multipleOf": 0}),
        json!({"properties": []}),
        json!({"allOf": []}),
    ] {
        assert!(matches!(refused(&schema), SchemaError::Invalid { .. }), "{schema}");
    }
}

/// Schemas and what is near them: keywords with values that fit and that do not.
fn near_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!(3)),
        Just(json!("string")),
        Just(json!({"$ref": "#"})),
        Just(json!({"$ref": "#/$defs/a"})),
        Just(json!({"$ref": "#/properties/a"})),
        Just(json!({"type": "object"})),
        Just(json!({"pattern": "^a+$"})),
        Just(json!(["a"])),
    ];
    let keywords = vec![
        "properties",
        "items",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "$defs",
        "additionalProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
        "patternProperties",
        "propertyNames",
        "required",
        "enum",
        "const",
        "type",
        "dependentSchemas",
        "prefixItems",
        "contains",
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let keyword = prop::sample::select(keywords.clone());
        prop_oneof![
            prop::collection::vec((keyword, inner.clone()), 0..4).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(keyword, value)| (keyword.to_owned(), value)).collect())
            }),
            prop::collection::vec(("[ab]", inner.clone()), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_is_given_as_a_schema_compiling_and_checking_end(schema in near_schema(), value in super::any_json()) {
        if let Ok(schema) = Schema::compile(&schema, Role::Output)
            && let Err(violations) = schema.check(&value)
        {
            prop_assert!(!violations.as_slice().is_empty());
            prop_assert!(violations.to_string().is_ascii());
        }
    }
}
