//! Sanitize: a checked output becomes a safe result; the only maker of text that a client may see.
//!
//! Ends with `invalid_output` when a changed value no longer fits its schema. Not here: what is removed and
//! why (`sanitizer/`). Invariant: [`SafeText`] and [`SafeResult`] have no other constructor than the ones here.

use super::check::{self, CheckedOutput};
use super::ending::{Ending, Faulted, RanFacts};
use crate::call::Fault;
use crate::catalog::Tool;
use crate::gate::Host;
use crate::guard::event::Blame;
use crate::policy::Trust;
use crate::sandbox::RawFailure;
use crate::sanitizer::{TRUNCATION_MARKER, clean_line, envelope};
use serde_json::Value;

/// How long a tool rests whose upstream limits rates and does not say for how long.
const SLOW_MS: u64 = 1_000;

/// The taint label of what somebody else wrote.
const OUTSIDE: &str = "outside";

/// Text fit for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SafeText(String);

impl SafeText {
    /// A sentence of the host's own; it may quote names, so it is cleaned as well.
    pub(super) fn of_host(text: &str) -> Self {
        Self(clean_line(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A result fit for a model.
#[derive(Debug)]
pub(super) struct SafeResult {
    output: Value,
    text: SafeText,
    truncated: bool,
    facts: RanFacts,
}

impl SafeResult {
    pub(super) fn into_parts(self) -> (Value, String, bool, RanFacts) {
        (self.output, self.text.0, self.truncated, self.facts)
    }
}

/// A tool's name as the agent wrote it, fit to be repeated.
pub(super) fn name(raw: &str) -> String {
    clean_line(raw)
}

pub(super) fn sanitize(host: &Host, checked: CheckedOutput) -> Result<SafeResult, Ending> {
    let (tool, value, mut facts) = checked.into_parts();
    let clean = host.sanitizer.value(value);
    facts.findings.extend(clean.findings);
    if clean.changed && tool.output.check(&clean.value).is_err() {
        let why = "after sanitizing it no longer fits; the findings say what was removed";
        return Err(check::invalid(&tool, why, facts).into());
    }
    let mut text = addressed(host, &tool, clean.value.to_string(), &mut facts);
    if clean.truncated {
        text.push('\n');
        text.push_str(TRUNCATION_MARKER);
    }
    let text = SafeText(text);
    Ok(SafeResult { output: clean.value, text, truncated: clean.truncated, facts })
}

/// One line of at most so many characters, and `…` where there is more: what an agent wrote, fit to be quoted.
pub(super) fn short(raw: &str, chars_max: usize) -> String {
    // Cleaning only takes away: a little more than is shown is enough to look at.
    let head: String = raw.chars().take(chars_max.saturating_mul(4)).collect();
    let clean = clean_line(&head);
    let mut shown: String = clean.chars().take(chars_max).collect();
    if shown.len() < clean.len() || head.len() < raw.len() {
        shown.push('…');
    }
    shown
}

/// A part of what a tool returned from outside, sanitized before, in an envelope of its own.
pub(super) fn enveloped(host: &Host, tool: &str, text: &str) -> String {
    envelope::wrap(&host.seams.nonce(), tool, text)
}

/// A value of the host's own, such as a policy's fixed answer, with its text form.
pub(super) fn own(host: &Host, value: Value) -> (Value, String) {
    let clean = host.sanitizer.value(value);
    let text = clean.value.to_string();
    (clean.value, text)
}

/// A failure that the tool put into words.
pub(super) fn tool_failure(
    host: &Host,
    tool: &Tool,
    code: Fault,
    failure: RawFailure,
    mut facts: RanFacts,
) -> Faulted {
    let clean = host.sanitizer.text(&failure.message);
    facts.findings.extend(clean.findings);
    let message = addressed(host, tool, clean.value, &mut facts);
    let name = &tool.card.name;
    let hint = match failure.kind {
        "invalid_input" => "Change the arguments as the message says, and call again.",
        "not_found" => "Check the name; list what exists first.",
        "unavailable" | "rate_limited" => "Try the same call again later.",
        "conflict" => "Look at the current state first, then decide again.",
        "capability_denied" => "The tool was not granted what it needs; tell your operator.",
        _ => "Do not send the same arguments again; use another way.",
    };
    Faulted {
        code,
        text: SafeText(format!("`{name}` failed ({}): {message}", failure.kind)),
        hint: SafeText::of_host(hint),
        operator: format!("`{name}` returned the failure `{}`", failure.kind),
        retry_after_ms: failure.retry_after_ms,
        effect_possible: failure.request_sent,
        blame: blame(tool, failure.kind),
        slow_ms: slow_ms(&failure),
        ran: facts,
    }
}

/// How long the tool's upstream wants everybody to wait.
pub(super) fn slow_ms(failure: &RawFailure) -> Option<u64> {
    (failure.kind == "rate_limited").then(|| failure.retry_after_ms.unwrap_or(SLOW_MS))
}

/// What a failure of the tool's own says of the tool.
fn blame(tool: &Tool, kind: &str) -> Blame {
    match kind {
        "unavailable" | "internal" => Blame::Fails(tool.policy.guards.breaker),
        // Whoever limits rates is there, and asks for patience.
        "rate_limited" => Blame::Nothing,
        _ => Blame::Misused,
    }
}

/// Puts what somebody else wrote into an envelope, and labels the run's taint.
fn addressed(host: &Host, tool: &Tool, text: String, facts: &mut RanFacts) -> String {
    if tool.policy.trust == Trust::Own {
        return text;
    }
    facts.taint.push(OUTSIDE.to_owned());
    let sealed = envelope::seal(&host.seams.nonce(), &tool.card.name, &text);
    facts.findings.extend(sealed.findings);
    sealed.value
}
