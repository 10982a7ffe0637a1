//! What an operator is told: each rule's conditions, and the line that would change the answer.

use super::{policy, tool};
use crate::policy::{Explanation, Verdict};
use serde_json::{Value, json};

const RULES: &str = "\
[[tools.t.rule]]
id = 'reports'
then = 'allow'
when = [{ pointer = '/path', matches = '^reports/' }, { pointer = '/bytes', range = { max = 10 } }]
[[tools.t.rule]]
id = 'hidden'
then = 'deny'
when = [{ pointer = '/path', matches = '/\\.' }]";

fn explain(lines: &str, arguments: Value) -> Explanation {
    policy(&tool(lines)).explain("t", &arguments)
}

#[test]
fn every_rule_says_whether_it_matched_and_which_condition_failed() {
    let explanation = explain(RULES, json!({"path": "reports/a", "bytes": 99}));
    let held: Vec<Vec<bool>> =
        explanation.rules.iter().map(|rule| rule.conditions.iter().map(|one| one.held).collect()).collect();
    assert_eq!(held, [vec![true, false], vec![false]]);
    let bytes = &explanation.rules[0].conditions[1];
    assert_eq!((bytes.pointer.as_str(), bytes.line, bytes.found.as_deref()), ("/bytes", 7, Some("99")));
    assert!(explanation.rules.iter().all(|rule| !rule.matched && !rule.decides));
}

#[test]
fn nothing_matched_points_at_the_condition_that_was_nearest() {
    let change = explain(RULES, json!({"path": "reports/a", "bytes": 99})).change;
    assert_eq!(change.lines, [7]);
    assert_eq!(
        change.text,
        "p.toml:7: `reports` would allow, but `/bytes` is 99, where it says `range = {\"max\":10}`"
    );
}

#[test]
fn a_matching_rule_points_at_its_own_verdict() {
    let explanation = explain(RULES, json!({"path": "reports/.env", "bytes": 1}));
    assert_eq!(explanation.decision.rules, ["hidden"]);
    assert_eq!(explanation.change.text, "p.toml:10: change `then = \"deny\"`");
}

#[test]
fn changing_every_line_that_is_named_changes_the_answer() {
    let rule = |id: &str, then: &str| format!("[[tools.t.rule]]\nid = '{id}'\nthen = '{then}'\n");
    let text = tool(&(rule("a", "deny") + &rule("b", "deny") + &rule("c", "allow")));
    let change = policy(&text).explain("t", &json!({})).change;
    assert_eq!(change.lines, [6, 9]);
    let replaced = |(at, line): (usize, &str)| match change.lines.contains(&(at + 1)) {
        true => line.replace("deny", "allow") + "\n",
        false => line.to_owned() + "\n",
    };
    let changed: String = text.lines().enumerate().map(replaced).collect();
    assert_eq!(policy(&changed).decide("t", &json!({})).verdict, Verdict::Allow);
}

#[test]
fn a_tool_without_rules_points_at_its_verdict_or_at_its_head() {
    assert_eq!(
        explain("", json!({})).change.text,
        "p.toml:1: write `verdict = \"allow\"` or a rule under `[tools.t]`"
    );
    assert_eq!(explain("verdict = 'ask'", json!({})).change.lines, [4]);
}

#[test]
fn an_unknown_tool_gets_the_nearest_name() {
    let change = policy("[tools.read_file]\ncomponent = 'f.wasm'").explain("read_fiel", &json!({})).change;
    assert!(change.text.ends_with("did you mean `read_file`?"), "{}", change.text);
    let hostile = policy("").explain("\u{1b}[2J\n", &json!({})).change;
    assert!(!hostile.text.contains(char::is_control), "{}", hostile.text);
}

#[test]
fn the_explanation_never_decides_otherwise_than_the_decision() {
    let policy = policy(&tool(RULES));
    for arguments in [json!({}), json!([]), json!({"path": "reports/a", "bytes": 1}), json!({"path": "a/.b"})]
    {
        let explanation = policy.explain("t", &arguments);
        assert_eq!(explanation.decision, policy.decide("t", &arguments));
        let deciding: Vec<_> =
            explanation.rules.iter().filter(|rule| rule.decides).map(|rule| rule.id.clone()).collect();
        assert!(deciding.is_empty() || deciding == explanation.decision.rules);
    }
}

#[test]
fn an_explanation_prints_as_plain_json() {
    let value = serde_json::to_value(explain(RULES, json!({"path": "a/.b"}))).unwrap();
    assert_eq!(value["decision"]["verdict"], "deny");
    assert_eq!(
        value["rules"][1]["conditions"][0],
        json!({"pointer": "/path", "test": {"matches": "/\\."}, "line": 11, "held": true, "found": "\"a/.b\""})
    );
    assert_eq!(value["change"]["lines"], json!([10]));
}

#[test]
fn a_long_value_is_cut_to_a_line() {
    let explanation = explain(RULES, json!({"path": "x".repeat(10_000)}));
    assert!(explanation.rules[0].conditions[0].found.as_ref().unwrap().chars().count() <= 81);
}
