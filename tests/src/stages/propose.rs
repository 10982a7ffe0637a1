//! Propose: `malformed`, `too_large`, `unknown_run`.

use crate::support::gate::{keyed, raw, suggest};
use crate::support::{TestGate, assert_word, call};
use toolgate::RunOptions;
use toolgate::call::{CallMeta, Status, Suggestion};
use toolgate::ledger::CallState;

const ARGUMENTS_BYTES_MAX: usize = 4 << 20;

fn echo() -> TestGate {
    TestGate::new().built("echo", "echo", "")
}

#[tokio::test]
async fn arguments_that_are_not_strict_json_are_malformed() {
    let test = echo();
    let gate = test.open().await;
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let cases: [&[u8]; 10] = [
        b"",
        b"{",
        b"{\"text\":}",
        b"{\"text\":\"a\",\"text\":\"b\"}",
        b"{\"text\":\"\xff\"}",
        b"{\"text\":1e400}",
        b"{\"text\":\"\\ud800\"}",
        b"{} {}",
        b"{'text':'a'}",
        deep.as_bytes(),
    ];
    for bytes in cases {
        let outcome = gate.call(raw("echo", bytes), None).await;
        assert_word(&outcome, "malformed");
        assert_eq!(outcome.status, Status::Refused);
        assert!(outcome.hint.is_some());
    }
    assert_eq!(test.all_calls().len(), cases.len(), "each is on the ledger");
}

#[tokio::test]
async fn arguments_at_the_limit_pass_and_one_byte_more_is_too_large() {
    let test = echo();
    let gate = test.open().await;
    let frame = "{\"text\":\"\"}".len();
    let of = |bytes: usize| format!("{{\"text\":\"{}\"}}", "a".repeat(bytes - frame));
    let outcome = call(&gate, "echo", &of(ARGUMENTS_BYTES_MAX)).await;
    assert_ne!(outcome.status, Status::Refused, "{:?}", outcome.reason);
    assert_word(&call(&gate, "echo", &of(ARGUMENTS_BYTES_MAX + 1)).await, "too_large");
}

#[tokio::test]
async fn an_idempotency_key_over_its_limit_is_too_large() {
    let kept = echo();
    let gate = kept.open().await;
    let arguments = r#"{"text":"a"}"#;
    assert_word(&gate.call(keyed("echo", arguments, &"k".repeat(256)), None).await, "completed");
    assert_word(&gate.call(keyed("echo", arguments, &"k".repeat(257)), None).await, "too_large");
}

#[tokio::test]
async fn a_thought_over_its_limit_is_too_large() {
    let kept = echo();
    let gate = kept.open().await;
    let thinking = |bytes: usize| Suggestion {
        meta: CallMeta { thought: Some("t".repeat(bytes)), ..CallMeta::default() },
        ..suggest("echo", r#"{"text":"a"}"#)
    };
    assert_word(&gate.call(thinking(16 * 1024), None).await, "completed");
    assert_word(&gate.call(thinking(16 * 1024 + 1), None).await, "too_large");
}

#[tokio::test]
async fn a_run_that_does_not_exist_is_unknown() {
    let test = echo();
    let gate = test.open().await;
    let in_run = |run: &str| Suggestion { run: Some(run.to_owned()), ..suggest("echo", r#"{"text":"a"}"#) };
    for run in
        ["", "run_", "nonsense", "../../etc/passwd", &format!("run_{}", "0".repeat(32)), &"r".repeat(10_000)]
    {
        let outcome = gate.call(in_run(run), None).await;
        assert_word(&outcome, "unknown_run");
        assert_eq!(outcome.run, None);
        assert!(outcome.text.len() < 1_000, "it does not repeat what it was sent");
    }
}

#[tokio::test]
async fn a_run_of_another_principal_looks_unknown() {
    let test = echo();
    let theirs = {
        let gate = test.open().await;
        let id = gate.run(RunOptions::default()).await.unwrap().id();
        gate.close().await.unwrap();
        id
    };
    let test = test.host("principal = \"somebody-else\"");
    let gate = test.open().await;
    let outcome = gate
        .call(Suggestion { run: Some(theirs.to_string()), ..suggest("echo", r#"{"text":"a"}"#) }, None)
        .await;
    assert_word(&outcome, "unknown_run");
    assert!(test.calls(theirs).is_empty(), "nothing was written into their run");
}

#[tokio::test]
async fn what_the_agent_says_beside_is_recorded() {
    let test = echo();
    let gate = test.open().await;
    let meta = CallMeta {
        thought: Some("see whether it works".to_owned()),
        expected: Some(serde_json::json!({"text": "a"})),
        context: Some(serde_json::json!({"project_id": 7})),
        ambiguity: None,
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        idempotency_key: Some("k1".to_owned()),
    };
    let outcome = gate.call(Suggestion { meta, ..suggest("echo", r#"{"text":"a"}"#) }, None).await;
    let calls = test.calls(outcome.run.unwrap());
    assert_eq!(calls[0].state, CallState::Completed);
    let content = calls[0].content.as_ref().unwrap();
    assert_eq!(content.thought.as_deref(), Some("see whether it works"));
    assert_eq!(content.expected, Some(serde_json::json!({"text": "a"})));
    assert_eq!(content.context, Some(serde_json::json!({"project_id": 7})));
    assert!(content.traceparent.as_deref().is_some_and(|text| text.starts_with("00-4bf9")));
    assert_eq!(content.key.as_deref(), Some("client:k1"));
}
