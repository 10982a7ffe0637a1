//! The decision log: for each call why, what was expected, what came, whether they match, and who decided with which
//! numbers.
//!
//! Not here: how a result is compared (`host/src/pipeline/expectation.rs`). Invariant of the tests: the log is read back
//! from the ledger, by the library or by `toolgate trace`.

use super::{Clock, choosing, open, say, short};
use crate::support::binary::toolgate;
use crate::support::mcp::Served;
use crate::support::{TestGate, assert_word};
use serde_json::{Value, json};
use toolgate::Run;
use toolgate::call::{CallMeta, Outcome};
use toolgate::ledger::{CallContent, CallState};

/// A tool whose text must begin with `s` by a rule, and that crashes on `sc…`.
fn host() -> TestGate {
    let crashes = "(if (result i32) (i32.eq (i32.load8_u offset=10 (local.get $args)) (i32.const 99))
        (then (unreachable)) (else (call $ok (local.get $args) (local.get $args_len))))";
    let rule = "verdict = \"deny\"\n[[tools.guest.rule]]\nid = \"only-s\"\nwhen = [{ pointer = \"/text\", matches = \"^s\" }]\nthen = \"allow\"";
    let section = "[run]\nbudgets = { steps = 3 }";
    TestGate::new().guarded().section(section).guest(&choosing(&[('s', crashes)]), rule)
}

/// One call of the tool `guest` with a thought and an expectation.
async fn expecting(run: &Run, text: &str, expected: Value) -> Outcome {
    let meta = CallMeta {
        thought: Some(format!("\u{1b}[31mlook up {text}")),
        expected: Some(expected),
        context: Some(json!({"ticket": text})),
        ..CallMeta::default()
    };
    run.call_with("guest", json!({ "text": text }), meta).await
}

/// What is kept of the calls of a run.
fn contents(test: &TestGate, run: &Run) -> Vec<CallContent> {
    test.calls(run.id()).into_iter().map(|call| call.content.expect("nothing was erased")).collect()
}

#[tokio::test]
async fn a_result_is_compared_with_the_schema_or_the_value_that_was_expected() {
    let output = r#"{"total":3,"state":"shipped today","lines":[{"id":1},{"id":2}]}"#;
    // The agent gets it in an envelope; what is compared is what the tool said.
    let test = TestGate::answering(output, "trust = \"outside\"");
    let gate = test.open().await;
    let run = open(&gate).await;
    let integer =
        json!({"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]});
    let cases = [
        (integer, Some(true)),
        (json!({"type": "object", "required": ["sum"]}), Some(false)),
        (json!({"properties": {"total": {"maximum": 2}}}), Some(false)),
        (json!({"total": 3, "lines": [{"id": 2}]}), Some(true)),
        (json!({"total": 4}), Some(false)),
        (json!("shipped"), Some(true)),
        (json!("lost"), Some(false)),
        (json!({"type": "object", "properties": 7}), None),
        (Value::Null, None),
    ];
    for (expected, _) in &cases {
        let meta = CallMeta { expected: Some(expected.clone()), ..CallMeta::default() };
        assert_word(&run.call_with("guest", json!({}), meta).await, "completed");
    }
    let contents = contents(&test, &run);
    assert_eq!(contents.len(), cases.len());
    for (content, (expected, met)) in contents.iter().zip(&cases) {
        assert_eq!(content.met, *met, "{expected}");
    }
}

#[tokio::test]
async fn a_call_without_an_expectation_or_a_result_is_neither_met_nor_missed() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "s1").await, "completed");
    assert_word(&expecting(&run, "scrash", json!({"text": "scrash"})).await, "trap");
    assert_word(&expecting(&run, "no", json!({"text": "no"})).await, "denied_by_policy");
    let contents = contents(&test, &run);
    assert!(contents.iter().all(|content| content.met.is_none()), "{contents:#?}");
    let expected: Vec<_> = contents.iter().map(|content| content.expected.clone()).collect();
    assert_eq!(expected, [None, Some(json!({"text": "scrash"})), Some(json!({"text": "no"}))]);
}

