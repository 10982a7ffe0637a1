//! Decide: `denied_by_policy`, `needs_approval`, `rate_limited`.

use crate::support::{Guest, TestGate, assert_word, call, suggest, until};
use toolgate::call::Status;
use toolgate::ledger::CallState;

const SLEEPS_LONG: &str = "(call $sleep (i64.const 600_000_000_000)) (call $ok (i32.const 0) (i32.const 0))";

#[tokio::test]
async fn a_tool_without_a_verdict_is_denied() {
    let kept = TestGate::answering("{}", "verdict = \"deny\"");
    let gate = kept.open().await;
    let outcome = call(&gate, "guest", "{}").await;
    assert_word(&outcome, "denied_by_policy");
    assert_eq!(outcome.rule.as_deref(), Some("tools.guest.verdict"));
    assert_eq!(outcome.attempts, 0);
}

#[tokio::test]
async fn deny_wins_over_ask_and_ask_over_allow() {
    let rules = r#"
[[tools.guest.rule]]
id = "no-secrets"
when = [{ pointer = "/text", matches = "secret" }]
then = "deny"
hint = "Leave secrets alone."

[[tools.guest.rule]]
id = "ask-long"
when = [{ pointer = "/text", length = { min = 10 } }]
then = "ask"
"#;
    let test = TestGate::answering("{}", rules);
    let gate = test.open().await;
    let outcome = call(&gate, "guest", r#"{"text":"a long secret"}"#).await;
    assert_word(&outcome, "denied_by_policy");
    assert_eq!(outcome.rule.as_deref(), Some("no-secrets"));
    assert_eq!(outcome.hint.as_deref(), Some("Leave secrets alone."));
    let outcome = call(&gate, "guest", r#"{"text":"a long letter"}"#).await;
    assert_word(&outcome, "needs_approval");
    assert_eq!((outcome.status, outcome.rule.as_deref()), (Status::Refused, Some("ask-long")));
    assert_word(&call(&gate, "guest", r#"{"text":"hi"}"#).await, "completed");
    let states: Vec<_> = test.all_calls().iter().map(|call| call.state).collect();
    assert_eq!(states, [CallState::Refused, CallState::Refused, CallState::Completed]);
}

#[tokio::test]
async fn the_agent_reads_what_to_do_and_the_operator_which_line() {
    let test = TestGate::answering("{}", "verdict = \"deny\"");
    let outcome = call(&test.open().await, "guest", "{}").await;
    let operator = outcome.operator.clone().unwrap();
    assert!(operator.contains("tools.guest.verdict") && operator.contains("line"), "{operator}");
    let agent = serde_json::to_string(&outcome).unwrap();
    let folder = test.path("");
    assert!(
        !agent.contains(folder.to_str().unwrap())
            && !agent.contains("toolgate.toml")
            && !agent.contains(".wasm"),
        "{agent}"
    );
    assert!(!agent.contains(&operator), "the operator's text is not the agent's");
}

#[tokio::test]
async fn one_call_too_many_is_rate_limited_and_told_when_to_come_back() {
    let sleeper = Guest::new(SLEEPS_LONG).with_sleep();
    let test = TestGate::new()
        .host("concurrency = 1\nqueue = 1")
        .guest(&sleeper, "limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"");
    let gate = test.open().await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move { gate.call(suggest("guest", "{}"), None).await })
        })
        .collect();
    until("both have started", || {
        test.ledger().exists()
            && test.all_calls().iter().filter(|call| call.state == CallState::Started).count() == 2
    })
    .await;
    let outcome = call(&gate, "guest", "{}").await;
    assert_word(&outcome, "rate_limited");
    assert!(outcome.retry_after_ms.is_some());
    for call in waiting {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
}
