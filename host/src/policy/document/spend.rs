//! `[spend]`: what the principal may spend over all runs.

use super::decimal::Money;
use super::guards::Rate;
use schemars::JsonSchema;
use serde::Deserialize;

/// What the principal may spend in a rolling hour and day, over all runs and restarts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Spend {
    /// Money in the last hour; a run that spends at a higher rate is halted. Default: `5.00`, or `day`
    /// where that is less.
    pub(in crate::policy) hour: Option<Money>,
    /// Money in the last 24 hours. Default: `50.00`.
    pub(in crate::policy) day: Option<Money>,
    /// Executed calls in the last hour. Default: no limit.
    #[schemars(range(min = 1))]
    pub(in crate::policy) hour_steps: Option<u64>,
    /// Calls of all runs in a window. Default: no limit.
    pub(in crate::policy) rate: Option<Rate>,
}
