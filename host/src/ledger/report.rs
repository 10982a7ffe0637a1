//! What a reader of the ledger gets: runs, the trace of one run, the result of verifying and pruning.
//!
//! Not here: how it is read. Invariant: plain data that serializes to the JSON of `toolgate runs`,
//! `trace`, `verify` and `prune`; field names are part of that contract.

use super::entry::{Effect, LogLine, Resolution};
use crate::call::{CallId, Outcome, RunId, Usage};
use crate::guard::event::Steer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Started, and no ending yet.
    Started,
    /// The tool ran and its result is recorded.
    Completed,
    /// A fault or a host error.
    Failed,
    /// Nothing ran.
    Refused,
    /// Nothing ran, because the recorded answer was given again.
    Recorded,
    /// It may or may not have had its effect: a person must look.
    InDoubt,
    /// Read-only, started by a host that died: nothing to do.
    Abandoned,
}

/// One run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// On whose account.
    pub principal: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// When it was opened, Unix milliseconds.
    pub opened_ms: u64,
    /// Its last record, Unix milliseconds.
    pub last_ms: u64,
    /// Calls started and not ended.
    pub running: u64,
    /// Calls that completed.
    pub completed: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that never started: refused, answered from the ledger, or of the host's own tools.
    pub refused: u64,
    /// Calls in doubt or abandoned.
    pub unended: u64,
}

/// Everything about one run, in the order of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunTrace {
    /// The run.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// The policy in force when it was opened, in hex.
    pub policy_digest: String,
    /// What it is for; `null` when none was given or it was erased.
    pub goal: Option<String>,
    /// Keys such as `project_id`.
    pub context: Option<Value>,
    /// The run that opened it.
    pub parent: Option<RunId>,
    /// How its course was changed: paused, continued, halted, finished.
    pub steered: Vec<SteeredTrace>,
    /// What people answered about its calls that waited, and to the approvals of other runs that its calls name.
    pub answers: Vec<AnswerTrace>,
    /// The calls, in the order they arrived.
    pub calls: Vec<CallTrace>,
}

/// One change of a run's course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SteeredTrace {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Where it went.
    pub steer: Steer,
    /// Who did it: `agent`, `operator`, `guard:NAME`.
    pub by: String,
    /// What was said beside; `null` when nothing was, or it was erased.
    pub note: Option<String>,
}

/// A person's answer to a call that waited for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerTrace {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The approval.
    pub approval: String,
    /// Yes or no.
    pub approved: bool,
    /// Who answered.
    pub by: String,
    /// Why; `null` when nothing was said, or it was erased.
    pub why: Option<String>,
}

/// One call of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallTrace {
    /// The call.
    pub call: CallId,
    /// The number of its first record.
    pub seq: u64,
    /// Where it stands.
    pub state: CallState,
    /// The tool's name.
    pub tool: String,
    /// What a repeat may do; `null` where nothing started.
    pub effect: Option<Effect>,
    /// Which execution inside the call was recorded last.
    pub attempt: u32,
    /// When it arrived, Unix milliseconds.
    pub at_ms: u64,
    /// When it ended; `null` while it runs.
    pub ended_ms: Option<u64>,
    /// The reason code, unless completed.
    pub reason: Option<String>,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// The policy in force, in hex.
    pub policy_digest: String,
    /// The component that ran, in hex.
    pub component_digest: Option<String>,
    /// What it cost; `null` where nothing ran or ended.
    pub usage: Option<Usage>,
    /// The approval that it waits for, or that it used.
    pub approval: Option<String>,
    /// How a person resolved it, where it was in doubt.
    pub resolved: Option<Resolution>,
    /// Who did; `null` also in ledgers that did not yet say so.
    pub resolved_by: Option<String>,
    /// When, Unix milliseconds.
    pub resolved_ms: Option<u64>,
    /// The content, unless it was erased.
    pub content: Option<CallContent>,
    /// True when `prune` erased the content.
    pub erased: bool,
}

/// The part of a call that can be erased. As JSON it is the `content` of a record: what is absent was not given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallContent {
    /// The arguments, where they were JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Digest of the canonical arguments, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// The idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why the agent wanted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought: Option<String>,
    /// What the agent expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// What the agent said beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// W3C trace context of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What the agent was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What the guest logged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// The guards consulted, by name, with what was used and the limit at that moment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub guards: BTreeMap<Cow<'static, str>, (u64, u64)>,
    /// Whether the result is what was expected; absent when nothing was, or it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
    /// What the run is for; only where a run is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
}

/// A call that waits for a person, or waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalRow {
    /// Its id, for `toolgate approve` and `toolgate deny`.
    pub id: String,
    /// `asked`, `approved`, `denied` or `used`.
    pub state: String,
    /// The run.
    pub run: RunId,
    /// The call that asked.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// When it was asked, Unix milliseconds.
    pub asked_ms: u64,
    /// Until when it can be answered, or used.
    pub expires_ms: u64,
    /// Who answered.
    pub by: Option<String>,
    /// When, Unix milliseconds.
    pub answered_ms: Option<u64>,
    /// Why; `null` when nothing was said, or it was erased.
    pub why: Option<String>,
    /// What it is bound to, in hex: SHA-256 over principal, tool, arguments, policy and component.
    pub binding: String,
    /// The arguments, unless they were erased.
    pub arguments: Option<Value>,
    /// Why the agent wants it.
    pub thought: Option<String>,
}

/// A call that is in doubt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Doubt {
    /// The run.
    pub run: RunId,
    /// The call, with all that is known of it.
    #[serde(flatten)]
    pub trace: CallTrace,
}

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The record, or 0 where it is about the whole ledger.
    pub seq: u64,
    /// What does not hold.
    pub what: String,
}

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// True when everything holds.
    pub ok: bool,
    /// Records read.
    pub events: u64,
    /// Batches read.
    pub batches: u64,
    /// Runs seen.
    pub runs: u64,
    /// Calls seen, started, refused or answered from the ledger.
    pub calls: u64,
    /// Of those, the started ones without an ending.
    pub running: u64,
    /// Contents erased by `prune`.
    pub erased: u64,
    /// The head of the chain, in hex: keep it elsewhere.
    pub head: String,
    /// The record up to which the head that was asked for proves the ledger unchanged.
    pub proven_to: Option<u64>,
    /// What does not hold; at most [`BROKEN_MAX`].
    pub broken: Vec<Broken>,
    /// What this does and does not prove, for a person.
    pub proves: String,
}

/// Findings that a [`VerifyReport`] lists: enough to see the pattern, not enough to fill a disk.
pub const BROKEN_MAX: usize = 100;

/// What pruning did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PruneReport {
    /// Records whose content was erased.
    pub erased: u64,
    /// Bytes of content erased.
    pub bytes: u64,
    /// Idempotency keys forgotten.
    pub keys: u64,
    /// Records old enough and kept: their call has no ending, or their key is younger than 24 hours.
    pub kept: u64,
}
