//! `[escalation]`: whose word approves.

use schemars::JsonSchema;
use serde::Deserialize;

/// Whose word approves. Without a key the command line trusts the user of the operating system.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Escalation {
    /// An ed25519 public key, 64 hex digits, whose signature every approval must carry.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub(in crate::policy) approver_key: Option<String>,
}
