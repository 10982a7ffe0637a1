//! What the guards count, as facts of a record, and the way back: the event that a record is for them.
//!
//! Not here: what the guards make of it (`guard/`). Invariant: what is read back from a record is what was
//! applied when it was written, so that every host folds the same events.

use super::entry::{Attempt, Ending, Intent, NewRun, Refusal};
use super::record::{End, Facts, Kind};
use crate::call::{CallId, Denial, RunId};
use crate::guard::event::{self, Admitted, Blame, Ended, Fingerprint, Hold, Opened, Refused};
use crate::guard::settings::Breaker;
use serde::{Deserialize, Serialize};

/// The part of the facts that the guards read. What is absent is nothing or zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GuardFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<RunId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    goal: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact: Option<u64>,
    /// Absent where it is `exact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    near: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
    /// Absent where the tool works.
    #[serde(skip_serializing_if = "Option::is_none")]
    blame: Option<BlameWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<Breaker>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    /// Micro-USD; the usage has it in USD, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<u64>,
    /// What was held stays spent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BlameWord {
    Fails,
    Misused,
    Nothing,
}

impl GuardFacts {
    pub(super) fn opened(run: &NewRun) -> Option<Self> {
        let guard = Self { parent: run.parent, goal: run.goal.is_some(), ..Self::default() };
        Some(guard).filter(|guard| *guard != Self::default())
    }

    /// The intent's: `hold` is what the guards allowed it.
    pub(super) fn intent(intent: &Intent, hold: Hold) -> Option<Self> {
        let ask = intent.ask.as_ref()?;
        let mut guard = Self { until_ms: Some(ask.until_ms), ..Self::fingerprint(ask.fingerprint) };
        guard.hold(hold);
        Some(guard)
    }

    pub(super) fn hold(&mut self, hold: Hold) {
        self.hold = Some(hold).filter(|hold| *hold != Hold::default());
    }

    pub(super) fn ending(ending: &Ending) -> Option<Self> {
        let told = &ending.told;
        let (blame, breaker) = match told.blame {
            Blame::Works => (None, None),
            Blame::Fails(breaker) => (Some(BlameWord::Fails), breaker),
            Blame::Misused => (Some(BlameWord::Misused), None),
            Blame::Nothing => (Some(BlameWord::Nothing), None),
        };
        let (result, slow_ms) = (told.result, told.slow_ms);
        let tokens = Some(told.tokens).filter(|tokens| *tokens > 0);
        let cost = Some(told.cost_micro_usd).filter(|cost| *cost > 0);
        let held = told.spent_unknown;
        let guard = Self { blame, breaker, result, slow_ms, tokens, cost, held, ..Self::default() };
        Some(guard).filter(|guard| *guard != Self::default())
    }

    pub(super) fn attempt(attempt: &Attempt) -> Option<Self> {
        attempt.slow_ms.map(|slow_ms| Self { slow_ms: Some(slow_ms), ..Self::default() })
    }

    pub(super) fn unstarted(refusal: &Refusal) -> Option<Self> {
        refusal.fingerprint.map(Self::fingerprint)
    }

    /// The run that opened this one.
    pub(super) fn parent(&self) -> Option<RunId> {
        self.parent
    }

    fn fingerprint(print: Fingerprint) -> Self {
        let near = Some(print.near).filter(|near| *near != print.exact);
        Self { exact: Some(print.exact), near, ..Self::default() }
    }

    fn read_fingerprint(&self) -> Option<Fingerprint> {
        self.exact.map(|exact| Fingerprint { exact, near: self.near.unwrap_or(exact) })
    }

    fn blame(&self) -> Blame {
        match self.blame {
            None => Blame::Works,
            Some(BlameWord::Fails) => Blame::Fails(self.breaker),
            Some(BlameWord::Misused) => Blame::Misused,
            Some(BlameWord::Nothing) => Blame::Nothing,
        }
    }
}

/// The event that a record is for the guards; `None` for a record that none of them counts.
pub(super) fn event(kind: Kind, call: Option<CallId>, facts: &Facts) -> Option<event::Kind> {
    let nothing = GuardFacts::default();
    let guard = facts.guard.as_ref().unwrap_or(&nothing);
    Some(match kind {
        Kind::RunOpened => event::Kind::Opened(Opened {
            principal: facts.principal.clone()?,
            parent: guard.parent,
            goal: guard.goal,
        }),
        Kind::Intent => event::Kind::Admitted(Admitted {
            call: call?,
            tool: facts.tool.clone()?,
            fingerprint: guard.read_fingerprint()?,
            hold: guard.hold.unwrap_or_default(),
            until_ms: guard.until_ms.unwrap_or(0),
        }),
        Kind::Attempt => event::Kind::Retried { call: call?, slow_ms: guard.slow_ms },
        Kind::Ending => event::Kind::Ended(Ended {
            call: call?,
            blame: guard.blame(),
            spent: (!guard.held).then(|| spent(facts, guard)),
            result: guard.result,
            slow_ms: guard.slow_ms,
        }),
        Kind::Mark => event::Kind::Ended(Ended {
            call: call?,
            blame: Blame::Nothing,
            spent: None,
            result: None,
            slow_ms: None,
        }),
        Kind::Unstarted => event::Kind::Refused(Refused {
            code: facts.reason.as_deref().filter(|_| facts.end != Some(End::Recorded)).and_then(denial),
            // Only a call that was understood has a fingerprint, and its tool is one of the policy's.
            tool: guard.exact.and(facts.tool.clone()),
            fingerprint: guard.read_fingerprint(),
        }),
        Kind::Steered => event::Kind::Steered(facts.steer.clone()?),
        Kind::HostOpened | Kind::Pruned | Kind::Decided | Kind::Resolved => return None,
    })
}

fn spent(facts: &Facts, guard: &GuardFacts) -> Hold {
    let usage = facts.usage.unwrap_or_default();
    Hold {
        cost_micro_usd: guard.cost.unwrap_or(0),
        tokens: guard.tokens.unwrap_or(0),
        wall_ms: usage.wall_us.div_ceil(1_000),
        fuel: usage.fuel,
        host_calls: usage.host_calls,
        output_bytes: usage.output_bytes,
    }
}

fn denial(word: &str) -> Option<Denial> {
    Denial::ALL.iter().copied().find(|code| code.as_str() == word)
}
