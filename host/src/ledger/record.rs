//! A record in its written form: kind, facts and content as compact JSON, and the content's digest.
//!
//! Made off the writer's lock, so that what the lock covers is only numbering, hashing and inserting.
//! Invariant: facts hold nothing that a person may ask to have erased; all of that is content.

use super::chain::{self, Hash};
use super::entry::{
    Attempt, Decided, Effect, Ending, Intent, NewRun, Refusal, Resolution, Resolved, Steering, Turn,
};
use super::error::LedgerError;
use super::guarded::{self, GuardFacts};
use super::report::CallContent;
use crate::call::{CallId, Outcome, Status, Usage};
use crate::guard::Reading;
use crate::guard::event::{self, Hold, Steer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What kind of event; the number is the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    RunOpened = 1,
    Intent = 2,
    Ending = 3,
    Unstarted = 4,
    Mark = 5,
    HostOpened = 6,
    Pruned = 7,
    Steered = 8,
    Attempt = 9,
    Decided = 10,
    Resolved = 11,
}

impl Kind {
    /// Reads a number; 16 is reserved for recorded host answers and unknown to this version.
    pub(super) fn from_code(code: i64) -> Option<Self> {
        let all = [
            Self::RunOpened,
            Self::Intent,
            Self::Ending,
            Self::Unstarted,
            Self::Mark,
            Self::HostOpened,
            Self::Pruned,
            Self::Steered,
            Self::Attempt,
            Self::Decided,
            Self::Resolved,
        ];
        all.into_iter().find(|kind| i64::from(*kind as u8) == code)
    }
}

impl Kind {
    /// Whether records of this kind name a call.
    pub(super) fn is_of_a_call(self) -> bool {
        match self {
            Self::Intent | Self::Ending | Self::Unstarted | Self::Mark | Self::Attempt | Self::Resolved => {
                true
            }
            Self::RunOpened | Self::HostOpened | Self::Pruned | Self::Steered | Self::Decided => false,
        }
    }
}

/// How a call's last record leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Completed,
    Failed,
    InDoubt,
    Abandoned,
    Refused,
    Recorded,
}

/// The facts of any kind of record; each kind uses some.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<Effect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) steer: Option<Steer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
    /// The approval that is asked for, decided or used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) approved: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resolution: Option<Resolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) guard: Option<GuardFacts>,
}

/// A record ready to be numbered and chained.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) call: Option<CallId>,
    pub(super) at_ms: u64,
    pub(super) facts: String,
    pub(super) content: String,
    pub(super) digest: Hash,
    /// The same as in the facts.
    pub(super) end: Option<End>,
    /// What it is for the guards; the same as read back from the facts.
    pub(super) event: Option<event::Kind>,
}

impl Record {
    /// The first record of a run.
    pub(super) fn run_opened(run: NewRun) -> Result<Self, LedgerError> {
        let policy = Some(chain::hex(&run.policy_digest));
        let guard = GuardFacts::opened(&run);
        let facts =
            Facts { principal: Some(run.principal), name: run.name, policy, guard, ..Facts::default() };
        let content = CallContent { goal: run.goal, context: run.context, ..CallContent::default() };
        Self::encode(Kind::RunOpened, None, run.at_ms, &facts, Some(&content))
    }

    /// A call about to run, on this host, that may spend `hold`.
    pub(super) fn intent(intent: Intent, hold: Hold, host: u64) -> Result<Self, LedgerError> {
        let facts = Facts {
            guard: GuardFacts::intent(&intent, hold),
            tool: Some(intent.tool),
            effect: Some(intent.effect),
            attempt: Some(intent.attempt),
            policy: Some(chain::hex(&intent.policy_digest)),
            component: Some(chain::hex(&intent.component_digest)),
            rules: intent.rules,
            host: Some(host),
            ..Facts::default()
        };
        let content = CallContent {
            arguments: Some(intent.arguments),
            arguments_digest: Some(chain::hex(&intent.arguments_digest)),
            key: intent.key,
            thought: intent.thought,
            expected: intent.expected,
            context: intent.context,
            traceparent: intent.traceparent,
            ..CallContent::default()
        };
        Self::encode(Kind::Intent, Some(intent.call), intent.at_ms, &facts, Some(&content))
    }

