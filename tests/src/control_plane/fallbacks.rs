//! Fallbacks: what the agent gets when a tool fails or is left alone, and how it is told that this is a stand-in.
//!
//! Not here: what a policy may write (`host/src/policy/tests`). Invariant of the tests: a stand-in is a completed
//! outcome of a call that the ledger knows as failed or refused.

use super::{
    BABBLES, Clock, INTERNAL, INVALID_INPUT, SPINS, UNAVAILABLE, alone, choosing, fails, noticed, open, say,
    short,
};
use crate::support::guest::component;
use crate::support::mcp::Served;
use crate::support::{Guest, TestGate, assert_word};
use serde_json::{Value, json};
use toolgate::call::{CallMeta, Degraded, Outcome, Status};
use toolgate::ledger::CallState;
use toolgate::{GateError, GateOptions};

/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

const FIXED: &str =
    "retry = \"off\"\nfallback = { value = { rate = 1.5 }, say = \"Rates are those of yesterday.\" }";

/// A tool whose text says how it ends: `f…` fails, `i…` blames the arguments, `b…` returns no JSON, `c…` crashes,
/// `l…` loops, anything else works.
fn host(policy: &str) -> TestGate {
    let (down, blames) = (fails(INTERNAL, false), fails(INVALID_INPUT, false));
    let cases =
        [('f', down.as_str()), ('i', blames.as_str()), ('b', BABBLES), ('c', "(unreachable)"), ('l', SPINS)];
    TestGate::new().guarded().guest(&choosing(&cases), &format!("limits.fuel = \"1M\"\n{policy}"))
}

/// Asserts that an outcome is a stand-in, why, and which.
#[track_caller]
fn assert_stand_in(outcome: &Outcome, reason: &str, fallback: &str) {
    let degraded = Degraded { reason: reason.to_owned(), fallback: fallback.to_owned() };
    assert_eq!(outcome.degraded, Some(degraded), "{outcome:#?}");
    assert_eq!((outcome.status, outcome.reason), (Status::Completed, None), "{outcome:#?}");
    assert_eq!((outcome.hint.as_deref(), outcome.retry_after_ms), (None, None), "{outcome:#?}");
    let happened = if reason == "breaker_open" { "was not called" } else { "failed" };
    let notice = format!("`guest` {happened} ({reason}); this is a stand-in");
    assert!(outcome.notices[0].starts_with(&notice), "{:?}", outcome.notices);
}

/// Asserts that the failure of the tool itself stands.
#[track_caller]
fn assert_stands(outcome: &Outcome) {
    assert_word(outcome, "tool_error");
    assert_eq!((outcome.status, &outcome.degraded), (Status::Failed, &None), "{outcome:#?}");
}

#[tokio::test]
async fn a_fixed_value_stands_in_for_every_failure_of_the_tool_and_for_its_open_breaker() {
    let test = host(FIXED);
    let gate = test.open().await;
    let failures = [
        ("fails", "tool_error"),
        ("crashes", "trap"),
        ("loops", "out_of_fuel"),
        ("babbles", "invalid_output"),
        ("fails again", "tool_error"),
    ];
    for (text, reason) in failures {
        let outcome = alone(&gate, text).await;
        assert_stand_in(&outcome, reason, "value");
        assert_eq!((&outcome.output, outcome.attempts), (&Some(json!({"rate": 1.5})), 1));
        assert!(outcome.notices[0].contains("You may tell the user: Rates are those of yesterday."));
        let call = &test.calls(outcome.run.expect("a run"))[0];
        assert_eq!((call.state, call.reason.as_deref()), (CallState::Failed, Some(reason)));
    }
    let left_alone = alone(&gate, "good").await;
    assert_stand_in(&left_alone, "breaker_open", "value");
    assert_eq!(left_alone.attempts, 0);
    assert_eq!(test.state(left_alone.call), Some(CallState::Refused));
}

#[tokio::test]
async fn what_the_agent_or_the_policy_brought_about_has_no_stand_in() {
    let rule = format!(
        "{FIXED}\n[[tools.guest.rule]]\nid = \"no\"\nwhen = [{{ pointer = \"/text\", matches = \"^no\" }}]\nthen = \"deny\""
    );
    let test = host(&rule);
    let gate = test.open().await;
    let run = open(&gate).await;
    let outcomes = [
        (say(&run, "invalid").await, "tool_error"),
        (say(&run, "no").await, "denied_by_policy"),
        (run.call("guest", json!({"nope": 1})).await, "invalid_arguments"),
    ];
    for (outcome, reason) in outcomes {
        assert_word(&outcome, reason);
        assert_eq!((outcome.degraded, outcome.output), (None, None));
    }
    let good = say(&run, "good").await;
    assert_word(&good, "completed");
    assert_eq!((good.degraded, good.output), (None, Some(json!({"text": "good"}))));
}

