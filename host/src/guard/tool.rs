//! What the guards know of one tool, over all runs.
//!
//! Not here: any limit. Invariant: a fold of the tool's own calls.

use super::breaker::BreakerState;
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
    pub(super) slow_until_ms: u64,
}

impl ToolState {
    /// A call starts.
    pub(super) fn admitted(&mut self, at_ms: u64, admitted: &Admitted) {
        self.arrivals.add(at_ms);
        self.breaker.admitted(admitted.call, admitted.until_ms, at_ms);
    }

    /// A call is tried again.
    pub(super) fn retried(&mut self, at_ms: u64, slow_ms: Option<u64>) {
        self.retries.add(at_ms, 1);
        self.slowed(at_ms, slow_ms);
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, at_ms: u64, ended: &Ended) {
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
