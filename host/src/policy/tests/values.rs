//! Every kind of condition, on values that pass and values that do not.

use super::{codes, errors, policy, tool};
use crate::policy::Verdict;
use serde_json::{Value, json};

fn holds(condition: &str, value: Option<Value>) -> bool {
    let text = tool(&format!("[[tools.t.rule]]\nwhen = [{{ pointer = '/v', {condition} }}]\nthen = 'ask'"));
    let arguments = value.map_or(json!({}), |value| json!({ "v": value }));
    policy(&text).decide("t", &arguments).verdict == Verdict::Ask
}

#[track_caller]
fn check(condition: &str, passing: &[Value], failing: &[Value]) {
    for value in passing {
        assert!(holds(condition, Some(value.clone())), "{condition} {value}");
    }
    for value in failing {
        assert!(!holds(condition, Some(value.clone())), "{condition} {value}");
    }
}

#[test]
fn equals_compares_numbers_by_value_and_objects_without_order() {
    check(
        "equals = 1",
        &[json!(1), json!(1.0)],
        &[json!(2), json!("1"), json!(true), json!(null), json!([1])],
    );
    check("equals = 1.5", &[json!(1.5)], &[json!(1)]);
    check("equals = 'a'", &[json!("a")], &[json!("A"), json!("a "), json!(["a"])]);
    check("equals = [1, 'x']", &[json!([1.0, "x"])], &[json!(["x", 1]), json!([1]), json!([1, "x", 2])]);
    check(
        "equals = { a = 1, b = false }",
        &[json!({"b": false, "a": 1})],
        &[json!({"a": 1}), json!({"a": 1, "b": false, "c": 0}), json!({"a": 1, "b": 0})],
    );
}

#[test]
fn in_passes_one_of_its_values() {
    check(
        "in = ['a', 2, true]",
        &[json!("a"), json!(2.0), json!(true)],
        &[json!("b"), json!(1), json!(false), json!(["a"])],
    );
}

#[test]
fn matches_searches_the_text_and_is_tied_by_its_anchors() {
    check(
        "matches = '^reports/'",
        &[json!("reports/"), json!("reports/a")],
        &[json!("x/reports/"), json!(""), json!(5), json!(["reports/"])],
    );
    check("matches = 'secret'", &[json!("a secret b")], &[json!("Secret")]);
    check(r"matches = '^\d{4}$'", &[json!("2024")], &[json!("2024\n"), json!("20245")]);
}

#[test]
fn range_includes_both_ends_and_speaks_only_of_numbers() {
    check(
        "range = { min = 1, max = 2.5 }",
        &[json!(1), json!(1.0), json!(2.5)],
        &[json!(0.999), json!(2.6), json!("1"), json!(null)],
    );
    check(
        "range = { min = -1 }",
        &[json!(-1), json!(u64::MAX), json!(1e300)],
        &[json!(-1.5), json!(i64::MIN)],
    );
    check(
        "range = { max = 9007199254740992.0 }",
        &[json!(9007199254740992_u64)],
        &[json!(9007199254740993_u64)],
    );
}

#[test]
fn length_counts_characters_items_and_members() {
    check(
        "length = { min = 1, max = 2 }",
        &[json!("é"), json!("日本"), json!([1]), json!({"a": 1, "b": 2})],
        &[json!(""), json!("abc"), json!([]), json!({}), json!(12), json!(null)],
    );
}

#[test]
fn present_is_about_being_there_and_null_is_there() {
    check("present = true", &[json!(null), json!(0), json!("")], &[]);
    check("present = false", &[], &[json!(null), json!(0)]);
    assert!(holds("present = false", None) && !holds("present = true", None));
}

#[test]
fn an_absent_value_fails_every_test_but_present() {
    for condition in ["equals = 1", "in = [1]", "matches = ''", "range = { min = 0 }", "length = { min = 0 }"]
    {
        assert!(!holds(condition, None), "{condition}");
    }
}

#[test]
fn several_tests_of_one_condition_must_all_hold() {
    check("matches = '^a', length = { max = 2 }", &[json!("ab")], &[json!("abc"), json!("b")]);
}

#[test]
fn a_pointer_steps_through_objects_and_arrays_with_its_escapes() {
    let ask = |pointer: &str, arguments: Value| {
        let text = tool(&format!(
            "[[tools.t.rule]]\nwhen = [{{ pointer = '{pointer}', equals = 1 }}]\nthen = 'ask'"
        ));
        policy(&text).decide("t", &arguments).verdict == Verdict::Ask
    };
    assert!(ask("/a/1/b", json!({"a": [0, {"b": 1}]})));
    assert!(ask("/a~1b/c~0d", json!({"a/b": {"c~d": 1}})));
    assert!(ask("/", json!({"": 1})));
    assert!(!ask("/a/01", json!({"a": [0, 1]})));
    assert!(!ask("/a/-", json!({"a": [1]})));
}

#[test]
fn a_condition_that_could_never_be_meant_is_an_error() {
    let rule = |condition: &str| tool(&format!("[[tools.t.rule]]\nthen = 'ask'\nwhen = [{{ {condition} }}]"));
    for (condition, code) in [
        ("pointer = '/a'", "empty_condition"),
        ("pointer = '/a', in = []", "empty_condition"),
        ("pointer = '/a', range = {}", "empty_condition"),
        ("pointer = '/a', length = {}", "empty_condition"),
        ("pointer = '/a', range = { min = 2, max = 1.5 }", "empty_range"),
        ("pointer = '/a', length = { min = 2, max = 1 }", "empty_range"),
        ("pointer = 'a.b', equals = 1", "bad_pointer"),
        ("pointer = '/~', equals = 1", "bad_pointer"),
        ("pointer = '/~2', equals = 1", "bad_pointer"),
        ("pointer = '/a', matches = '('", "bad_pattern"),
        ("pointer = '/a', matches = '(?=x)'", "bad_pattern"),
        ("pointer = '/a', length = { min = -1 }", "wrong_value"),
        ("pointer = '/a', range = { min = '1' }", "wrong_type"),
        ("equals = 1", "missing_key"),
    ] {
        let found = errors(&rule(condition));
        let got: Vec<_> = found.iter().map(|one| (one.line, one.code)).collect();
        assert_eq!(got, [(6, code)], "{condition}: {found}");
    }
}

#[test]
fn ids_are_plain_unique_and_not_like_the_default_ones() {
    let rule = |id: &str| {
        format!(
            "[[tools.t.rule]]\nid = '{id}'\nthen = 'ask'\nwhen = [{{ pointer = '/{id}', present = true }}]\n"
        )
    };
    assert_eq!(codes(&errors(&tool(&(rule("a") + &rule("a"))))), ["9:6 duplicate_id"]);
    for id in ["", "a b", "tools.t.rule[0]", "é"] {
        assert!(errors(&tool(&rule(id))).iter().any(|one| one.code == "bad_id"), "{id}");
    }
}
