//! The entries that the pipeline hands to the ledger, and what it gets back.
//!
//! Not here: how they are stored. Invariant: an entry is plain data; every time in it is Unix
//! milliseconds from the caller's clock, and every digest is SHA-256.

use crate::call::{CallId, Lineage, Outcome, RunId};
use crate::guard::event::{Blame, Fingerprint, Steer};
use crate::guard::settings::{Retry, RunGuards};
use crate::guard::{Admission, Ask, Reading, Refusal as GuardRefusal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

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
    /// Keys such as `project_id`; without any it has its parent's.
    pub context: Option<Value>,
    /// The run that opens it: what it spends counts there too.
    pub parent: Option<RunId>,
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
    /// Context keys for each of its calls; gone once they are pruned.
    pub context: Option<Value>,
    /// Itself and the runs that it is part of.
    #[serde(skip)]
    pub lineage: Lineage,
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
    /// What a person must have approved, in the same step.
    pub approval: Option<ApprovalAsk>,
    /// What the guards are asked, in the same step. Without it nothing is asked and nothing counted.
    pub ask: Option<Ask>,
    /// When.
    pub at_ms: u64,
}

/// What an intent is answered, and what the guards that were asked had read.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The answer.
    pub start: Start,
    /// The guards consulted, with their numbers at that moment; none where nothing was asked of them.
    pub readings: Vec<Reading>,
}

/// The answer to an intent. Only [`Start::Fresh`] writes a record and allows the call to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The intent is on the ledger: run it, then `end` it, once.
    Fresh(Box<Started>),
    /// A guard says no. Nothing is written.
    Refused(Box<GuardRefusal>),
    /// A person has not approved it, or has not been asked. Nothing is written.
    Unapproved(Unapproved),
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

/// What of a call must be approved, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalAsk {
    /// What the approval is bound to: principal, tool, arguments, policy and component.
    pub binding: [u8; 32],
    /// It must be, whatever the run has spent.
    pub always: bool,
    /// It must be once the run has spent this much, in micro-USD.
    pub spent_micro_usd: Option<u64>,
    /// The key whose signature an approval must carry.
    pub approver_key: Option<[u8; 32]>,
}

/// Why a call is not approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unapproved {
    /// Nobody was asked yet, or the answer has expired.
    Unasked,
    /// A person was asked, and has not answered; or the answer does not count, with why.
    Waiting {
        /// The approval.
        id: String,
        /// For the operator: why the answer that was given does not count.
        void: Option<&'static str>,
    },
    /// A person said no.
    Denied {
        /// The approval.
        id: String,
    },
}

/// A person to be asked: written with the refusal that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApproval {
    /// Its id.
    pub id: String,
    /// What it is bound to.
    pub binding: [u8; 32],
    /// When nobody needs to answer any more.
    pub expires_ms: u64,
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The approval.
    pub id: String,
    /// Yes or no.
    pub approved: bool,
    /// Who, as the system knows them.
    pub by: String,
    /// Why.
    pub why: Option<String>,
    /// The signature over [`super::approval_message`], where one is needed.
    pub signature: Option<Vec<u8>>,
    /// Until when a yes can be used.
    pub expires_ms: u64,
    /// When.
    pub at_ms: u64,
}

/// How a person resolves a call that is in doubt.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The call.
    pub call: CallId,
    /// Its run.
    pub run: RunId,
    /// What becomes of it.
    pub resolution: Resolution,
    /// Who says so, as the system knows them.
    pub by: String,
    /// The outcome to give from now on, where it was done.
    pub outcome: Option<Outcome>,
    /// When.
    pub at_ms: u64,
}

/// What becomes of a call in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// It happened: a repeat gets the given answer.
    Done,
    /// It did not happen: it may be called again.
    Retry,
    /// Nobody will know: it is off the list, and a repeat stays refused.
    Abandon,
}

