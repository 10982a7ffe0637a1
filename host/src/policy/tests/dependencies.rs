//! The table of what each tool stands on, and of what happens when it is down.

use super::{policy, tool};
use crate::policy::{Dependency, Effect, dependencies};
use serde_json::json;

fn row(lines: &str) -> Dependency {
    dependencies(&policy(&tool(lines))).remove(0)
}

#[test]
fn a_row_says_what_a_tool_needs_and_never_what_an_environment_value_is() {
    let row = row(
        "verdict = 'allow'\neffect = 'read-only'\n[tools.t.grants]\nclock = true\nenv = { TOKEN = 'hunter2' }\n\
         [[tools.t.grants.fs]]\nhost = 'docs'\nguest = '/docs'\n\
         [[tools.t.grants.fs]]\nhost = 'out'\nguest = '/out'\naccess = 'read-write'",
    );
    assert_eq!((row.tool.as_str(), row.component.as_str(), row.effect), ("t", "t.wasm", Effect::ReadOnly));
    let needs = ["fs docs → /docs (read)", "fs out → /out (read-write)", "env TOKEN", "clock"];
    assert_eq!(row.needs, needs);
    assert!(!serde_json::to_string(&row).unwrap().contains("hunter2"));
}

#[test]
fn the_built_in_guards_are_said_in_a_sentence() {
    let row = row("verdict = 'allow'\neffect = 'read-only'");
    assert_eq!(row.breaker, "5 failures in 1m, then 1m alone");
    assert_eq!(row.retry, "3 attempts, pauses 200ms to 10s, 10 % of calls");
    assert_eq!(row.fallback, "none");
    assert_eq!(
        row.when_down,
        "It is tried again up to 2 times, then left alone for 1m after 5 failures in 1m; \
         the agent gets the error, and when to come back."
    );
}

#[test]
fn each_guard_changes_the_sentence() {
    let down = |lines: &str| row(&format!("verdict = 'allow'\n{lines}")).when_down;
    assert_eq!(
        down("breaker = 'off'\nretry = 'off'\nfallback = { value = { n = 1 } }"),
        "The agent gets {\"n\":1}, marked degraded."
    );
    assert_eq!(
        down("breaker = 'off'\nretry = { attempts = 2 }\nfallback = { text = 'Ask.', say = 'Later.' }"),
        "It is tried again once where nothing was sent; the agent gets the text “Ask.”, marked degraded, \
         and the user may be told “Later.”."
    );
    let last_good = down(
        "effect = 'read-only'\nretry = 'off'\nbreaker = { failures = 1 }\nfallback = { last_good = '90m' }",
    );
    assert_eq!(
        last_good,
        "It is left alone for 1m after 1 failure in 1m; the agent gets its last good result of the past 90m, \
         marked degraded, or else the error."
    );
    assert_eq!(row("").when_down, "It never runs: the policy denies every call.");
}

#[test]
fn rows_come_in_the_order_of_names_and_print_as_plain_json() {
    let text = "[tools.b]\ncomponent = 'b.wasm'\nverdict = 'allow'\nfallback = { tool = 'a' }\n\
        breaker = { percent = 50 }\n[tools.a]\ncomponent = 'a.wasm'\neffect = 'read-only'\n";
    let rows = serde_json::to_value(dependencies(&policy(text))).unwrap();
    assert_eq!((&rows[0]["tool"], &rows[1]["tool"]), (&json!("a"), &json!("b")));
    assert_eq!(
        rows[1],
        json!({
            "tool": "b",
            "component": "b.wasm",
            "effect": "once",
            "needs": [],
            "breaker": "5 failures and 50 % of calls in 1m, then 1m alone",
            "retry": "3 attempts, pauses 200ms to 10s, 10 % of calls",
            "fallback": "tool a",
            "when_down": "It is tried again up to 2 times where nothing was sent, then left alone for 1m after \
                5 failures in 1m; the agent gets what `a` gives, marked degraded.",
        })
    );
}

#[test]
fn a_long_or_controlling_text_is_cut_to_a_plain_line() {
    let long = row(&format!("verdict = 'allow'\nfallback = {{ text = \"\\u001b[2J{}\" }}", "x".repeat(400)));
    assert!(!long.when_down.contains(char::is_control));
    assert!(long.when_down.chars().count() < 300, "{}", long.when_down);
}
