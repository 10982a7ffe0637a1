//! Check: a raw output becomes one that is true to its schema.
//!
//! Ends with `invalid_output`, `output_too_large`. Not here: whether a model may read it. Invariant: nothing
//! looks at an output before this stage has bounded, parsed and checked it.

use super::ending::{Ending, Faulted, RanFacts};
use super::execute::RawOutput;
use super::sanitize::SafeText;
use crate::call::Fault;
use crate::catalog::Tool;
use crate::guard::event::Blame;
use crate::schema::strict;
use serde_json::Value;
use std::sync::Arc;

/// Nesting of an output.
const OUTPUT_DEPTH_MAX: usize = 64;

/// An output that fits its schema.
pub(super) struct CheckedOutput {
    tool: Arc<Tool>,
    value: Value,
    facts: RanFacts,
}

impl CheckedOutput {
    pub(super) fn into_parts(self) -> (Arc<Tool>, Value, RanFacts) {
        (self.tool, self.value, self.facts)
    }
}

pub(super) fn check(raw: RawOutput) -> Result<CheckedOutput, Ending> {
    let (tool, text, bytes_max, facts) = raw.into_parts();
    let max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    if text.len() > max {
        return Err(too_large(&tool, text.len(), bytes_max, facts).into());
    }
    let caps = strict::Caps { bytes_max: max, depth_max: OUTPUT_DEPTH_MAX };
    let value = match strict::parse(text.as_bytes(), &caps) {
        Ok(value) => value,
        Err(error) => return Err(invalid(&tool, &format!("it is not strict JSON: {error}"), facts).into()),
    };
    if let Err(violations) = tool.output.check(&value) {
        return Err(invalid(&tool, &violations.to_string(), facts).into());
    }
    Ok(CheckedOutput { tool, value, facts })
}

/// The output is not shown: what broke its promise may be anything.
pub(super) fn invalid(tool: &Tool, why: &str, facts: RanFacts) -> Faulted {
    let name = &tool.card.name;
    Faulted {
        code: Fault::InvalidOutput,
        text: SafeText::of_host(&format!(
            "`{name}` returned something that does not fit its own output schema; it is withheld."
        )),
        hint: SafeText::of_host(
            "Do not rely on this tool for this question; use another way, and tell your operator.",
        ),
        operator: format!(
            "the output of `{name}` does not fit its output schema: {why}; the tool has a defect"
        ),
        retry_after_ms: None,
        effect_possible: true,
        blame: Blame::Fails(tool.policy.guards.breaker),
        slow_ms: None,
        ran: facts,
    }
}

fn too_large(tool: &Tool, bytes: usize, max: u64, facts: RanFacts) -> Faulted {
    let (name, limit) = (&tool.card.name, tool.policy.limits.output_bytes);
    let operator = if max < limit {
        format!("the run's budgets leave {max} bytes; tools.{name}.limits.output is {limit}")
    } else {
        format!("tools.{name}.limits.output is {limit} bytes")
    };
    Faulted {
        code: Fault::OutputTooLarge,
        text: SafeText::of_host(&format!(
            "`{name}` returned {bytes} bytes; at most {max} are delivered, so nothing is."
        )),
        hint: SafeText::of_host("Ask for less: a smaller range, a limit, a narrower filter."),
        operator,
        retry_after_ms: None,
        effect_possible: true,
        // What a run has left of its budget says nothing of the tool.
        blame: if bytes as u64 <= limit { Blame::Misused } else { Blame::Fails(tool.policy.guards.breaker) },
        slow_ms: None,
        ran: facts,
    }
}
