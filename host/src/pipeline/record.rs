//! Record: the intent before, exactly one ending after; and the outcome that everybody reads.
//!
//! Ends with `conflict`, `key_mismatch`, `in_doubt` (the key is looked up in the same atomic step as the
//! intent) and `ledger_unavailable`. The only file that builds an [`Outcome`]. Invariant: nothing executes
//! without an intent on the ledger, and no answer is given before its ending is as durable as its effect asks.

use super::decide::Permit;
use super::ending::{Denied, Ending, Faulted, HostFailed, RanFacts};
use super::propose::ledger_failed;
use super::run::Trip;
use super::sanitize::{SafeResult, SafeText};
use crate::call::{CallId, CallMeta, Denial, Fault, HostError, Outcome, Reason, Status, Usage};
use crate::gate::Host;
use crate::ledger::{self, Durability, Effect, InFlight, Intent, LedgerError, LogLine, Refusal, Start};
use crate::policy;
use serde_json::Value;

/// When a call that waits for another one with the same key should ask again.
const CONFLICT_RETRY_AFTER_MS: u64 = 1_000;

/// Said with the failure of a call that must not be repeated.
const MAY_HAVE_HAPPENED: &str = "Its effect may have happened all the same: do not repeat the call before you have \
    found out with a read-only tool, or a person has.";

/// What goes on the ledger beside the call, as the agent said it.
#[derive(Debug, Default, Clone)]
pub(super) struct Note {
    pub(super) arguments: Option<Value>,
    thought: Option<String>,
    expected: Option<Value>,
    context: Option<Value>,
    traceparent: Option<String>,
}

impl Note {
    pub(super) fn of(meta: &CallMeta) -> Self {
        Self {
            arguments: None,
            thought: meta.thought.clone(),
            expected: meta.expected.clone(),
            context: meta.context.clone(),
            traceparent: meta.traceparent.clone(),
        }
    }
}

/// A permit whose intent is on the ledger.
pub(super) struct Opened(Permit);

impl Opened {
    pub(super) fn into_permit(self) -> Permit {
        self.0
    }
}

/// Watches over the one ending of a started call: dropped before it, it records `cancelled`.
pub(super) struct Unended<'a> {
    host: &'a Host,
    started: Option<Started>,
}

/// What the ending of a started call needs.
struct Started {
    cancelled: Outcome,
    durability: Durability,
    effect: Effect,
    rules: Vec<String>,
}

impl<'a> Unended<'a> {
    pub(super) fn new(host: &'a Host) -> Self {
        Self { host, started: None }
    }
}

impl Drop for Unended<'_> {
    fn drop(&mut self) {
        let (Some(started), Ok(runtime)) = (self.started.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let ending = ledger::Ending {
            call: started.cancelled.call,
            outcome: started.cancelled,
            logs: Vec::new(),
            in_doubt: !started.effect.repeatable(),
            at_ms: self.host.seams.now_ms(),
        };
        let ledger = self.host.ledger.clone();
        // The call may have been dropped before its intent was written: then there is nothing to end.
        runtime.spawn(async move {
            if let Err(error) = ledger.end(ending, started.durability).await {
                tracing::debug!(%error, "a cancelled call had nothing to end");
            }
        });
    }
}

/// Writes the intent, and looks the idempotency key up in the same step.
pub(super) async fn intent(
    host: &Host,
    trip: &Trip,
    unended: &mut Unended<'_>,
    permit: Permit,
) -> Result<Opened, Ending> {
    let effect = effect(permit.tool().policy.effect);
    let durability = if effect == Effect::ReadOnly { Durability::Committed } else { Durability::Synced };
    let mut cancelled = outcome(trip, Status::Failed, Some(Fault::Cancelled.into()));
    cancelled.text = "The caller gave up; the call was stopped.".to_owned();
    unended.started = Some(Started { cancelled, durability, effect, rules: permit.rules().to_vec() });
    loop {
        let started = host.ledger.start(entry(host, trip, &permit, effect), durability).await;
        let end = match started {
            Ok(Start::Fresh(_)) => return Ok(Opened(permit)),
            Ok(Start::InFlight(first)) => match wait(host, &permit, first).await {
                Ok(()) => continue,
                Err(end) => end,
            },
            Ok(Start::Recorded(outcome)) => Ending::Recorded(outcome),
            Ok(Start::KeyMismatch { call }) => key_mismatch(call).into(),
            Ok(Start::InDoubt { call }) => in_doubt(call).into(),
            Err(error) => ledger_failed(&error),
        };
        unended.started = None;
        return Err(end);
    }
}

