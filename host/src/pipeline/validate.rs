//! Validate: a proposal becomes a valid call of a tool that exists.
//!
//! Ends with `unknown_tool`, `component_changed`, `invalid_arguments`, `missing_context`. Not here: whether
//! the call may run. Invariant: past this stage the arguments are an object that fits the tool's input schema.

use super::ending::{Denied, Ending};
use super::propose::Proposal;
use crate::call::{CallMeta, Denial, nearest};
use crate::catalog::Tool;
use crate::gate::Host;
use serde_json::Value;
use std::sync::Arc;

/// Property names shown when a tool is unknown.
const NAMES_SHOWN_MAX: usize = 20;

/// A call that makes sense.
pub(super) struct ValidCall {
    tool: Arc<Tool>,
    arguments: Value,
    meta: CallMeta,
}

impl ValidCall {
    pub(super) fn tool(&self) -> &Tool {
        &self.tool
    }

    pub(super) fn arguments(&self) -> &Value {
        &self.arguments
    }

    pub(super) fn into_parts(self) -> (Arc<Tool>, Value, CallMeta) {
        (self.tool, self.arguments, self.meta)
    }
}

pub(super) fn validate(host: &Host, proposal: Proposal) -> Result<ValidCall, Ending> {
    let (name, arguments, meta, run_context) = proposal.into_parts();
    let tool = match host.catalog.tool(&name) {
        Some(tool) => Arc::clone(tool),
        None => return Err(no_tool(host, &name).into()),
    };
    missing_context(&host.policy.run.required_context, [&meta.context, &run_context])?;
    tool.input.check(&arguments).map_err(|violations| {
        Denied::new(
            Denial::InvalidArguments,
            format!("The arguments do not fit the input schema of `{name}`: {violations}."),
            "Correct what is named and send the call again; the schema is in the list of tools.",
            format!("the arguments of `{name}` do not fit its input schema: {violations}"),
        )
    })?;
    Ok(ValidCall { tool, arguments, meta })
}

fn no_tool(host: &Host, name: &str) -> Denied {
    let shown = crate::sanitizer::clean_line(name);
    if let Some(changed) = host.catalog.changed(name) {
        return Denied::new(
            Denial::ComponentChanged,
            format!("The tool `{shown}` is not available: its code is not the one that was approved."),
            "Go on without this tool, and tell your operator.",
            format!(
                "tools.{shown}.sha256 is {}, and the component hashes to {}; read what changed, then correct the line",
                changed.named, changed.found
            ),
        );
    }
    let names = || host.catalog.tools().map(|tool| tool.card.name.as_str());
    let hint = match nearest(name, names()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => {
            let shown: Vec<_> = names().take(NAMES_SHOWN_MAX).map(|name| format!("`{name}`")).collect();
            format!("Use one of the listed tools: {}.", shown.join(", "))
        }
    };
    let operator =
        format!("the policy has no [tools.{shown}]; add one with `toolgate add` if agents should have it");
    Denied::new(Denial::UnknownTool, format!("There is no tool `{shown}`."), hint, operator)
}

/// Each key is in the call's own context or in the run's.
fn missing_context(required: &[String], contexts: [&Option<Value>; 2]) -> Result<(), Denied> {
    let has = |key: &&String| {
        let mut values = contexts.into_iter().flatten().filter_map(|context| context.get(key.as_str()));
        values.any(|value| !value.is_null())
    };
    match required.iter().find(|key| !has(key)) {
        None => Ok(()),
        Some(key) => Err(Denied::new(
            Denial::MissingContext,
            format!("The call carries no `{key}`."),
            format!("Send `toolgate/context` in `_meta` with the keys {}.", required.join(", ")),
            format!("run.required_context asks for `{key}`"),
        )),
    }
}
