//! The outcome that everybody reads: how each ending is told, to the agent and to the operator.
//!
//! The only file that builds an [`Outcome`]. Invariant: every text in one has passed the sanitizer.

use super::ending::{Denied, Faulted, HostFailed, RanFacts};
use super::fallback::StandIn;
use super::run::Trip;
use super::sanitize::{SafeResult, SafeText};
use crate::call::{CallId, Degraded, HostError, Outcome, Reason, RunId, Status, Usage};
use crate::guard::event::Blame;
use crate::ledger::{LedgerError, LogLine, Told};
use serde_json::Value;

/// Said with the failure of a call that must not be repeated.
pub(super) const MAY_HAVE_HAPPENED: &str = "Its effect may have happened all the same: do not repeat the call before \
    you have found out with a read-only tool, or a person has.";

/// An ending, told.
pub(super) struct Account {
    /// To whoever called.
    pub(super) outcome: Outcome,
    /// Beside it.
    pub(super) logs: Vec<LogLine>,
    /// To the guards.
    pub(super) told: Told,
    /// An effect outside may have happened.
    pub(super) effect_possible: bool,
}

/// A result.
pub(super) fn completed(trip: &Trip, safe: SafeResult) -> Account {
    let (output, text, truncated, facts) = safe.into_parts();
    let mut told = blank(trip, Status::Completed, None);
    let result = Some(super::ask::result_print(&output));
    told.output = Some(output);
    told.text = text;
    if truncated {
        told.notices.push("The result was cut to its size limit.".to_owned());
    }
    let cost_micro_usd = facts.spent_micro_usd();
    let tokens = tokens(&told, &facts);
    let logs = spent(&mut told, facts);
    let told_guards = Told { result, tokens, cost_micro_usd, blame: Blame::Works, ..Told::NOTHING };
    Account { outcome: told, logs, told: told_guards, effect_possible: true }
}

/// A fault.
pub(super) fn failed(trip: &Trip, faulted: Faulted) -> Account {
    let mut told = blank(trip, Status::Failed, Some(faulted.code.into()));
    say(&mut told, &faulted.text, &faulted.hint);
    told.operator = Some(faulted.operator);
    told.retry_after_ms = faulted.retry_after_ms;
    // A guest that never got to run cannot have done anything.
    let ran = faulted.ran.measured.fuel > 0;
    let effect_possible = ran && (faulted.effect_possible || faulted.ran.sent);
    let tokens = tokens(&told, &faulted.ran);
    let cost_micro_usd = faulted.ran.spent_micro_usd();
    let told_guards =
        Told { blame: faulted.blame, slow_ms: faulted.slow_ms, tokens, cost_micro_usd, ..Told::NOTHING };
    let logs = spent(&mut told, faulted.ran);
    Account { outcome: told, logs, told: told_guards, effect_possible }
}

/// A refusal.
pub(super) fn refused(trip: &Trip, denied: Denied) -> Account {
    let mut told = blank(trip, Status::Refused, Some(denied.code.into()));
    say(&mut told, &denied.text, &denied.hint);
    told.operator = Some(denied.operator);
    told.rule = denied.rules.into_iter().next();
    told.retry_after_ms = denied.retry_after_ms;
    nothing_ran(told)
}

/// An answer that was given before.
pub(super) fn repeated(trip: &Trip, recorded: Outcome) -> Account {
    let mut told = recorded;
    let first = std::mem::replace(&mut told.call, trip.call);
    told.run = trip.run;
    told.recorded = true;
    told.usage = Usage::default();
    told.attempts = 0;
    told.notices.push(format!(
        "This is the recorded answer of {first}; nothing ran again. To run it anew, send a new `toolgate/idempotency-key`."
    ));
    nothing_ran(told)
}

/// A failure of the host's own.
pub(super) fn host_failed(trip: &Trip, broken: HostFailed) -> Account {
    let mut told = blank(trip, Status::Failed, Some(broken.code.into()));
    let effect = if broken.effect_possible { "may_have_happened" } else { "none" };
    let text = match broken.code {
        HostError::LedgerUnavailable => "The host cannot write its ledger, so it runs nothing",
        HostError::Internal => "The host failed while it handled this call",
    };
    say(
        &mut told,
        &SafeText::of_host(&format!("{text} (effect: {effect}).")),
        &SafeText::of_host(stop_hint(broken.effect_possible)),
    );
    told.operator = Some(broken.operator);
    let ran = if broken.effect_possible { Told::UNKNOWN } else { Told::NOTHING };
    Account { told: ran, effect_possible: broken.effect_possible, ..nothing_ran(told) }
}

