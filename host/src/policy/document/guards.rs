//! `rate`, `breaker` and `retry`: of one tool, or in `[defaults]` for all.

use super::decimal::Score;
use super::units::Period;
use schemars::JsonSchema;
use serde::Deserialize;

/// At most so many calls in any window of this length; one more is refused as `rate_limited`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Rate {
    /// How many calls.
    #[schemars(range(min = 1))]
    pub(in crate::policy) calls: u64,
    /// The window: `1s` to `1h`.
    pub(in crate::policy) per: Period,
}

/// When a tool that fails is left alone: calls are refused as `breaker_open` until the cooldown is over,
/// then one probes.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Breaker {
    /// Failures within the window that open it. Default: 5.
    #[schemars(range(min = 1, max = 1000))]
    pub(in crate::policy) failures: Option<u64>,
    /// Of the calls in the window, this share must have failed too, in percent. Default: 0, any share.
    pub(in crate::policy) percent: Option<Score>,
    /// The rolling window: `1s` to `1h`. Default: `60s`.
    pub(in crate::policy) window: Option<Period>,
    /// How long it stays open before one call may probe; at most `24h`. Default: `60s`.
    pub(in crate::policy) cooldown: Option<Period>,
}

/// When the host tries again by itself: after transient faults, where `effect` or the tool's own word that
/// nothing was sent makes a repeat safe.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Retry {
    /// Attempts in one call, the first included. Default: 3.
    #[schemars(range(min = 1, max = 10))]
    pub(in crate::policy) attempts: Option<u64>,
    /// The first pause is between 0 and this, the next between 0 and twice this, and so on. Default: `200ms`.
    pub(in crate::policy) base: Option<Period>,
    /// No pause is longer, unless the tool asks for it; at most `1h`. Default: `10s`, or `base` where that
    /// is more.
    pub(in crate::policy) max: Option<Period>,
    /// Retries as a share of the tool's calls in the last ten minutes, in percent. Default: 10.
    pub(in crate::policy) budget: Option<Score>,
}
