//! Course: a refusal in a run that was halted or is over says that before anything else.
//!
//! The guards say it too, but they are asked last: what is no call, or what the policy denies, never gets to them. Not
//! here: halting (`ledger/`), and what is said by the refusal that halts (`record`). Invariant: an agent whose run is
//! over is told to stop, whatever it asks; and what it asks is written only as long as its run has proposals.

use super::ending::{Denied, Ending};
use super::intent;
use super::run::Trip;
use crate::call::Denial;
use crate::gate::Host;
use crate::guard::GuardName;

/// How a call ended, once the course of its run is known too.
pub(super) async fn first<T>(host: &Host, trip: &mut Trip, ended: Result<T, Ending>) -> Result<T, Ending> {
    let (Some(run), Err(Ending::Denied(denied))) = (trip.run, &ended) else { return ended };
    let is_before_the_guards = is_before_the_guards(denied);
    if !is_before_the_guards && !denied.is_of(GuardName::Course) {
        return ended;
    }
    // Where the ledger cannot say, the record of the refusal will fail, and that is told.
    let Ok(Some(standing)) = host.run_standing(run).await else { return ended };
    match standing.stands {
        Some(refusal) if refusal.code == Denial::RunHalted => {
            trip.unwritten = standing.usage.proposals >= host.policy.run.guards.budgets.proposals;
            if is_before_the_guards { Err(intent::guarded(trip, refusal).into()) } else { ended }
        }
        _ => ended,
    }
}

/// Refusals of propose, validate and decide that the agent could go on after.
fn is_before_the_guards(denied: &Denied) -> bool {
    matches!(
        denied.code,
        Denial::Malformed
            | Denial::TooLarge
            | Denial::UnknownTool
            | Denial::ComponentChanged
            | Denial::InvalidArguments
            | Denial::MissingContext
            | Denial::DeniedByPolicy
    )
}
