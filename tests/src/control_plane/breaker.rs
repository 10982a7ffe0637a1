//! The circuit breaker: a tool that fails is left alone, probed once, and comes back; over runs, hosts and restarts.
//!
//! Each call is a run of its own, so that no other guard speaks.

use super::{
    BABBLES, Clock, INTERNAL, INVALID_INPUT, RATE_LIMITED, SLEEPS, SPINS, alone, assert_guard, choosing,
    fails, open, say,
};
use crate::support::{Guest, TestGate, assert_word, until, word};
use serde_json::json;
use toolgate::Gate;
use toolgate::call::Status;
use toolgate::ledger::CallState;

/// The cooldown and the window of the built-in breaker, in milliseconds.
const MINUTE_MS: u64 = 60_000;

/// A tool whose text says how it ends: `f…` fails, `i…` blames the arguments, `r…` asks for patience, `b…` returns no
/// JSON, `c…` crashes, `l…` loops, `s…` sleeps, anything else works.
fn host(policy: &str) -> TestGate {
    let (fails_itself, blames, slows) =
        (fails(INTERNAL, false), fails(INVALID_INPUT, false), fails(RATE_LIMITED, false));
    let cases = [
        ('f', fails_itself.as_str()),
        ('i', blames.as_str()),
        ('r', slows.as_str()),
        ('b', BABBLES),
        ('c', "(unreachable)"),
        ('l', SPINS),
        ('s', SLEEPS),
    ];
    TestGate::new().guarded().guest(&choosing(&cases).with_sleep(), policy)
}

const NO_RETRY: &str = "retry = \"off\"\nlimits.fuel = \"1M\"";

/// Makes so many calls that fail.
async fn fail(gate: &Gate, times: u64) {
    for n in 0..times {
        assert_word(&alone(gate, &format!("f{n}")).await, "tool_error");
    }
}

#[tokio::test]
async fn five_failures_open_it_and_one_probe_closes_it_after_the_cooldown() {
    let test = host(NO_RETRY);
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    fail(&gate, 4).await;
    assert_word(&alone(&gate, "good").await, "completed");
    fail(&gate, 1).await;
    let refused = alone(&gate, "good").await;
    assert_guard(&refused, "breaker_open", "breaker");
    assert_eq!((refused.status, refused.retry_after_ms), (Status::Refused, Some(MINUTE_MS)));
    clock.pass(MINUTE_MS - 1);
    assert_eq!(alone(&gate, "good").await.retry_after_ms, Some(1));
    clock.pass(1);
    assert_word(&alone(&gate, "good").await, "completed");
    fail(&gate, 4).await;
    assert_word(&alone(&gate, "good").await, "completed");
}

