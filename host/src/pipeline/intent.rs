//! Intent: what is one atomic step on the ledger: the guards' answer, the look-up of the idempotency key, and the
//! record that the call is about to run.
//!
//! Ends with every refusal of a guard, `needs_approval`, `conflict`, `key_mismatch`, `in_doubt` and `ledger_unavailable`. Not here: how
//! a guard decides (`guard/`). Invariant: nothing executes without an intent on the ledger, and what was begun
//! has an ending even when its future is dropped.

use super::decide::Permit;
use super::ending::{Denied, Ending};
use super::outcome;
use super::propose::ledger_failed;
use super::run::Trip;
use super::{approval, checkpoint};
use crate::call::{CallId, Denial, Fault, Outcome, Status};
use crate::gate::Host;
use crate::guard::event::{Hold, Steer};
use crate::guard::{Admission, Refusal};
use crate::ledger::{self, Durability, Effect, InFlight, Intent, LedgerError, Start, Told, Unapproved};
use crate::policy;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// When a call that waits for another one with the same key should ask again.
const CONFLICT_RETRY_AFTER_MS: u64 = 1_000;

/// A permit whose intent is on the ledger, with what the guards allow it to spend.
pub(super) struct Begun {
    permit: Permit,
    allowed: Hold,
}

impl Begun {
    pub(super) fn into_parts(self) -> (Permit, Hold) {
        (self.permit, self.allowed)
    }
}

/// Watches over the one ending of a started call: dropped before it, it records `cancelled`.
pub(super) struct Unended<'a> {
    host: &'a Host,
    started: Option<Started>,
}

/// What the ending of a started call needs.
pub(super) struct Started {
    cancelled: Outcome,
    pub(super) durability: Durability,
    pub(super) effect: Effect,
    pub(super) rules: Vec<String>,
    /// Whether the guest may have run.
    admitted: Arc<AtomicBool>,
}

impl<'a> Unended<'a> {
    pub(super) fn new(host: &'a Host) -> Self {
        Self { host, started: None }
    }

    /// The ending is being written: nothing is left to watch over.
    pub(super) fn take(&mut self) -> Option<Started> {
        self.started.take()
    }
}

