//! `[tools.NAME]`: one tool and all that it may do.

use super::approval::Approval;
use super::decimal::{Money, Score};
use super::fallback::Fallback;
use super::grants::Grants;
use super::guards::{Breaker, Rate, Retry};
use super::limits::Limits;
use super::output::Output;
use super::rule::Rule;
use super::switch::Switch;
use super::units::Period;
use crate::policy::compiled::{Effect, KeySource, Trust, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

/// One tool and all that it may do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Tool {
    /// The component's file, absolute or relative to this file's folder.
    pub(in crate::policy) component: String,
    /// SHA-256 of the component, 64 hex digits. `toolgate check` warns where it is missing, and
    /// `toolgate serve --locked` refuses.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub(in crate::policy) sha256: Option<String>,
    /// The answer when no rule matches. Default: `deny`.
    pub(in crate::policy) verdict: Option<Verdict>,
    /// The rules.
    #[serde(default)]
    pub(in crate::policy) rule: Vec<Rule>,
    /// What a repeat of the call may do. `read-only`: run freely. `idempotent`: same arguments, same end
    /// state. `keyed`: the tool honors the idempotency key; a call that crashed is repeated under the client's own
    /// key, and without one it is in doubt. `once`: never repeated by the host. Default: `once`.
    pub(in crate::policy) effect: Option<Effect>,
    /// Where the idempotency key comes from. `client`: only from the caller. `arguments`: else from the
    /// arguments, per run. Default: `arguments` where `effect` is `once`, else `client`.
    pub(in crate::policy) key: Option<KeySource>,
    /// Who wrote what the tool returns. `outside`: somebody else; its text goes into an envelope. `own`:
    /// the tool computes it. Default: `outside`.
    pub(in crate::policy) trust: Option<Trust>,
    /// Limits of one call.
    pub(in crate::policy) limits: Option<Limits>,
    /// What the tool may reach.
    pub(in crate::policy) grants: Option<Grants>,
    /// What the client gets.
    pub(in crate::policy) output: Option<Output>,
    /// What each executed attempt costs. Default: that of `[defaults]`, else 0.
    pub(in crate::policy) cost: Option<Money>,
    /// What the tool may charge by itself in one call, at most. Default: 0.
    pub(in crate::policy) charge: Option<Money>,
    /// The tool is for polling: the same arguments again are no repetition once this long has passed; at
    /// most `24h`. Default: not for polling.
    pub(in crate::policy) poll: Option<Period>,
    /// Calls of the tool in a window, over all runs. Default: no limit.
    pub(in crate::policy) rate: Option<Rate>,
    /// When the tool, failing, is left alone; or `"off"`.
    pub(in crate::policy) breaker: Option<Switch<Breaker>>,
    /// When the host tries again by itself; or `"off"`.
    pub(in crate::policy) retry: Option<Switch<Retry>>,
    /// What the agent gets when the tool fails or is left alone; or `"off"`: the error, and that is meant.
    pub(in crate::policy) fallback: Option<Switch<Fallback>>,
    /// How risky a call is, from 0 to 100: what `approval.risk` compares. Default: 0.
    pub(in crate::policy) risk: Option<Score>,
    /// When a person decides about a call that is otherwise allowed, and for how long.
    pub(in crate::policy) approval: Option<Approval>,
}
