//! The review point: half of a budget is used, and nobody has looked.
//!
//! Not here: the pause. Invariant: only runs that were started with a goal are reviewed, and once.

use super::budget::Budget;
use super::run::RunState;
use super::settings::RunGuards;
use super::verdict::Why;

/// Whether the run is to be paused for a person: half of any budget is used, it was started with a goal, and
/// neither has the agent reported nor a person continued it.
pub(super) fn due(state: &RunState, guards: &RunGuards) -> Option<Why> {
    if !guards.review || !state.goal || state.reviewed {
        return None;
    }
    Budget::ALL.into_iter().find_map(|budget| {
        let (used, limit) = (budget.used(state), budget.limit(&guards.budgets)?);
        (used.saturating_mul(2) >= limit).then_some(Why::Review { budget, used, limit })
    })
}
