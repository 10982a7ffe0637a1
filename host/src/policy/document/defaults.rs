//! `[defaults]`: what holds for every tool that does not say otherwise.

use super::approval::Approval;
use super::decimal::Money;
use super::guards::{Breaker, Rate, Retry};
use super::limits::Limits;
use super::switch::Switch;
use schemars::JsonSchema;
use serde::Deserialize;

/// What holds for every tool that does not say otherwise, key by key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Defaults {
    /// Limits of one call.
    pub(in crate::policy) limits: Option<Limits>,
    /// What each executed attempt costs. Default: 0.
    pub(in crate::policy) cost: Option<Money>,
    /// Calls of each tool in a window, over all runs. Default: no limit.
    pub(in crate::policy) rate: Option<Rate>,
    /// When a tool that fails is left alone; or `"off"`.
    pub(in crate::policy) breaker: Option<Switch<Breaker>>,
    /// When the host tries again by itself; or `"off"`.
    pub(in crate::policy) retry: Option<Switch<Retry>>,
    /// When a person decides about a call that is otherwise allowed, and for how long.
    pub(in crate::policy) approval: Option<Approval>,
}
