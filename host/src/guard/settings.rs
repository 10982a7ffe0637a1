//! What a policy says of the guards, as plain numbers with the built-in defaults.
//!
//! Not here: TOML and its checks (`policy/`), what the numbers do (each guard's own file). Invariant: every
//! time is in milliseconds, every sum of money in micro-USD; `None` is "no such limit".

use serde::Serialize;

/// The guards of one run: `[run]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunGuards {
    /// What the run may spend.
    pub budgets: Budgets,
    /// Refusals in a row after which the run is halted.
    pub refusals_in_a_row: u64,
    /// How deep runs may nest: a run without a parent has depth 1.
    pub depth: u32,
    /// Age of a segment at which the agent is asked to checkpoint.
    pub segment_ms: u64,
    /// Pause for a person when half of a budget is used, in a run that was started with a goal.
    pub review: bool,
    /// Notice and refuse repeated calls. Polling is still held to its interval.
    pub repetition: bool,
    /// Calls of one run in a window.
    pub rate: Option<Rate>,
}

/// What a run may spend, its children included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budgets {
    /// Executed calls.
    pub steps: u64,
    /// Suggested calls, executed or not.
    pub proposals: u64,
    /// Money.
    pub cost_micro_usd: u64,
    /// Tokens: ⌈bytes / 4⌉ of what was returned, and what the agent reports.
    pub tokens: Option<u64>,
    /// Wall time of the calls together.
    pub wall_ms: Option<u64>,
    /// Guest work.
    pub fuel: Option<u64>,
    /// Calls from guests into the host.
    pub host_calls: Option<u64>,
    /// Raw output of the tools.
    pub output_bytes: Option<u64>,
}

/// What a principal may spend in a rolling window, over all runs: `[spend]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpendGuards {
    /// In the last hour; also the bound of a run's burn rate, extrapolated to an hour.
    pub hour_micro_usd: u64,
    /// In the last 24 hours.
    pub day_micro_usd: u64,
    /// Executed calls of all runs in the last hour.
    pub hour_steps: Option<u64>,
    /// Calls of all runs in a window.
    pub rate: Option<Rate>,
}

/// The guards of one tool: `[tools.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolGuards {
    /// What each executed attempt costs.
    pub cost_micro_usd: u64,
    /// What the tool itself may charge in one call, at most.
    pub charge_micro_usd_max: u64,
    /// The tool is for polling: the same arguments again are no repetition once this long has passed.
    pub poll_ms: Option<u64>,
    /// Calls of the tool in a window, over all runs.
    pub rate: Option<Rate>,
    /// Without one the tool has no breaker.
    pub breaker: Option<Breaker>,
    /// When the host tries again by itself.
    pub retry: Retry,
}

/// At most `calls` in any window of `per_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// How many.
    pub calls: u64,
    /// The window; at most an hour.
    pub per_ms: u64,
}

/// When a tool that fails is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Breaker {
    /// Failures within the window that open it.
    pub failures: u32,
    /// Of the calls in the window, this share must have failed too; 0 for any share.
    pub percent: u8,
    /// The rolling window; at most an hour.
    pub window_ms: u64,
    /// How long it stays open before one call may probe.
    pub cooldown_ms: u64,
}

/// When the host tries again by itself: transient faults only, where a repeat is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// Attempts in one call, the first included; 1 turns retries off.
    pub attempts: u32,
    /// The first pause is between 0 and this, the next between 0 and twice this, and so on (full jitter).
    pub base_ms: u64,
    /// No pause is longer.
    pub max_ms: u64,
    /// Retries as a share of the tool's calls in the last ten minutes.
    pub budget_percent: u32,
}

impl Default for RunGuards {
    fn default() -> Self {
        Self {
            budgets: Budgets::default(),
            refusals_in_a_row: 5,
            depth: 5,
            segment_ms: 3_600_000,
            review: true,
            repetition: true,
            rate: None,
        }
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            steps: 20,
            proposals: 50,
            cost_micro_usd: 500_000,
            tokens: None,
            wall_ms: None,
            fuel: None,
            host_calls: None,
            output_bytes: None,
        }
    }
}

impl Default for SpendGuards {
    fn default() -> Self {
        Self { hour_micro_usd: 5_000_000, day_micro_usd: 50_000_000, hour_steps: None, rate: None }
    }
}

impl Default for ToolGuards {
    fn default() -> Self {
        Self {
            cost_micro_usd: 0,
            charge_micro_usd_max: 0,
            poll_ms: None,
            rate: None,
            breaker: Some(Breaker::default()),
            retry: Retry::default(),
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, percent: 0, window_ms: 60_000, cooldown_ms: 60_000 }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, base_ms: 200, max_ms: 10_000, budget_percent: 10 }
    }
}
