//! Rates: so many calls of a tool, a run or a principal in a window, and an upstream that asks everybody to wait.

use super::{Clock, alone, assert_guard, choosing, open, say};
use crate::support::{TestGate, assert_word};
use serde_json::json;

const TWO_A_MINUTE: &str = "rate = { calls = 2, per = \"1m\" }";

#[tokio::test]
async fn a_tools_rate_holds_over_all_runs_and_hosts_and_says_when_to_come_back() {
    let test = TestGate::new().guarded().guest(&choosing(&[]), TWO_A_MINUTE);
    let clock = Clock::new();
    let (gate, other) = (test.open_with(clock.options()).await, test.open_with(clock.options()).await);
    assert_word(&alone(&gate, "a").await, "completed");
    assert_word(&alone(&other, "a").await, "completed");
    let refused = alone(&gate, "a").await;
    assert_guard(&refused, "rate_limited", "tool_rate");
    clock.pass(refused.retry_after_ms.expect("a window has an end"));
    assert_word(&alone(&gate, "a").await, "completed");
}

#[tokio::test]
async fn a_run_and_a_principal_have_rates_of_their_own() {
    for (section, guard, other_run) in
        [("run", "run_rate", "completed"), ("spend", "principal_rate", "rate_limited")]
    {
        let test = TestGate::new()
            .guarded()
            .section(&format!("[{section}]\n{TWO_A_MINUTE}"))
            .guest(&choosing(&[]), "");
        let clock = Clock::new();
        let gate = test.open_with(clock.options()).await;
        let run = open(&gate).await;
        for text in ["a", "b"] {
            assert_word(&say(&run, text).await, "completed");
        }
        let refused = say(&run, "c").await;
        assert_guard(&refused, "rate_limited", guard);
        assert_word(&alone(&gate, "a").await, other_run);
        clock.pass(refused.retry_after_ms.expect("a window has an end"));
        assert_word(&say(&run, "c").await, "completed");
    }
}

#[tokio::test]
async fn after_a_clock_was_a_year_ahead_a_rate_holds_for_one_window_and_no_longer() {
    const YEAR_MS: u64 = 365 * 24 * 3_600_000;
    let test = TestGate::new().guarded().guest(&choosing(&[]), TWO_A_MINUTE);
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    clock.pass(YEAR_MS);
    for _ in 0..2 {
        assert_word(&alone(&gate, "a").await, "completed");
    }
    clock.set_back(YEAR_MS);
    let refused = alone(&gate, "a").await;
    assert_guard(&refused, "rate_limited", "tool_rate");
    let wait_ms = refused.retry_after_ms.expect("a window has an end");
    assert!((60_000..=60_100).contains(&wait_ms), "{wait_ms}");
    clock.pass(wait_ms);
    assert_word(&alone(&gate, "a").await, "completed");
}

#[tokio::test]
async fn an_upstream_that_asks_for_patience_slows_all_runs_on_its_tool_and_no_other_tool() {
    let later = "(call $fail_later (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 1500))";
    let spare = choosing(&[]).define(|definition| definition.name = "spare".to_owned()).build();
    let test = TestGate::new()
        .guarded()
        .guest(&choosing(&[('l', later)]), "retry = \"off\"")
        .tool("spare", &spare, "");
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    let limited = alone(&gate, "later").await;
    assert_word(&limited, "tool_error");
    assert_eq!(limited.retry_after_ms, Some(1_500));
    let refused = alone(&gate, "a").await;
    assert_guard(&refused, "rate_limited", "slowed");
    assert_eq!(refused.retry_after_ms, Some(1_500));
    let elsewhere = open(&gate).await.call("spare", json!({})).await;
    assert_word(&elsewhere, "completed");
    clock.pass(1_500);
    assert_word(&alone(&gate, "a").await, "completed");
}
