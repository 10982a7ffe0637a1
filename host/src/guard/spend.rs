//! What a principal spends in a rolling hour and day over all its runs, and how fast a run spends.
//!
//! Money counts at the time of the ending; until then it is held. Not here: the run's own budgets. Invariant: spent
//! in the window + held ≤ limit, as long as calls spend no more than they hold.

use super::budget::HELD_RETRY_MS;
use super::clock::Clock;
use super::event::{Admitted, Ended};
use super::run::RunState;
use super::settings::SpendGuards;
use super::tally::{Coarse, Minutes, Rolling};
use super::verdict::{GuardName, Reading, Why};
use crate::call::CallId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An hour in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// A run's first minute says nothing of its rate.
const BURN_AGE_MS_MIN: u64 = 60_000;

/// A rolling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// The last hour.
    Hour,
    /// The last 24 hours.
    Day,
}

/// The state of one principal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PrincipalState {
    hour: Coarse,
    day: Minutes,
    /// Money held by calls that run.
    in_flight: BTreeMap<CallId, u64>,
    held: u64,
    pub(super) arrivals: Rolling,
    clock: Clock,
}

impl PrincipalState {
    /// Takes the time of an event; what was counted by a clock that was ahead is counted now, until it is there again.
    pub(super) fn pass(&mut self, at_ms: u64) {
        if self.clock.ahead_ms(at_ms) > 0 {
            self.hour.set_back(at_ms);
            self.day.set_back(at_ms);
            self.arrivals.set_back(at_ms);
        }
        self.hour.set_right(at_ms);
        self.day.set_right(at_ms);
        self.arrivals.set_right(at_ms);
        self.clock.take(at_ms);
    }

    /// Whether this time shows that the clock was set back, or that it is right again.
    pub(super) fn minds(&self, at_ms: u64) -> bool {
        self.clock.ahead_ms(at_ms) > 0 || self.hour.is_right_again(at_ms) || self.day.is_right_again(at_ms)
    }

    /// A call starts.
    pub(super) fn admitted(&mut self, at_ms: u64, admitted: &Admitted) {
        self.pass(at_ms);
        self.arrivals.add(at_ms);
        self.in_flight.insert(admitted.call, admitted.hold.cost_micro_usd);
        self.held = self.held.saturating_add(admitted.hold.cost_micro_usd);
    }

    /// A call has its ending. Only the first ending of a call counts.
    pub(super) fn ended(&mut self, at_ms: u64, ended: &Ended) {
        self.pass(at_ms);
        let Some(held) = self.in_flight.remove(&ended.call) else { return };
        let spent = ended.spent.map_or(held, |spent| spent.cost_micro_usd);
        self.held = self.held.saturating_sub(held);
        self.hour.add(at_ms, spent);
        self.day.add(at_ms, spent);
    }

    /// Money spent in the window, in micro-USD.
    pub(super) fn spent(&self, window: Window, at_ms: u64) -> u64 {
        match window {
            Window::Hour => self.hour.count(at_ms, HOUR_MS),
            Window::Day => self.day.count(at_ms, 24 * HOUR_MS),
        }
    }

    /// Calls executed in the last hour.
    pub(super) fn hour_steps(&self, at_ms: u64) -> u64 {
        self.arrivals.count(at_ms, HOUR_MS)
    }

    /// How long until no more than `keep` was spent in the window.
    fn wait_ms(&self, window: Window, at_ms: u64, keep: u64) -> u64 {
        match window {
            Window::Hour => self.hour.wait_ms(at_ms, HOUR_MS, keep),
            Window::Day => self.day.wait_ms(at_ms, 24 * HOUR_MS, keep),
        }
    }

    /// Whether hour and day cover one more call that costs `asked` at most; else why not, and when to ask again.
    pub(super) fn cover(
        &self,
        settings: &SpendGuards,
        asked: u64,
        at_ms: u64,
        readings: &mut Vec<Reading>,
    ) -> Result<(), (Why, Option<u64>)> {
        for window in [Window::Hour, Window::Day] {
            let (used, held, limit) = (self.spent(window, at_ms), self.held, window.limit(settings));
            readings.push(Reading { guard: window.guard(), used: used.saturating_add(held), limit });
            if used.saturating_add(held).saturating_add(asked) <= limit {
                continue;
            }
            let wait_ms = |keep| self.wait_ms(window, at_ms, keep).max(HELD_RETRY_MS);
            let retry_after_ms = limit.checked_sub(asked).map(wait_ms);
            return Err((Why::Spend { window, used, held, asked, limit }, retry_after_ms));
        }
        if let Some(limit) = settings.hour_steps {
            let used = self.hour_steps(at_ms);
            readings.push(Reading { guard: GuardName::HourSteps, used, limit });
            if used >= limit {
                let retry_after_ms = self.arrivals.wait_ms(at_ms, HOUR_MS, limit.saturating_sub(1));
                return Err((Why::HourSteps { used, limit }, Some(retry_after_ms)));
            }
        }
        Ok(())
    }
}

impl Window {
    /// The guard of the same window.
    pub fn guard(self) -> GuardName {
        match self {
            Self::Hour => GuardName::HourCost,
            Self::Day => GuardName::DayCost,
        }
    }

    /// What may be spent in it, in micro-USD.
    pub fn limit(self, settings: &SpendGuards) -> u64 {
        match self {
            Self::Hour => settings.hour_micro_usd,
            Self::Day => settings.day_micro_usd,
        }
    }
}

/// What a run would spend in an hour at the rate of its life so far, its descendants included, in micro-USD;
/// `None` in its first minute.
pub(super) fn burn_rate(state: &RunState, at_ms: u64) -> Option<u64> {
    let age_ms = state.age_ms(at_ms);
    let spent = u128::from(state.spent.cost_micro_usd);
    let hourly = (spent * u128::from(HOUR_MS)).checked_div(u128::from(age_ms))?;
    (age_ms >= BURN_AGE_MS_MIN).then(|| u64::try_from(hourly).unwrap_or(u64::MAX))
}
