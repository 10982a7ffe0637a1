//! Record: one ending for each call, the same words on the ledger as in the answer, and a chain that holds.

use crate::support::{Guest, TestGate, call, word};
use serde_json::json;
use toolgate::call::Outcome;
use toolgate::ledger::{CallState, Ledger};

async fn a_bit_of_everything(test: &TestGate) -> Vec<Outcome> {
    let gate = test.open().await;
    let calls = [
        ("echo", r#"{"text":"a"}"#),
        ("echo", "{"),
        ("echo", "{}"),
        ("nobody", "{}"),
        ("crash", "{}"),
        ("fail", "{}"),
        ("denied", "{}"),
        ("asked", "{}"),
        ("liar", "{}"),
    ];
    let mut outcomes = Vec::new();
    for (tool, arguments) in calls {
        outcomes.push(call(&gate, tool, arguments).await);
    }
    gate.close().await.unwrap();
    outcomes
}

fn host() -> TestGate {
    let named =
        |guest: Guest, name: &str| guest.define(|definition| definition.name = name.to_owned()).build();
    TestGate::new()
        .built("echo", "echo", "")
        .tool("crash", &named(Guest::new("(unreachable)"), "crash"), "")
        .tool("fail", &named(Guest::failing(1, "no such thing", false), "fail"), "")
        .tool("denied", &named(Guest::answering("{}"), "denied"), "verdict = \"deny\"")
        .tool("asked", &named(Guest::answering("{}"), "asked"), "verdict = \"ask\"")
        .tool("liar", &named(Guest::answering("[]"), "liar"), "")
}

#[tokio::test]
async fn the_ledger_holds_what_the_caller_was_told() {
    let test = host();
    let outcomes = a_bit_of_everything(&test).await;
    let words: Vec<_> = outcomes.iter().map(word).collect();
    assert_eq!(
        words,
        [
            "completed",
            "malformed",
            "invalid_arguments",
            "unknown_tool",
            "trap",
            "tool_error",
            "denied_by_policy",
            "needs_approval",
            "invalid_output"
        ]
    );
    let calls = test.calls(outcomes[0].run.unwrap());
    assert_eq!(
        calls.iter().map(|call| call.call).collect::<Vec<_>>(),
        outcomes.iter().map(|outcome| outcome.call).collect::<Vec<_>>()
    );
    for (recorded, told) in calls.iter().zip(&outcomes) {
        let content = recorded.content.as_ref().unwrap();
        let mut on_ledger = content.outcome.clone().unwrap();
        // The operator's text is not part of the contract.
        on_ledger.operator = told.operator.clone();
        assert_eq!(&on_ledger, told);
        assert_eq!(recorded.reason.as_deref(), told.reason.map(|reason| reason.as_str()));
        assert!(recorded.ended_ms.is_some());
    }
}

#[tokio::test]
async fn every_call_has_exactly_one_ending_and_the_chain_holds() {
    let test = host();
    let outcomes = a_bit_of_everything(&test).await;
    let report = test.verified();
    assert_eq!((report.calls, report.running, report.runs), (outcomes.len() as u64, 0, 1));
    for (call, outcome) in test.all_calls().iter().zip(&outcomes) {
        assert_eq!(call.effect.is_some(), outcome.attempts > 0, "only what ran has an intent: {call:#?}");
        assert_ne!(call.state, CallState::Started);
    }
}

#[tokio::test]
async fn a_head_kept_elsewhere_is_found_again_and_a_foreign_one_is_not() {
    let test = host();
    a_bit_of_everything(&test).await;
    let head = test.verified().head;
    a_bit_of_everything(&test).await;
    let reader = Ledger::read(&test.ledger()).unwrap();
    let proven = reader.verify(Some(&head)).unwrap();
    assert!(proven.ok && proven.proven_to.is_some(), "{proven:#?}");
    let foreign = "ab".repeat(32);
    assert!(!reader.verify(Some(&foreign)).unwrap().ok);
}

#[tokio::test]
async fn the_ledger_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let test = host();
    let gate = test.open().await;
    call(&gate, "echo", r#"{"text":"a"}"#).await;
    let folder = test.ledger().parent().unwrap().to_owned();
    let stem = test.ledger().file_name().unwrap().to_str().unwrap().to_owned();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_name().to_str().unwrap().starts_with(&stem) {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
            seen += 1;
        }
    }
    assert!(seen >= 2, "the write-ahead log lies beside");
}

#[tokio::test]
async fn of_a_refused_call_large_arguments_are_not_kept() {
    let test = TestGate::answering("{}", "verdict = \"deny\"");
    let gate = test.open().await;
    for (letters, kept) in [(10_000, true), (20_000, false)] {
        let refused = call(&gate, "guest", &json!({"text": "a".repeat(letters)}).to_string()).await;
        let calls = test.calls(refused.run.expect("a run"));
        let content = calls.last().and_then(|call| call.content.clone()).expect("its content");
        let arguments = content.arguments.expect("something is said of them");
        assert_eq!(arguments.get("text").is_some(), kept);
        assert_eq!(arguments.get("toolgate/omitted_bytes"), (!kept).then(|| json!(letters + 11)).as_ref());
    }
}
