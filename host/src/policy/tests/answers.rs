//! The verdict: precedence, defaults, and what is denied when nothing says so.

use super::{policy, tool};
use crate::policy::{Decision, DecisionReason, Policy, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

fn answer(policy: &Policy, arguments: Value) -> (Verdict, Vec<String>) {
    let Decision { verdict, rules, .. } = policy.decide("t", &arguments);
    (verdict, rules)
}

#[test]
fn an_unknown_tool_is_denied_by_no_rule() {
    let decision = policy(&tool("verdict = 'allow'")).decide("u", &json!({}));
    assert_eq!((decision.verdict, decision.reason), (Verdict::Deny, DecisionReason::UnknownTool));
    assert_eq!((decision.rules.len(), decision.line), (0, None));
}

#[test]
fn nothing_matched_is_denied_unless_the_tool_says_otherwise() {
    let rules = ["tools.t.verdict".to_owned()];
    assert_eq!(answer(&policy(&tool("")), json!({})), (Verdict::Deny, rules.to_vec()));
    assert_eq!(answer(&policy(&tool("verdict = 'allow'")), json!({})), (Verdict::Allow, rules.to_vec()));
}

#[test]
fn arguments_that_are_no_object_are_denied_even_where_the_tool_allows() {
    let policy = policy(&tool("verdict = 'allow'"));
    for arguments in [json!(null), json!([]), json!("x"), json!(1)] {
        let decision = policy.decide("t", &arguments);
        assert_eq!((decision.verdict, decision.reason), (Verdict::Deny, DecisionReason::EvaluationError));
    }
}

#[test]
fn deny_wins_over_ask_and_ask_over_allow() {
    let rule = |id: &str, then: &str| {
        format!(
            "[[tools.t.rule]]\nid = '{id}'\nwhen = [{{ pointer = '/{id}', present = true }}]\nthen = '{then}'\n"
        )
    };
    let policy =
        policy(&tool(&(rule("a", "allow") + &rule("k", "ask") + &rule("d", "deny") + &rule("e", "deny"))));
    let cases = [
        (json!({"a": 1}), Verdict::Allow, &["a"][..]),
        (json!({"a": 1, "k": 1}), Verdict::Ask, &["k"]),
        (json!({"a": 1, "k": 1, "e": 1}), Verdict::Deny, &["e"]),
        (json!({"a": 1, "d": 1, "e": 1}), Verdict::Deny, &["d", "e"]),
        (json!({}), Verdict::Deny, &["tools.t.verdict"]),
    ];
    for (arguments, verdict, rules) in cases {
        let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
        assert_eq!(answer(&policy, arguments), (verdict, rules));
    }
}

#[test]
fn a_rule_matches_only_when_all_its_conditions_hold() {
    let policy = policy(&tool(
        "[[tools.t.rule]]\nwhen = [{ pointer = '/a', equals = 1 }, { pointer = '/b', equals = 2 }]\nthen = 'allow'",
    ));
    assert_eq!(
        answer(&policy, json!({"a": 1, "b": 2})),
        (Verdict::Allow, vec!["tools.t.rule[0]".to_owned()])
    );
    assert_eq!(answer(&policy, json!({"a": 1, "b": 3})).0, Verdict::Deny);
}

#[test]
fn the_decision_carries_the_hint_and_the_line_of_its_first_maker() {
    let policy = policy(&tool("verdict = 'allow'\n[[tools.t.rule]]\nthen = 'deny'\nhint = 'ask the desk'"));
    let decision = policy.decide("t", &json!({}));
    assert_eq!((decision.hint.as_deref(), decision.line), (Some("ask the desk"), Some(5)));
}

#[test]
fn a_decision_prints_as_plain_json() {
    let decision = policy(&tool("")).decide("t", &json!({}));
    let expected = json!({"verdict": "deny", "rules": ["tools.t.verdict"], "reason": "no_rule_matched", "hint": null, "line": 1, "risk": 0});
    assert_eq!(serde_json::to_value(decision).unwrap(), expected);
}

#[test]
fn the_risk_is_the_highest_of_the_tool_and_every_rule_that_matched() {
    let policy = policy(&tool(
        "risk = 30\nverdict = 'allow'\n\
         [[tools.t.rule]]\nwhen = [{ pointer = '/a', present = true }]\nthen = 'allow'\nrisk = 80\n\
         [[tools.t.rule]]\nwhen = [{ pointer = '/b', present = true }]\nthen = 'ask'\nrisk = 40\n\
         [[tools.t.rule]]\nwhen = [{ pointer = '/c', present = true }]\nthen = 'ask'\nrisk = 10",
    ));
    for (arguments, risk) in [
        (json!({}), 30),
        (json!({"a": 1}), 80),
        (json!({"b": 1}), 40),
        (json!({"a": 1, "b": 1}), 80),
        (json!({"c": 1}), 30),
        (json!([]), 30),
    ] {
        assert_eq!(policy.decide("t", &arguments).risk, risk, "{arguments}");
        assert_eq!(policy.explain("t", &arguments).decision.risk, risk);
    }
    assert_eq!(policy.decide("u", &json!({})).risk, 0);
    let told: Vec<_> = policy.explain("t", &json!({})).rules.iter().map(|rule| rule.risk).collect();
    assert_eq!(told, [Some(80), Some(40), Some(10)]);
}

/// Rules on the members `/0` to `/3`, and arguments that have some of them.
fn rules() -> impl Strategy<Value = (Vec<(u8, &'static str)>, Vec<u8>)> {
    let then = prop::sample::select(vec!["allow", "ask", "deny"]);
    (prop::collection::vec((0..4_u8, then), 1..6), prop::collection::vec(0..4_u8, 0..4))
}

fn written(rules: &[(u8, &str)]) -> String {
    let rule = |(at, then): &(u8, &str)| {
        format!("[[tools.t.rule]]\nwhen = [{{ pointer = '/{at}', present = true }}]\nthen = '{then}'\n")
    };
    tool(&rules.iter().map(rule).collect::<String>())
}

proptest! {
    #[test]
    fn the_order_of_rules_never_changes_the_verdict((rules, present) in rules(), turn in 0..6_usize) {
        let arguments: Value = present.iter().map(|at| (at.to_string(), json!(true))).collect::<serde_json::Map<_, _>>().into();
        let before = policy(&written(&rules)).decide("t", &arguments).verdict;
        let mut turned = rules.clone();
        turned.rotate_left(turn % rules.len());
        prop_assert_eq!(policy(&written(&turned)).decide("t", &arguments).verdict, before);
        turned.reverse();
        prop_assert_eq!(policy(&written(&turned)).decide("t", &arguments).verdict, before);
    }

    #[test]
    fn one_more_deny_rule_never_allows_more((rules, present) in rules(), at in 0..4_u8) {
        let arguments: Value = present.iter().map(|at| (at.to_string(), json!(true))).collect::<serde_json::Map<_, _>>().into();
        let before = policy(&written(&rules)).decide("t", &arguments).verdict;
        let mut more = rules.clone();
        more.push((at, "deny"));
        let after = policy(&written(&more)).decide("t", &arguments).verdict;
        prop_assert!(after >= before);
        prop_assert!(!present.contains(&at) || after == Verdict::Deny);
    }
}
