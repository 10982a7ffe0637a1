//! Guards that can be used and probably do not do what is meant.

use super::{tool, warned};

#[test]
fn retries_of_once_are_a_warning_where_they_are_written() {
    assert_eq!(warned(&tool("retry = { attempts = 2 }")), ["4:1 retry_of_once"]);
    assert_eq!(warned(&tool("effect = 'once'\nretry = {}")), ["5:1 retry_of_once"]);
    for lines in
        ["", "retry = 'off'", "retry = { attempts = 1 }", "effect = 'keyed'\nretry = { attempts = 2 }"]
    {
        assert!(warned(&tool(lines)).is_empty(), "{lines}");
    }
    assert!(warned(&("[defaults]\nretry = { attempts = 5 }\n".to_owned() + &tool(""))).is_empty());
}

#[test]
fn polling_with_an_effect_is_a_warning() {
    assert_eq!(warned(&tool("effect = 'idempotent'\npoll = '5s'")), ["5:8 poll_with_effect"]);
    assert!(warned(&tool("effect = 'read-only'\npoll = '5s'")).is_empty());
}

#[test]
fn a_pause_longer_than_the_whole_call_is_a_warning() {
    let text = |deadline: &str| {
        tool(&format!(
            "effect = 'keyed'\nretry = {{ max = '31s' }}\nlimits = {{ call_deadline = '{deadline}' }}"
        ))
    };
    assert_eq!(warned(&text("30s")), ["5:17 never_reached"]);
    assert!(warned(&text("31s")).is_empty());
}

#[test]
fn a_price_above_what_may_be_spent_is_a_warning() {
    assert_eq!(warned(&tool("cost = '0.500001'")), ["4:8 unaffordable"]);
    assert!(warned(&tool("cost = '0.50'")).is_empty());
    let inherited = "[defaults]\ncost = 1\n".to_owned() + &tool("");
    assert_eq!(warned(&inherited), ["2:8 unaffordable"]);
    let hour = "[run.budgets]\ncost = 9\n[spend]\nhour = 1\n".to_owned() + &tool("cost = 2");
    assert_eq!(warned(&hour), ["8:8 unaffordable"]);
    // A tool of its own price is not blamed for that of the defaults, nor the defaults for its.
    assert!(warned(&("[defaults]\ncost = '0.1'\n".to_owned() + &tool("cost = 0"))).is_empty());
}

#[test]
fn a_condition_of_approval_that_never_holds_is_a_warning() {
    assert_eq!(warned(&tool("approval = { spent = '0.51' }")), ["4:22 never_reached"]);
    assert!(warned(&tool("approval = { spent = '0.50' }")).is_empty());
    assert_eq!(warned("[defaults.approval]\nspent = 1"), ["2:9 never_reached"]);
    assert_eq!(warned(&tool("risk = 69\napproval = { risk = 70 }")), ["5:21 never_reached"]);
    assert!(warned(&tool("risk = 70\napproval = { risk = 70 }")).is_empty());
    let rule = "approval = { risk = 70 }\n[[tools.t.rule]]\nthen = 'allow'\nrisk = 70";
    assert!(warned(&tool(rule)).is_empty());
    assert!(warned(&("[defaults]\napproval = { risk = 70 }\n".to_owned() + &tool(""))).is_empty());
}

#[test]
fn a_risk_that_changes_nothing_is_a_warning() {
    let rule = |then: &str, risk: u8| {
        let when = "when = [{ pointer = '/a', equals = 1 }]";
        tool(&format!(
            "risk = 50\nverdict = 'allow'\n[[tools.t.rule]]\n{when}\nthen = '{then}'\nrisk = {risk}"
        ))
    };
    assert_eq!(warned(&rule("deny", 90)), ["9:1 unused_key"]);
    assert_eq!(warned(&rule("ask", 50)), ["9:1 unused_key"]);
    assert!(warned(&rule("ask", 51)).is_empty());
}
