//! The circuit breaker of one tool.
//!
//! ```text
//!             enough failures in the window
//!   ┌────────┐ ───────────────────────────► ┌──────┐
//!   │ closed │                              │ open │ ◄─────────────┐
//!   └────────┘                              └──────┘               │
//!       ▲                                       │ the cooldown has │ the probe fails
//!       │                                       │ passed and a     │
//!       │ the probe works                       ▼ call starts      │
//!       │                                  ┌───────────┐           │
//!       └───────────────────────────────── │ half-open │ ──────────┘
//!                                          └───────────┘
//!                     a probe cut off, misused or overdue leaves its slot to the next call
//! ```
//!
//! A call belongs to the round in which it started; opening and closing begin a new round, and the ending of a
//! call of an earlier round changes nothing. So late failures do not stamp the cooldown anew, and late successes
//! do not close. Refused calls are no events here at all. The probe is the call that asks: none is kept and played
//! again. Not here: what counts as a failure (`event::Blame`). Invariant: half-open has at most one probe, and
//! whatever becomes of it the next one may start by its `until_ms`.

use super::clock::Clock;
use super::event::Blame;
use super::settings::Breaker;
use super::tally::Rolling;
use crate::call::CallId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How soon to ask again while a probe runs, at most; it may end any time.
const PROBE_RETRY_MS: u64 = 1_000;

/// Where the machine stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Phase {
    Closed {
        /// Calls of this round that ended, and those that failed.
        endings: Box<Rolling>,
        failures: Box<Rolling>,
    },
    Open {
        since_ms: u64,
        cooldown_ms: u64,
    },
    HalfOpen {
        /// The call that tries, and when it will have ended.
        probe: Option<(CallId, u64)>,
        cooldown_ms: u64,
    },
}

/// The state of one tool's breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakerState {
    phase: Phase,
    round: u64,
    /// Calls that run, by the round in which they started.
    running: BTreeMap<CallId, u64>,
}

/// What the breaker says of one more call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// It may pass.
    Pass,
    /// It may pass, and shows whether the tool works again.
    Probe,
    /// Not now.
    Wait {
        /// When to ask again.
        retry_after_ms: u64,
        /// A probe is under way.
        probing: bool,
    },
}

impl Default for BreakerState {
    fn default() -> Self {
        Self { phase: Phase::closed(), round: 0, running: BTreeMap::new() }
    }
}

impl Phase {
    fn closed() -> Self {
        Self::Closed { endings: Box::default(), failures: Box::default() }
    }
}

impl BreakerState {
    /// Whether a call may start. A policy that shortened the cooldown since is heeded at once.
    pub(super) fn gate(&self, settings: &Breaker, at_ms: u64) -> Gate {
        match &self.phase {
            Phase::Closed { .. } => Gate::Pass,
            Phase::Open { since_ms, cooldown_ms } => {
                let cooldown_ms = settings.cooldown_ms.min(*cooldown_ms);
                match since_ms.saturating_add(cooldown_ms).saturating_sub(at_ms).min(cooldown_ms) {
                    0 => Gate::Probe,
                    retry_after_ms => Gate::Wait { retry_after_ms, probing: false },
                }
            }
            Phase::HalfOpen { probe: Some((_, until_ms)), .. } if at_ms < *until_ms => {
                let retry_after_ms = (until_ms - at_ms).min(PROBE_RETRY_MS);
                Gate::Wait { retry_after_ms, probing: true }
            }
            Phase::HalfOpen { .. } => Gate::Probe,
        }
    }

    /// Failures in the window.
    pub(super) fn failures(&self, settings: &Breaker, at_ms: u64) -> u64 {
        match &self.phase {
            Phase::Closed { failures, .. } => failures.count(at_ms, settings.window_ms),
            Phase::Open { .. } | Phase::HalfOpen { .. } => u64::from(settings.failures),
        }
    }

    /// A call starts. Whatever let it through, while open it is the probe.
    pub(super) fn admitted(&mut self, call: CallId, until_ms: u64, at_ms: u64) {
        self.running.insert(call, self.round);
        match &mut self.phase {
            Phase::Closed { .. } => {}
            Phase::Open { cooldown_ms, .. } => {
                let cooldown_ms = *cooldown_ms;
                self.phase = Phase::HalfOpen { probe: Some((call, until_ms)), cooldown_ms };
            }
            Phase::HalfOpen { probe, .. } => {
                if probe.is_none_or(|(_, until_ms)| at_ms >= until_ms) {
                    *probe = Some((call, until_ms));
                }
            }
        }
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, call: CallId, blame: Blame, at_ms: u64) {
        if self.running.remove(&call) != Some(self.round) {
            return;
        }
        match &mut self.phase {
            Phase::Closed { endings, failures } => {
                if blame == Blame::Nothing {
                    return;
                }
                endings.add(at_ms);
                let Blame::Fails(settings) = blame else { return };
                failures.add(at_ms);
                if let Some(settings) = settings.filter(|settings| trips(settings, endings, failures, at_ms))
                {
                    self.open(at_ms, settings.cooldown_ms);
                }
            }
            Phase::HalfOpen { probe, cooldown_ms } => {
                if probe.is_none_or(|(probe, _)| probe != call) {
                    return;
                }
                match blame {
                    Blame::Works => self.close(),
                    Blame::Fails(settings) => {
                        let cooldown_ms = settings.map_or(*cooldown_ms, |settings| settings.cooldown_ms);
                        self.open(at_ms, cooldown_ms);
                    }
                    Blame::Misused | Blame::Nothing => *probe = None,
                }
            }
            Phase::Open { .. } => {}
        }
    }

    /// The clock was set back to this time.
    pub(super) fn set_back(&mut self, clock: Clock, at_ms: u64) {
        match &mut self.phase {
            Phase::Closed { endings, failures } => {
                endings.set_back(at_ms);
                failures.set_back(at_ms);
            }
            Phase::Open { since_ms, .. } => *since_ms = clock.read(*since_ms, at_ms),
            Phase::HalfOpen { probe: Some((_, until_ms)), .. } => *until_ms = clock.read(*until_ms, at_ms),
            Phase::HalfOpen { probe: None, .. } => {}
        }
    }

    /// Calls that run.
    pub(super) fn running(&self) -> impl Iterator<Item = CallId> {
        self.running.keys().copied()
    }

    fn open(&mut self, since_ms: u64, cooldown_ms: u64) {
        self.phase = Phase::Open { since_ms, cooldown_ms };
        self.round += 1;
    }

    fn close(&mut self) {
        self.phase = Phase::closed();
        self.round += 1;
    }
}

/// Whether so many failures, and so large a share, open it.
fn trips(settings: &Breaker, endings: &Rolling, failures: &Rolling, at_ms: u64) -> bool {
    let failed = failures.count(at_ms, settings.window_ms);
    let ended = endings.count(at_ms, settings.window_ms);
    failed >= u64::from(settings.failures) && failed * 100 >= ended * u64::from(settings.percent)
}
