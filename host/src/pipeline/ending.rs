//! How a call ends other than well: one type for each of the three kinds, never mixed.
//!
//! Each carries two texts: what the agent should do next, and what the operator would change. Invariant:
//! the agent's text names no path, secret or rule body.

use super::sanitize::SafeText;
use crate::call::{Denial, Fault, HostError, Outcome};
use crate::guard::GuardName;
use crate::guard::event::Blame;
use crate::sandbox::Measured;

/// An early end of the story.
#[derive(Debug)]
pub(super) enum Ending {
    /// Nothing ran.
    Denied(Denied),
    /// The guest ran and failed.
    Faulted(Box<Faulted>),
    /// The host failed.
    Host(HostFailed),
    /// The ledger had the answer already.
    Recorded(Box<Outcome>),
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Denied {
    /// Why.
    pub(super) code: Denial,
    /// The deciding rules' ids.
    pub(super) rules: Vec<String>,
    /// For the agent: what happened, one sentence.
    pub(super) text: SafeText,
    /// For the agent: what to do next.
    pub(super) hint: SafeText,
    /// For the operator: which line would change the answer.
    pub(super) operator: String,
    /// When a repeat may succeed.
    pub(super) retry_after_ms: Option<u64>,
}

/// A failed execution, or an output that cannot be used.
#[derive(Debug)]
pub(super) struct Faulted {
    /// Why.
    pub(super) code: Fault,
    /// For the agent.
    pub(super) text: SafeText,
    /// For the agent: what to do next.
    pub(super) hint: SafeText,
    /// For the operator.
    pub(super) operator: String,
    /// When a repeat may succeed.
    pub(super) retry_after_ms: Option<u64>,
    /// What the tool said may have happened outside: false only when it vouches that nothing did.
    pub(super) effect_possible: bool,
    /// What it says of the tool.
    pub(super) blame: Blame,
    /// The tool's upstream asked everybody to wait this long.
    pub(super) slow_ms: Option<u64>,
    /// What it cost.
    pub(super) ran: RanFacts,
}

/// Facts of an execution that every later stage carries along.
#[derive(Debug, Default)]
pub(super) struct RanFacts {
    /// Executions so far.
    pub(super) attempts: u32,
    /// What the policy says that they cost, in micro-USD.
    pub(super) cost_micro_usd: u64,
    pub(super) measured: Measured,
    /// Returned, and at most what it might return.
    pub(super) output_bytes: u64,
    /// The most tokens that the run's budget has for the result; what the host says around it is not counted beyond.
    pub(super) tokens_max: Option<u64>,
    /// An attempt failed and did not vouch that nothing was sent.
    pub(super) sent: bool,
    pub(super) logs: Vec<crate::ledger::LogLine>,
    pub(super) findings: Vec<crate::call::Finding>,
    pub(super) taint: Vec<String>,
}

/// A failure of the host itself.
#[derive(Debug)]
pub(super) struct HostFailed {
    /// Why.
    pub(super) code: HostError,
    /// For the operator.
    pub(super) operator: String,
    /// True when an effect may have happened before the failure.
    pub(super) effect_possible: bool,
}

impl RanFacts {
    /// What the policy says that it cost and what the tool charged, in micro-USD.
    pub(super) fn spent_micro_usd(&self) -> u64 {
        self.cost_micro_usd.saturating_add(self.measured.charged_micro_usd)
    }
}

impl Faulted {
    /// The arguments brought it about, not the tool.
    pub(super) fn is_misuse(&self) -> bool {
        self.blame == Blame::Misused
    }
}

impl Denied {
    /// A refusal with its two sentences for the agent and one for the operator.
    pub(super) fn new(
        code: Denial,
        text: impl AsRef<str>,
        hint: impl AsRef<str>,
        operator: impl Into<String>,
    ) -> Self {
        Self {
            code,
            rules: Vec::new(),
            text: SafeText::of_host(text.as_ref()),
            hint: SafeText::of_host(hint.as_ref()),
            operator: operator.into(),
            retry_after_ms: None,
        }
    }

    pub(super) fn by(mut self, rules: Vec<String>) -> Self {
        self.rules = rules;
        self
    }

    /// Whether this guard refused.
    pub(super) fn is_of(&self, guard: GuardName) -> bool {
        self.rules.first().is_some_and(|rule| rule.strip_prefix("guard.") == Some(guard.as_str()))
    }

    pub(super) fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

impl From<Denied> for Ending {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<Faulted> for Ending {
    fn from(faulted: Faulted) -> Self {
        Self::Faulted(Box::new(faulted))
    }
}

impl From<HostFailed> for Ending {
    fn from(failed: HostFailed) -> Self {
        Self::Host(failed)
    }
}
