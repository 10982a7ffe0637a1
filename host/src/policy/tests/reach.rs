//! Rules that can never match or never matter, and those that only look so.

use super::{compiled, tool, warned};
use crate::policy::Verdict;
use proptest::prelude::*;
use serde_json::json;

/// Warnings of a tool with these rules, each `conditions => verdict`.
fn warnings(rules: &[&str]) -> Vec<String> {
    let rule = |text: &&str| {
        let (when, then) = text.split_once(" => ").unwrap();
        format!("[[tools.t.rule]]\nthen = '{then}'\nwhen = [{when}]\n")
    };
    warned(&tool(&rules.iter().map(rule).collect::<String>()))
}

const A: &str = "{ pointer = '/a', equals = 1 }";

#[test]
fn a_rule_beneath_an_unconditional_stronger_one_is_unreachable() {
    assert_eq!(warnings(&[" => deny", &format!("{A} => allow")])[..1], ["7:1 unreachable_rule"]);
    assert_eq!(warnings(&[&format!("{A} => ask"), &format!("{A} => allow")]), ["7:1 unreachable_rule"]);
}

#[test]
fn of_two_rules_that_say_the_same_the_later_one_is_reported() {
    assert_eq!(warnings(&[&format!("{A} => allow"), &format!("{A} => allow")]), ["7:1 unreachable_rule"]);
}

#[test]
fn of_two_rules_with_one_answer_the_narrower_one_is_reported_wherever_it_stands() {
    let narrow = format!("{A}, {{ pointer = '/b', equals = 2 }} => allow");
    assert_eq!(warnings(&[&narrow, &format!("{A} => allow")]), ["4:1 unreachable_rule"]);
}

#[test]
fn a_stronger_rule_with_the_same_or_more_conditions_is_fine() {
    assert!(warnings(&[&format!("{A} => deny"), " => allow"]).is_empty());
    assert!(warnings(&[" => allow", &format!("{A} => deny")]).is_empty());
    assert!(warnings(&["{ pointer = '/a', equals = 2 } => deny", &format!("{A} => allow")]).is_empty());
}

#[test]
fn a_narrower_test_of_the_same_value_is_seen_as_such() {
    for (wide, narrow) in [
        ("in = [1, 2, 3]", "equals = 2"),
        ("in = [1, 2, 3]", "in = [3, 1]"),
        ("matches = '^a'", "equals = 'ab'"),
        ("range = { min = 1 }", "range = { min = 2, max = 3 }"),
        ("range = { min = 1 }", "equals = 1.0"),
        ("length = { max = 9 }", "length = { max = 3 }"),
        ("present = true", "matches = '^x'"),
        ("present = true", "equals = 1"),
        ("matches = '^a'", "matches = '^a'"),
    ] {
        let rules = (
            format!("{{ pointer = '/a', {wide} }} => deny"),
            format!("{{ pointer = '/a', {narrow} }} => ask"),
        );
        assert_eq!(warnings(&[&rules.0, &rules.1])[..1], ["7:1 unreachable_rule"], "{wide} {narrow}");
        let rules = (
            format!("{{ pointer = '/a', {narrow} }} => deny"),
            format!("{{ pointer = '/a', {wide} }} => ask"),
        );
        if wide != narrow {
            assert!(warnings(&[&rules.0, &rules.1]).is_empty(), "{narrow} {wide}");
        }
    }
}

#[test]
fn a_rule_that_contradicts_itself_never_matches() {
    for pair in [
        "equals = 1 }, { pointer = '/a', equals = 2",
        "equals = 'b', matches = '^a'",
        "present = false, equals = 1",
        "range = { min = 5 } }, { pointer = '/a', range = { max = 4 }",
        "length = { max = 1 } }, { pointer = '/a', length = { min = 2 }",
        "range = { min = 1 }, matches = '^1'",
        "in = [1, 2] }, { pointer = '/a', in = [3]",
    ] {
        assert_eq!(
            warnings(&[&format!("{{ pointer = '/a', {pair} }} => ask")]),
            ["4:1 unreachable_rule"],
            "{pair}"
        );
    }
}

#[test]
fn a_tool_whose_every_rule_denies_can_never_run() {
    assert_eq!(warnings(&[&format!("{A} => deny")]), ["1:8 unreachable_tool"]);
    assert!(warned(&tool("")).is_empty());
}

#[test]
fn an_allowing_pattern_that_may_match_anywhere_is_a_warning() {
    assert_eq!(warnings(&["{ pointer = '/a', matches = 'reports/' } => allow"]), ["6:37 unanchored_allow"]);
    assert!(warnings(&["{ pointer = '/a', matches = '^reports/' } => allow"]).is_empty());
    assert_eq!(warnings(&["{ pointer = '/a', matches = 'secret' } => deny", " => allow"]), [""; 0]);
}

#[test]
fn a_rule_that_raises_the_risk_of_what_may_run_is_not_unreachable() {
    let text = |first: &str, risks: &str| {
        tool(&format!(
            "risk = 20\n[[tools.t.rule]]\nthen = '{first}'\n[[tools.t.rule]]\nwhen = [{A}]\n{risks}"
        ))
    };
    assert!(warned(&text("allow", "then = 'allow'\nrisk = 21")).is_empty());
    assert_eq!(warned(&text("allow", "then = 'allow'")), ["7:1 unreachable_rule"]);
    assert_eq!(warned(&text("deny", "then = 'allow'\nrisk = 21"))[0], "7:1 unreachable_rule");
}

/// A test of one small number.
fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..3).prop_map(|n| format!("{{ pointer = '/a', equals = {n} }}")),
        (0..3, 0..3).prop_map(|(a, b)| format!("{{ pointer = '/a', in = [{a}, {b}] }}")),
        (0..3).prop_map(|n| format!("{{ pointer = '/a', range = {{ min = {n} }} }}")),
        (0..3).prop_map(|n| format!("{{ pointer = '/a', range = {{ max = {n} }} }}")),
        any::<bool>().prop_map(|flag| format!("{{ pointer = '/a', present = {flag} }}")),
    ]
}

/// A rule in four lines.
fn rule() -> impl Strategy<Value = String> {
    let then = prop::sample::select(vec!["allow", "ask", "deny"]);
    (prop::collection::vec(condition(), 0..3), then, 0..3_u8).prop_map(|(when, then, risk)| {
        format!("[[tools.t.rule]]\nthen = '{then}'\nwhen = [{}]\nrisk = {risk}\n", when.join(", "))
    })
}

proptest! {
    #[test]
    fn a_rule_that_is_called_unreachable_changes_no_answer(rules in prop::collection::vec(rule(), 1..4)) {
        let all = compiled(&tool(&rules.concat()));
        for one in all.warnings.iter().filter(|one| one.code == "unreachable_rule") {
            let index = (one.line - 4) / 4;
            let mut fewer = rules.clone();
            fewer.remove(index);
            let without = compiled(&tool(&fewer.concat()));
            let values = [json!({}), json!({"a": 0}), json!({"a": 1}), json!({"a": 1.5}), json!({"a": 2}), json!({"a": "x"})];
            for arguments in values {
                let answer = |policy: &crate::policy::Policy| {
                    let decision = policy.decide("t", &arguments);
                    (decision.verdict, (decision.verdict != Verdict::Deny).then_some(decision.risk))
                };
                prop_assert_eq!(answer(&all.policy), answer(&without.policy), "{} {}", one.message, arguments);
            }
        }
    }
}
