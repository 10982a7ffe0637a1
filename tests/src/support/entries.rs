//! What is put on a ledger by hand, with nothing in it but what must be.
//!
//! Not here: calls through a gate (`gate`). Invariant: nothing is set that the arguments do not say, so a test shows
//! what it is about.

use toolgate::call::{CallId, Outcome, RunId, Status, Usage};
use toolgate::ledger::{Effect, Intent};

/// A call of `tool` that is about to run, without arguments, key or guards.
pub fn intent(run: RunId, call: CallId, principal: &str, tool: &str, effect: Effect) -> Intent {
    Intent {
        call,
        run,
        principal: principal.to_owned(),
        tool: tool.to_owned(),
        arguments: serde_json::json!({}),
        arguments_digest: [0; 32],
        key: None,
        effect,
        attempt: 1,
        policy_digest: [0; 32],
        component_digest: [0; 32],
        rules: Vec::new(),
        thought: None,
        expected: None,
        context: None,
        traceparent: None,
        approval: None,
        ask: None,
        at_ms: 0,
    }
}

/// How it ended, with nothing returned or said.
pub fn outcome(run: RunId, call: CallId, tool: &str, status: Status) -> Outcome {
    Outcome {
        run: Some(run),
        call,
        tool: tool.to_owned(),
        status,
        reason: None,
        rule: None,
        hint: None,
        retry_after_ms: None,
        approval: None,
        output: None,
        text: String::new(),
        findings: Vec::new(),
        taint: Vec::new(),
        notices: Vec::new(),
        degraded: None,
        recorded: false,
        attempts: 1,
        usage: Usage::default(),
        operator: None,
    }
}
