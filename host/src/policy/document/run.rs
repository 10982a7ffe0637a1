//! `[run]`: the identity of runs, and what every call must carry.

use schemars::JsonSchema;
use serde::Deserialize;

/// The identity of runs, and what every call must carry.
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
}
