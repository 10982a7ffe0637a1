//! `limits` of one call, for one tool or in `[defaults]` for all.

use super::units::{Bytes, Fuel, Period};
use schemars::JsonSchema;
use serde::Deserialize;

/// Limits of one call. None of them can be switched off.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Limits {
    /// Guest work, counted the same every time. Default: `1G`.
    pub(in crate::policy) fuel: Option<Fuel>,
    /// Wall time of one execution. Default: `5s`.
    pub(in crate::policy) deadline: Option<Period>,
    /// Wall time of the whole call. Default: `30s`.
    pub(in crate::policy) call_deadline: Option<Period>,
    /// All memories and tables of the call together. Default: `64MiB`.
    pub(in crate::policy) memory: Option<Bytes>,
    /// The raw output. Default: `256KiB`.
    pub(in crate::policy) output: Option<Bytes>,
}
