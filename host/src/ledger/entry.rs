//! The entries that the pipeline hands to the ledger, and what it gets back.
//!
//! Not here: how they are stored. Invariant: an entry is plain data; every time in it is Unix
//! milliseconds from the caller's clock, and every digest is SHA-256.

use crate::call::{CallId, Outcome, RunId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `kill -9` of this process.
    Committed,
    /// The loss of power.
    Synced,
}

/// What a repeat of a call may do; the ledger's word for it, the same as the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Run freely.
    ReadOnly,
    /// Same arguments, same end state.
    Idempotent,
    /// The tool honors the idempotency key.
    Keyed,
    /// Never repeated by the host.
    Once,
}

impl Effect {
    /// Whether a call that is in doubt may simply be run again.
    pub fn repeatable(self) -> bool {
        self != Self::Once
    }
}

/// A run to open, or a named run to find again.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The id it gets if it is new.
    pub id: RunId,
    /// On whose account.
    pub principal: String,
    /// Named runs are found again by (principal, name); runs without a name are always new.
    pub name: Option<String>,
    /// The policy in force when it was opened.
    pub policy_digest: [u8; 32],
    /// What it is for, when it was started with a goal.
    pub goal: Option<String>,
    /// Keys such as `project_id`.
    pub context: Option<Value>,
    /// When.
    pub at_ms: u64,
}

/// A run as opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// On whose account.
    pub principal: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// When it was opened.
    pub opened_ms: u64,
}

/// A call about to be executed: written before anything runs.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The call. Never used twice.
    pub call: CallId,
    /// Its run.
    pub run: RunId,
    /// On whose account.
    pub principal: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments as they will reach the tool.
    pub arguments: Value,
    /// Digest of the RFC 8785 form of the arguments: what "the same arguments" means.
    pub arguments_digest: [u8; 32],
    /// The idempotency key, scoped by principal and tool. Without one the call stands alone.
    pub key: Option<String>,
    /// What a repeat may do.
    pub effect: Effect,
    /// Which execution inside the call this is, from 1.
    pub attempt: u32,
    /// The policy that allowed it.
    pub policy_digest: [u8; 32],
    /// The component that will run.
    pub component_digest: [u8; 32],
    /// The rules that allowed it, the deciding one first.
    pub rules: Vec<String>,
    /// Why the agent wants it.
    pub thought: Option<String>,
    /// What the agent expects to get.
    pub expected: Option<Value>,
    /// What the agent said beside.
    pub context: Option<Value>,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// When.
    pub at_ms: u64,
}

/// The answer to an intent. Only [`Start::Fresh`] writes a record and allows the call to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The intent is on the ledger: run it, then `end` it, once.
    Fresh(Receipt),
    /// A call with this key and these arguments completed: this is its outcome, as recorded.
    Recorded(Box<Outcome>),
    /// A call with this key and these arguments is running: `await_ending`, then `start` again.
    InFlight(InFlight),
    /// The key was used with other arguments, by this call.
    KeyMismatch {
        /// The call that used it.
        call: CallId,
    },
    /// A call with this key may or may not have had its effect, and the effect is not repeatable.
    InDoubt {
        /// The call in doubt.
        call: CallId,
    },
}

/// A running call that holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// The running call.
    pub call: CallId,
    pub(super) intent: u64,
    pub(super) host: u64,
}

/// A line beside a call: what the guest logged, or what the host notes for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`; `stdout`, `stderr`; `operator`, `stages`.
    pub level: String,
    /// The text, sanitized.
    pub text: String,
}

/// How a started call ended. Exactly one for each.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The call.
    pub call: CallId,
    /// How it ended, as the agent is told.
    pub outcome: Outcome,
    /// What the guest logged, and what the host notes.
    pub logs: Vec<LogLine>,
    /// True when the effect may have happened and nobody knows: the key stays bound.
    pub in_doubt: bool,
    /// When.
    pub at_ms: u64,
}

/// A proposal that never started: refused, or answered from the ledger (`outcome.recorded`).
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The call.
    pub call: CallId,
    /// Its run.
    pub run: RunId,
    /// The tool's name as the agent wrote it, bounded by the caller.
    pub tool: String,
    /// The arguments, where they were JSON.
    pub arguments: Option<Value>,
    /// The policy in force.
    pub policy_digest: [u8; 32],
    /// The rules that decided, the deciding one first.
    pub rules: Vec<String>,
    /// Why the agent wanted it.
    pub thought: Option<String>,
    /// What the agent expected.
    pub expected: Option<Value>,
    /// What the agent said beside.
    pub context: Option<Value>,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// What the agent is told.
    pub outcome: Outcome,
    /// What the host notes for the operator.
    pub logs: Vec<LogLine>,
    /// When.
    pub at_ms: u64,
}

/// Proof that a record is on the ledger, as durable as was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The record's number on the ledger, from 1.
    pub seq: u64,
    /// The head of the chain after its batch. Kept elsewhere, it proves everything up to here.
    pub head: [u8; 32],
}