/// Writes how the call ended and gives the outcome.
pub(super) async fn record(
    host: &Host,
    trip: &Trip,
    mut unended: Unended<'_>,
    ended: Result<SafeResult, Ending>,
) -> Outcome {
    let started = unended.started.take();
    let (mut outcome, mut logs, effect_possible) = match ended {
        Ok(safe) => completed(trip, safe),
        Err(Ending::Faulted(faulted)) => failed(trip, *faulted),
        Err(Ending::Denied(denied)) => (refused(trip, denied), Vec::new(), false),
        Err(Ending::Recorded(recorded)) => (repeated(trip, *recorded), Vec::new(), false),
        Err(Ending::Host(broken)) => {
            let effect_possible = broken.effect_possible;
            (host_failed(trip, broken), Vec::new(), effect_possible)
        }
    };
    if outcome.rule.is_none() {
        outcome.rule = started.as_ref().and_then(|started| started.rules.first().cloned());
    }
    outcome.usage.wall_us = u64::try_from(trip.started.elapsed().as_micros()).unwrap_or(u64::MAX);
    logs.extend(notes(trip, &outcome));
    let written = match started {
        Some(started) => {
            let in_doubt =
                outcome.status == Status::Failed && effect_possible && !started.effect.repeatable();
            if in_doubt {
                outcome.notices.push(MAY_HAVE_HAPPENED.to_owned());
            }
            let ending = ledger::Ending {
                call: trip.call,
                outcome: outcome.clone(),
                logs,
                in_doubt,
                at_ms: host.seams.now_ms(),
            };
            host.ledger.end(ending, started.durability).await.map(drop)
        }
        None => refuse(host, trip, &outcome, logs).await,
    };
    match written {
        Ok(()) => outcome,
        Err(error) => unrecorded(trip, &error, effect_possible || outcome.status == Status::Completed),
    }
}

/// One record for a proposal that never started. Without a run there is nothing to record it under.
async fn refuse(host: &Host, trip: &Trip, outcome: &Outcome, logs: Vec<LogLine>) -> Result<(), LedgerError> {
    let (Some(run), true) = (trip.run, outcome.reason != Some(HostError::LedgerUnavailable.into())) else {
        return Ok(());
    };
    let refusal = Refusal {
        call: trip.call,
        run,
        tool: trip.tool.clone(),
        arguments: trip.note.arguments.clone(),
        policy_digest: host.policy.digest,
        rules: outcome.rule.iter().cloned().collect(),
        thought: trip.note.thought.clone(),
        expected: trip.note.expected.clone(),
        context: trip.note.context.clone(),
        traceparent: trip.note.traceparent.clone(),
        outcome: outcome.clone(),
        logs,
        at_ms: host.seams.now_ms(),
    };
    host.ledger.refuse(refusal).await.map(drop)
}

/// What the operator wants to read beside the call; the agent never sees it.
fn notes(trip: &Trip, outcome: &Outcome) -> impl Iterator<Item = LogLine> {
    let line = |level: &str, text: String| LogLine { level: level.to_owned(), text };
    let operator =
        outcome.operator.as_deref().map(|text| line("operator", crate::sanitizer::clean_line(text)));
    operator.into_iter().chain([line("stages", trip.stages.to_string())])
}

fn entry(host: &Host, trip: &Trip, permit: &Permit, effect: Effect) -> Intent {
    let tool = permit.tool();
    Intent {
        call: trip.call,
        // Propose found the run before anything else; a call without one never gets a permit.
        run: trip.run.unwrap_or_else(|| crate::call::RunId::new(0, [0; 10])),
        principal: host.policy.host.principal.clone(),
        tool: tool.card.name.clone(),
        arguments: permit.arguments().clone(),
        arguments_digest: permit.arguments_digest(),
        key: permit.key().map(str::to_owned),
        effect,
        attempt: 1,
        policy_digest: host.policy.digest,
        component_digest: tool.component_digest,
        rules: permit.rules().to_vec(),
        thought: trip.note.thought.clone(),
        expected: trip.note.expected.clone(),
        context: trip.note.context.clone(),
        traceparent: trip.note.traceparent.clone(),
        at_ms: u64::try_from(trip.started_unix.as_millis()).unwrap_or(u64::MAX),
    }
}

async fn wait(host: &Host, permit: &Permit, first: InFlight) -> Result<(), Ending> {
    match host.ledger.await_ending(first, permit.tool().policy.limits.call_deadline).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(conflict(first.call).into()),
        Err(error) => Err(ledger_failed(&error)),
    }
}