impl Drop for Unended<'_> {
    fn drop(&mut self) {
        let (Some(started), Ok(runtime)) = (self.started.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let ran = started.admitted.load(Ordering::Relaxed);
        let ending = ledger::Ending {
            call: started.cancelled.call,
            outcome: started.cancelled,
            logs: Vec::new(),
            guards: Vec::new(),
            met: None,
            good: None,
            in_doubt: ran && !started.effect.repeatable(),
            told: if ran { Told::UNKNOWN } else { Told::NOTHING },
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

/// Asks the guards, looks the key up and writes the intent, all in one step.
pub(super) async fn intent(
    host: &Host,
    trip: &mut Trip,
    unended: &mut Unended<'_>,
    mut permit: Permit,
) -> Result<Begun, Ending> {
    let effect = effect(&permit);
    let durability = durability(permit.tool().policy.effect);
    let mut cancelled = outcome::blank(trip, Status::Failed, Some(Fault::Cancelled.into()));
    cancelled.text = "The caller gave up; the call was stopped.".to_owned();
    let (rules, admitted) = (permit.rules().to_vec(), Arc::clone(&trip.admitted));
    unended.started = Some(Started { cancelled, durability, effect, rules, admitted });
    loop {
        let asked = host.ledger.start(entry(host, trip, &permit, effect), durability).await;
        let started = asked.map(|asked| {
            trip.readings = asked.readings;
            asked.start
        });
        let end = match started {
            Ok(Start::Fresh(started)) => return Ok(begun(trip, permit, started.admission)),
            Ok(Start::InFlight(first)) => match wait(host, &permit, first).await {
                Ok(()) => {
                    // What the guards take for the present must not lie behind what has happened meanwhile.
                    permit.ask_at(host.seams.now_ms());
                    continue;
                }
                Err(end) => end,
            },
            Ok(Start::Refused(refusal))
                if refusal.code == Denial::BudgetExhausted && permit.ask_for_one_attempt() =>
            {
                // What is left may pay for one attempt, where it does not pay for all that the host would make.
                drop(refusal);
                continue;
            }
            Ok(Start::Refused(refusal)) => {
                hand_over(host, trip, &refusal).await;
                guarded(trip, *refusal).into()
            }
            Ok(Start::Unapproved(why)) => unapproved(host, trip, &permit, why),
            Ok(Start::Recorded(outcome)) => Ending::Recorded(outcome),
            Ok(Start::KeyMismatch { call }) => key_mismatch(call).into(),
            Ok(Start::InDoubt { call }) => in_doubt(call).into(),
            Err(error) => ledger_failed(&error),
        };
        unended.started = None;
        return Err(end);
    }
}

fn begun(trip: &mut Trip, permit: Permit, admission: Option<Admission>) -> Begun {
    let Some(admission) = admission else {
        let allowed = permit.ask().worst;
        return Begun { permit, allowed };
    };
    trip.notices.extend(admission.notices.iter().map(|notice| notice.text()));
    Begun { permit, allowed: admission.allowed }
}

fn unapproved(host: &Host, trip: &mut Trip, permit: &Permit, why: Unapproved) -> Ending {
    match permit.approval() {
        Some(ask) => {
            approval::unapproved(host, trip, ask, permit.tool(), why).by(permit.rules().to_vec()).into()
        }
        None => ledger_failed(&LedgerError::Closed),
    }
}

/// What the run has, for whoever goes on: the agent that may make no more calls, or the next one.
async fn hand_over(host: &Host, trip: &mut Trip, refusal: &Refusal) {
    let (Some(run), Denial::BudgetExhausted | Denial::CheckpointAndRefresh) = (trip.run, refusal.code) else {
        return;
    };
    match checkpoint(host, run).await {
        Ok(checkpoint) => {
            trip.notices.push(format!("What this run has so far: {}", checkpoint.value));
            trip.checkpoint = Some(checkpoint);
        }
        Err(error) => tracing::warn!(%run, "no checkpoint can be made: {error}"),
    }
}

/// A guard said no; what it does to the run is done once the refusal is recorded.
pub(super) fn guarded(trip: &mut Trip, refusal: Refusal) -> Denied {
    let why = refusal.why.sentence();
    let steer = match (refusal.halts, refusal.pauses) {
        (true, _) => Some(Steer::Halted(why)),
        (false, true) => Some(Steer::Paused(why)),
        (false, false) => None,
    };
    trip.steer = steer.map(|steer| (refusal.run, steer, format!("guard:{}", refusal.why.guard().as_str())));
    let denied =
        Denied::new(refusal.code, refusal.text(&trip.tool), refusal.hint(), refusal.operator(&trip.tool))
            .by(vec![format!("guard.{}", refusal.why.guard().as_str())]);
    match refusal.retry_after_ms {
        Some(ms) => denied.retry_after_ms(ms),
        None => denied,
    }
}

fn entry(host: &Host, trip: &Trip, permit: &Permit, effect: Effect) -> Intent {
    let tool = permit.tool();
    Intent {
        call: trip.call,
        run: permit.ask().run,
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
        approval: permit.approval().cloned(),
        ask: Some(permit.ask().clone()),
        at_ms: permit.ask().at_ms,
    }
}

async fn wait(host: &Host, permit: &Permit, first: InFlight) -> Result<(), Ending> {
    match host.ledger.await_ending(first, permit.tool().policy.limits.call_deadline).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(conflict(first.call).into()),
        Err(error) => Err(ledger_failed(&error)),
    }
}

/// What the records of a call with this effect must survive.
pub(super) fn durability(effect: policy::Effect) -> Durability {
    match effect {
        policy::Effect::ReadOnly => Durability::Committed,
        _ => Durability::Synced,
    }
}

/// What a repeat of this call may do. A tool that honors keys is of no help where nobody can send the same key again.
fn effect(permit: &Permit) -> Effect {
    match permit.tool().policy.effect {
        policy::Effect::ReadOnly => Effect::ReadOnly,
        policy::Effect::Idempotent => Effect::Idempotent,
        policy::Effect::Keyed if permit.has_own_key() => Effect::Once,
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