#[tokio::test]
async fn every_call_keeps_what_was_thought_and_the_guards_with_their_numbers_at_that_moment() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    for n in 0..3 {
        let text = format!("s{n}");
        assert_word(&expecting(&run, &text, json!({ "text": text })).await, "completed");
    }
    assert_word(&expecting(&run, "s3", json!({"text": "s3"})).await, "budget_exhausted");
    for (n, content) in (0..).zip(contents(&test, &run)) {
        assert_eq!(content.context, Some(json!({ "ticket": format!("s{n}") })));
        assert_eq!(content.arguments, Some(json!({ "text": format!("s{n}") })));
        assert!(content.thought.as_ref().is_some_and(|thought| thought.contains("look up")), "{content:#?}");
        assert_eq!(content.guards["steps"], (n, 3));
        assert_eq!(content.guards["refusals_in_a_row"], (0, 5));
        assert_eq!(content.guards["depth"], (1, 5));
        assert_eq!(content.guards.get("breaker"), (n < 3).then_some(&(0, 5)), "the steps come before it");
        assert_eq!(content.met, (n < 3).then_some(true));
    }
}

#[tokio::test]
async fn what_a_key_a_doubt_or_a_person_decides_keeps_the_guards_numbers_too() {
    let rule = "[[tools.guest.rule]]\nid = \"a-person\"\nwhen = [{ pointer = \"/text\", matches = \"^a\" }]\nthen = \"ask\"";
    let policy = format!("effect = \"once\"\nkey = \"client\"\n{rule}");
    let section = "[run]\nbudgets = { steps = 9 }";
    let guest = choosing(&[('t', "(unreachable)")]);
    let test = TestGate::new().guarded().section(section).guest(&guest, &policy);
    let gate = test.open().await;
    let run = open(&gate).await;
    let calls = [
        ("s1", "k1", "completed", 0),
        ("s1", "k1", "completed", 1),
        ("s2", "k1", "key_mismatch", 1),
        ("t1", "k2", "trap", 1),
        ("t1", "k2", "in_doubt", 2),
        ("a1", "k3", "needs_approval", 2),
    ];
    for (text, key, word, _) in calls {
        let meta = CallMeta { idempotency_key: Some(key.to_owned()), ..CallMeta::default() };
        assert_word(&run.call_with("guest", json!({ "text": text }), meta).await, word);
    }
    for (content, (text, _, word, steps)) in contents(&test, &run).iter().zip(calls) {
        assert_eq!(content.guards.get("steps"), Some(&(steps, 9)), "{text} {word}");
        assert_eq!(content.guards.get("breaker").map(|(_, limit)| *limit), Some(5), "{text} {word}");
    }
}

#[tokio::test]
async fn repeats_and_polls_that_are_refused_show_their_own_number() {
    let repeating = host();
    let gate = repeating.open().await;
    let run = open(&gate).await;
    for word in ["completed", "completed", "repetition"] {
        assert_word(&say(&run, "s").await, word);
    }
    let seen: Vec<_> =
        contents(&repeating, &run).iter().map(|content| content.guards["repetition"]).collect();
    assert_eq!(seen, [(1, 2), (2, 2), (3, 2)]);

    let clock = Clock::new();
    let polling = TestGate::new().guarded().guest(&choosing(&[]), "poll = \"1m\"");
    let gate = polling.open_with(clock.options()).await;
    let run = open(&gate).await;
    assert_word(&say(&run, "done?").await, "completed");
    clock.pass(20_000);
    assert_word(&say(&run, "done?").await, "rate_limited");
    let early = contents(&polling, &run).remove(1).guards;
    assert_eq!((early.get("poll"), early.get("repetition")), (Some(&(20_000, 60_000)), None));
}