#[tokio::test]
async fn a_stand_in_binds_no_key() {
    let test = host(&format!("effect = \"keyed\"\n{FIXED}"));
    let gate = test.open().await;
    let run = open(&gate).await;
    for _ in 0..2 {
        let meta = CallMeta { idempotency_key: Some("order 7".to_owned()), ..CallMeta::default() };
        let outcome = run.call_with("guest", json!({"text": "fails"}), meta).await;
        assert_stand_in(&outcome, "tool_error", "value");
        assert_eq!((outcome.recorded, outcome.attempts), (false, 1));
    }
}

#[tokio::test]
async fn a_fixed_value_that_the_tool_could_not_give_keeps_the_gate_shut() {
    for value in ["\"n/a\"", "[1]", "7"] {
        let test = host(&format!("fallback = {{ value = {value} }}"));
        let refused = test.try_open(GateOptions::default()).await.err().expect("the gate stays shut");
        assert!(matches!(refused, GateError::Catalog(_)), "{refused:?}");
        let text = refused.to_string();
        assert!(text.contains("`guest`") && text.contains("fallback value does not fit"), "{text}");
    }
}

#[tokio::test]
async fn the_last_good_result_of_the_same_arguments_stands_in_until_it_is_too_old() {
    let test = host("retry = \"off\"\nfallback = { last_good = \"1h\" }");
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    assert_word(&alone(&gate, "a").await, "completed");
    gate.close().await.unwrap();

    // From here on the tool is down, and so is the host that saw it work.
    test.write_component("guest", &component(&fails(UNAVAILABLE, false)));
    let gate = test.open_with(clock.options()).await;
    clock.pass(60_000);
    let stood_in = alone(&gate, "a").await;
    assert_stand_in(&stood_in, "tool_error", "last_good");
    assert_eq!(stood_in.output, Some(json!({"text": "a"})));
    assert!(stood_in.notices[0].contains("60 s old"), "{:?}", stood_in.notices);
    assert_stands(&alone(&gate, "b").await);

    clock.pass(HOUR_MS - 60_000);
    assert_stand_in(&alone(&gate, "a").await, "tool_error", "last_good");
    // A stand-in is no good result, so it is not remembered as one.
    clock.pass(1);
    assert_stands(&alone(&gate, "a").await);
}

/// A host whose tool `guest` falls back to `spare`, which gives its arguments back unless they begin with `x`.
fn with_spare(section: &str, policy: &str) -> TestGate {
    let spare = choosing(&[('x', "(unreachable)")]);
    let spare = spare.define(|definition| definition.name = "spare".to_owned()).build();
    let down = component(&fails(UNAVAILABLE, false));
    TestGate::new()
        .guarded()
        .section(section)
        .tool("guest", &down, "retry = \"off\"\nfallback = { tool = \"spare\" }")
        .tool("spare", &spare, policy)
}

#[tokio::test]
async fn another_tool_stands_in_with_a_call_of_its_own() {
    let test = with_spare("", "");
    let gate = test.open().await;
    let run = open(&gate).await;
    let outcome = say(&run, "a").await;
    assert_stand_in(&outcome, "tool_error", "tool");
    assert_eq!((&outcome.output, outcome.tool.as_str()), (&Some(json!({"text": "a"})), "guest"));
    assert_eq!(run.status().await.unwrap().usage.steps, 2);

    let calls = test.calls(run.id());
    let states: Vec<_> = calls.iter().map(|call| (call.tool.as_str(), call.state)).collect();
    assert_eq!(states, [("guest", CallState::Failed), ("spare", CallState::Completed)]);
    let notice = format!("what `spare` answered in {}", calls[1].call);
    assert!(outcome.notices[0].contains(&notice), "{:?}", outcome.notices);
    let thought = calls[1].content.as_ref().and_then(|content| content.thought.clone()).expect("a thought");
    assert_eq!(thought, format!("fallback of `guest` in {}", outcome.call));
}

#[tokio::test]
async fn the_other_tool_passes_every_check_of_its_own_or_the_failure_stands() {
    let one_step = "[run]\nbudgets = { steps = 1 }";
    let cases = [
        ("", "verdict = \"deny\"", "a", "denied_by_policy"),
        ("", "verdict = \"ask\"", "a", "needs_approval"),
        ("", "", "x", "trap"),
        (one_step, "", "a", "budget_exhausted"),
    ];
    for (section, policy, text, reason) in cases {
        let test = with_spare(section, policy);
        let gate = test.open().await;
        let run = open(&gate).await;
        assert_stands(&say(&run, text).await);
        let spare = test.calls(run.id()).pop().expect("the other tool was asked");
        assert_eq!((spare.tool.as_str(), spare.reason.as_deref()), ("spare", Some(reason)));
    }
}

