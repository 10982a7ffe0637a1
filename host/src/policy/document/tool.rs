//! `[tools.NAME]`: one tool and all that it may do.

use super::grants::Grants;
use super::limits::Limits;
use super::output::Output;
use super::rule::Rule;
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
    /// state. `keyed`: the tool honors the idempotency key. `once`: never repeated by the host. Default: `once`.
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
}