fn nothing_ran(outcome: Outcome) -> Account {
    Account { outcome, logs: Vec::new(), told: Told::NOTHING, effect_possible: false }
}

/// The outcome of a call in doubt that a person knows to have happened: what they say of its result.
pub fn known_to_have_happened(call: CallId, run: RunId, tool: &str, result: Value) -> Outcome {
    let text = result.to_string();
    Outcome {
        run: Some(run),
        call,
        tool: tool.to_owned(),
        output: Some(result),
        text,
        notices: vec!["A person has looked: the effect of this call happened.".to_owned()],
        ..bare(Status::Completed)
    }
}

/// Puts a stand-in where the result would be. What the call cost, found and failed with stays.
pub(super) fn stand_in(told: &mut Outcome, stand_in: StandIn) {
    let reason = told.reason.take().map_or_else(String::new, |reason| reason.as_str().to_owned());
    let happened = if told.status == Status::Refused { "was not called" } else { "failed" };
    let mut notice =
        format!("`{}` {happened} ({reason}); this is a stand-in ({}).", told.tool, stand_in.what);
    if let Some(say) = &stand_in.say {
        notice.push_str(&format!(" You may tell the user: {say}"));
    }
    told.notices.insert(0, notice);
    told.degraded = Some(Degraded { reason, fallback: stand_in.fallback.to_owned() });
    told.status = Status::Completed;
    told.hint = None;
    told.retry_after_ms = None;
    told.output = stand_in.output;
    told.text = stand_in.text;
    told.findings.extend(stand_in.findings);
    told.taint.extend(stand_in.taint);
    told.taint.dedup();
}

/// The ending could not be written: the answer is withheld, and says what may have happened.
pub(super) fn unrecorded(trip: &Trip, error: &LedgerError, effect_possible: bool) -> Outcome {
    host_failed(
        trip,
        HostFailed { code: HostError::LedgerUnavailable, operator: error.to_string(), effect_possible },
    )
    .outcome
}

fn stop_hint(effect_possible: bool) -> &'static str {
    if effect_possible {
        "Stop here and tell your operator; do not repeat the call, since its effect may have happened."
    } else {
        "Stop here and tell your operator; nothing was done."
    }
}

fn say(told: &mut Outcome, text: &SafeText, hint: &SafeText) {
    let reason = told.reason.map_or("", Reason::as_str);
    let stop = if text.as_str().ends_with(['.', '!', '?', '>', '\n']) { "" } else { "." };
    told.text = format!("{reason}: {}{stop} {}", text.as_str(), hint.as_str());
    told.hint = Some(hint.as_str().to_owned());
}

fn tokens(told: &Outcome, facts: &RanFacts) -> u64 {
    super::ask::tokens(told.text.len() as u64).min(facts.tokens_max.unwrap_or(u64::MAX))
}

fn spent(told: &mut Outcome, facts: RanFacts) -> Vec<LogLine> {
    told.usage = Usage {
        fuel: facts.measured.fuel,
        wall_us: 0,
        memory_bytes: facts.measured.memory_bytes,
        output_bytes: facts.output_bytes,
        host_calls: facts.measured.host_calls,
        cost_usd: facts.spent_micro_usd() as f64 / 1e6,
    };
    told.findings = facts.findings;
    told.taint = facts.taint;
    told.attempts = facts.attempts;
    facts.logs
}

/// The outcome of a call of which nothing is said yet.
pub(super) fn blank(trip: &Trip, status: Status, reason: Option<Reason>) -> Outcome {
    Outcome { run: trip.run, call: trip.call, tool: trip.tool.clone(), reason, ..bare(status) }
}

fn bare(status: Status) -> Outcome {
    Outcome {
        run: None,
        call: CallId::new(0, [0; 10]),
        tool: String::new(),
        status,
        reason: None,
        rule: None,
        hint: None,
        retry_after_ms: None,
        approval: None,
        output: None,
        text: String::new(),
        findings: Vec::new(),
        taint: Vec::new(),
        notices: Vec::new(),
        degraded: None,
        recorded: false,
        attempts: 0,
        usage: Usage::default(),
        operator: None,
    }
}