#[tokio::test]
async fn a_probe_that_fails_opens_it_for_another_cooldown_and_refusals_do_not_prolong_it() {
    let test = host(NO_RETRY);
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    fail(&gate, 5).await;
    for _ in 0..2 {
        for left_ms in [MINUTE_MS, MINUTE_MS / 2, MINUTE_MS / 4] {
            let refused = alone(&gate, "good").await;
            assert_guard(&refused, "breaker_open", "breaker");
            assert_eq!(refused.retry_after_ms, Some(left_ms));
            clock.pass(left_ms / 2);
        }
        clock.pass(MINUTE_MS / 8);
        fail(&gate, 1).await;
    }
    clock.pass(MINUTE_MS);
    assert_word(&alone(&gate, "good").await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_probes_at_a_time_and_a_probe_that_is_cut_off_leaves_its_place() {
    let patient = "retry = \"off\"\nlimits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"";
    let test = host(patient);
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    fail(&gate, 5).await;
    clock.pass(MINUTE_MS);
    let probe = {
        let gate = gate.clone();
        tokio::spawn(async move { alone(&gate, "sleeps").await })
    };
    let probes = |state: CallState| {
        test.all_calls()
            .iter()
            .filter(|call| call.state == state && call.reason.as_deref() != Some("tool_error"))
            .count()
    };
    until("the probe has started", || probes(CallState::Started) == 1).await;
    let refused = alone(&gate, "good").await;
    assert_guard(&refused, "breaker_open", "breaker");
    assert!(refused.retry_after_ms.is_some_and(|ms| ms <= 1_000), "it may end any time: {refused:#?}");
    probe.abort();
    assert!(probe.await.unwrap_err().is_cancelled());
    until("the probe has ended", || probes(CallState::Failed) == 1).await;
    assert_word(&alone(&gate, "good").await, "completed");
    assert_word(&alone(&gate, "good").await, "completed");
}

#[tokio::test]
async fn gates_on_one_ledger_share_it() {
    let test = host(NO_RETRY);
    let clock = Clock::new();
    let (one, other) = (test.open_with(clock.options()).await, test.open_with(clock.options()).await);
    fail(&one, 3).await;
    fail(&other, 2).await;
    for gate in [&one, &other] {
        assert_word(&alone(gate, "good").await, "breaker_open");
    }
    clock.pass(MINUTE_MS);
    assert_word(&alone(&other, "good").await, "completed");
    fail(&one, 1).await;
    assert_word(&alone(&one, "good").await, "completed");
}

#[tokio::test]
async fn it_survives_a_restart_whether_the_host_closes_or_falls() {
    for closes in [true, false] {
        let test = host(NO_RETRY);
        let clock = Clock::new();
        for _ in 0..5 {
            let gate = test.open_with(clock.options()).await;
            fail(&gate, 1).await;
            if closes {
                gate.close().await.unwrap();
            }
        }
        let gate = test.open_with(clock.options()).await;
        assert_word(&alone(&gate, "good").await, "breaker_open");
        clock.pass(MINUTE_MS);
        assert_word(&alone(&gate, "good").await, "completed");
    }
}

#[tokio::test]
async fn failures_that_are_a_window_apart_do_not_add_up() {
    let test = host(NO_RETRY);
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    fail(&gate, 4).await;
    clock.pass(MINUTE_MS + 1_000);
    fail(&gate, 4).await;
    assert_word(&alone(&gate, "good").await, "completed");
    fail(&gate, 1).await;
    assert_word(&alone(&gate, "good").await, "breaker_open");
}

#[tokio::test]
async fn bad_arguments_denials_and_a_tool_that_blames_its_caller_never_count() {
    let rule = format!(
        "{NO_RETRY}\n[[tools.guest.rule]]\nid = \"no\"\nwhen = [{{ pointer = \"/text\", matches = \"^no\" }}]\nthen = \"deny\""
    );
    let kept = host(&rule);
    let gate = kept.open().await;
    for _ in 0..10 {
        assert_word(&open(&gate).await.call("guest", json!({"nope": 1})).await, "invalid_arguments");
        assert_word(&alone(&gate, "no").await, "denied_by_policy");
        assert_word(&alone(&gate, "invalid").await, "tool_error");
    }
    assert_word(&alone(&gate, "good").await, "completed");
}

#[tokio::test]
async fn an_upstream_that_asks_for_patience_is_no_failure_of_the_tool() {
    let test = host(NO_RETRY);
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    for n in 0..10 {
        assert_word(&alone(&gate, &format!("r{n}")).await, "tool_error");
        clock.pass(1_000);
    }
    assert_word(&alone(&gate, "good").await, "completed");
}

#[tokio::test]
async fn invalid_output_crashes_and_spent_limits_count_as_failures() {
    for (text, reason) in [("babble", "invalid_output"), ("crash", "trap"), ("loop", "out_of_fuel")] {
        let kept = host(NO_RETRY);
        let gate = kept.open().await;
        for _ in 0..5 {
            assert_word(&alone(&gate, text).await, reason);
        }
        assert_word(&alone(&gate, "good").await, "breaker_open");
    }
}

#[tokio::test]
async fn a_policy_says_after_how_many_failures_it_opens_and_whether_at_all() {
    let test = host(&format!("{NO_RETRY}\nbreaker = {{ failures = 2, cooldown = \"5s\" }}"));
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    fail(&gate, 2).await;
    let refused = alone(&gate, "good").await;
    assert_word(&refused, "breaker_open");
    assert_eq!(refused.retry_after_ms, Some(5_000));
    clock.pass(5_000);
    assert_word(&alone(&gate, "good").await, "completed");

    let kept = host(&format!("{NO_RETRY}\nbreaker = \"off\""));
    let gate = kept.open().await;
    fail(&gate, 12).await;
    assert_word(&alone(&gate, "good").await, "completed");
}

/// A breaker that opens at the second failure.
const TOUCHY: &str = "effect = \"read-only\"\nretry = \"off\"\nbreaker = { failures = 2 }";

#[tokio::test]
async fn what_a_run_has_left_of_its_budget_says_nothing_of_the_tool() {
    let test =
        TestGate::new().guarded().section("[run]\nbudgets = { tokens = 50 }").guest(&choosing(&[]), TOUCHY);
    let gate = test.open().await;
    for _ in 0..3 {
        let run = open(&gate).await;
        assert_word(&say(&run, &"a".repeat(140)).await, "completed");
        assert_word(&say(&run, &"b".repeat(140)).await, "output_too_large");
    }
    assert_word(&say(&open(&gate).await, "a").await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_too_busy_says_nothing_of_the_tool() {
    let slow = |name: &str| {
        let guest = Guest::new(SLEEPS).with_sleep();
        guest.define(|definition| definition.name = name.to_owned()).build()
    };
    let patient = "limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"";
    let test = TestGate::new()
        .host("concurrency = 2")
        .tool("slow_a", &slow("slow_a"), patient)
        .tool("slow_b", &slow("slow_b"), patient)
        .guest(
            &choosing(&[]),
            &format!("{TOUCHY}\nlimits.deadline = \"40ms\"\nlimits.call_deadline = \"50ms\""),
        );
    let gate = test.open().await;
    let mut sleepers = Vec::new();
    for name in ["slow_a", "slow_b"] {
        let run = open(&gate).await;
        sleepers.push(tokio::spawn(async move { run.call(name, json!({})).await }));
    }
    until("both sleep", || {
        test.all_calls().iter().filter(|call| call.state == CallState::Started).count() == 2
    })
    .await;
    for _ in 0..3 {
        let waited = alone(&gate, "a").await;
        assert_word(&waited, "deadline");
        assert!(waited.text.contains("too busy") && waited.usage.fuel == 0, "{}", waited.text);
    }
    sleepers.iter().for_each(tokio::task::JoinHandle::abort);
    for sleeper in sleepers {
        assert!(sleeper.await.is_err_and(|error| error.is_cancelled()));
    }
    let mut outcome = alone(&gate, "a").await;
    while word(&outcome) == "deadline" {
        outcome = alone(&gate, "a").await;
    }
    assert_word(&outcome, "completed");
}

#[tokio::test]
async fn a_tool_that_hangs_is_to_blame_also_in_a_run_with_little_time_left() {
    let test = TestGate::new().guarded().section("[run]\nbudgets = { wall_time = \"20s\" }").guest(
        &choosing(&[('l', SPINS)]),
        &format!("{TOUCHY}\nlimits.fuel = \"1000G\"\nlimits.deadline = \"30ms\""),
    );
    let gate = test.open().await;
    for n in 0..2 {
        assert_word(&alone(&gate, &format!("loop {n}")).await, "deadline");
    }
    assert_guard(&alone(&gate, "a").await, "breaker_open", "breaker");
}
