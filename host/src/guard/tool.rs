//! What the guards know of one tool, over all runs.
//!
//! Not here: any limit. Invariant: a fold of the tool's own calls, and of the refused ones that show that the clock was
//! set back.

use super::breaker::BreakerState;
use super::clock::Clock;
use super::event::{Admitted, Ended};
use super::tally::{Coarse, Rolling};
use serde::{Deserialize, Serialize};

/// No upstream makes everybody wait longer than this.
const SLOW_MS_MAX: u64 = 3_600_000;

/// The state of one tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ToolState {
    pub(super) breaker: BreakerState,
    pub(super) arrivals: Rolling,
    pub(super) retries: Coarse,
    /// Until then its upstream wants to be left alone.
    slow_until_ms: u64,
    clock: Clock,
}

impl ToolState {
    /// Takes the time of an event; what was stamped by a clock that was ahead moves back with it.
    pub(super) fn pass(&mut self, at_ms: u64) {
        if self.is_ahead(at_ms) {
            self.slow_until_ms = self.clock.read(self.slow_until_ms, at_ms);
            self.breaker.set_back(self.clock, at_ms);
            self.arrivals.set_back(at_ms);
            self.retries.set_back(at_ms);
        }
        self.arrivals.set_right(at_ms);
        self.retries.set_right(at_ms);
        self.clock.take(at_ms);
    }

    /// Whether the clock was set back to this time.
    pub(super) fn is_ahead(&self, at_ms: u64) -> bool {
        self.clock.ahead_ms(at_ms) > 0
    }

    /// How long its upstream still wants to be left alone.
    pub(super) fn slow_ms(&self, at_ms: u64) -> u64 {
        self.clock.read(self.slow_until_ms, at_ms).saturating_sub(at_ms)
    }

    /// A call starts.
    pub(super) fn admitted(&mut self, at_ms: u64, admitted: &Admitted) {
        self.pass(at_ms);
        self.arrivals.add(at_ms);
        self.breaker.admitted(admitted.call, admitted.until_ms, at_ms);
    }

    /// A call is tried again.
    pub(super) fn retried(&mut self, at_ms: u64, slow_ms: Option<u64>) {
        self.pass(at_ms);
        self.retries.add(at_ms, 1);
        self.slowed(at_ms, slow_ms);
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, at_ms: u64, ended: &Ended) {
        self.pass(at_ms);
        self.breaker.ended(ended.call, ended.blame, at_ms);
        self.slowed(at_ms, ended.slow_ms);
    }

    fn slowed(&mut self, at_ms: u64, slow_ms: Option<u64>) {
        if let Some(slow_ms) = slow_ms {
            let until_ms = at_ms.saturating_add(slow_ms.min(SLOW_MS_MAX));
            self.slow_until_ms = self.slow_until_ms.max(until_ms);
        }
    }
}