#[tokio::test]
async fn the_other_tool_is_called_with_the_doubts_of_the_call_that_failed_and_never_with_its_key() {
    let test = with_spare("", "");
    let gate = test.open().await;
    let run = open(&gate).await;
    let meta = CallMeta { idempotency_key: Some("page 7".to_owned()), ..CallMeta::default() };
    for text in ["a", "b"] {
        let outcome = run.call_with("guest", json!({ "text": text }), meta.clone()).await;
        assert_stand_in(&outcome, "tool_error", "tool");
    }
    let states: Vec<_> = test.calls(run.id()).iter().map(|call| (call.tool.clone(), call.state)).collect();
    let of = |tool: &str| states.iter().filter(|one| one.0 == tool).map(|one| one.1).collect::<Vec<_>>();
    assert_eq!(of("guest"), [CallState::Failed; 2]);
    assert_eq!(of("spare"), [CallState::Completed; 2], "each is a new one");

    let test = with_spare("", "approval = { ambiguity = 0.5 }");
    let gate = test.open().await;
    let run = open(&gate).await;
    let meta = CallMeta { ambiguity: Some(0.9), ..CallMeta::default() };
    assert_stands(&run.call_with("guest", json!({"text": "a"}), meta).await);
    let spare = test.calls(run.id()).pop().expect("the other tool was asked");
    assert_eq!((spare.tool.as_str(), spare.reason.as_deref()), ("spare", Some("needs_approval")));
}

#[tokio::test]
async fn another_tool_that_ran_and_does_not_stand_in_is_named() {
    let spare = choosing(&[('x', "(unreachable)")]);
    let spare = spare.define(|definition| definition.name = "spare".to_owned()).build();
    let rated = Guest::new(&fails(UNAVAILABLE, false)).define(|definition| {
        definition.output = r#"{"type":"object","properties":{"rate":{}},"required":["rate"]}"#.to_owned();
    });
    let test = TestGate::new()
        .guarded()
        .guest(&rated, "retry = \"off\"\nfallback = { tool = \"spare\" }")
        .tool("spare", &spare, "");
    let gate = test.open().await;
    let run = open(&gate).await;
    for (text, why) in [("a", "(its result has another shape)"), ("x", "(trap)")] {
        let outcome = say(&run, text).await;
        assert_stands(&outcome);
        let spare = test.calls(run.id()).pop().expect("the other tool was asked");
        let named = format!("`spare` was called in its place ({})", spare.call);
        assert!(noticed(&outcome, &named) && noticed(&outcome, why), "{:?}", outcome.notices);
    }
}

#[tokio::test]
async fn a_template_stands_in_as_text_without_an_output() {
    let test = host("retry = \"off\"\nfallback = { text = \"Go on without the rates.\" }");
    let outcome = alone(&test.open().await, "fails").await;
    assert_stand_in(&outcome, "tool_error", "text");
    assert_eq!((outcome.output, outcome.text.as_str()), (None, "Go on without the rates."));
    assert!(!outcome.notices[0].contains("You may tell the user"), "{:?}", outcome.notices);
}

#[tokio::test]
async fn a_template_is_filled_in_with_the_tool_the_reason_and_the_arguments() {
    let test = host(
        "retry = \"off\"\nfallback = { text = \"{tool} ({reason}) of {/text} and {/gone}: {{/text} {/text}\" }",
    );
    let gate = test.open().await;
    let outcome = alone(&gate, "f\u{202E}a {tool}\n\"b\"").await;
    assert_stand_in(&outcome, "tool_error", "text");
    let said = "fa {tool} \"b\"";
    assert_eq!(outcome.text, format!("guest (tool_error) of {said} and –: {{/text}} {said}"));
    let long = alone(&gate, &format!("c{}", "x".repeat(300))).await;
    let said = format!("c{}…", "x".repeat(199));
    assert_eq!(long.text, format!("guest (trap) of {said} and –: {{/text}} {said}"));
}

#[test]
fn a_client_sees_the_stand_in_as_a_result_that_is_marked_degraded() {
    let test = host(FIXED);
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "fails"}));
    let answer = served.answer();
    let result = &answer["result"];
    assert_eq!((&result["isError"], &result["structuredContent"]), (&json!(false), &json!({"rate": 1.5})));
    let outcome = short(&answer);
    assert_eq!(outcome["degraded"], json!({"reason": "tool_error", "fallback": "value"}), "{answer}");
    assert_eq!((&outcome["status"], &outcome["reason"]), (&json!("completed"), &Value::Null));
    let notice = result["content"][1]["text"].as_str().expect("a notice beside the result");
    assert!(notice.contains("stand-in") && notice.contains("Rates are those of yesterday."), "{notice}");
}