#[tokio::test]
async fn trace_with_why_shows_expectations_rules_and_guards() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let id = run.id().to_string();
    assert_word(&expecting(&run, "no", json!({"text": "no"})).await, "denied_by_policy");
    assert_word(&expecting(&run, "s1", json!({"text": "s1"})).await, "completed");
    assert_word(&expecting(&run, "s2", json!({"text": "else"})).await, "completed");
    assert_word(&expecting(&run, "s3", json!({"type": "object", "properties": 7})).await, "completed");
    assert_word(&expecting(&run, "s4", json!({"text": "s4"})).await, "budget_exhausted");

    let why = toolgate(&test.path(""), ["trace", &id, "--why"]).code(0).out;
    let calls: Vec<&str> = why.split("─ ").skip(1).collect();
    let expected: [&[&str]; 5] = [
        &["✋ guest  refused: denied_by_policy", "rule       tools.guest.verdict", "as expected unknown"],
        &["✓ guest", "rule       only-s", "as expected yes", "steps 0/3"],
        &[
            "✓ guest",
            r#"expected   {"text":"else"}"#,
            r#"answer     {"text":"s2"}"#,
            "as expected no",
            "steps 1/3",
        ],
        &["✓ guest", "as expected unknown", "steps 2/3", "breaker 0/5"],
        &[
            "✋ guest  refused: budget_exhausted",
            "rule       guard.steps",
            "as expected unknown",
            "steps 3/3",
        ],
    ];
    assert_eq!(calls.len(), expected.len(), "{why}");
    for (call, parts) in calls.iter().zip(expected) {
        for part in parts.iter().chain(&["thought    ", "look up", "arguments  "]) {
            assert!(call.contains(part), "{part} is not in\n{call}");
        }
    }
    assert!(!why.contains('\u{1b}'), "what an agent wrote does not reach a terminal as it is: {why}");

    let plain = toolgate(&test.path(""), ["trace", &id]).code(0).out;
    assert!(!plain.contains("as expected") && !plain.contains("guards "), "{plain}");
}

#[test]
fn a_clients_thought_expectation_and_context_are_in_the_trace_as_json() {
    let test = host();
    let mut served = Served::start(&test.policy());
    let mut run = Value::Null;
    for (n, text) in [(0, "s0"), (1, "sx")] {
        let meta = json!({
            "toolgate/thought": "look it up",
            "toolgate/expected": {"text": "s0"},
            "toolgate/context": {"project_id": "p7"},
        });
        let params = json!({"name": "guest", "arguments": {"text": text}, "_meta": meta});
        served.send(&json!({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": params}));
        let answer = served.answer();
        assert_eq!(short(&answer)["status"], json!("completed"), "{answer}");
        run = answer["result"]["_meta"]["toolgate/run"].clone();
    }
    let run = run.as_str().expect("a run");
    let trace = toolgate(&test.path(""), ["trace", run, "--json"]).code(0).json();
    let with_why = toolgate(&test.path(""), ["trace", run, "--why", "--json"]).code(0).json();
    assert_eq!(trace, with_why, "as JSON it is always whole");
    for (n, met) in [(0, true), (1, false)] {
        let call = &trace["calls"][n];
        let content = &call["content"];
        assert_eq!(call["rules"], json!(["only-s"]));
        assert_eq!((&content["thought"], &content["met"]), (&json!("look it up"), &json!(met)), "{call}");
        assert_eq!(content["expected"], json!({"text": "s0"}));
        assert_eq!(content["context"], json!({"project_id": "p7"}));
        assert_eq!(
            (&content["guards"]["steps"], &content["guards"]["depth"]),
            (&json!([n, 3]), &json!([1, 5]))
        );
    }
}

#[tokio::test]
async fn a_stand_in_is_compared_too_and_the_call_stays_a_failed_one() {
    let policy = "retry = \"off\"\nfallback = { value = { text = \"as ever\" } }";
    let test = TestGate::new().guarded().guest(&choosing(&[('s', "(unreachable)")]), policy);
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&expecting(&run, "s", json!({"text": "as ever"})).await, "completed");
    let call = test.calls(run.id()).remove(0);
    let met = call.content.and_then(|content| content.met);
    assert_eq!((call.state, call.reason.as_deref(), met), (CallState::Failed, Some("trap"), Some(true)));
}
