//! Record: exactly one ending after the intent, or one record for a call that never started.
//!
//! Ends with `ledger_unavailable`. Not here: the intent (`intent`) and how an ending is told (`outcome`). Invariant: no
//! answer is given before its ending is as durable as its effect asks.

use super::ending::Ending;
use super::expectation;
use super::intent::Unended;
use super::outcome::{self, Account};
use super::run::Trip;
use super::sanitize::SafeResult;
use crate::call::{HostError, Outcome, RunId, Status};
use crate::gate::Host;
use crate::guard::Notice;
use crate::guard::event::Steer;
use crate::ledger::{self, LedgerError, LogLine, Refusal, Steering};
use serde_json::{Value, json};

/// Bytes of a refused call's arguments that are recorded.
const REFUSED_ARGUMENTS_MAX: usize = 16 * 1024;

/// Writes how the call ended and gives the outcome.
pub(super) async fn record(
    host: &Host,
    trip: &mut Trip,
    mut unended: Unended<'_>,
    ended: Result<SafeResult, Ending>,
) -> Outcome {
    let started = unended.take();
    let Account { mut outcome, mut logs, told, effect_possible } = match ended {
        Ok(safe) => outcome::completed(trip, safe),
        Err(Ending::Faulted(faulted)) => outcome::failed(trip, *faulted),
        Err(Ending::Denied(denied)) => outcome::refused(trip, denied),
        Err(Ending::Recorded(recorded)) => outcome::repeated(trip, *recorded),
        Err(Ending::Host(broken)) => outcome::host_failed(trip, broken),
    };
    let failed = outcome.status == Status::Failed;
    if let Some(stand_in) = trip.stand_in.take() {
        outcome::stand_in(&mut outcome, stand_in);
    }
    if outcome.rule.is_none() {
        outcome.rule = started.as_ref().and_then(|started| started.rules.first().cloned());
    }
    outcome.approval = trip.approval.take();
    if let Some(checkpoint) = trip.checkpoint.take() {
        outcome.output = Some(checkpoint.value);
        outcome.taint.extend(checkpoint.taint);
    }
    outcome.notices.append(&mut trip.notices);
    outcome.usage.wall_us = u64::try_from(trip.started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let given = outcome.output.as_ref().filter(|_| outcome.status == Status::Completed);
    let expected = trip.note.expected.as_ref().zip(given);
    let met = expected.and_then(|(expected, output)| expectation::met(expected, output));
    logs.extend(notes(trip, &outcome));
    let only_read = started.as_ref().is_some_and(|started| started.effect == ledger::Effect::ReadOnly);
    let written = match started {
        Some(started) => {
            let in_doubt = failed && effect_possible && !started.effect.repeatable();
            if in_doubt {
                outcome.notices.push(outcome::MAY_HAVE_HAPPENED.to_owned());
            }
            let ending = ledger::Ending {
                call: trip.call,
                outcome: outcome.clone(),
                logs,
                guards: std::mem::take(&mut trip.readings),
                met,
                good: trip.good.filter(|_| outcome.status == Status::Completed && outcome.degraded.is_none()),
                in_doubt,
                told,
                at_ms: host.seams.now_ms(),
            };
            host.ledger.end(ending, started.durability).await.map(drop)
        }
        None => refuse(host, trip, &mut outcome, logs, met).await,
    };
    match written {
        Ok(()) => outcome,
        Err(error) => {
            let ran = effect_possible || outcome.status == Status::Completed;
            outcome::unrecorded(trip, &error, ran && !only_read)
        }
    }
}

/// One record for a proposal that never started, and what it does to its run. Without a run there is nothing to
/// record it under. That it halted its run has a record of its own; the agent is told beside its answer.
async fn refuse(
    host: &Host,
    trip: &mut Trip,
    outcome: &mut Outcome,
    logs: Vec<LogLine>,
    met: Option<bool>,
) -> Result<(), LedgerError> {
    let written = !trip.unwritten && outcome.reason != Some(HostError::LedgerUnavailable.into());
    let (Some(run), true) = (trip.run, written) else {
        return Ok(());
    };
    let at_ms = host.seams.now_ms();
    let steer = trip.steer.take().map(|(run, steer, by)| Steering { run, steer, by, note: None, at_ms });
    let refusal = Refusal {
        call: trip.call,
        run,
        tool: trip.tool.clone(),
        arguments: kept_arguments(trip),
        policy_digest: host.policy.digest,
        rules: outcome.rule.iter().cloned().collect(),
        thought: trip.note.thought.clone(),
        expected: trip.note.expected.clone(),
        context: trip.note.context.clone(),
        traceparent: trip.note.traceparent.clone(),
        outcome: outcome.clone(),
        logs,
        readings: std::mem::take(&mut trip.readings),
        met,
        fingerprint: trip.fingerprint,
        guards: Some(host.policy.run.guards.clone()),
        steer: steer.clone(),
        approval: trip.asked.take(),
        at_ms,
    };
    let refused = host.ledger.refuse(refusal).await?;
    if let Some(steering) = &steer {
        tell_operator(steering.run, &steering.steer);
    }
    if let Some((halted, why)) = refused.overrun {
        outcome.notices.push(Notice::Halted { inherited: halted != run }.text());
        tell_operator(halted, &Steer::Halted(why));
    }
    Ok(())
}

/// The arguments of a refused call. Large ones are kept only where a person is asked to look at them: a run that is
/// refused again and again must not fill the disk.
fn kept_arguments(trip: &Trip) -> Option<Value> {
    let arguments = trip.note.arguments.as_ref()?;
    let bytes = arguments.to_string().len();
    if bytes <= REFUSED_ARGUMENTS_MAX || trip.asked.is_some() {
        return Some(arguments.clone());
    }
    Some(json!({ "toolgate/omitted_bytes": bytes }))
}

/// A guard has stopped a run: somebody must learn of it who can do something.
fn tell_operator(run: RunId, steer: &Steer) {
    match steer {
        Steer::Halted(why) => tracing::error!(%run, "a guard halted the run: {why}"),
        Steer::Paused(why) => tracing::warn!(%run, "a guard paused the run for a person: {why}"),
        _ => {}
    }
}

/// What the operator wants to read beside the call; the agent never sees it.
fn notes(trip: &Trip, outcome: &Outcome) -> impl Iterator<Item = LogLine> {
    let line = |level: &str, text: String| LogLine { level: level.to_owned(), text };
    let operator =
        outcome.operator.as_deref().map(|text| line("operator", crate::sanitizer::clean_line(text)));
    operator.into_iter().chain([line("stages", trip.stages.to_string())])
}
