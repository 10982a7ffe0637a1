//! Retries by the host: what passes by itself is tried again, where that is safe, within a deadline and a budget.
//!
//! Not here: how long a pause is (`guard/retry`) and what retries cost (`spend`). Pauses take real time, so they are short.

use super::{
    BABBLES, Clock, ECHOES, INTERNAL, INVALID_INPUT, NOT_FOUND, RATE_LIMITED, UNAVAILABLE, alone,
    assert_guard, choosing, fails, open, say, short,
};
use crate::support::mcp::Served;
use crate::support::{Guest, TestGate, assert_word};
use serde_json::json;
use toolgate::call::{Outcome, Status};
use toolgate::ledger::CallState;

/// Retries as they are by default, but for pauses that last no time.
const QUICK: &str = "breaker = \"off\"\nretry = { base = \"1ms\" }";

/// Which execution inside the call this is, as the core function `$attempt`.
const ATTEMPT: &str = r#"
  (import "toolgate:tool/call-context@0.1.0" (instance $context (export "attempt" (func (result u32)))))
  (core func $attempt_lowered (canon lower (func $context "attempt")))
"#;

/// The same, and the core functions `$key (to)` and `$log (level, ptr, len)`.
const ATTEMPT_AND_KEY: &str = r#"
  (import "toolgate:tool/call-context@0.1.0" (instance $context
    (type $level' (enum "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "attempt" (func (result u32)))
    (export "idempotency-key" (func (result (option string))))
    (export "log" (func (param "level" $level) (param "message" string)))))
  (core func $attempt_lowered (canon lower (func $context "attempt")))
  (core func $key_lowered (canon lower (func $context "idempotency-key") (memory $memory) (realloc $realloc)))
  (core func $log_lowered (canon lower (func $context "log") (memory $memory)))
"#;

/// A guest's code: it logs the key that it was given.
const LOGS_KEY: &str = "(call $key (i32.const 64)) \
     (call $log (i32.const 1) (i32.load (i32.const 68)) (i32.load (i32.const 72)))";

/// A guest's body: its first attempts end so, and the next ones so.
fn first_so(attempts: u32, first: &str, then: &str) -> String {
    format!(
        "(if (result i32) (i32.le_u (call $attempt) (i32.const {attempts})) (then {first}) (else {then}))"
    )
}

/// A guest with this body, which may ask which attempt it is.
fn counting(body: &str) -> Guest {
    Guest::new(body).component_item(ATTEMPT).host_function("attempt", "(result i32)")
}

/// A guest whose first attempts fail so, and whose next one gives its arguments back.
fn flaky(attempts: u32, failure: &str) -> Guest {
    counting(&first_so(attempts, failure, ECHOES))
}

/// A guest's body: what it depends on is down, and it says when to come back.
fn fails_for(ms: u64) -> String {
    format!(
        "(call $fail_later (i32.const {UNAVAILABLE}) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const {ms}))"
    )
}

/// One call in a run of its own, with the number of its records on the ledger and where it stands there.
async fn recorded(test: &TestGate) -> (Outcome, u64, CallState) {
    let gate = test.open().await;
    let run = open(&gate).await;
    let before = test.verified().events;
    let outcome = say(&run, "a").await;
    let records = test.verified().events - before;
    let call = test.calls(run.id()).pop().expect("the call is on the ledger");
    assert_eq!(call.attempt, outcome.attempts, "the trace knows the last attempt");
    (outcome, records, call.state)
}

#[tokio::test]
async fn a_transient_failure_is_tried_again_and_each_attempt_is_on_the_ledger() {
    for effect in ["read-only", "idempotent", "keyed"] {
        for kind in [UNAVAILABLE, RATE_LIMITED] {
            let policy = format!("effect = \"{effect}\"\ncost = \"0.01\"\n{QUICK}");
            let test = TestGate::new().guarded().guest(&flaky(2, &fails(kind, true)), &policy);
            let (outcome, records, state) = recorded(&test).await;
            assert_word(&outcome, "completed");
            assert_eq!((outcome.attempts, outcome.usage.cost_usd), (3, 0.03), "{effect}");
            assert_eq!((records, state), (4, CallState::Completed), "intent, two attempts, ending");
            assert!(
                outcome.degraded.is_none() && outcome.output == Some(json!({"text": "a"})),
                "{outcome:#?}"
            );
        }
    }
}

#[tokio::test]
async fn the_attempts_of_a_keyed_call_without_a_key_of_the_clients_share_one_that_the_host_made() {
    let body = first_so(2, &fails(UNAVAILABLE, true), ECHOES);
    let guest = Guest::new(&format!("{LOGS_KEY} {body}"))
        .component_item(ATTEMPT_AND_KEY)
        .host_function("attempt", "(result i32)")
        .host_function("key", "(param i32)")
        .host_function("log", "(param i32 i32 i32)");
    let policy = format!("effect = \"keyed\"\ngrants.log = true\n{QUICK}");
    let test = TestGate::new().guarded().guest(&guest, &policy);
    let gate = test.open().await;
    let run = open(&gate).await;
    let outcome = say(&run, "a").await;
    assert_word(&outcome, "completed");
    let call = test.calls(run.id()).pop().expect("the call is on the ledger");
    let logs = call.content.expect("its content").logs;
    let keys: Vec<String> =
        logs.into_iter().filter(|line| line.level == "info").map(|line| line.text).collect();
    assert_eq!(keys, vec![format!("call:{}", outcome.call); 3]);
}

#[tokio::test]
async fn what_an_earlier_attempt_sent_under_a_key_that_nobody_can_send_again_is_in_doubt() {
    let body = first_so(1, &fails(UNAVAILABLE, true), &fails(NOT_FOUND, false));
    for (effect, left) in [("keyed", CallState::InDoubt), ("idempotent", CallState::Failed)] {
        let policy = format!("effect = \"{effect}\"\n{QUICK}");
        let test = TestGate::new().guarded().guest(&counting(&body), &policy);
        let (outcome, records, state) = recorded(&test).await;
        assert_word(&outcome, "tool_error");
        assert_eq!((outcome.attempts, records, state), (2, 3, left), "{effect}");
    }
}

#[tokio::test]
async fn a_call_of_a_once_tool_is_tried_again_only_where_nothing_was_sent() {
    let policy = format!("effect = \"once\"\n{QUICK}");
    let host =
        |request_sent| TestGate::new().guarded().guest(&flaky(2, &fails(UNAVAILABLE, request_sent)), &policy);
    let (sent, records, state) = recorded(&host(true)).await;
    assert_word(&sent, "tool_error");
    assert_eq!((sent.attempts, records, state), (1, 2, CallState::InDoubt));
    let (unsent, records, state) = recorded(&host(false)).await;
    assert_word(&unsent, "completed");
    assert_eq!((unsent.attempts, records, state), (3, 4, CallState::Completed));
}

#[tokio::test]
async fn a_once_tool_that_vouches_each_time_that_nothing_was_sent_leaves_no_doubt() {
    let policy = format!("effect = \"once\"\n{QUICK}");
    let test = TestGate::new().guarded().guest(&flaky(9, &fails(UNAVAILABLE, false)), &policy);
    let (outcome, records, state) = recorded(&test).await;
    assert_word(&outcome, "tool_error");
    assert_eq!((outcome.attempts, records, state), (3, 4, CallState::Failed));
}

#[tokio::test]
async fn what_does_not_pass_by_itself_is_not_tried_again() {
    let failures = [
        (fails(INVALID_INPUT, false), "tool_error"),
        (fails(NOT_FOUND, false), "tool_error"),
        (fails(INTERNAL, false), "tool_error"),
        (BABBLES.to_owned(), "invalid_output"),
        ("(unreachable)".to_owned(), "trap"),
    ];
    for (failure, reason) in failures {
        let test = TestGate::new().guarded().guest(&flaky(1, &failure), QUICK);
        let (outcome, records, _) = recorded(&test).await;
        assert_word(&outcome, reason);
        assert_eq!((outcome.attempts, records), (1, 2), "{failure}");
    }
}

#[tokio::test]
async fn a_policy_says_how_often_and_whether_at_all() {
    for (retry, attempts) in
        [("{ attempts = 5, base = \"1ms\" }", 5_u32), ("\"off\"", 1), ("{ attempts = 1 }", 1)]
    {
        let policy = format!("breaker = \"off\"\nretry = {retry}");
        let test = TestGate::new().guarded().guest(&flaky(9, &fails(UNAVAILABLE, false)), &policy);
        let (outcome, records, _) = recorded(&test).await;
        assert_word(&outcome, "tool_error");
        assert_eq!((outcome.attempts, records), (attempts, u64::from(attempts) + 1), "{retry}");
    }
}

#[tokio::test]
async fn what_the_tool_asks_to_wait_is_waited_for_in_full() {
    let policy = "retry = { base = \"1ms\", max = \"1ms\" }";
    let test = TestGate::new().guarded().guest(&flaky(1, &fails_for(300)), policy);
    let outcome = alone(&test.open().await, "a").await;
    assert_word(&outcome, "completed");
    assert_eq!(outcome.attempts, 2);
    assert!(outcome.usage.wall_us >= 300_000, "{:?}", outcome.usage);
}

#[tokio::test]
async fn a_call_is_not_tried_again_past_its_deadline_and_says_when_to_come_back() {
    let less = "limits.deadline = \"3s\"\nlimits.call_deadline = \"3s\"";
    for (limits, ms) in [("", 60_000), (less, 3_000)] {
        let policy = format!("{QUICK}\n{limits}");
        let test = TestGate::new().guarded().guest(&flaky(1, &fails_for(ms)), &policy);
        let outcome = alone(&test.open().await, "a").await;
        assert_word(&outcome, "tool_error");
        assert_eq!((outcome.attempts, outcome.retry_after_ms), (1, Some(ms)));
        assert!(outcome.usage.wall_us < 1_000 * ms, "it does not wait for nothing: {:?}", outcome.usage);
    }
}

#[tokio::test]
async fn a_tools_retry_budget_is_one_for_all_runs_and_hosts_and_comes_back_with_time() {
    let test = TestGate::new().guarded().guest(&flaky(9, &fails(UNAVAILABLE, false)), QUICK);
    let clock = Clock::new();
    let (one, other) = (test.open_with(clock.options()).await, test.open_with(clock.options()).await);
    for gate in [&one, &other, &one, &other, &one] {
        assert_eq!(alone(gate, "a").await.attempts, 3, "ten retries are always allowed");
    }
    for gate in [&one, &other, &test.open_with(clock.options()).await] {
        let outcome = alone(gate, "a").await;
        assert_word(&outcome, "tool_error");
        assert_eq!(outcome.attempts, 1);
    }
    clock.pass(700_000);
    assert_eq!(alone(&one, "a").await.attempts, 3);
}

#[tokio::test]
async fn an_upstream_that_limits_rates_to_the_last_attempt_slows_every_run_and_host_for_a_second() {
    let slows = fails(RATE_LIMITED, false);
    let test = TestGate::new().guarded().guest(&choosing(&[('r', slows.as_str())]), QUICK);
    let clock = Clock::new();
    let (gate, other) = (test.open_with(clock.options()).await, test.open_with(clock.options()).await);
    let limited = alone(&gate, "rates").await;
    assert_word(&limited, "tool_error");
    assert_eq!(limited.attempts, 3);
    for gate in [&gate, &other, &test.open_with(clock.options()).await] {
        let refused = alone(gate, "a").await;
        assert_guard(&refused, "rate_limited", "slowed");
        assert_eq!((refused.status, refused.retry_after_ms), (Status::Refused, Some(1_000)));
    }
    clock.pass(999);
    assert_eq!(alone(&other, "a").await.retry_after_ms, Some(1));
    clock.pass(1);
    for gate in [&gate, &other] {
        assert_word(&alone(gate, "a").await, "completed");
    }
}

#[test]
fn a_client_reads_how_many_attempts_there_were() {
    let test = TestGate::new().guarded().guest(&flaky(2, &fails(UNAVAILABLE, false)), QUICK);
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "a"}));
    let answer = served.answer();
    let outcome = short(&answer);
    assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!("completed"), &json!(3)), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_halted_while_a_call_waits_for_its_next_attempt_executes_nothing_more() {
    let policy = "effect = \"read-only\"\nbreaker = \"off\"\nretry = { base = \"1ms\", attempts = 3 }\n\
                  limits.call_deadline = \"60s\"";
    let test = TestGate::new().guarded().guest(&flaky(9, &fails_for(1_500)), policy);
    let gate = test.open().await;
    let run = open(&gate).await;
    let call = tokio::spawn({
        let run = run.clone();
        async move { say(&run, "a").await }
    });
    while test.verified().events < 4 {
        tokio::task::yield_now().await;
    }
    run.halt("enough").await.unwrap();
    let outcome = call.await.unwrap();
    assert_word(&outcome, "tool_error");
    assert_eq!(outcome.attempts, 1);
}
