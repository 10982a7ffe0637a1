//! Budgets of a run: reserve before, reconcile after.
//!
//! A call holds what it may spend at most from its admission to its ending; the ending replaces the hold by
//! what was spent. What may be divided (tokens, wall time, fuel, host calls, output) is narrowed to what is
//! left; money is not: a call that might cost more than is left does not start, since a charge cannot be
//! stopped half way. An ending that does not know what was spent leaves all that was held spent. A hold never
//! lapses: a call of a dead host holds until it gets its mark. Not here: whose budgets are asked
//! (`inquiry.rs`). Invariant: spent + held ≤ budget, as long as calls spend no more than they hold.

use super::event::Hold;
use super::run::RunState;
use super::settings::Budgets;
use super::verdict::{GuardName, Reading, Why};

/// How soon to ask again when only calls that run hold what is missing.
pub(super) const HELD_RETRY_MS: u64 = 1_000;
/// From this share of a limit on, in percent, a run is no longer safe and its agent is told to wrap up.
const NEAR_PERCENT: u64 = 80;

macro_rules! each_amount {
    ($a:expr, $b:expr, $op:path) => {
        Hold {
            cost_micro_usd: $op($a.cost_micro_usd, $b.cost_micro_usd),
            tokens: $op($a.tokens, $b.tokens),
            wall_ms: $op($a.wall_ms, $b.wall_ms),
            fuel: $op($a.fuel, $b.fuel),
            host_calls: $op($a.host_calls, $b.host_calls),
            output_bytes: $op($a.output_bytes, $b.output_bytes),
        }
    };
}

impl Hold {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        each_amount!(self, other, u64::saturating_add)
    }

    /// What remains of each amount, no less than nothing.
    pub fn minus(self, other: Self) -> Self {
        each_amount!(self, other, u64::saturating_sub)
    }
}

/// A budget of a run, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Budget {
    /// Executed calls.
    Steps,
    /// Suggested calls.
    Proposals,
    /// Money, in micro-USD.
    Cost,
    /// Tokens.
    Tokens,
    /// Wall time, in milliseconds.
    WallTime,
    /// Fuel units.
    Fuel,
    /// Calls into the host.
    HostCalls,
    /// Bytes.
    OutputBytes,
}

impl Budget {
    /// Every budget.
    pub const ALL: [Self; 8] = [
        Self::Steps,
        Self::Proposals,
        Self::Cost,
        Self::Tokens,
        Self::WallTime,
        Self::Fuel,
        Self::HostCalls,
        Self::OutputBytes,
    ];

    /// The guard of the same name.
    pub fn guard(self) -> GuardName {
        match self {
            Self::Steps => GuardName::Steps,
            Self::Proposals => GuardName::Proposals,
            Self::Cost => GuardName::Cost,
            Self::Tokens => GuardName::Tokens,
            Self::WallTime => GuardName::WallTime,
            Self::Fuel => GuardName::Fuel,
            Self::HostCalls => GuardName::HostCalls,
            Self::OutputBytes => GuardName::OutputBytes,
        }
    }

    /// How large it is; `None` when there is none.
    pub fn limit(self, budgets: &Budgets) -> Option<u64> {
        match self {
            Self::Steps => Some(budgets.steps),
            Self::Proposals => Some(budgets.proposals),
            Self::Cost => Some(budgets.cost_micro_usd),
            Self::Tokens => budgets.tokens,
            Self::WallTime => budgets.wall_ms,
            Self::Fuel => budgets.fuel,
            Self::HostCalls => budgets.host_calls,
            Self::OutputBytes => budgets.output_bytes,
        }
    }

    /// Its amount in a hold; `None` for what counts calls.
    fn of(self, hold: &Hold) -> Option<u64> {
        match self {
            Self::Steps | Self::Proposals => None,
            Self::Cost => Some(hold.cost_micro_usd),
            Self::Tokens => Some(hold.tokens),
            Self::WallTime => Some(hold.wall_ms),
            Self::Fuel => Some(hold.fuel),
            Self::HostCalls => Some(hold.host_calls),
            Self::OutputBytes => Some(hold.output_bytes),
        }
    }

    fn narrow(self, hold: &mut Hold, left: u64) {
        let amount = match self {
            Self::Steps | Self::Proposals | Self::Cost => return,
            Self::Tokens => &mut hold.tokens,
            Self::WallTime => &mut hold.wall_ms,
            Self::Fuel => &mut hold.fuel,
            Self::HostCalls => &mut hold.host_calls,
            Self::OutputBytes => &mut hold.output_bytes,
        };
        *amount = left.min(*amount);
    }

    /// Spent of it in a run, its descendants included; calls that run count as steps already.
    pub(super) fn used(self, state: &RunState) -> u64 {
        match self {
            Self::Steps => state.steps,
            Self::Proposals => state.proposals,
            Self::Tokens => state.tokens.used(),
            other => other.of(&state.spent).unwrap_or(0),
        }
    }

    /// Held of it by calls that run.
    pub(super) fn held(self, state: &RunState) -> u64 {
        self.of(&state.held).unwrap_or(0)
    }

    /// What a call needs of it to be worth starting: all of its money, one of anything else.
    fn needed(self, worst: &Hold) -> u64 {
        match self {
            Self::Cost => worst.cost_micro_usd,
            _ => 1,
        }
    }
}

/// Whether so much is most of the limit.
pub(super) fn is_near(used: u64, limit: u64) -> bool {
    used.saturating_mul(100) >= limit.saturating_mul(NEAR_PERCENT)
}

/// Whether the run's budgets cover one more call; narrows `allowed` to what is left.
pub(super) fn cover(
    state: &RunState,
    budgets: &Budgets,
    allowed: &mut Hold,
    readings: &mut Vec<Reading>,
) -> Result<(), Why> {
    for budget in Budget::ALL {
        let Some(limit) = budget.limit(budgets) else { continue };
        let (used, held, asked) = (budget.used(state), budget.held(state), budget.needed(allowed));
        let taken = used.saturating_add(held);
        readings.push(Reading { guard: budget.guard(), used: taken, limit });
        if taken.saturating_add(asked) > limit {
            return Err(Why::Budget { budget, used, held, asked, limit });
        }
        budget.narrow(allowed, limit - taken);
    }
    Ok(())
}