/// A started call.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// Its intent.
    pub receipt: Receipt,
    /// What the guards allow it, where they were asked.
    pub admission: Option<Admission>,
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
    /// The guards consulted, with their numbers.
    pub guards: Vec<Reading>,
    /// Whether the result is what was expected.
    pub met: Option<bool>,
    /// True when the effect may have happened and nobody knows: the key stays bound.
    pub in_doubt: bool,
    /// What the guards are told.
    pub told: Told,
    /// Under which scope to remember the outcome as the last good one.
    pub good: Option<[u8; 32]>,
    /// When.
    pub at_ms: u64,
}

/// What the guards are told of an ending, beside its usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What it says of the tool.
    pub blame: Blame,
    /// Fingerprint of the result.
    pub result: Option<u64>,
    /// The tool's upstream asked everybody to wait this long.
    pub slow_ms: Option<u64>,
    /// Tokens of what was returned.
    pub tokens: u64,
    /// Money spent, in micro-USD.
    pub cost_micro_usd: u64,
    /// Nobody knows what the call has spent: all that was held for it stays spent.
    pub spent_unknown: bool,
}

impl Told {
    /// Of a call that did nothing.
    pub const NOTHING: Self = Self {
        blame: Blame::Nothing,
        result: None,
        slow_ms: None,
        tokens: 0,
        cost_micro_usd: 0,
        spent_unknown: false,
    };
    /// Of a call that was given up while it ran.
    pub const UNKNOWN: Self = Self { spent_unknown: true, ..Self::NOTHING };
}

/// A further execution inside a call that this host started; written before it runs.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The call.
    pub call: CallId,
    /// Its tool.
    pub tool: String,
    /// Which execution, from 2.
    pub attempt: u32,
    /// How the attempt before it failed.
    pub after: String,
    /// The tool's upstream asked everybody to wait this long.
    pub slow_ms: Option<u64>,
    /// Under which settings the tool's retry budget must have room.
    pub budget: Retry,
    /// When.
    pub at_ms: u64,
}

/// A change of a run's course.
#[derive(Debug, Clone)]
pub struct Steering {
    /// The run.
    pub run: RunId,
    /// Where it goes.
    pub steer: Steer,
    /// Who steers: `agent`, `operator`, `guard:NAME`.
    pub by: String,
    /// What was said beside.
    pub note: Option<String>,
    /// When.
    pub at_ms: u64,
}

/// What an agent says about its own run, by one call of the host's own tools. Where it changes anything, it counts as
/// one proposal.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The call.
    pub call: CallId,
    /// Its run.
    pub run: RunId,
    /// The host's own tool.
    pub tool: String,
    /// The policy in force.
    pub policy_digest: [u8; 32],
    /// Why the agent says it.
    pub thought: Option<String>,
    /// What it expects to get.
    pub expected: Option<Value>,
    /// What it says, each with what was said beside.
    pub words: Vec<(Steer, Option<String>)>,
    /// Under which guards it may be said.
    pub guards: Arc<RunGuards>,
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
    /// The guards consulted, with their numbers.
    pub readings: Vec<Reading>,
    /// What it asked, when it was a call of a known tool.
    pub fingerprint: Option<Fingerprint>,
    /// Whether what was given instead meets the expectation; `None` where that cannot be said.
    pub met: Option<bool>,
    /// Under which guards to look whether it was one refusal, or one proposal, too many: then a run is halted in
    /// the same step.
    pub guards: Option<Arc<RunGuards>>,
    /// What the refusing guard does to a run, in the same step.
    pub steer: Option<Steering>,
    /// A person to be asked, in the same step.
    pub approval: Option<NewApproval>,
    /// When.
    pub at_ms: u64,
}

/// A refusal is on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its record.
    pub receipt: Receipt,
    /// The run that was halted, because it has overrun its guards by this refusal, and why.
    pub overrun: Option<(RunId, String)>,
}

/// Proof that a record is on the ledger, as durable as was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The record's number on the ledger, from 1.
    pub seq: u64,
    /// The head of the chain after its batch. Kept elsewhere, it proves everything up to here.
    pub head: [u8; 32],
}
