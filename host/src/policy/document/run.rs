//! `[run]`: the identity of runs, what every call must carry, and what a run may spend.

use super::budgets::Budgets;
use super::guards::Rate;
use super::units::Period;
use schemars::JsonSchema;
use serde::Deserialize;

/// The identity of runs, what every call must carry, and what a run may spend.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Run {
    /// Which run a client gets that names none: `process` (one per host process), `name` (the run of
    /// `serve --run NAME` or of `name` here) or `env:VAR` (the run named by that variable). Default: `process`.
    #[schemars(regex(pattern = r"^(process|name|env:[A-Za-z_][A-Za-z0-9_]*)$"))]
    pub(in crate::policy) from: Option<String>,
    /// The run's name where `from = "name"`.
    pub(in crate::policy) name: Option<String>,
    /// Keys that the call's `toolgate/context` must hold; a call without one is refused as `missing_context`.
    pub(in crate::policy) required_context: Option<Vec<String>>,
    /// What a run may spend, its children included.
    pub(in crate::policy) budgets: Option<Budgets>,
    /// Refused calls in a row after which the run is halted. Default: 5.
    #[schemars(range(min = 1, max = 1000))]
    pub(in crate::policy) refusals_in_a_row: Option<u64>,
    /// How deep runs may nest: a run without a parent has depth 1. Default: 5.
    #[schemars(range(min = 1, max = 64))]
    pub(in crate::policy) depth: Option<u64>,
    /// Age of a segment at which the agent is asked to checkpoint; at most `720h`. Default: `1h`.
    pub(in crate::policy) segment: Option<Period>,
    /// Whether a run that was started with a goal pauses for a person when half of a budget is used and the
    /// goal is not reported. Default: true.
    pub(in crate::policy) review: Option<bool>,
    /// Whether calls that repeat themselves are noticed, then refused. Default: true.
    pub(in crate::policy) repetition: Option<bool>,
    /// Calls of one run in a window. Default: no limit.
    pub(in crate::policy) rate: Option<Rate>,
}
