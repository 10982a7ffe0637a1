//! `approval`: when a person decides about a call that is otherwise allowed, and for how long.

use super::decimal::{Money, Score, Share};
use super::units::Period;
use schemars::JsonSchema;
use serde::Deserialize;

/// When a person decides. A rule or verdict of `ask` always does; each condition here asks for calls that
/// the rules allow.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Approval {
    /// How long an approval can be used; at most `720h`. Default: `15m`.
    pub(in crate::policy) expires: Option<Period>,
    /// Ask where the declared risk is at least this.
    pub(in crate::policy) risk: Option<Score>,
    /// Ask where the run, or one above it, has spent at least this.
    pub(in crate::policy) spent: Option<Money>,
    /// Ask where the agent declares (`toolgate/ambiguity`) at least this much ambiguity.
    pub(in crate::policy) ambiguity: Option<Share>,
    /// Whether the client's own person may approve, where the client can ask them; never where
    /// `escalation.approver_key` is set. Default: false.
    pub(in crate::policy) client: Option<bool>,
}
