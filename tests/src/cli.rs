//! The program as people and other programs use it: exit codes, the keys of every JSON shape, and what is said.

mod add;
mod author;
mod call;
mod closing;
mod ledger;
mod policy;
mod sanitize;
mod serve;

use crate::support::gate::TestGate;
use crate::support::guest::Guest;

/// Keys of an outcome, in their order.
const OUTCOME: [&str; 18] = [
    "run",
    "call",
    "tool",
    "status",
    "reason",
    "rule",
    "hint",
    "retry_after_ms",
    "approval",
    "output",
    "text",
    "findings",
    "taint",
    "notices",
    "degraded",
    "recorded",
    "attempts",
    "usage",
];
/// Keys of an outcome's usage.
const USAGE: [&str; 6] = ["fuel", "wall_us", "memory_bytes", "output_bytes", "host_calls", "cost_usd"];
/// Keys of a finding.
const FINDING: [&str; 6] = ["class", "action", "path", "start", "end", "detail"];

/// A host with one tool for each way a call can end.
fn host() -> TestGate {
    let named =
        |guest: Guest, name: &str| guest.define(|definition| definition.name = name.to_owned()).build();
    TestGate::new()
        .built("echo", "echo", "")
        .tool("crash", &named(Guest::new("(unreachable)"), "crash"), "")
        .tool("denied", &named(Guest::answering("{}"), "denied"), "verdict = \"deny\"")
        .tool("page", &named(Guest::answering(r#"{"page":"a\u001b[31mb"}"#), "page"), "trust = \"outside\"")
}