    /// The same intent with the hold that was allowed and the approval that it uses; its content is not touched.
    pub(super) fn admitted(&self, hold: Hold, approval: Option<String>) -> Result<Self, LedgerError> {
        let json = |error: serde_json::Error| LedgerError::Encode(error.to_string());
        let mut facts: Facts = serde_json::from_str(&self.facts).map_err(json)?;
        facts.guard.get_or_insert_default().hold(hold);
        facts.approval = approval;
        let event = guarded::event(self.kind, self.call, &facts);
        Ok(Self { facts: serde_json::to_string(&facts).map_err(json)?, event, ..self.clone() })
    }

    /// The same with what the guards had read; its facts are not touched.
    pub(super) fn consulted(&self, readings: &[Reading]) -> Result<Self, LedgerError> {
        let json = |error: serde_json::Error| LedgerError::Encode(error.to_string());
        let mut content: CallContent = serde_json::from_str(&self.content).map_err(json)?;
        content.guards = numbers(readings);
        let content = serde_json::to_string(&content).map_err(json)?;
        Ok(Self { digest: chain::digest(content.as_bytes()), content, ..self.clone() })
    }

    /// The ending of a started call.
    pub(super) fn ending(ending: Ending) -> Result<Self, LedgerError> {
        let facts = Facts {
            end: Some(ending_of(&ending)),
            reason: reason(&ending.outcome),
            usage: Some(ending.outcome.usage),
            guard: GuardFacts::ending(&ending),
            ..Facts::default()
        };
        let content = CallContent {
            outcome: Some(ending.outcome),
            logs: ending.logs,
            guards: numbers(&ending.guards),
            met: ending.met,
            ..CallContent::default()
        };
        Self::encode(Kind::Ending, Some(ending.call), ending.at_ms, &facts, Some(&content))
    }

    /// A proposal that never started.
    pub(super) fn unstarted(refusal: Refusal) -> Result<Self, LedgerError> {
        let end = if refusal.outcome.recorded { End::Recorded } else { End::Refused };
        let facts = Facts {
            guard: GuardFacts::unstarted(&refusal),
            tool: Some(refusal.tool),
            policy: Some(chain::hex(&refusal.policy_digest)),
            rules: refusal.rules,
            end: Some(end),
            approval: refusal.outcome.approval.clone(),
            reason: reason(&refusal.outcome),
            ..Facts::default()
        };
        let content = CallContent {
            arguments: refusal.arguments,
            thought: refusal.thought,
            expected: refusal.expected,
            context: refusal.context,
            traceparent: refusal.traceparent,
            outcome: Some(refusal.outcome),
            logs: refusal.logs,
            guards: numbers(&refusal.readings),
            met: refusal.met,
            ..CallContent::default()
        };
        Self::encode(Kind::Unstarted, Some(refusal.call), refusal.at_ms, &facts, Some(&content))
    }

    /// A call of the host's own tools, by which an agent turns its run; for the guards it is one proposal.
    pub(super) fn own_call(turn: &Turn) -> Result<Self, LedgerError> {
        let facts = Facts {
            tool: Some(turn.tool.clone()),
            policy: Some(chain::hex(&turn.policy_digest)),
            end: Some(End::Completed),
            ..Facts::default()
        };
        let (thought, expected) = (turn.thought.clone(), turn.expected.clone());
        let content = CallContent { thought, expected, ..CallContent::default() };
        Self::encode(Kind::Unstarted, Some(turn.call), turn.at_ms, &facts, Some(&content))
    }

    /// A further execution inside a call.
    pub(super) fn attempt(attempt: &Attempt) -> Result<Self, LedgerError> {
        let reason = Some(attempt.after.clone());
        let guard = GuardFacts::attempt(attempt);
        let facts = Facts { attempt: Some(attempt.attempt), reason, guard, ..Facts::default() };
        Self::encode(Kind::Attempt, Some(attempt.call), attempt.at_ms, &facts, None)
    }

