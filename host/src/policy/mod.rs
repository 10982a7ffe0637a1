//! Policy: TOML text in, a compiled [`Policy`] or [`Diagnostics`] out; then a [`Decision`] for a call.
//!
//! The room is pure: no I/O, no clock, no randomness. The caller reads files and hands in the
//! environment. `document/` is the TOML shape, `compile/` checks it and fills in defaults,
//! `decide` answers, `explain` says why. Invariant: nothing is allowed unless a rule or a tool's
//! own verdict says so, and a policy with any error is no policy.

mod add;
mod approval;
mod capability;
pub mod cases;
mod compile;
mod compiled;
mod condition;
mod decide;
mod dependencies;
mod diagnostic;
mod document;
mod explain;
mod fallback;
mod needs;
mod number;
mod paths;
mod template;

#[cfg(test)]
mod tests;

pub use add::{AddError, ToolEntry, document_with_tool};
pub use approval::{Approval, Escalation};
pub use capability::{Capability, UnknownCapabilityError};
pub use compile::{Compiled, POLICY_BYTES_MAX, compile};
pub use compiled::{
    Access, Channel, Effect, FsGrant, Grants, HostSettings, KeySource, Limits, Policy, Rule, RuleId, RunFrom,
    RunSettings, SanitizeSettings, ToolPolicy, Trust, Verdict,
};
pub use condition::{Condition, Pointer, Test};
pub use decide::{Decision, DecisionReason};
pub use dependencies::{Dependency, dependencies};
pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use document::json_schema;
pub use explain::{Change, ConditionReport, Explanation, RuleReport};
pub use fallback::{Fallback, Instead};
pub use needs::check_needs;
pub use template::{Placeholder, Template, TemplateError};
