//! The outcome of a call: the one machine-readable shape that the library, the CLI and the ledger share.
//!
//! Invariant: an outcome is built only in `pipeline/outcome.rs`, from a sanitized result; so whatever can
//! be serialized towards a client has passed the sanitizer.

use super::{CallId, Finding, Reason, RunId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How the call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The tool ran and its result is in `output` and `text`.
    Completed,
    /// A denial: nothing ran.
    Refused,
    /// A fault or a host error.
    Failed,
}

/// What the call cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Guest work in fuel units: the same for the same work, whatever the machine's speed. (A tool that hashes with
    /// a random seed works a little differently each time. Of a call that ran into its deadline, only the work up
    /// to the last time the guest called the host is known.)
    pub fuel: u64,
    /// Wall time of the whole call in microseconds.
    pub wall_us: u64,
    /// Peak linear memory of all instances together, in bytes.
    pub memory_bytes: u64,
    /// Size of the raw output in bytes.
    pub output_bytes: u64,
    /// Calls from the guest into the host.
    pub host_calls: u64,
    /// Money, in USD: the tool's charges (they come in micro-USD).
    pub cost_usd: f64,
}

/// The result is a stand-in, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degraded {
    /// The reason code of what failed.
    pub reason: String,
    /// Which fallback gave the result.
    pub fallback: String,
}

/// How one call ended, fit for a model to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The run; `null` when the named run does not exist for this principal.
    pub run: Option<RunId>,
    /// The call.
    pub call: CallId,
    /// The tool's name, sanitized.
    pub tool: String,
    /// How it ended.
    pub status: Status,
    /// Why, unless completed.
    pub reason: Option<Reason>,
    /// The deciding rule's id.
    pub rule: Option<String>,
    /// What to do next, for the agent.
    pub hint: Option<String>,
    /// When a repeat may succeed.
    pub retry_after_ms: Option<u64>,
    /// The approval to ask for.
    pub approval: Option<String>,
    /// The structured result.
    pub output: Option<Value>,
    /// The result or the refusal as text, in its envelope where the tool's trust is `outside`.
    pub text: String,
    /// What the sanitizer found.
    pub findings: Vec<Finding>,
    /// Labels of untrusted origin.
    pub taint: Vec<String>,
    /// What the agent should know beside the result.
    pub notices: Vec<String>,
    /// Set when the result is a stand-in.
    pub degraded: Option<Degraded>,
    /// True when the answer was given again from the ledger.
    pub recorded: bool,
    /// Executions inside this call.
    pub attempts: u32,
    /// What it cost.
    pub usage: Usage,
    /// For the operator: what would change the answer. Not part of the contract: never serialized, so it
    /// cannot reach a client.
    #[serde(skip)]
    pub operator: Option<String>,
}
