//! `[sanitize]`: the caps of what a model may be shown.

use super::units::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

/// The caps of what a model may be shown. What is cut is marked beside the value, never inside it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Sanitize {
    /// The longest single string. Default: `128KiB`.
    pub(in crate::policy) string_max: Option<Bytes>,
    /// The longest text form of one result. Default: `256KiB`.
    pub(in crate::policy) text_max: Option<Bytes>,
    /// The deepest nesting of arrays and objects. Default: 64.
    #[schemars(range(min = 1, max = 128))]
    pub(in crate::policy) depth_max: Option<u64>,
}
