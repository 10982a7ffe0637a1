//! `[host]`: the process itself.

use schemars::JsonSchema;
use serde::Deserialize;

/// The process itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Host {
    /// On whose account the calls run. Default: `default`.
    pub(in crate::policy) principal: Option<String>,
    /// The ledger's file, absolute or relative to this file's folder. Default: `.toolgate/ledger.db`.
    pub(in crate::policy) ledger: Option<String>,
    /// The folder of compiled components, absolute or relative to this file's folder. Default: `.toolgate/cache`.
    pub(in crate::policy) cache: Option<String>,
    /// Calls that may run at once. Default: 4 × cores.
    #[schemars(range(min = 1, max = 1024))]
    pub(in crate::policy) concurrency: Option<u64>,
    /// Calls that may wait for a slot; one more is refused as `rate_limited`. Default: 256.
    #[schemars(range(min = 1, max = 65536))]
    pub(in crate::policy) queue: Option<u64>,
}
