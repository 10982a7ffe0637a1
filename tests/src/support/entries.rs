//! What is put on a ledger by hand, with nothing in it but what must be.
//!
//! Not here: calls through a gate (`gate`). Invariant: nothing is set that the arguments do not say, so a test shows
//! what it is about.

use serde_json::{Value, json};
use toolgate::call::{CallId, Outcome, RunId, Status};
use toolgate::known_to_have_happened;
use toolgate::ledger::{Effect, Intent};

/// A call of `tool` that is about to run, without arguments, key or guards.
pub fn intent(run: RunId, call: CallId, principal: &str, tool: &str, effect: Effect) -> Intent {
    Intent {
        call,
        run,
        principal: principal.to_owned(),
        tool: tool.to_owned(),
        arguments: json!({}),
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
        status,
        output: None,
        text: String::new(),
        notices: Vec::new(),
        attempts: 1,
        ..known_to_have_happened(call, run, tool, Value::Null)
    }
}
