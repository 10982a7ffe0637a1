//! `[tools.NAME.output]`: what the client gets.

use crate::policy::compiled::Channel;
use schemars::JsonSchema;
use serde::Deserialize;

/// What the client gets.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Output {
    /// `both`: structured content and text. `text`: text alone, and no output schema is advertised.
    /// Default: `both`.
    pub(in crate::policy) channel: Option<Channel>,
}
