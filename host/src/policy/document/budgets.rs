//! `[run.budgets]`: what a run may spend, its children included.

use super::decimal::Money;
use super::units::{Bytes, Fuel, Period};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a run may spend, its children included; beyond, calls are refused as `budget_exhausted`. None of
/// the defaults can be switched off.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Budgets {
    /// Executed calls. Default: 20.
    #[schemars(range(min = 1))]
    pub(in crate::policy) steps: Option<u64>,
    /// Suggested calls, executed or not; beyond, the run is halted. Default: 50.
    #[schemars(range(min = 1))]
    pub(in crate::policy) proposals: Option<u64>,
    /// Money. Default: `0.50`.
    pub(in crate::policy) cost: Option<Money>,
    /// Tokens: a quarter of the bytes that were returned, and what the agent reports. Default: no limit.
    #[schemars(range(min = 1))]
    pub(in crate::policy) tokens: Option<u64>,
    /// Wall time of the calls together; at most `720h`. Default: no limit.
    pub(in crate::policy) wall_time: Option<Period>,
    /// Guest work of the calls together. Default: no limit.
    pub(in crate::policy) fuel: Option<Fuel>,
    /// Calls from the tools into the host. Default: no limit.
    #[schemars(range(min = 1))]
    pub(in crate::policy) host_calls: Option<u64>,
    /// Raw output of the tools together. Default: no limit.
    pub(in crate::policy) output: Option<Bytes>,
}
