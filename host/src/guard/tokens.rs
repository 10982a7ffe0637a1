//! Tokens of a run and its descendants: what was counted in results, or what the agent tells, if that is more.
//!
//! Not here: the budget. Invariant: per run the larger of both counts, and what was told once is never
//! taken back, so that an agent cannot talk its budget up.

use crate::call::RunId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tokens by run: the own one and its descendants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tokens {
    /// Counted and told, of each run.
    by_run: BTreeMap<RunId, (u64, u64)>,
    /// The larger of each, summed.
    used: u64,
}

impl Tokens {
    /// Tokens used, all runs together.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Tokens that are known of `run` alone, its descendants not included.
    pub(super) fn known(&self, run: RunId) -> u64 {
        self.by_run.get(&run).map_or(0, |(counted, told)| *counted.max(told))
    }

    /// Counts tokens that a call of `run` returned.
    pub(super) fn count(&mut self, run: RunId, tokens: u64) {
        if tokens > 0 {
            self.change(run, |(counted, _)| *counted = counted.saturating_add(tokens));
        }
    }

    /// Takes what the agent of `run` says to have used so far, all told.
    pub(super) fn tell(&mut self, run: RunId, tokens: u64) {
        if tokens > 0 {
            self.change(run, |(_, told)| *told = tokens.max(*told));
        }
    }

    fn change(&mut self, run: RunId, change: impl FnOnce(&mut (u64, u64))) {
        let both = self.by_run.entry(run).or_default();
        let before = both.0.max(both.1);
        change(both);
        self.used = self.used.saturating_add(both.0.max(both.1) - before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_run_the_larger_number_counts() {
        let (one, other) = (RunId::new(1, [1; 10]), RunId::new(2, [2; 10]));
        let mut tokens = Tokens::default();
        tokens.count(one, 10);
        tokens.tell(one, 100);
        tokens.count(other, 7);
        assert_eq!(tokens.used(), 107);
        tokens.count(one, 95);
        assert_eq!(tokens.used(), 112);
    }

    #[test]
    fn what_was_told_is_not_taken_back() {
        let run = RunId::new(1, [1; 10]);
        let mut tokens = Tokens::default();
        tokens.tell(run, 100);
        tokens.tell(run, 1);
        assert_eq!(tokens.used(), 100);
    }
}
