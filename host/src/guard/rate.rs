//! Rates: so many calls of a tool, a run or a principal in a rolling window.
//!
//! Not here: the counting (`tally.rs`). Invariant: no window of the given length ever sees more calls than allowed,
//! whatever its start.

use super::settings::Rate;
use super::tally::Rolling;
use super::verdict::GuardName;

/// Whose calls are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limited {
    /// The tool's, over all runs.
    Tool,
    /// The run's, its descendants' included.
    Run,
    /// The principal's, over all runs.
    Principal,
}

impl Limited {
    /// The guard of the same name.
    pub fn guard(self) -> GuardName {
        match self {
            Self::Tool => GuardName::ToolRate,
            Self::Run => GuardName::RunRate,
            Self::Principal => GuardName::PrincipalRate,
        }
    }
}

/// Calls in the window, and how long to wait until there is room for one more; 0 when there is.
pub(super) fn room(arrivals: &Rolling, rate: Rate, at_ms: u64) -> (u64, u64) {
    let used = arrivals.count(at_ms, rate.per_ms);
    match used < rate.calls {
        true => (used, 0),
        false => (used, arrivals.wait_ms(at_ms, rate.per_ms, rate.calls.saturating_sub(1)).max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_window_sees_more_calls_than_allowed(
            pauses in prop::collection::vec(0_u64..40_000, 1..300),
            calls in 1_u64..9,
            per_ms in 1_u64..3_600_000,
        ) {
            let (mut arrivals, mut passed, mut now) = (Rolling::default(), Vec::new(), 0);
            for pause in pauses {
                now += pause;
                let (_, wait_ms) = room(&arrivals, Rate { calls, per_ms }, now);
                if wait_ms == 0 {
                    arrivals.add(now);
                    passed.push(now);
                    let within = passed.iter().filter(|at_ms| **at_ms + per_ms > now).count();
                    prop_assert!(within as u64 <= calls);
                } else {
                    let then = now + wait_ms;
                    prop_assert_eq!(room(&arrivals, Rate { calls, per_ms }, then).1, 0, "as told");
                }
            }
        }
    }
}
