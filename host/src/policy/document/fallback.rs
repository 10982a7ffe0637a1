//! `[tools.NAME.fallback]`: what the agent gets when the tool fails or is left alone.

use super::units::Period;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// What the agent gets when the tool fails or is left alone, marked degraded with the reason. Exactly one of
/// `value`, `last_good`, `tool` and `text`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Fallback {
    /// This output, which must be true to the tool's output schema.
    pub(in crate::policy) value: Option<Value>,
    /// The last good output for the same arguments, no older than this; at most `720h`.
    pub(in crate::policy) last_good: Option<Period>,
    /// What this tool gives for the same arguments, under all of its own checks; its `effect` must be `read-only`.
    pub(in crate::policy) tool: Option<String>,
    /// This sentence, for the agent. `{tool}`, `{reason}` (the reason code) and `{/json/pointer}` into the call's
    /// arguments are filled in; what the arguments do not have becomes `–`. `{{` is a plain `{`.
    #[schemars(length(min = 1, max = 500))]
    pub(in crate::policy) text: Option<String>,
    /// A sentence that the user may be told.
    #[schemars(length(min = 1, max = 500))]
    pub(in crate::policy) say: Option<String>,
}