fn effect(effect: policy::Effect) -> Effect {
    match effect {
        policy::Effect::ReadOnly => Effect::ReadOnly,
        policy::Effect::Idempotent => Effect::Idempotent,
        policy::Effect::Keyed => Effect::Keyed,
        policy::Effect::Once => Effect::Once,
    }
}

fn conflict(first: CallId) -> Denied {
    let text = "The same call is still running.";
    let hint = "Wait, then send it again with the same idempotency key to get its answer.";
    Denied::new(
        Denial::Conflict,
        text,
        hint,
        format!("{first} holds the idempotency key and is still running"),
    )
    .retry_after_ms(CONFLICT_RETRY_AFTER_MS)
}

fn key_mismatch(first: CallId) -> Denied {
    let text = "This idempotency key was used before, with other arguments.";
    let hint = "Use a new key for a new call; the same key only to repeat the very same one.";
    Denied::new(Denial::KeyMismatch, text, hint, format!("{first} bound the key to other arguments"))
}

fn in_doubt(first: CallId) -> Denied {
    let text =
        "An earlier call like this one started and is not known to have ended: its effect may have happened.";
    let hint =
        "Do not try again. Find out with a read-only tool whether it happened, or tell the user to check.";
    Denied::new(Denial::InDoubt, text, hint, format!("{first} is in doubt; `toolgate trace` shows it"))
}

type Told = (Outcome, Vec<LogLine>, bool);

fn completed(trip: &Trip, safe: SafeResult) -> Told {
    let (output, text, truncated, facts) = safe.into_parts();
    let mut told = outcome(trip, Status::Completed, None);
    told.output = Some(output);
    told.text = text;
    if truncated {
        told.notices.push("The result was cut to its size limit.".to_owned());
    }
    let logs = spent(&mut told, facts);
    (told, logs, true)
}

fn failed(trip: &Trip, faulted: Faulted) -> Told {
    let mut told = outcome(trip, Status::Failed, Some(faulted.code.into()));
    say(&mut told, &faulted.text, &faulted.hint);
    told.operator = Some(faulted.operator);
    told.retry_after_ms = faulted.retry_after_ms;
    // A guest that never got to run cannot have done anything.
    let ran = faulted.ran.measured.fuel > 0;
    let logs = spent(&mut told, faulted.ran);
    (told, logs, ran && faulted.effect_possible)
}

fn refused(trip: &Trip, denied: Denied) -> Outcome {
    let mut told = outcome(trip, Status::Refused, Some(denied.code.into()));
    say(&mut told, &denied.text, &denied.hint);
    told.operator = Some(denied.operator);
    told.rule = denied.rules.into_iter().next();
    told.retry_after_ms = denied.retry_after_ms;
    told
}

fn repeated(trip: &Trip, recorded: Outcome) -> Outcome {
    let mut told = recorded;
    let first = std::mem::replace(&mut told.call, trip.call);
    told.run = trip.run;
    told.recorded = true;
    told.usage = Usage::default();
    told.attempts = 0;
    told.notices.push(format!(
        "This is the recorded answer of {first}; nothing ran again. To run it anew, send a new `toolgate/idempotency-key`."
    ));
    told
}

fn host_failed(trip: &Trip, broken: HostFailed) -> Outcome {
    let mut told = outcome(trip, Status::Failed, Some(broken.code.into()));
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
    told
}

/// The ending could not be written: the answer is withheld, and says what may have happened.
fn unrecorded(trip: &Trip, error: &LedgerError, effect_possible: bool) -> Outcome {
    host_failed(
        trip,
        HostFailed { code: HostError::LedgerUnavailable, operator: error.to_string(), effect_possible },
    )
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

fn spent(told: &mut Outcome, facts: RanFacts) -> Vec<LogLine> {
    told.usage = Usage {
        fuel: facts.measured.fuel,
        wall_us: 0,
        memory_bytes: facts.measured.memory_bytes,
        output_bytes: facts.output_bytes,
        host_calls: facts.measured.host_calls,
        cost_usd: facts.measured.charged_micro_usd as f64 / 1e6,
    };
    told.findings = facts.findings;
    told.taint = facts.taint;
    told.attempts = 1;
    facts.logs
}

fn outcome(trip: &Trip, status: Status, reason: Option<Reason>) -> Outcome {
    Outcome {
        run: trip.run,
        call: trip.call,
        tool: trip.tool.clone(),
        status,
        reason,
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
