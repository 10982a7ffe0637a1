//! Recorded answers: `key_mismatch`, `in_doubt`, `conflict`, and what binds a key.

use crate::support::gate::{call_with_key, keyed};
use crate::support::{Guest, TestGate, assert_word, call, until};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use toolgate::call::{Outcome, Usage};
use toolgate::ledger::CallState;
use toolgate::{Gate, ProgressSink, RunOptions};

const ARGUMENTS: &str = r#"{"text":"a"}"#;

/// A tool whose answers can be told apart by when they ran: it charges, so only a fresh call costs.
fn charging(policy: &str) -> TestGate {
    let mut guest = Guest::new("").with_call_context();
    let (start, bytes) = guest.data(br#"{"sent":true}"#);
    let guest = guest
        .body(&format!("(call $charge (i64.const 1)) (call $ok (i32.const {start}) (i32.const {bytes}))"));
    TestGate::new().guest(&guest, policy)
}

fn assert_recorded(outcome: &Outcome, first: &Outcome) {
    assert_word(outcome, "completed");
    assert!(outcome.recorded && !first.recorded, "{outcome:#?}");
    assert_eq!((&outcome.output, &outcome.text), (&first.output, &first.text));
    assert_eq!(outcome.attempts, 0);
    assert_eq!(Usage { wall_us: 0, ..outcome.usage }, Usage::default());
    assert_ne!(outcome.call, first.call);
    assert!(outcome.run.is_some(), "it says in which run it was given again");
    let notice = outcome.notices.last().expect("it says so");
    assert!(notice.contains(&first.call.to_string()) && notice.contains("idempotency-key"), "{notice}");
}

#[tokio::test]
async fn the_same_key_gives_the_recorded_answer() {
    let test = charging("");
    let gate = test.open().await;
    let first = call_with_key(&gate, "guest", ARGUMENTS, "k").await;
    let again = call_with_key(&gate, "guest", ARGUMENTS, "k").await;
    assert_recorded(&again, &first);
    assert_eq!(test.state(again.call), Some(CallState::Recorded));
    let other = call_with_key(&gate, "guest", ARGUMENTS, "another").await;
    assert!(!other.recorded && other.usage.fuel > 0);
    let effects: Vec<_> = test.all_calls().iter().map(|call| call.effect.is_some()).collect();
    assert_eq!(effects, [true, false, true], "what was given again never started");
    test.verified();
}

#[tokio::test]
async fn a_recorded_answer_outlives_the_host() {
    let test = charging("");
    let gate = test.open().await;
    let first = call_with_key(&gate, "guest", ARGUMENTS, "k").await;
    gate.close().await.unwrap();
    let gate = test.open().await;
    let again = call_with_key(&gate, "guest", ARGUMENTS, "k").await;
    assert_recorded(&again, &first);
    assert_ne!(again.run, first.run, "it belongs to the run that asked");
    assert_eq!(test.calls(again.run.unwrap())[0].call, again.call);
}

#[tokio::test]
async fn the_same_key_with_other_arguments_is_a_mismatch() {
    let kept = charging("");
    let gate = kept.open().await;
    assert_word(&call_with_key(&gate, "guest", ARGUMENTS, "k").await, "completed");
    assert_word(&call_with_key(&gate, "guest", r#"{"text":"b"}"#, "k").await, "key_mismatch");
    assert_word(&call_with_key(&gate, "guest", ARGUMENTS, "k").await, "completed");
}

#[tokio::test]
async fn arguments_are_the_same_however_they_are_written() {
    let test = TestGate::new().guest(
        &Guest::answering("{}").define(|definition| definition.input = r#"{"type":"object"}"#.to_owned()),
        "",
    );
    let gate = test.open().await;
    let first = call_with_key(&gate, "guest", r#"{"b":1.0,"a":"\u0041"}"#, "k").await;
    let again = call_with_key(&gate, "guest", r#" { "a" : "A", "b" : 1 } "#, "k").await;
    assert_recorded(&again, &first);
}

#[tokio::test]
async fn a_tool_with_an_effect_is_not_run_twice_with_the_same_arguments_in_one_run() {
    let test = charging("effect = \"once\"");
    let gate = test.open().await;
    let first = call(&gate, "guest", ARGUMENTS).await;
    assert_recorded(&call(&gate, "guest", ARGUMENTS).await, &first);
    assert!(!call(&gate, "guest", r#"{"text":"b"}"#).await.recorded);
    let other_run = gate.run(RunOptions::default()).await.unwrap();
    assert!(!other_run.call("guest", ARGUMENTS).await.recorded, "another run is another task");
}

#[tokio::test]
async fn a_read_only_tool_without_a_key_runs_each_time() {
    let kept = charging("");
    let gate = kept.open().await;
    for _ in 0..3 {
        let outcome = call(&gate, "guest", ARGUMENTS).await;
        assert!(!outcome.recorded && outcome.usage.fuel > 0);
    }
}

#[tokio::test]
async fn a_key_belongs_to_its_principal_and_its_tool() {
    let ledger = tempfile::tempdir().unwrap();
    let path = ledger.path().join("shared.db");
    let host = |principal: &str| {
        let guest = Guest::answering(r#"{"a":1}"#);
        let other = Guest::answering(r#"{"a":2}"#).define(|definition| definition.name = "other".to_owned());
        TestGate::new().host(&format!("principal = {principal:?}\nledger = {path:?}")).guest(&guest, "").tool(
            "other",
            &other.build(),
            "",
        )
    };
    let (mine, theirs) = (host("me").open().await, host("them").open().await);
    assert!(!call_with_key(&mine, "guest", "{}", "k").await.recorded);
    assert!(!call_with_key(&mine, "other", "{}", "k").await.recorded);
    assert!(!call_with_key(&theirs, "guest", "{}", "k").await.recorded);
    assert!(call_with_key(&mine, "guest", "{}", "k").await.recorded);
}

#[tokio::test]
async fn a_failure_that_did_nothing_does_not_bind_the_key() {
    let test = TestGate::new().guest(&Guest::failing(3, "down", false), "effect = \"once\"");
    let gate = test.open().await;
    for _ in 0..2 {
        let outcome = call_with_key(&gate, "guest", ARGUMENTS, "k").await;
        assert_word(&outcome, "tool_error");
        assert_eq!(outcome.attempts, 1, "it ran again");
    }
}

#[tokio::test]
async fn a_failure_after_something_may_have_happened_leaves_the_call_in_doubt() {
    for guest in [Guest::failing(3, "lost the connection", true), Guest::new("(unreachable)")] {
        let test = TestGate::new().guest(&guest, "effect = \"once\"");
        let gate = test.open().await;
        let first = call(&gate, "guest", ARGUMENTS).await;
        assert_eq!(test.state(first.call), Some(CallState::InDoubt), "{first:#?}");
        let again = call(&gate, "guest", ARGUMENTS).await;
        assert_word(&again, "in_doubt");
        assert_eq!(again.attempts, 0);
    }
}

#[tokio::test]
async fn a_repeatable_effect_is_never_in_doubt() {
    for effect in ["read-only", "idempotent", "keyed"] {
        let test = TestGate::with("(unreachable)", &format!("effect = {effect:?}"));
        let gate = test.open().await;
        for _ in 0..2 {
            let outcome = call_with_key(&gate, "guest", ARGUMENTS, "k").await;
            assert_word(&outcome, "trap");
            assert_eq!(test.state(outcome.call), Some(CallState::Failed));
        }
    }
}

/// Starts a call with the key `k`, and returns when its intent is on the ledger.
async fn with_one_in_flight(test: &TestGate, gate: &Gate) -> tokio::task::JoinHandle<Outcome> {
    let runs = Arc::new(AtomicBool::new(false));
    let first = {
        let (gate, runs) = (gate.clone(), Arc::clone(&runs));
        let sink: ProgressSink = Arc::new(move |_| runs.store(true, Ordering::SeqCst));
        tokio::spawn(async move { gate.call(keyed("guest", ARGUMENTS, "k"), Some(sink)).await })
    };
    until("the first call's guest runs", || runs.load(Ordering::SeqCst)).await;
    assert_eq!(test.all_calls()[0].state, CallState::Started);
    first
}

fn sleeper(ms: u64, policy: &str) -> TestGate {
    let mut guest = Guest::new("").with_sleep().with_call_context();
    let (start, bytes) = guest.data(b"{\"slow\":true}");
    let says = "(call $progress (f64.const 1) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    let guest = guest.body(&format!(
        "{says} (call $sleep (i64.const {})) (call $ok (i32.const {start}) (i32.const {bytes}))",
        ms * 1_000_000
    ));
    TestGate::new().guest(&guest, policy)
}

#[tokio::test]
async fn the_same_call_in_flight_is_waited_for() {
    let test = sleeper(300, "");
    let gate = test.open().await;
    let first = with_one_in_flight(&test, &gate).await;
    let (second, mismatch) =
        tokio::join!(call_with_key(&gate, "guest", ARGUMENTS, "k"), call_with_key(&gate, "guest", "{}", "k"));
    let first = first.await.unwrap();
    assert_recorded(&second, &first);
    assert_eq!(second.output, Some(json!({"slow": true})));
    assert_word(&mismatch, "key_mismatch");
}

#[tokio::test]
async fn a_call_that_waits_too_long_for_the_same_call_is_a_conflict() {
    let test = sleeper(600_000, "limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"");
    let gate = test.open().await;
    let first = with_one_in_flight(&test, &gate).await;
    let impatient = sleeper(600_000, "limits.deadline = \"50ms\"\nlimits.call_deadline = \"100ms\"");
    let impatient = impatient.host(&format!("ledger = {:?}", test.ledger()));
    let second = call_with_key(&impatient.open().await, "guest", ARGUMENTS, "k").await;
    assert_word(&second, "conflict");
    assert!(second.retry_after_ms.is_some());
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
}

/// What a dead host leaves is in `crash.rs`: only a process can die.
#[tokio::test]
async fn a_call_of_a_host_that_lives_is_left_alone_by_the_next_host() {
    let test = sleeper(600_000, "effect = \"once\"\nlimits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"");
    let gate = test.open().await;
    let first = with_one_in_flight(&test, &gate).await;
    let next = test.open().await;
    let states: Vec<_> = test.all_calls().iter().map(|call| call.state).collect();
    assert_eq!(states, [CallState::Started]);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    until("it has ended", || test.all_calls()[0].state == CallState::InDoubt).await;
    assert_word(&call_with_key(&next, "guest", ARGUMENTS, "k").await, "in_doubt");
}