    /// A run was paused, continued, halted or finished.
    pub(super) fn steered(steering: Steering) -> Result<Self, LedgerError> {
        let facts = Facts { steer: Some(steering.steer), by: Some(steering.by), ..Facts::default() };
        let content = CallContent { thought: steering.note, ..CallContent::default() };
        Self::encode(Kind::Steered, None, steering.at_ms, &facts, Some(&content))
    }

    /// A person answered.
    pub(super) fn decided(decided: &Decided) -> Result<Self, LedgerError> {
        let facts = Facts {
            approval: Some(decided.id.clone()),
            approved: Some(decided.approved),
            by: Some(decided.by.clone()),
            ..Facts::default()
        };
        let content = CallContent { thought: decided.why.clone(), ..CallContent::default() };
        Self::encode(Kind::Decided, None, decided.at_ms, &facts, Some(&content))
    }

    /// A person resolved a doubt.
    pub(super) fn resolved(resolved: &Resolved) -> Result<Self, LedgerError> {
        let by = Some(resolved.by.clone());
        let facts = Facts { resolution: Some(resolved.resolution), by, ..Facts::default() };
        let content = CallContent { outcome: resolved.outcome.clone(), ..CallContent::default() };
        Self::encode(Kind::Resolved, Some(resolved.call), resolved.at_ms, &facts, Some(&content))
    }

    /// The ending that recovery gives to a call of a dead host.
    pub(super) fn mark(call: CallId, end: End, host: u64, at_ms: u64) -> Result<Self, LedgerError> {
        let facts = Facts { end: Some(end), host: Some(host), ..Facts::default() };
        Self::encode(Kind::Mark, Some(call), at_ms, &facts, None)
    }

    /// A host opened the ledger.
    pub(super) fn host_opened(host: u64, pid: u32, at_ms: u64) -> Result<Self, LedgerError> {
        let facts = Facts { host: Some(host), pid: Some(pid), ..Facts::default() };
        Self::encode(Kind::HostOpened, None, at_ms, &facts, None)
    }

    /// Contents from before a time are about to be erased.
    pub(super) fn pruned(before_ms: u64, at_ms: u64) -> Result<Self, LedgerError> {
        let facts = Facts { before_ms: Some(before_ms), ..Facts::default() };
        Self::encode(Kind::Pruned, None, at_ms, &facts, None)
    }

    fn encode(
        kind: Kind,
        call: Option<CallId>,
        at_ms: u64,
        facts: &Facts,
        content: Option<&CallContent>,
    ) -> Result<Self, LedgerError> {
        let json = |error: serde_json::Error| LedgerError::Encode(error.to_string());
        let text = serde_json::to_string(facts).map_err(json)?;
        let content = content.map(serde_json::to_string).transpose().map_err(json)?.unwrap_or_default();
        let digest = chain::digest(content.as_bytes());
        let event = guarded::event(kind, call, facts);
        Ok(Self { kind, call, at_ms, facts: text, content, digest, end: facts.end, event })
    }
}

/// How an ending leaves its call: only completed and in-doubt calls bind their key.
fn ending_of(ending: &Ending) -> End {
    match ending.outcome.status {
        _ if ending.in_doubt => End::InDoubt,
        // A stand-in answers for a call that failed.
        Status::Completed if ending.outcome.degraded.is_some() => End::Failed,
        Status::Completed => End::Completed,
        Status::Failed | Status::Refused => End::Failed,
    }
}

/// Why it did not complete; of a stand-in, why it was needed.
fn reason(outcome: &Outcome) -> Option<String> {
    let stand_in = outcome.degraded.as_ref().map(|degraded| degraded.reason.clone());
    outcome.reason.map(|reason| reason.as_str().to_owned()).or(stand_in)
}

fn numbers(readings: &[Reading]) -> BTreeMap<Cow<'static, str>, (u64, u64)> {
    let number = |reading: &Reading| (Cow::Borrowed(reading.guard.as_str()), (reading.used, reading.limit));
    readings.iter().map(number).collect()
}
